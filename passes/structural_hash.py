"""The structural hash: two functions have the same one if they differ in names and places only.

SHA-256 of the function in MLIR's generic form, without locations and name hints, with the names of
the function, of computations, loops, blocks and axes replaced by numbers in program order, without
visibility, which says who may name the function, and with attributes sorted. What is hashed begins
with the version of this format.
"""

import hashlib
from io import StringIO

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Attribute, Operation
from xdsl.printer import Printer

FORMAT = 2

NAMES = ("block_name", "compute_name", "loop_name", "sym_name")
"""The properties that only name things."""

VISIBILITY = "sym_visibility"

LISTS = ("axes",)
"""The properties that are lists of names."""


Numbers = dict[str, dict[str, int]]
"""The number of each name, for each property apart: an axis may be called like a computation."""


def numbered(attributes: dict[str, Attribute], numbers: Numbers) -> dict[str, Attribute]:
    """Attributes in order of their keys, names replaced by numbers."""

    def number(key: str, name: StringAttr) -> StringAttr:
        known = numbers.setdefault(key, {})
        return StringAttr(f"n{known.setdefault(name.data, len(known))}")

    result: dict[str, Attribute] = {}
    for key in sorted(attributes):
        value = attributes[key]
        if key == VISIBILITY:
            continue
        if key in NAMES and isinstance(value, StringAttr):
            value = number(key, value)
        elif key in LISTS and isinstance(value, ArrayAttr):
            value = ArrayAttr([number(key, n) for n in value if isinstance(n, StringAttr)])
        result[key] = value
    return result


def canonical_text(function: func.FuncOp) -> str:
    """The text that is hashed."""
    clone = function.clone()
    numbers: Numbers = {}
    op: Operation
    for op in clone.walk():
        op.properties = numbered(op.properties, numbers)
        op.attributes = numbered(op.attributes, numbers)
        for value in op.results:
            value.name_hint = None
        for region in op.regions:
            for block in region.blocks:
                for argument in block.args:
                    argument.name_hint = None
    out = StringIO()
    Printer(stream=out, print_generic_format=True).print_op(clone)
    clone.erase()
    return out.getvalue()


def structural_hash(function: func.FuncOp) -> str:
    """The hash, as hexadecimal digits."""
    return hashlib.sha256(f"{FORMAT}\n{canonical_text(function)}".encode()).hexdigest()
