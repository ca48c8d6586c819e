"""What a recipe asks about a block before it is scheduled: its axes, and how they lie in memory."""

from collections.abc import Hashable
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.dialects.builtin import FixedBitwidthType, MemRefType
from xdsl.ir import BlockArgument, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
)

from analysis.affine import Affine, Interval
from dialects import loop
from dialects.layout import layout_map, layout_of
from passes.loop.forms import coordinates, variables_of
from passes.loop.library.recipe import Recipe, step_along
from passes.loop.moves import root_of
from passes.loop.primitive import body_accesses, loops_around

WEIGHT = "dovetail.weight"

Access = loop.LoadOp | loop.StoreOp


def is_naive(block: loop.BlockOp) -> bool:
    """Whether a block stands as lower-te-to-loop leaves it: alone in one serial loop a variable."""
    around = loops_around(block)
    alone = root_of(block) is (around[0] if around else block)
    serial = all(op.kind.data == "serial" for op in around)
    return alone and serial and len(around) == len(block.variables)


@dataclass(frozen=True)
class Axis:
    """A variable of a block and the loop that is bound to it alone."""

    variable: BlockArgument
    name: str
    extent: int | None
    reduce: bool


def axes_of(block: loop.BlockOp) -> list[Axis]:
    """The variables of a block as lower-te-to-loop leaves them: one loop each."""
    by_induction: dict[Hashable, loop.ForOp] = {op.induction: op for op in loops_around(block)}
    bound = variables_of(block)
    axes: list[Axis] = []
    for variable, reduce in zip(block.variables, block.is_reduce, strict=True):
        (induction,) = bound[variable].terms
        op = by_induction[induction]
        axes.append(Axis(variable, op.loop_name.data, op.extent, reduce))
    return axes


def element_bits(block: loop.BlockOp) -> int:
    """The width of the narrowest vector that the block can work in: that of its widest element."""
    widths = [1]
    for access in body_accesses(block):
        assert isinstance(access.memref.type, MemRefType)
        element = access.memref.type.element_type
        widths.append(element.size * 8 if isinstance(element, FixedBitwidthType) else 64)
    return max(widths)


def result_of(block: loop.BlockOp) -> loop.StoreOp:
    """The (last) store of a block."""
    return [a for a in body_accesses(block) if isinstance(a, loop.StoreOp)][-1]


def physical_order(block: loop.BlockOp, axes: list[Axis]) -> list[str]:
    """The loops in the order in which the result lies in memory, slowest first."""
    store = result_of(block)
    places = coordinates(store)
    rank: dict[Hashable, int] = {}
    for position, expr in enumerate(layout_map(store.memref.type).results):
        for dim in expr.dfs():
            if isinstance(dim, AffineDimExpr):
                for variable in places[dim.position].variables():
                    rank.setdefault(variable, position)
    spatial = [a for a in axes if not a.reduce]
    ordered = sorted(spatial, key=lambda a: rank.get(a.variable, -1))
    return [a.name for a in ordered] + [a.name for a in axes if a.reduce]


def layout_divisor(block: loop.BlockOp, axis: Axis) -> int | None:
    """The divisor by which a layout cuts the coordinate that an axis runs along."""
    for access in body_accesses(block):
        places = coordinates(access)
        for expr in layout_map(access.memref.type).results:
            if not isinstance(expr, AffineBinaryOpExpr) or expr.kind is not AffineBinaryOpKind.Mod:
                continue
            dims = [dim.position for dim in expr.dfs() if isinstance(dim, AffineDimExpr)]
            along = any(axis.variable in places[dim].variables() for dim in dims)
            if along and isinstance(expr.rhs, AffineConstantExpr):
                return expr.rhs.value
    return None


def works_in_lanes(block: loop.BlockOp, access: Access, axis: Axis, width: int) -> bool:
    """Whether an access works with lanes along an axis: loads stay or move by one element a lane,
    stores move by one."""
    (induction,) = variables_of(block)[axis.variable].terms
    outer, lane = ("outer", axis.name), ("lane", axis.name)
    top = None if axis.extent is None else (axis.extent - 1) // width
    ranges: dict[Hashable, Interval] = {
        op.induction: (0, None if op.extent is None else op.extent - 1)
        for op in loops_around(block)
    }
    ranges |= {lane: (0, width - 1), outer: (0, top)}
    step = step_along(access, induction, Affine({outer: width, lane: 1}), lane, ranges)
    return step in ((1,) if isinstance(access, loop.StoreOp) else (0, 1))


def lane_axis(
    block: loop.BlockOp, axes: list[Axis], width: int, packs_weights: bool
) -> Axis | None:
    """The longest spatial axis that vectors of `width` can run along.

    A weight is no obstacle to a schedule that lays weights out for the lanes.
    """
    spatial = [a for a in axes if not a.reduce and (a.extent is None or a.extent > 1)]
    for axis in sorted(spatial, key=lambda a: -(a.extent or width * width)):
        if all(
            (packs_weights and is_weight(access.memref))
            or works_in_lanes(block, access, axis, width)
            for access in body_accesses(block)
        ):
            return axis
    return None


def is_weight(buffer: SSAValue) -> bool:
    """Whether a buffer is an argument that holds a constant, which can be laid out freely."""
    if not isinstance(buffer, BlockArgument) or layout_of(buffer.type) is not None:
        return False
    function = buffer.owner.parent_op()
    if not isinstance(function, func.FuncOp) or function.arg_attrs is None:
        return False
    return WEIGHT in function.arg_attrs.data[buffer.index].data


def used_variables(access: Access) -> set[Hashable]:
    """The block variables in the coordinates of an access."""
    return {v for form in coordinates(access) for v in form.variables()}


def consumers_of(recipe: Recipe, name: str) -> list[str]:
    """The elementwise blocks that read what a block writes."""
    block = recipe.find(name)
    assert block is not None
    written = {a.memref for a in body_accesses(block) if isinstance(a, loop.StoreOp)}
    found: list[str] = []
    for op in recipe.function.walk():
        if isinstance(op, loop.BlockOp) and op is not block and not any(op.is_reduce):
            reads = [a for a in body_accesses(op) if isinstance(a, loop.LoadOp)]
            if is_naive(op) and any(a.memref in written for a in reads):
                found.append(op.block_name.data)
    return found
