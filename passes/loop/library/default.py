"""The default schedule of a kernel: good without tuning, for any function of loops.

1. Computations that only feed others are inlined.
2. A reduction is tiled for the registers: lanes along an axis that is contiguous in the result,
   points along the next axes, accumulators in registers, what follows it in its epilogue.
3. Everything else is vectorized along an axis that is contiguous.
4. The outermost loop is shared among threads.

The sizes come from the tile model; no shape and no operator is named here.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from xdsl.dialects.builtin import FixedBitwidthType, MemRefType
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.ir.affine import AffineBinaryOpExpr, AffineBinaryOpKind, AffineConstantExpr, AffineExpr

from analysis.affine import Affine
from analysis.errors import ScheduleError
from dialects import loop
from dialects.layout import LayoutAttr, layout_map, layout_of, logical_shape
from passes.loop.decompose_reduction import DecomposeReductionPass
from passes.loop.forms import coordinates, forms_of, variables_of
from passes.loop.inline_compute import InlineComputePass
from passes.loop.library.recipe import Recipe, can_vectorize, step_along
from passes.loop.library.tile_model import Tile, choose_tile
from passes.loop.parallelize_loop import ParallelizeLoopPass
from passes.loop.peel_loop import PeelLoopPass, full_iterations
from passes.loop.primitive import accesses, blocks_in, body_accesses, loops_around
from passes.loop.promote_memory_scope import PromoteMemoryScopePass
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.reverse_compute_at import ReverseComputeAtPass, root_of
from passes.loop.split_loop import SplitLoopPass
from passes.loop.transform_layout import TransformLayoutPass
from passes.loop.unroll_loop import UnrollLoopPass
from passes.loop.vectorize_loop import VectorizeLoopPass

WEIGHT = "dovetail.weight"
UNROLL = 2
UNROLL_LIMIT = 64
"""The most accumulator updates that the body of a loop is unrolled to beyond its tile."""


def default_schedule(recipe: Recipe) -> None:
    """Schedule every nest of the function."""
    inline_all(recipe)
    share_layouts(recipe)
    for name in [b.block_name.data for nest in recipe.nests() for b in blocks_in(nest)]:
        found = find(recipe, name)
        if found is None or not is_naive(found):
            continue  # it became part of another nest
        if any(found.is_reduce):
            tile_reduction(recipe, name)
        else:
            vectorize_points(recipe, name)
    share_among_threads(recipe)


def is_naive(block: loop.BlockOp) -> bool:
    """Whether a block stands as lower-te-to-loop leaves it: alone in one serial loop a variable."""
    around = loops_around(block)
    alone = root_of(block) is (around[0] if around else block)
    serial = all(op.kind.data == "serial" for op in around)
    return alone and serial and len(around) == len(block.variables)


def find(recipe: Recipe, name: str) -> loop.BlockOp | None:
    """The block of that name, if it is still there."""
    for op in recipe.function.walk():
        if isinstance(op, loop.BlockOp) and op.block_name.data == name:
            return op
    return None


# -- inlining -----------------------------------------------------------------------------------


def inline_all(recipe: Recipe) -> None:
    """Inline every computation of one value a point whose result is only read."""
    for name in [b.block_name.data for nest in recipe.nests() for b in blocks_in(nest)]:
        block = find(recipe, name)
        assert block is not None
        if any(block.is_reduce) or not is_cheap(recipe, block):
            continue
        try:
            recipe.do(InlineComputePass(name))
        except ScheduleError:
            continue


def is_cheap(recipe: Recipe, block: loop.BlockOp) -> bool:
    """Whether computing a block's value again for every read costs less than storing it."""
    stores = [a for a in body_accesses(block) if isinstance(a, loop.StoreOp)]
    if len(stores) != 1 or not isinstance(stores[0].memref.owner, loop.AllocOp):
        return False
    reads = [a for a in accesses(recipe.function, stores[0].memref) if a is not stores[0]]
    heavy = any(op.name.startswith("math.") for op in block.body.walk())
    if not heavy:
        return True
    return len(reads) == 1 and not any(reads[0].parent_op().is_reduce)  # pyright: ignore


