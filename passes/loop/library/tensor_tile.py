"""The schedule of a reduction by a tensor instruction of the CPU.

    for lanes_o, rows_o                       one tile of results, in registers
      C_register = 0
      for the other axes of the sum, depth_o
        for rows_r, lanes_r unrolled          the instructions of the tile
          for rows_t, lanes_t, depth_t        becomes one call
      C = C_register

An instruction with one spatial axis reads its factors where they are, an unrolled row of the tile
for each point. One with two computes on tiles alone, so tiles of the factors are moved to registers
as well, by other instructions of the module. Factors are packed in the order in which they are
read, constants ahead of time. Where an axis is no multiple of what the instruction computes at
once, the product is padded: the packed factors have zeros there. The schedule is tried on a copy
first: whatever a primitive refuses is left to the other schedules of the library.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from xdsl.dialects import func

from analysis.errors import ScheduleError
from dialects import te
from passes.loop.decompose_reduction import DecomposeReductionPass
from passes.loop.forms import coordinates
from passes.loop.library.axes import Axis, axes_of, consumers_of, is_weight, physical_order
from passes.loop.library.recipe import Recipe
from passes.loop.library.tensor_choice import Match, Operand, Tile, choose_tile, matches_of
from passes.loop.pack_buffer import PackBufferPass
from passes.loop.pad_block import PadBlockPass
from passes.loop.peel_loop import PeelLoopPass
from passes.loop.promote_memory_scope import PromoteMemoryScopePass
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.reverse_compute_at import ReverseComputeAtPass
from passes.loop.split_loop import SplitLoopPass
from passes.loop.tensor_match import Axis as Digit
from passes.loop.tensor_match import Pattern
from passes.loop.tensorize import TensorizePass
from passes.loop.transform_layout import TransformLayoutPass
from passes.loop.unroll_loop import UnrollLoopPass
from passes.loop.vectorize_loop import VectorizeLoopPass

UNKNOWN = 64
"""What an extent that is only known at run time counts as when a tile is chosen."""


def tile_by_instruction(recipe: Recipe, name: str) -> bool:
    """Schedule a reduction by an instruction of the module; False if none can compute it."""
    block = recipe.find(name)
    assert block is not None
    for number in range(len(matches_of(recipe, block))):
        trial = copy_of(recipe)
        try:
            schedule(trial, name, number)
        except ScheduleError:
            continue
        for step in trial.steps:
            recipe.do(step)
        return True
    return False


def copy_of(recipe: Recipe) -> Recipe:
    """The same function in a module of its own, to try steps on."""
    module = recipe.module.clone()
    (function,) = [op for op in module.ops if isinstance(op, func.FuncOp)]
    return Recipe(module, function, recipe.machine)


def schedule(recipe: Recipe, name: str, number: int) -> None:
    """Schedule a reduction by the match of that number."""
    block = recipe.find(name)
    assert block is not None
    match = matches_of(recipe, block)[number]
    if match.ragged:
        match = padded(recipe, name, match)
    tiling_of(recipe, name, match).apply()


def tiling_of(recipe: Recipe, name: str, match: Match) -> "Tiling":
    """A reduction by an instruction, with the tile that takes the least time."""
    block = recipe.find(name)
    assert block is not None
    axes = axes_of(block)
    order = physical_order(block, axes)
    spatial = sorted((a for a in axes if not a.reduce), key=lambda a: order.index(a.name))
    points = [a for a in spatial if a != match.lanes and (a.extent or 2) > 1]
    rows = match.rows or (points[-1] if points else None)
    counts = [-(-(a.extent or UNKNOWN) // match.extent(a)) for a in (rows, match.lanes) if a]
    tile = choose_tile(recipe.machine, match, *([1] * (rows is None)), *counts)
    return Tiling(recipe, name, match, tile, rows, spatial, [a for a in axes if a.reduce])


def padded(recipe: Recipe, name: str, match: Match) -> Match:
    """Pad a reduction to whole instructions; constants have the pads in their layout."""
    tiling = tiling_of(recipe, name, match)
    for operand in match.reads:
        if is_weight(operand.access.memref) and match.packs(operand):
            recipe.do(TransformLayoutPass(operand.buffer, tiling.packed_layout(operand), pad=0))
    axes = match.ragged
    multiples = tuple(match.extent(axis) for axis in axes)
    recipe.do(PadBlockPass(name, tuple(axis.name for axis in axes), multiples))
    block = recipe.find(name)
    assert block is not None
    for other in matches_of(recipe, block):
        mine = [axis.name for axis in match.digits]
        if other.name == match.name and [axis.name for axis in other.digits] == mine:
            return other
    raise ScheduleError(f"@{match.name} does not compute what block '{name}' is when it is padded")


@dataclass(frozen=True)
class Cut:
    """The loops that an axis is cut into: over tiles, over instructions, inside of one."""

    outer: str | None = None
    tile: str | None = None
    unit: str | None = None


@dataclass
class Tiling:
    """One reduction while it is scheduled."""

    recipe: Recipe
    name: str
    match: Match
    tile: Tile
    rows: Axis | None
    """The axis of the tile's rows."""
    spatial: Sequence[Axis]
    reduced: Sequence[Axis]
    ragged: set[str] = field(default_factory=set[str])
    """The loops over tiles whose last iteration is no whole tile."""

    @property
    def moves_tiles(self) -> bool:
        """Whether the instruction computes on tiles in registers alone."""
        return self.match.rows is not None

    def apply(self) -> None:
        """Apply the whole schedule."""
        match = self.match
        reads = [self.packed(o) if match.packs(o) else o for o in match.reads]
        consumers = [] if self.moves_tiles else consumers_of(self.recipe, self.name)
        outer, reduction = self.cut_axes()
        self.recipe.do(DecomposeReductionPass(self.name, reduction[0]))
        self.recipe.do_all(ReverseComputeAtPass(consumer, outer[-1]) for consumer in consumers)
        self.promote(match.result, outer[-1])
        if self.moves_tiles:
            for operand in reads:
                self.promote(operand, reduction[-1])
                self.move_in(operand)
            self.recipe.do(TensorizePass(f"{self.name}_init", match.name))
            self.move(f"{match.result.buffer}_register_out")
        self.recipe.do(TensorizePass(self.name, match.name))
        self.recipe.do_all(PeelLoopPass(loop) for loop in reversed(outer) if loop in self.ragged)

    def cut_axes(self) -> tuple[list[str], list[str]]:
        """Cut and order the loops; returns those over tiles and those of the sum."""
        match = self.match
        cuts = [
            self.cut(axis, 1, 1) for axis in self.spatial if axis not in (self.rows, match.lanes)
        ]
        rows = (
            Cut()
            if self.rows is None
            else self.cut(self.rows, self.tile.rows, self.match.extent(self.rows))
        )
        lanes = self.cut(match.lanes, self.tile.columns, self.match.extent(match.lanes), keep=True)
        depth = self.cut(match.depth, 1, self.match.extent(match.depth), keep=True)
        assert lanes.unit is not None and depth.outer is not None and depth.unit is not None
        digits = self.cut_digits(depth.unit, match.digits[match.depth], match.depth.name)
        outer = [loop for cut in (*cuts, rows) if (loop := cut.outer) is not None]
        assert lanes.outer is not None and match.lanes.extent is not None
        alone = match.lanes.extent == self.tile.columns * self.match.extent(match.lanes)
        outer.insert(len(outer) if alone else 0, lanes.outer)
        reduction = [axis.name for axis in self.reduced if axis != match.depth] + [depth.outer]
        tile = [loop for loop in (rows.tile, lanes.tile) if loop is not None]
        units = [loop for loop in (rows.unit, lanes.unit) if loop is not None]
        self.recipe.do(ReorderLoopsPass((*outer, *reduction, *tile, *units, *digits)))
        for loop in tile:
            self.recipe.do(UnrollLoopPass(loop))
        if not self.moves_tiles:
            self.recipe.do(VectorizeLoopPass(lanes.unit))
        return outer, reduction

    def cut(self, axis: Axis, count: int, unit: int, keep: bool = False) -> Cut:
        """Cut an axis into tiles of `count` instructions of `unit` elements; `keep` a loop over
        tiles even if there is only one."""
        name, outer, whole = axis.name, None, count * unit
        if axis.extent != whole or keep:
            if whole == 1:
                return Cut(outer=name)
            self.recipe.do(SplitLoopPass(name, whole))
            outer, name = f"{name}_o", f"{name}_i"
            if axis.extent is None or axis.extent % whole:
                self.ragged.add(outer)
        if unit == 1:
            return Cut(outer, name)
        if count == 1:
            return Cut(outer, unit=name)
        names = f"{axis.name}_r", f"{axis.name}_t"
        self.recipe.do(SplitLoopPass(name, unit, names=names))
        return Cut(outer, *names)

    def cut_digits(self, name: str, digits: Sequence[Digit], prefix: str) -> list[str]:
        """Cut the loop inside of an instruction into one for each of its axes."""
        loops: list[str] = []
        for number in range(1, len(digits)):
            step = math.prod(digit.extent for digit in digits[number:])
            names = f"{prefix}_d{number - 1}", f"{prefix}_d{number}"
            self.recipe.do(SplitLoopPass(name, step, names=names))
            loops.append(names[0])
            name = names[1]
        return [*loops, name]

    def packed(self, operand: Operand) -> Operand:
        """Lay a factor out in the order in which it is read; a constant stays what it is."""
        pads = operand.is_guarded or None
        self.recipe.do(PackBufferPass(operand.buffer, self.packed_layout(operand), pads=pads))
        name = operand.access.memref.name_hint
        assert name is not None
        return replace(operand, buffer=name)

    def packed_layout(self, operand: Operand) -> str:
        """The map of the layout in which a factor is read."""
        first = operand.element[0] in self.match.digits[self.match.lanes]
        neighbours = self.match.extent(self.match.lanes) * (self.tile.columns if first else 1)
        return self.layout(operand, neighbours)

    def layout(self, operand: Operand, neighbours: int) -> str:
        """The map of a layout in which the elements of each instruction lie side by side, those of
        so many neighbours along the lanes together."""
        match, dims = self.match, [f"d{i}" for i in range(len(coordinates(operand.access)))]
        mine: dict[str, str] = {}
        inner: dict[Digit, str] = {}
        deep: list[str] = []
        for axis, digits in match.digits.items():
            if digits[0] not in operand.element:
                continue
            dimension = operand.dimension(axis)
            assert dimension is not None
            dim = dims[dimension]
            size = neighbours if axis == match.lanes else match.extent(axis)
            mine[dim] = f"{dim} floordiv {size}"
            if axis == match.depth:
                deep = [mine[dim]]
            for number, digit in enumerate(digits):
                step = math.prod(d.extent for d in digits[number + 1 :])
                extent = size if len(digits) == 1 else digit.extent
                cut = dim if step == 1 else f"({dim} floordiv {step})"
                inner[digit] = f"{cut} mod {extent}"
        first = [text for text in mine.values() if text not in deep]
        rest = [dim for dim in dims if dim not in mine]
        last = [inner[digit] for digit in operand.element]
        return f"({', '.join(dims)}) -> ({', '.join([*first, *rest, *deep, *last])})"

    def promote(self, operand: Operand, at: str) -> None:
        """Keep a tile of an operand in registers, an instruction's elements side by side."""
        self.recipe.do(PromoteMemoryScopePass(operand.buffer, "register", at))
        if self.moves_tiles:
            map = self.layout(operand, self.match.extent(self.match.lanes))
            self.recipe.do(TransformLayoutPass(f"{operand.buffer}_register", map))

    def move_in(self, operand: Operand) -> None:
        """Let instructions fill a tile of a factor."""
        block, match = f"{operand.buffer}_register_in", self.match
        outer: list[str] = []
        inner: dict[Digit, str] = {}
        axes = {operand.dimension(a): a for a, d in match.digits.items() if d[0] in operand.element}
        counts = {match.lanes: self.tile.columns, match.rows: self.tile.rows}
        for dimension in range(len(coordinates(operand.access))):
            name, axis = f"{block}_d{dimension}", axes.get(dimension)
            if axis is None:
                outer.append(name)
                continue
            if counts.get(axis, 1) > 1:
                self.recipe.do(SplitLoopPass(name, match.extent(axis)))
                outer.append(f"{name}_o")
                name = f"{name}_i"
            digits = match.digits[axis]
            loops = self.cut_digits(name, digits, name)
            inner |= dict(zip(digits, loops, strict=True))
        units = [inner[digit] for digit in operand.element]
        self.recipe.do(ReorderLoopsPass((*outer, *units)))
        for loop in outer:
            self.recipe.do(UnrollLoopPass(loop))
        self.move(block)

    def move(self, block: str) -> None:
        """Let an instruction of the module do what a block that only moves elements does."""
        refused = ScheduleError(f"no instruction moves what block '{block}' does")
        for declared in (o for o in self.recipe.module.ops if isinstance(o, te.IntrinsicOp)):
            pattern = Pattern.of(declared)
            if isinstance(pattern, Pattern) and isinstance(pattern.root.owner, te.ReadOp):
                try:
                    self.recipe.do(TensorizePass(block, declared.sym_name.data))
                except ScheduleError as error:
                    refused = error
                else:
                    return
        raise refused
