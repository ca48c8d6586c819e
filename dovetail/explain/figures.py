"""Figures and words about one kernel: operations, bytes, layouts, what its schedule does."""

from collections.abc import Sequence
from math import prod

from xdsl.dialects import func
from xdsl.dialects.builtin import AnyFloat, FloatAttr, IntegerAttr, MemRefType
from xdsl.ir import Attribute, Operation
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
)
from xdsl.utils.arg_spec import ArgSpec, parse_pipeline

from dialects import te
from dialects.layout import layout_of, logical_shape, symbolic_extents
from passes.loop.plan_memory import bytes_of

MOVES = ("arith.constant", "arith.select", "arith.bitcast", "arith.extf", "arith.truncf")
"""Scalar ops with a float result that are no arithmetic."""


def float_operations(function: func.FuncOp) -> int | None:
    """The arithmetic of a function of tensor expressions; None if its sizes are symbolic."""
    total = 0
    for op in function.walk():
        if isinstance(op, te.ComputeOp):
            extents = op.extent_names()
            sizes = [extent for extent in extents if isinstance(extent, int)]
            if len(sizes) < len(extents):
                return None
            step = sum(1 for inner in op.body.walk() if is_arithmetic(inner))
            total += prod(sizes) * (step + (op.reducer is not None))
    return total


def is_arithmetic(op: Operation) -> bool:
    """Whether an op computes a float from floats."""
    floats = bool(op.results) and all(isinstance(r.type, AnyFloat) for r in op.results)
    return floats and op.name.startswith(("arith.", "math.")) and op.name not in MOVES


def argument_bytes(function: func.FuncOp) -> int | None:
    """The bytes of the buffers that a kernel gets; None if their sizes are symbolic."""
    types = [a.type for a in function.body.block.args if isinstance(a.type, MemRefType)]
    if any(symbolic_extents(type) for type in types):
        return None
    return sum(bytes_of(type) for type in types)


def layout_words(type: Attribute) -> str:
    """A layout in words: `d1 in blocks of 16, innermost; 1 + 1 cells around d2, d3 hold 0`."""
    layout = layout_of(type)
    if layout is None or layout.is_identity:
        return "row-major"
    words: list[str] = []
    results = layout.map.data.results
    logical = logical_shape(type)
    halos: dict[str, list[str]] = {}
    order: list[str] = []
    for place, (expr, extent) in enumerate(zip(results, layout.physical, strict=True)):
        dim = first_dim(expr)
        if dim is None:
            words.append(f"physical dimension {place} is {expr}")
            continue
        name, kind, number = f"d{dim}", *shape_of_place(expr)
        order.append(f"{name} mod {number}" if kind == "mod" else name)
        if kind == "mod":
            last = ", innermost" if place == len(results) - 1 else ""
            words.append(f"{name} in blocks of {number}{last}")
        size = logical[dim]
        if kind == "shift" and isinstance(size, int) and isinstance(extent, int):
            after = extent - size - number
            if number or after:
                halos.setdefault(f"{number} + {after}", []).append(name)
    for cells, names in halos.items():
        words.append(f"{cells} cells around {', '.join(names)}{pad_words(layout.pad)}")
    return "; ".join(words) or f"order {', '.join(order)}"


def pad_words(pad: Attribute) -> str:
    """What the cells of a halo hold."""
    if isinstance(pad, FloatAttr | IntegerAttr):
        return f" hold {pad.value.data:g}"
    return ""


def first_dim(expr: AffineExpr) -> int | None:
    """The one dimension that an expression uses."""
    dims = {e.position for e in expr.dfs() if isinstance(e, AffineDimExpr)}
    return dims.pop() if len(dims) == 1 else None


def shape_of_place(expr: AffineExpr) -> tuple[str, int]:
    """`mod`, `div` or `shift`, and its number, for the expressions that layouts are made of."""
    match expr:
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Mod, rhs=AffineConstantExpr(value=number)):
            return "mod", number
        case AffineBinaryOpExpr(
            kind=AffineBinaryOpKind.FloorDiv, rhs=AffineConstantExpr(value=number)
        ):
            return "div", number
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Add, rhs=AffineConstantExpr(value=number)):
            return "shift", number
        case _:
            return "shift", 0


SUMMARY = (
    ("parallelize-loop", "loop", "parallel {}"),
    ("vectorize-loop", "loop", "vector {}"),
    ("unroll-loop", "loop", "unrolled {}"),
    ("reverse-compute-at", "block", "{} in its epilogue"),
    ("peel-loop", "loop", "peeled {}"),
)
"""The primitives that a summary names, the option with the name, and the words."""


def schedule_summary(schedule: str) -> str:
    """What a schedule does, in a line."""
    steps = list(parse_pipeline(schedule)) if schedule else []
    words: list[str] = []
    for primitive, option, text in SUMMARY:
        names = [argument(step, option) for step in steps if step.name == primitive]
        if names:
            words.append(text.format(" ".join(dict.fromkeys(names))))
    registers = [
        argument(step, "buffer")
        for step in steps
        if step.name == "promote-memory-scope" and argument(step, "scope") == "register"
    ]
    if registers:
        words.append(f"{' '.join(dict.fromkeys(registers))} in registers")
    return "; ".join(words) or ("as lowered" if not steps else f"{len(steps)} primitives")


def argument(step: ArgSpec, name: str) -> str:
    """An option of a primitive, as text."""
    values: Sequence[object] = step.parameters.get(name, ())
    return " ".join(str(value) for value in values)