def share_layouts(recipe: Recipe) -> None:
    """Give an intermediate buffer the layout of a result of the same shape."""
    results = [
        a
        for a in recipe.function.body.block.args
        if layout_of(a.type) is not None and any(True for _ in stores_of(recipe, a))
    ]
    for op in list(recipe.function.body.block.ops):
        if not isinstance(op, loop.AllocOp) or layout_of(op.result.type) is not None:
            continue
        for result in results:
            if logical_shape(result.type) == logical_shape(op.result.type):
                layout = layout_of(result.type)
                name = op.result.name_hint
                if layout is not None and name is not None:
                    recipe.do(TransformLayoutPass(name, plain_map(layout)))
                break


def stores_of(recipe: Recipe, buffer: SSAValue) -> list[loop.StoreOp]:
    """The stores into a buffer."""
    found = accesses(recipe.function, buffer)
    return [a for a in found if isinstance(a, loop.StoreOp)]


def plain_map(layout: LayoutAttr) -> str:
    """The text of a layout's map without the shifts of a halo."""

    def unshifted(expr: AffineExpr) -> AffineExpr:
        if (
            isinstance(expr, AffineBinaryOpExpr)
            and expr.kind is AffineBinaryOpKind.Add
            and isinstance(expr.rhs, AffineConstantExpr)
        ):
            return expr.lhs
        return expr

    map = layout.map.data
    dims = ", ".join(f"d{i}" for i in range(map.num_dims))
    return f"({dims}) -> ({', '.join(str(unshifted(e)) for e in map.results)})"


# -- axes ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Axis:
    """A variable of a block and the loop that is bound to it alone."""

    variable: BlockArgument
    name: str
    extent: int | None
    reduce: bool


def axes_of(block: loop.BlockOp) -> list[Axis]:
    """The variables of a block as lower-te-to-loop leaves them: one loop each."""
    by_induction = {op.induction: op for op in loops_around(block)}
    bound = variables_of(block)
    axes: list[Axis] = []
    for variable, reduce in zip(block.variables, block.is_reduce, strict=True):
        (induction,) = bound[variable].terms
        op = by_induction[induction]  # pyright: ignore[reportArgumentType]
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


def lane_axis(recipe: Recipe, block: loop.BlockOp, axes: list[Axis], width: int) -> Axis | None:
    """The spatial axis that vectors of `width` can run along; the longest contiguous one."""
    fitting = [
        axis
        for axis in axes
        if not axis.reduce
        and (axis.extent is None or axis.extent > 1)
        and can_vectorize(block, axis.variable, width)
    ]
    return max(fitting, key=lambda axis: axis.extent or width * width, default=None)


def block_sizes(block: loop.BlockOp, axis: Axis) -> int | None:
    """The divisor by which a layout cuts the coordinate that an axis runs along."""
    for access in body_accesses(block):
        for expr in layout_map(access.memref.type).results:
            if (
                isinstance(expr, AffineBinaryOpExpr)
                and expr.kind is AffineBinaryOpKind.Mod
                and isinstance(expr.rhs, AffineConstantExpr)
            ):
                for position in {d.position for d in expr.dfs() if hasattr(d, "position")}:  # pyright: ignore
                    form = coordinates(access)[position]
                    if axis.variable in form.variables():
                        return expr.rhs.value
    return None


# -- points -------------------------------------------------------------------------------------


