"""What the default schedule asks about a reduction before it is scheduled.

Which axis the lanes run along and which ones the points of a tile; how far operands move with them;
what is constant, and can be laid out for the tile.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from xdsl.dialects.builtin import FixedBitwidthType, MemRefType

from analysis.affine import Affine, Interval, from_expression
from dialects import loop
from dialects.layout import layout_map, physical_shape
from dialects.target import Machine
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
from passes.loop.library.cache_model import Operand, Traffic
from passes.loop.library.cuts import Loop
from passes.loop.library.recipe import Recipe
from passes.loop.library.recipes import Held, Nest
from passes.loop.library.tile_model import Extents, Tile, Window
from passes.loop.primitive import body_accesses
from passes.loop.transform_layout import TransformLayoutPass

UNKNOWN = 64
"""What an extent that is only known at run time counts as."""


def results_of(block: loop.BlockOp) -> tuple[str, ...]:
    """The names of the buffers that a block writes."""
    hints = [a.memref.name_hint for a in body_accesses(block) if isinstance(a, loop.StoreOp)]
    return tuple(dict.fromkeys(hint for hint in hints if hint is not None))


@dataclass(frozen=True)
class Facts:
    """A reduction with lanes, in naive loops."""

    machine: Machine
    block: loop.BlockOp
    axes: Sequence[Axis]
    lane: Axis
    width: int
    points: Sequence[Axis]
    """The other axes of more than one point, in the order in which the result lies in memory."""
    consumers: tuple[str, ...]
    chunks: Mapping[str, int] = field(default_factory=dict[str, int])
    """What loops of the sum are cut into, where a schedule says so."""

    @staticmethod
    def of(recipe: Recipe, block: loop.BlockOp) -> "Facts | None":
        """The facts about a block; None where no axis can have lanes."""
        axes = axes_of(block)
        width = recipe.lanes(element_bits(block))
        lane = lane_axis(block, axes, width, packs_weights=True)
        if lane is None:
            return None
        order = physical_order(block, axes)
        points = [a for a in axes if not a.reduce and a is not lane and (a.extent or 2) > 1]
        points.sort(key=lambda a: order.index(a.name))
        consumers = tuple(consumers_of(recipe, block.block_name.data))
        return Facts(recipe.machine, block, axes, lane, width, points, consumers)

    @property
    def reduced(self) -> list[Axis]:
        """The axes of the sum."""
        return [axis for axis in self.axes if axis.reduce]

    @cached_property
    def loads(self) -> list[loop.LoadOp]:
        """What the block reads beside its own result."""
        target = result_of(self.block).memref
        found = [a for a in body_accesses(self.block) if isinstance(a, loop.LoadOp)]
        return [a for a in found if a.memref is not target]

    def size(self, axis: Axis) -> int:
        """The extent of an axis, or what stands for it."""
        return axis.extent or UNKNOWN * (self.width if axis is self.lane else 1)

    def chunk(self, axis: Axis) -> int:
        """The blocks that the schedule or a layout cuts an axis into; 1 where none does."""
        return self.chunks.get(axis.name) or layout_divisor(self.block, axis) or 1

    @cached_property
    def extents(self) -> Extents:
        """What the register tile is for."""
        shared = not all(self.lane.variable in used_variables(a) for a in self.loads)
        vectors = -(-self.size(self.lane) // self.width)
        divisor = layout_divisor(self.block, self.lane)
        if not shared or (divisor is not None and divisor < self.width):
            vectors = 1
        columns, rows = (*(self.size(axis) for axis in reversed(self.points)), 1, 1)[:2]
        return Extents(rows, columns, vectors, shared)

    @property
    def nest(self) -> Nest:
        """The block as recipes see it."""
        rest = [
            a for a in self.axes if not a.reduce and a is not self.lane and a not in self.points
        ]
        return Nest(
            self.block.block_name.data,
            results_of(self.block),
            Loop(self.lane.name, self.lane.extent),
            tuple(Loop(a.name, a.extent) for a in (*rest, *self.points)),
            tuple(Loop(a.name, a.extent, self.chunk(a)) for a in self.reduced),
            self.width,
            self.consumers,
            self.block.init is not None,
        )

    @cached_property
    def steps(self) -> int:
        """The steps of the sum for a whole result, over the axes that have no part in a tile."""
        whole = [self.lane, *self.points[-2:]]
        return prod(self.size(axis) for axis in self.axes if axis not in whole)

    @cached_property
    def vectors(self) -> int:
        """The vectors of the result."""
        return -(-self.size(self.lane) // self.width) * prod(self.size(a) for a in self.points)

    def traffic(self, tile: Tile) -> Traffic:
        """The loops over tiles of that size, and over chunks of the sum."""
        sizes = {axis.name: 1 for axis in self.axes if not axis.reduce}
        sizes |= tile.sizes([Loop(axis.name, axis.extent) for axis in self.points])
        sizes[self.lane.name] = tile.vectors * self.width
        ordered = dict.fromkeys((self.lane, *self.points, *self.axes))
        return Traffic(
            self.machine,
            self.operands,
            {axis.name: self.size(axis) for axis in ordered},
            sizes,
            self.chunks,
        )

    @cached_property
    def operands(self) -> list[Operand]:
        """What is read, as the model of caches sees it."""
        names: dict[Hashable, Affine] = {a.variable: Affine.variable(a.name) for a in self.axes}
        ranges: dict[Hashable, Interval] = {a.name: (0, self.size(a) - 1) for a in self.axes}
        found: list[Operand] = []
        for access in self.loads:
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

    def chunk_sizes(self, tile: Tile) -> Mapping[str, int]:
        """How far each axis runs in a tile, for one iteration of the outermost loop of the sum."""
        first = self.reduced[0]
        return {**self.traffic(tile).sizes(()), first.name: self.chunk(first)}

    @cached_property
    def window(self) -> Window | None:
        """The sum as a small window, where its extents are known and no scalar is shared."""
        if self.extents.shared or not self.points or any(a.extent is None for a in self.reduced):
            return None
        taps, column = prod(self.size(axis) for axis in self.reduced), self.points[-1]
        for access in self.loads:
            for form in coordinates(access):
                step = form.coefficient(column.variable)
                if step:
                    reach = (
                        form.coefficient(a.variable) * (self.size(a) - 1) for a in self.reduced
                    )
                    width = 1 + sum(reach)
                    return Window(taps, max(1, taps // width), width, step)
        return None

    @property
    def held(self) -> tuple[Held, ...]:
        """The weights that are the same for all points of a vector of channels."""
        points = {axis.variable for axis in self.points}
        found: list[Held] = []
        for access in self.loads:
            places, name = coordinates(access), access.memref.name_hint
            lanes = [i for i, f in enumerate(places) if f.coefficient(self.lane.variable)]
            still = not used_variables(access) & points
            if is_weight(access.memref) and still and name is not None and len(lanes) == 1:
                found.append(Held(name, len(places), lanes[0]))
        return tuple(found)

    def pack_weights(self, tile: Tile) -> tuple[TransformLayoutPass, ...]:
        """Lay the weights out in the order in which the tile reads them."""
        found: dict[str, TransformLayoutPass] = {}
        for access in self.loads:
            places, name = coordinates(access), access.memref.name_hint
            along = [i for i, f in enumerate(places) if self.lane.variable in f.variables()]
            if not is_weight(access.memref) or name is None or len(along) != 1:
                continue
            if places[along[0]] == Affine.variable(self.lane.variable):
                map = self.packed(places, along[0], tile.vectors * self.width)
                found.setdefault(name, TransformLayoutPass(name, map))
        return tuple(found.values())

    def packed(self, places: Sequence[Affine], which: int, neighbours: int) -> str:
        """The map of a weight whose dimension `which` is cut into so many neighbours."""
        dims = [f"d{i}" for i in range(len(places))]
        rest = [d for i, d in enumerate(dims) if i != which]
        cut = [f"{dims[which]} floordiv {neighbours}", *rest, f"{dims[which]} mod {neighbours}"]
        for i, form in enumerate(places):
            axis = next((a for a in self.reduced if form == Affine.variable(a.variable)), None)
            size = 1 if axis is None else self.chunk(axis)
            if size > 1:
                cut[cut.index(dims[i])] = f"{dims[i]} floordiv {size}"
                cut.insert(len(cut) - 1, f"{dims[i]} mod {size}")
        return f"({', '.join(dims)}) -> ({', '.join(cut)})"
