"""Which recipe a reduction gets, and with what sizes.

Lanes run along an axis that is contiguous in the result, points of the tile along the next axes;
accumulators stay in registers for the whole reduction. What is asked is only how operands move
with the axes: whether one is shared by all lanes of a point (matrix products, convolutions), or
each lane reads its own channel (depthwise convolutions, pooling). Nothing here knows what is
reduced.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import FixedBitwidthType, MemRefType

from analysis.affine import Affine, Interval, from_expression
from dialects import loop
from dialects.layout import layout_map, physical_shape
from passes.loop.forms import coordinates
from passes.loop.library.axes import (
    Axis,
    axes_of,
    consumers_of,
    element_bits,
    is_weight,
    lane_axis,
    layout_divisor,
    physical_order,
    result_of,
    used_variables,
)
from passes.loop.library.cache_model import Operand, Traffic, choose_order, prefetched, streamed
from passes.loop.library.cuts import Loop
from passes.loop.library.recipe import Recipe
from passes.loop.library.recipes import (
    Held,
    Nest,
    depthwise,
    direct_convolution,
    matmul,
    reduction,
    streaming_convolution,
)
from passes.loop.library.tile_model import (
    Extents,
    Tile,
    Window,
    cycles,
    rank_tiles,
    window_tile,
)
from passes.loop.primitive import body_accesses
from passes.loop.transform_layout import TransformLayoutPass

UNROLL = 2
UNROLL_LIMIT = 64
"""The most accumulator updates that the body of a loop is unrolled to beyond its tile."""

WINDOW_LIMIT = 512
"""The most accumulator updates of a window that is unrolled as a whole."""

UNKNOWN = 64
"""What an extent that is only known at run time counts as when a tile is chosen."""

CANDIDATES = 24
SLACK = 1.06
"""So many tiles are looked at closer, which the registers alone make at most so much slower."""


def tile_reduction(recipe: Recipe, name: str) -> None:
    """Schedule a reduction: a register tile, its epilogue, guards peeled off."""
    block = recipe.find(name)
    assert block is not None
    axes = axes_of(block)
    width = recipe.lanes(element_bits(block))
    lane = lane_axis(block, axes, width, packs_weights=True)
    if lane is None:
        accumulate(recipe, block, axes)
        return
    facts = Facts.of(recipe, block, axes, lane, width)
    window = facts.window()
    if window is not None and facts.tile_window(window):
        return
    facts.tile_product()


def accumulate(recipe: Recipe, block: loop.BlockOp, axes: Sequence[Axis]) -> None:
    """A reduction without lanes."""
    reduced = [a.name for a in axes if a.reduce]
    if reduced:
        points = [a.name for a in axes if not a.reduce]
        recipe.do_all(reduction(block.block_name.data, results_of(block), points, reduced))


def results_of(block: loop.BlockOp) -> tuple[str, ...]:
    """The names of the buffers that a block writes."""
    hints = [a.memref.name_hint for a in body_accesses(block) if isinstance(a, loop.StoreOp)]
    return tuple(dict.fromkeys(hint for hint in hints if hint is not None))


@dataclass(frozen=True)
class Facts:
    """A reduction before it is scheduled, and the axes that lanes and points run along."""

    recipe: Recipe
    block: loop.BlockOp
    axes: Sequence[Axis]
    lane: Axis
    width: int
    points: Sequence[Axis]
    """Those with more than one point, in the order in which the result lies in memory."""

    @staticmethod
    def of(
        recipe: Recipe, block: loop.BlockOp, axes: Sequence[Axis], lane: Axis, width: int
    ) -> "Facts":
        order = physical_order(block, list(axes))
        points = [a for a in axes if not a.reduce and a is not lane and (a.extent or 2) > 1]
        points.sort(key=lambda a: order.index(a.name))
        return Facts(recipe, block, axes, lane, width, points)

    @property
    def name(self) -> str:
        return self.block.block_name.data

    def loads(self) -> list[loop.LoadOp]:
        """What the block reads beside its own result."""
        target = result_of(self.block).memref
        found = [a for a in body_accesses(self.block) if isinstance(a, loop.LoadOp)]
        return [a for a in found if a.memref is not target]

    def size(self, axis: Axis) -> int:
        """The extent of an axis, or what stands for it."""
        unknown = UNKNOWN * self.width if axis is self.lane else UNKNOWN
        return axis.extent or unknown

    @property
    def extents(self) -> Extents:
        """What the register tile is for."""
        shared = not all(self.lane.variable in used_variables(a) for a in self.loads())
        vectors = -(-self.size(self.lane) // self.width)
        divisor = layout_divisor(self.block, self.lane)
        if not shared or (divisor is not None and divisor < self.width):
            vectors = 1
        sides = [self.size(axis) for axis in reversed(self.points)][:2]
        columns, rows = (*sides, 1, 1)[:2]
        return Extents(rows, columns, vectors, shared)

    def nest(self) -> Nest:
        """The block as recipes see it."""
        spatial = [a for a in self.axes if not a.reduce and a is not self.lane]
        rest = [a for a in spatial if a not in self.points]
        return Nest(
            self.name,
            results_of(self.block),
            Loop(self.lane.name, self.lane.extent),
            tuple(Loop(a.name, a.extent) for a in (*rest, *self.points)),
            tuple(
                Loop(a.name, a.extent, layout_divisor(self.block, a) or 1)
                for a in self.axes
                if a.reduce
            ),
            self.width,
            tuple(consumers_of(self.recipe, self.name)),
            self.block.init is not None,
        )

    def tile_product(self) -> None:
        """Tile a reduction in which scalars serve vectors, or that is too long to unroll."""
        whole, nest, operands = self.extents, self.nest(), self.operands()
        busy, tile, order = self.plan(whole, operands)
        self.pack_weights(tile)
        updates = tile.rows * tile.columns * tile.vectors
        unroll = UNROLL if updates * UNROLL <= UNROLL_LIMIT else 1
        if len(nest.reduction) == 1:
            self.recipe.do_all(matmul(nest, tile, order, unroll))
            return
        traffic, chunk = self.traffic(operands, tile), self.chunk(operands, tile)
        weights = streamed(traffic, order, busy, chunk, *self.chunks())
        if weights is not None:
            self.recipe.do_all(streaming_convolution(nest, tile, weights, unroll))
            return
        early = prefetched(self.recipe.machine, operands, chunk)
        self.recipe.do_all(direct_convolution(nest, tile, order, unroll, early))

    def chunks(self) -> tuple[int, int]:
        """The iterations of the outermost loop of the sum, and the vectors of the result."""
        first = next(axis for axis in self.axes if axis.reduce)
        vectors = -(-self.size(self.lane) // self.width)
        for axis in self.points:
            vectors *= self.size(axis)
        return -(-self.size(first) // (layout_divisor(self.block, first) or 1)), vectors

    def chunk(self, operands: Sequence[Operand], tile: Tile) -> Mapping[str, int]:
        """How far each axis runs in a tile, for one iteration of the outermost loop of the sum."""
        sizes = dict(self.traffic(operands, tile).sizes(()))
        first = next(axis for axis in self.axes if axis.reduce)
        sizes[first.name] = layout_divisor(self.block, first) or 1
        return sizes

    def plan(
        self, whole: Extents, operands: Sequence[Operand]
    ) -> tuple[float, Tile, tuple[str, ...]]:
        """The tile, and the order of the loops over tiles, in which the nest is done soonest; the
        first figure is the cycles that it takes on registers alone."""
        machine = self.recipe.machine
        steps, others = 1, 1
        for axis in self.axes:
            if axis.reduce:
                steps *= self.size(axis)
            elif axis is not self.lane and axis not in self.points[-2:]:
                others *= self.size(axis)
        ranked = rank_tiles(machine, whole)
        close = [tile for time, tile in ranked if time <= SLACK * ranked[0][0]][:CANDIDATES]
        best: tuple[float, float, Tile, tuple[str, ...]] | None = None
        for tile in close:
            busy = cycles(machine, tile, whole) * steps * others
            time, order = choose_order(self.traffic(operands, tile), busy)
            if best is None or time < best[0]:
                best = time, busy, tile, order
        assert best is not None
        return best[1:]

    def traffic(self, operands: Sequence[Operand], tile: Tile) -> Traffic:
        """The loops over tiles of that size."""
        nest = self.nest_points()
        sizes = {axis.name: 1 for axis in self.axes if not axis.reduce}
        sizes |= tile.sizes(nest)
        sizes[self.lane.name] = tile.vectors * self.width
        extents = {self.lane.name: self.size(self.lane)}
        extents |= {axis.name: self.size(axis) for axis in self.points}
        extents |= {axis.name: self.size(axis) for axis in self.axes}
        return Traffic(self.recipe.machine, operands, extents, sizes)

    def nest_points(self) -> list[Loop]:
        """The axes of points as loops."""
        return [Loop(axis.name, axis.extent) for axis in self.points]

    def operands(self) -> list[Operand]:
        """What is read, as the model of caches sees it."""
        names: dict[Hashable, Affine] = {a.variable: Affine.variable(a.name) for a in self.axes}
        ranges: dict[Hashable, Interval] = {a.name: (0, self.size(a) - 1) for a in self.axes}
        found: list[Operand] = []
        for access in self.loads():
            forms = coordinates(access)
            if any(v not in names for form in forms for v in form.variables()):
                continue  # a place that is computed at run time
            logical = [form.substitute(names, ranges) for form in forms]
            map, shape = layout_map(access.memref.type), physical_shape(access.memref.type)
            assert isinstance(access.memref.type, MemRefType)
            element = access.memref.type.element_type
            found.append(
                Operand(
                    access.memref.name_hint or "",
                    element.size if isinstance(element, FixedBitwidthType) else 8,
                    [from_expression(e, logical, ranges) for e in map.results],
                    [e if isinstance(e, int) else UNKNOWN for e in shape],
                    packed=is_weight(access.memref),
                )
            )
        return found

    def window(self) -> Window | None:
        """The reduction as a window, if it is small enough to be unrolled and nothing is shared."""
        reduced = [a for a in self.axes if a.reduce]
        whole = self.extents
        if whole.shared or not self.points or any(a.extent is None for a in reduced):
            return None
        taps = 1
        for axis in reduced:
            taps *= self.size(axis)
        column = self.points[-1]
        for access in self.loads():
            form = self.along(access, column)
            if form is None:
                continue
            along = [a for a in reduced if form.coefficient(a.variable)]
            width = 1 + sum(form.coefficient(a.variable) * (self.size(a) - 1) for a in along)
            return Window(
                taps, max(1, taps // max(1, width)), width, form.coefficient(column.variable)
            )
        return None

    def along(self, access: loop.LoadOp, axis: Axis) -> Affine | None:
        """The coordinate of an access that moves with an axis."""
        return next((f for f in coordinates(access) if f.coefficient(axis.variable)), None)

    def tile_window(self, window: Window) -> bool:
        """Tile a reduction that is unrolled; False where its registers do not suffice."""
        machine, whole = self.recipe.machine, self.extents
        held = self.held()
        tile = window_tile(machine, whole, window, bool(held))
        if tile is None and held:
            held, tile = [], window_tile(machine, whole, window, False)
        if tile is None or tile.columns * window.taps > WINDOW_LIMIT:
            return False
        _, order = choose_order(self.traffic(self.operands(), tile), 0)
        self.pack_weights(tile)
        self.recipe.do_all(depthwise(self.nest(), tile, order, held if len(order) > 1 else ()))
        return True

    def held(self) -> list[Held]:
        """The weights that are the same for all points of a vector of channels."""
        points = {axis.variable for axis in self.points}
        found: list[Held] = []
        for access in self.loads():
            places, name = coordinates(access), access.memref.name_hint
            lanes = [i for i, f in enumerate(places) if f.coefficient(self.lane.variable)]
            still = not used_variables(access) & points
            if is_weight(access.memref) and still and name is not None and len(lanes) == 1:
                found.append(Held(name, len(places), lanes[0]))
        return found

    def pack_weights(self, tile: Tile) -> None:
        """Lay the weights out in the order in which the tile reads them."""
        nr = tile.vectors * self.width
        for access in list(body_accesses(self.block)):
            buffer = access.memref
            if not isinstance(access, loop.LoadOp) or not is_weight(buffer):
                continue
            places = coordinates(access)
            along = [i for i, f in enumerate(places) if self.lane.variable in f.variables()]
            if len(along) != 1 or places[along[0]] != Affine.variable(self.lane.variable):
                continue
            name = buffer.name_hint
            assert name is not None
            self.recipe.do(TransformLayoutPass(name, self.packed(places, along[0], nr)))

    def packed(self, places: Sequence[Affine], which: int, nr: int) -> str:
        """The map of a weight whose dimension `which` is cut into `nr` neighbours."""
        dims = [f"d{i}" for i in range(len(places))]
        rest = [d for i, d in enumerate(dims) if i != which]
        cut = [f"{dims[which]} floordiv {nr}", *rest, f"{dims[which]} mod {nr}"]
        for i, form in enumerate(places):
            axis = next((a for a in self.axes if form == Affine.variable(a.variable)), None)
            size = None if axis is None or not axis.reduce else layout_divisor(self.block, axis)
            if size is not None and size > 1:
                cut[cut.index(dims[i])] = f"{dims[i]} floordiv {size}"
                cut.insert(len(cut) - 1, f"{dims[i]} mod {size}")
        return f"({', '.join(dims)}) -> ({', '.join(cut)})"