def vectorize_points(recipe: Recipe, name: str) -> None:
    """Schedule a block of independent points: lanes along a contiguous axis, innermost."""
    block = find(recipe, name)
    assert block is not None
    axes = axes_of(block)
    width = recipe.lanes(element_bits(block))
    lane = lane_axis(recipe, block, axes, width)
    ones = [a.name for a in axes if a.extent == 1]
    order = [n for n in physical_order(block, axes) if n not in ones] + ones
    for one in ones:
        recipe.do(UnrollLoopPass(one))
    if lane is None:
        if [a.name for a in axes] != order and len(order) > 1:
            recipe.do(ReorderLoopsPass(tuple(order)))
        return
    inner = split_lane(recipe, lane, width)
    outer = [f"{lane.name}_o" if n == lane.name and inner != lane.name else n for n in order]
    wanted = [n for n in outer if n != inner] + [inner]
    if len(wanted) > 1:
        recipe.do(ReorderLoopsPass(tuple(wanted)))
    recipe.do(VectorizeLoopPass(inner))
    peel_where_needed(recipe, [n for n in wanted if n != inner and n not in ones])


def is_vector(extent: int | None, width: int) -> bool:
    """Whether an extent is that of a vector which the machine has; others are masked ones."""
    return extent is not None and extent <= width and extent & (extent - 1) == 0


def split_lane(recipe: Recipe, lane: Axis, width: int) -> str:
    """Cut vectors off an axis; returns the loop of the lanes."""
    if is_vector(lane.extent, width):
        return lane.name
    recipe.do(SplitLoopPass(lane.name, width))
    return f"{lane.name}_i"


def physical_order(block: loop.BlockOp, axes: list[Axis]) -> list[str]:
    """The loops in the order in which the result lies in memory, slowest first."""
    store = result_of(block)
    places = coordinates(store)
    rank: dict[Hashable, int] = {}
    for position, expr in enumerate(layout_map(store.memref.type).results):
        for dim in expr.dfs():
            index = getattr(dim, "position", None)
            if index is not None:
                for variable in places[index].variables():
                    rank.setdefault(variable, position)
    spatial = [a for a in axes if not a.reduce]
    ordered = sorted(spatial, key=lambda a: rank.get(a.variable, -1))
    return [a.name for a in ordered] + [a.name for a in axes if a.reduce]


# -- reductions ---------------------------------------------------------------------------------


def tile_reduction(recipe: Recipe, name: str) -> None:
    """Schedule a reduction: a register tile, its epilogue, guards peeled off."""
    block = find(recipe, name)
    assert block is not None
    axes = axes_of(block)
    width = recipe.lanes(element_bits(block))
    pack_weights_first = lane_candidates(block, axes)
    lane = lane_of_reduction(recipe, block, axes, width, pack_weights_first)
    if lane is None:
        accumulate(recipe, name, axes)
        return
    shape = tile_shape(recipe, block, axes, lane, width)
    pack_weights(recipe, block, axes, lane, shape, width)
    apply_tile(recipe, name, axes, lane, shape, width)


def lane_candidates(block: loop.BlockOp, axes: list[Axis]) -> list[Axis]:
    """The axes along which the result is contiguous."""
    spatial = [a for a in axes if not a.reduce and (a.extent is None or a.extent > 1)]
    return sorted(spatial, key=lambda a: -(a.extent or 1 << 30))


def lane_of_reduction(
    recipe: Recipe, block: loop.BlockOp, axes: list[Axis], width: int, candidates: list[Axis]
) -> Axis | None:
    """The axis of the lanes; a weight does not count, because it will be packed for them."""
    for axis in candidates:
        if all(
            is_weight(access.memref) or vector_step(block, access, axis, width)
            for access in body_accesses(block)
        ):
            return axis
    return None


def vector_step(
    block: loop.BlockOp, access: loop.LoadOp | loop.StoreOp, axis: Axis, width: int
) -> bool:
    """Whether one access works with lanes along an axis."""
    (induction,) = variables_of(block)[axis.variable].terms
    outer, lane = ("outer", axis.name), ("lane", axis.name)
    top = None if axis.extent is None else (axis.extent - 1) // width
    ranges = {**loop_ranges(block), lane: (0, width - 1), outer: (0, top)}
    step = step_along(access, induction, Affine({outer: width, lane: 1}), lane, ranges)
    return step in ((1,) if isinstance(access, loop.StoreOp) else (0, 1))


