"""The schedule of a reduction: a register tile, what follows it in its epilogue, remainders peeled.

Lanes run along an axis that is contiguous in the result, points of the tile along the next axes;
accumulators stay in registers for the whole reduction. It serves matrix products, convolutions of
any kind and pooling alike: nothing here knows what is reduced.
"""

from dataclasses import dataclass

from analysis.affine import Affine
from analysis.errors import ScheduleError
from dialects import loop
from passes.loop.decompose_reduction import DecomposeReductionPass
from passes.loop.forms import coordinates
from passes.loop.library.axes import (
    Axis,
    axes_of,
    element_bits,
    is_naive,
    is_vector,
    is_weight,
    lane_axis,
    layout_divisor,
    physical_order,
    result_of,
    used_variables,
)
from passes.loop.library.points import peel_where_needed
from passes.loop.library.recipe import Recipe
from passes.loop.library.tile_model import Tile, choose_tile
from passes.loop.primitive import body_accesses
from passes.loop.promote_memory_scope import PromoteMemoryScopePass
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.reverse_compute_at import ReverseComputeAtPass
from passes.loop.split_loop import SplitLoopPass
from passes.loop.transform_layout import TransformLayoutPass
from passes.loop.unroll_loop import UnrollLoopPass
from passes.loop.vectorize_loop import VectorizeLoopPass

UNROLL = 2
UNROLL_LIMIT = 64
"""The most accumulator updates that the body of a loop is unrolled to beyond its tile."""

UNKNOWN = 64
"""What an extent that is only known at run time counts as when a tile is chosen."""


def tile_reduction(recipe: Recipe, name: str) -> None:
    """Schedule a reduction: a register tile, its epilogue, guards peeled off."""
    block = recipe.find(name)
    assert block is not None
    axes = axes_of(block)
    width = recipe.lanes(element_bits(block))
    lane = lane_axis(block, axes, width, packs_weights=True)
    if lane is None:
        accumulate(recipe, name, axes)
        return
    shape = tile_shape(recipe, block, axes, lane, width)
    pack_weights(recipe, block, axes, lane, shape, width)
    apply_tile(recipe, name, axes, lane, shape, width)


@dataclass(frozen=True)
class Shape:
    """A register tile and the axes that its points run along (columns fastest)."""

    tile: Tile
    columns: Axis | None
    rows: Axis | None


