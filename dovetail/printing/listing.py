"""What all listings share: lines, names, and the forms that dialects have for their operations.

A listing is a function or module as a short Python-like text. Each dialect has a table from its
operations to the functions that list them; an operation in none of them becomes a comment.
"""

import keyword
import re
from collections.abc import Callable, Hashable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from xdsl.dialects.builtin import Float32Type, MemRefType, TensorType
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.ir.affine import AffineMap

from analysis.affine import Affine, Interval, from_expression
from dialects import loop, te
from dialects.layout import logical_shape
from dovetail.printing.expressions import Expression, atom
from passes.loop.forms import index_operands

WORDS = frozenset(
    {
        *keyword.kwlist,
        *("abs", "cross", "max", "min", "range", "sum", "prod", "parallel", "unrolled"),
        *("vectorized", "vthread", "thread_group", "thread_item", "prefetch"),
    }
)
"""What a listing says itself, and so cannot be the name of a value."""

Form = Callable[["Listing", Any], None]


@dataclass
class Names:
    """The names of values; those that are given below a scope end with it."""

    known: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    taken: set[str] = field(default_factory=set[str])

    def define(self, value: SSAValue, wish: str | None) -> str:
        """Give a value the name wished for, with a number if another one has it."""
        self.known[value] = name = self.fresh(wish)
        return name

    def fresh(self, wish: str | None) -> str:
        """A name that no value in sight has."""
        base = identifier(wish or "t")
        name, number = base, 0
        while name in self.taken:
            number += 1
            name = f"{base}_{number}"
        self.taken.add(name)
        return name

    def inner(self) -> "Names":
        """The names in a scope inside this one."""
        return Names(dict(self.known), set(self.taken))


def identifier(text: str) -> str:
    """The name of Python that is most like a text."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    if name[:1].isdigit():
        name = f"_{name}"
    return f"{name}_" if name in WORDS else name


@dataclass
class Listing:
    """The text that grows line by line, and what is known at the line that comes next."""

    forms: Mapping[type[Operation], Form]
    lines: list[str] = field(default_factory=list[str])
    depth: int = 0
    names: Names = field(default_factory=Names)
    loops: list[loop.ForOp] = field(default_factory=list[loop.ForOp])
    ranges: dict[Hashable, Interval] = field(default_factory=dict[Hashable, Interval])
    """What is known of the values that indices are made of."""
    fixed: dict[Hashable, Affine] = field(default_factory=dict[Hashable, Affine])
    """The variables of loops that run once, and what they are."""
    inits: set[Operation] = field(default_factory=set[Operation])
    """The roots of nests that init regions were made into, for this listing only."""

    def line(self, text: str, *comments: str) -> None:
        """Add a line; comments that are empty are not there."""
        said = "; ".join(c for c in comments if c)
        indented = "    " * self.depth + text
        self.lines.append(f"{indented}  # {said}" if said else indented)

    @contextmanager
    def indented(self, header: str, *comments: str):
        """What is added inside stands below a header, and its names end with it."""
        self.line(header, *comments)
        outer, self.names = self.names, self.names.inner()
        self.depth += 1
        start = len(self.lines)
        yield
        if len(self.lines) == start:
            self.line("pass")
        self.depth -= 1
        self.names = outer

    def block(self, block: Block) -> None:
        """List the operations of a block."""
        for op in block.ops:
            self.operation(op)

    def operation(self, op: Operation) -> None:
        """List one operation; what has no form here is a comment."""
        form = self.forms.get(type(op))
        if form is None:
            self.comment(op)
        else:
            form(self, op)

    def comment(self, op: Operation) -> None:
        """An operation that has no form, in one line; its results have names."""
        results = [self.names.define(r, r.name_hint) for r in op.results]
        operands = ", ".join(self.value(v) for v in op.operands)
        left = f"{', '.join(results)} = " if results else ""
        self.line(f"# {left}{op.name}({operands}){' { ... }' if op.regions else ''}")

    def value(self, value: SSAValue) -> str:
        """The name of a value."""
        if isinstance(value.owner, loop.DimOp | te.DimOp):
            return identifier(value.owner.symbol.data)
        if value not in self.names.known:
            self.names.define(value, value.name_hint)
        return self.names.known[value]

    def form(self, value: SSAValue) -> Affine:
        """An index value as a form."""
        return self.fixed.get(value, Affine.variable(value))

    def forms_of(self, op: Operation, name: str) -> list[Affine]:
        """One map of an operation that sees loops, as forms."""
        map: AffineMap = op.properties[name].data  # pyright: ignore[reportAttributeAccessIssue]
        dims = [self.form(v) for v in index_operands(op)]
        return [from_expression(e, dims, self.ranges) for e in map.results]

    def enter(self, op: loop.ForOp) -> tuple[Affine, Affine]:
        """Note what is known of a loop's variable in the loop; returns the bounds."""
        low, high = self.forms_of(op, "lower")[0], self.forms_of(op, "upper")[0]
        top = high.interval(self.ranges)[1]
        self.ranges[op.induction] = (low.interval(self.ranges)[0], None if top is None else top - 1)
        if high - low == Affine({}, 1):
            self.fixed[op.induction] = low
        self.loops.append(op)
        return low, high

    def atom(self, value: Hashable) -> Expression:
        """The name of what stands in an index."""
        assert isinstance(value, SSAValue)
        return atom(self.value(value))


def type_text(type: Attribute) -> str:
    """`f32[64, n]` for a tensor or memref, `f32` for a scalar."""
    if isinstance(type, TensorType | MemRefType):
        shape = shape_text(type)
        return f"{type.element_type}[{shape}]" if shape else str(type.element_type)
    return str(type)


def shape_text(type: Attribute) -> str:
    """The logical extents of a tensor or memref."""
    sizes = (e if isinstance(e, int) else identifier(e) for e in logical_shape(type))
    return ", ".join(str(size) for size in sizes)


def element_comment(type: Attribute) -> str:
    """The element type, where it is not the usual one."""
    assert isinstance(type, TensorType | MemRefType)
    return "" if isinstance(type.element_type, Float32Type) else str(type.element_type)