def loop_ranges(block: loop.BlockOp) -> dict[Hashable, tuple[int | None, int | None]]:
    """The intervals of the loops around a block."""
    return {
        op.induction: (0, None if op.extent is None else op.extent - 1)
        for op in loops_around(block)
    }


def is_weight(buffer: SSAValue) -> bool:
    """Whether a buffer is an argument that holds a constant, which can be laid out freely."""
    if not isinstance(buffer, BlockArgument) or layout_of(buffer.type) is not None:
        return False
    function = buffer.owner.parent_op()
    marks = getattr(function, "arg_attrs", None)
    return marks is not None and WEIGHT in marks.data[buffer.index].data


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

    def size(axis: Axis | None, unknown: int) -> int:
        return 1 if axis is None else (axis.extent or unknown)

    vectors = -(-size(lane, 64 * width) // width)
    bits = block_sizes(block, lane)
    if not shared or (bits is not None and bits < width):
        vectors = 1
    tile = choose_tile(recipe.machine, size(rows, 64), size(columns, 64), vectors, shared)
    return Shape(tile, columns, rows)


def used_variables(access: loop.LoadOp | loop.StoreOp) -> set[Hashable]:
    """The block variables in the coordinates of an access."""
    return {v for form in coordinates(access) for v in form.variables()}


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
            size = None if axis is None or not axis.reduce else block_sizes(block, axis)
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
    around = find(recipe, name)
    assert around is not None
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
    block = find(recipe, name)
    assert block is not None
    outer: list[str] = []
    blocked: list[str] = []
    unrolled: list[str] = []
    updates = tile.rows * tile.columns * tile.vectors
    for axis in [a for a in axes if a.reduce]:
        size = block_sizes(block, axis)
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
    block = find(recipe, name)
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
    block = find(recipe, name)
    assert block is not None
    written = {a.memref for a in body_accesses(block) if isinstance(a, loop.StoreOp)}
    found: list[str] = []
    for op in recipe.function.walk():
        if isinstance(op, loop.BlockOp) and op is not block and not any(op.is_reduce):
            reads = [a for a in body_accesses(op) if isinstance(a, loop.LoadOp)]
            if any(a.memref in written for a in reads) and len(loops_around(op)) == len(
                op.variables
            ):
                found.append(op.block_name.data)
    return found


def accumulate(recipe: Recipe, name: str, axes: list[Axis]) -> None:
    """A reduction without lanes: one accumulator a point."""
    spatial = [a.name for a in axes if not a.reduce]
    reduction = [a.name for a in axes if a.reduce]
    if not reduction:
        return
    recipe.do(DecomposeReductionPass(name, reduction[0]))
    block = find(recipe, name)
    assert block is not None
    if spatial:
        stores = [a for a in body_accesses(block) if isinstance(a, loop.StoreOp)]
        for hint in dict.fromkeys(store.memref.name_hint for store in stores):
            if hint is not None:
                recipe.do(PromoteMemoryScopePass(hint, "register", spatial[-1]))


# -- the outside --------------------------------------------------------------------------------


def peel_where_needed(recipe: Recipe, names: list[str]) -> None:
    """Peel the loops whose last iterations need guards, innermost first."""
    for name in reversed(names):
        op = next(
            (
                o
                for o in recipe.function.walk()
                if isinstance(o, loop.ForOp) and o.loop_name.data == name
            ),
            None,
        )
        if op is None or op.kind.data != "serial":
            continue
        counts = full_iterations(op)
        lower = forms_of(op, "lower")[0]
        if counts and all(c.is_constant and c.const > lower.const for c in counts):
            recipe.do(PeelLoopPass(name))


def share_among_threads(recipe: Recipe) -> None:
    """Make the outermost loop of every nest parallel where its iterations are independent."""
    for nest in recipe.nests():
        op: Operation | None = nest
        if isinstance(op, loop.ForOp) and op.kind.data == "serial" and (op.extent or 2) > 1:
            try:
                recipe.do(ParallelizeLoopPass(op.loop_name.data))
            except ScheduleError:
                continue
