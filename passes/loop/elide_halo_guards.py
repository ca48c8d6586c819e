"""elide-halo-guards: a read of padding that lies in memory needs no test.

    load X[c, h + kh - 1] where (h + kh - 1 >= 0, 55 - h - kh >= 0) else 0    ->    load X[...]

A guarded read whose guard is exactly that the coordinates are inside the logical shape, whose
value elsewhere is the layout's pad value, and whose every coordinate lands inside the physical
extents reads the halo instead. Whoever allocates the buffer has filled the halo.

Takes and leaves functions of loops; it stands before any loop is split, where variables still
range over their whole domains.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import AffineMapAttr, ModuleOp, NoneAttr
from xdsl.ir.affine import AffineMap
from xdsl.passes import ModulePass

from analysis.affine import Affine, Interval, from_expression
from dialects import loop
from dialects.layout import layout_of, logical_shape
from passes.loop.forms import coordinates, forms_of
from passes.loop.primitive import block_of


def domain_ranges(block: loop.BlockOp) -> dict[Hashable, Interval]:
    """The intervals of a block's variables, from their domains."""
    ranges: dict[Hashable, Interval] = {}
    for variable, domain in zip(block.variables, forms_of(block, "domains"), strict=True):
        ranges[variable] = (0, domain.const - 1 if domain.is_constant else None)
    return ranges


def runs_along(block: loop.BlockOp, place: Affine, symbol: str) -> bool:
    """Whether a coordinate is a variable that ranges over a symbolic dimension."""
    for variable, domain in zip(block.variables, forms_of(block, "domains"), strict=True):
        if place == Affine.variable(variable):
            return any(
                isinstance(dim.owner, loop.DimOp)
                and dim.owner.symbol.data == symbol
                and domain == Affine.variable(dim)
                for dim in block.outer
            )
    return False


def guards_the_domain(op: loop.LoadOp) -> bool:
    """Whether the guard of a load says no more than that the element is in the logical shape."""
    bounds: list[Affine] = []
    for place, size in zip(coordinates(op), logical_shape(op.memref.type), strict=True):
        bounds += [place, *([place * -1 + (size - 1)] if isinstance(size, int) else [])]
    indices = [Affine.variable(v) for v in op.indices]
    guards = [from_expression(e, indices, {}) for e in op.where.data.results]
    return all(guard in bounds for guard in guards)


def reads_only_halo(op: loop.LoadOp) -> bool:
    """Whether the guard of a load keeps it from nothing but halo cells."""
    layout = layout_of(op.memref.type)
    value = None if op.otherwise is None else op.otherwise.owner
    if (
        layout is None
        or isinstance(layout.pad, NoneAttr)
        or not isinstance(value, arith.ConstantOp)
    ):
        return False
    if value.value != layout.pad:
        return False
    ranges = domain_ranges(block_of(op))
    places = coordinates(op)
    if not guards_the_domain(op):
        return False
    for expr, extent in zip(layout.map.data.results, layout.physical, strict=True):
        place = from_expression(expr, places, ranges)
        if isinstance(extent, str) and runs_along(block_of(op), place, extent):
            continue
        low, high = place.interval(ranges)
        if low is None or high is None or not isinstance(extent, int):
            return False
        if low < 0 or high >= extent:
            return False
    return True


def drop_guard(op: loop.LoadOp) -> None:
    """Make a guarded load a plain one."""
    plain = loop.LoadOp(op.memref, list(op.indices), op.map.data)
    op.operands = [op.memref, *op.indices]
    op.properties["operandSegmentSizes"] = plain.properties["operandSegmentSizes"]
    op.where = AffineMapAttr(AffineMap(op.map.data.num_dims, 0, ()))
    plain.erase()


@dataclass(frozen=True)
class ElideHaloGuardsPass(ModulePass):
    """Read padding that lies in memory without a test."""

    name = "elide-halo-guards"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in list(op.walk()):
            if isinstance(inner, loop.LoadOp) and reads_only_halo(inner):
                drop_guard(inner)