def tile_shape(
    recipe: Recipe, block: loop.BlockOp, axes: list[Axis], lane: Axis, width: int
) -> Shape:
    """Choose the tile by the model."""
    order = physical_order(block, axes)
    points = [a for a in axes if not a.reduce and a is not lane and (a.extent or 2) > 1]
    points.sort(key=lambda a: order.index(a.name))
    columns = points[-1] if points else None
    rows = points[-2] if len(points) > 1 else None
    loads = [a for a in body_accesses(block) if isinstance(a, loop.LoadOp)]
    target = result_of(block).memref
    inputs = [a for a in loads if a.memref is not target]
    shared = not all(lane.variable in used_variables(a) for a in inputs)

    def size(axis: Axis | None, unknown: int = UNKNOWN) -> int:
        return 1 if axis is None else (axis.extent or unknown)

    vectors = -(-size(lane, UNKNOWN * width) // width)
    divisor = layout_divisor(block, lane)
    if not shared or (divisor is not None and divisor < width):
        vectors = 1
    tile = choose_tile(recipe.machine, size(rows), size(columns), vectors, shared)
    return Shape(tile, columns, rows)


def pack_weights(
    recipe: Recipe, block: loop.BlockOp, axes: list[Axis], lane: Axis, shape: Shape, width: int
) -> None:
    """Lay the weights out in the order in which the tile reads them."""
    nr = shape.tile.vectors * width
    for access in list(body_accesses(block)):
        buffer = access.memref
        if not isinstance(access, loop.LoadOp) or not is_weight(buffer):
            continue
        places = coordinates(access)
        along = [i for i, form in enumerate(places) if lane.variable in form.variables()]
        if len(along) != 1 or places[along[0]] != Affine.variable(lane.variable):
            continue
        name = buffer.name_hint
        assert name is not None
        dims = [f"d{i}" for i in range(len(places))]
        which = along[0]
        rest = [d for i, d in enumerate(dims) if i != which]
        cut = [f"{dims[which]} floordiv {nr}", *rest, f"{dims[which]} mod {nr}"]
        for i, form in enumerate(places):
            axis = next((a for a in axes if form == Affine.variable(a.variable)), None)
            size = None if axis is None or not axis.reduce else layout_divisor(block, axis)
            if size is not None and size > 1:
                at = cut.index(dims[i])
                cut[at] = f"{dims[i]} floordiv {size}"
                cut.insert(len(cut) - 1, f"{dims[i]} mod {size}")
        recipe.do(TransformLayoutPass(name, f"({', '.join(dims)}) -> ({', '.join(cut)})"))


def apply_tile(
    recipe: Recipe, name: str, axes: list[Axis], lane: Axis, shape: Shape, width: int
) -> None:
    """Split, order, unroll, vectorize, decompose, fuse the epilogue, promote, peel."""
    tile = shape.tile
    outer: list[str] = []
    points: list[str] = []
    vectors: list[str] = []
    for axis in [a for a in axes if not a.reduce]:
        if axis is lane:
            names = split_for_vectors(recipe, axis, tile.vectors, width)
            outer += names[0]
            vectors = names[1]
            continue
        size = tile.columns if axis is shape.columns else tile.rows if axis is shape.rows else 1
        if axis.extent == size:
            points.append(axis.name)
        elif size > 1:
            recipe.do(SplitLoopPass(axis.name, size))
            outer.append(f"{axis.name}_o")
            points.append(f"{axis.name}_i")
        else:
            outer.append(axis.name)
    reduction, inner_reduction = split_reduction(recipe, name, axes, tile)
    lanes = vectors[-1]
    order = [*outer, *reduction, *inner_reduction, *points, *vectors]
    if len(order) > 1:
        recipe.do(ReorderLoopsPass(tuple(order)))
    for loop_name in [*inner_reduction, *points, *vectors[:-1]]:
        recipe.do(UnrollLoopPass(loop_name))
    recipe.do(VectorizeLoopPass(lanes))
    finish_reduction(recipe, name, outer, [*reduction, *inner_reduction])
    peel_where_needed(recipe, outer)


def split_for_vectors(
    recipe: Recipe, lane: Axis, vectors: int, width: int
) -> tuple[list[str], list[str]]:
    """Cut a lane axis into tiles, vectors and lanes; returns the outer and the inner loops."""
    name, extent = lane.name, lane.extent
    if is_vector(extent, width):
        return [], [name]
    outer: list[str] = []
    if vectors > 1 and (extent is None or extent > vectors * width):
        recipe.do(SplitLoopPass(name, vectors * width))
        outer, name = [f"{name}_o"], f"{name}_i"
    elif vectors == 1:
        recipe.do(SplitLoopPass(name, width))
        return [f"{name}_o"], [f"{name}_i"]
    recipe.do(SplitLoopPass(name, width, names=(f"{lane.name}_r", f"{lane.name}_v")))
    return outer, [f"{lane.name}_r", f"{lane.name}_v"]


def split_reduction(
    recipe: Recipe, name: str, axes: list[Axis], tile: Tile
) -> tuple[list[str], list[str]]:
    """Cut blocked axes of the reduction, and unroll a little; returns outer and unrolled loops."""
    block = recipe.find(name)
    assert block is not None
    outer: list[str] = []
    blocked: list[str] = []
    unrolled: list[str] = []
    updates = tile.rows * tile.columns * tile.vectors
    for axis in [a for a in axes if a.reduce]:
        size = layout_divisor(block, axis)
        if size is not None and axis.extent is not None and axis.extent > size:
            recipe.do(SplitLoopPass(axis.name, size))
            outer.append(f"{axis.name}_o")
            last, extent = f"{axis.name}_i", size
            blocked.append(last)
        else:
            last, extent = axis.name, axis.extent or 0
            outer.append(last)
        fits = updates * UNROLL <= UNROLL_LIMIT and extent > UNROLL and extent % UNROLL == 0
        if fits and not unrolled:
            recipe.do(SplitLoopPass(last, UNROLL, names=(f"{last}_m", f"{last}_u")))
            unrolled.append(f"{last}_u")
            place = blocked if last in blocked else outer
            place[place.index(last)] = f"{last}_m"
    return [*outer, *blocked], unrolled


def finish_reduction(recipe: Recipe, name: str, outer: list[str], reduction: list[str]) -> None:
    """Move the init out, the epilogue in, and the accumulators to registers."""
    block = recipe.find(name)
    assert block is not None
    buffers = [a.memref for a in body_accesses(block) if isinstance(a, loop.StoreOp)]
    if block.init is not None and reduction:
        recipe.do(DecomposeReductionPass(name, reduction[0]))
    if not outer:
        return
    for consumer in consumers_of(recipe, name):
        try:
            recipe.do(ReverseComputeAtPass(consumer, outer[-1]))
        except ScheduleError:
            break
    for buffer in buffers:
        if buffer.name_hint is not None:
            recipe.do(PromoteMemoryScopePass(buffer.name_hint, "register", outer[-1]))


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


def accumulate(recipe: Recipe, name: str, axes: list[Axis]) -> None:
    """A reduction without lanes: one accumulator a point."""
    spatial = [a.name for a in axes if not a.reduce]
    reduction = [a.name for a in axes if a.reduce]
    if not reduction:
        return
    recipe.do(DecomposeReductionPass(name, reduction[0]))
    block = recipe.find(name)
    assert block is not None
    if spatial:
        stores = [a for a in body_accesses(block) if isinstance(a, loop.StoreOp)]
        for hint in dict.fromkeys(store.memref.name_hint for store in stores):
            if hint is not None:
                recipe.do(PromoteMemoryScopePass(hint, "register", spatial[-1]))
