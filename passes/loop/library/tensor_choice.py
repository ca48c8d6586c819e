"""Which axes of a reduction a tensor instruction of the CPU computes, and how large its tiles are.

An axis of the instruction and an axis of the block belong together if they index the same operands:
in a product of matrices the columns index the result and the second factor. Nothing here knows an
instruction, or what is reduced.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from xdsl.ir import BlockArgument

from analysis.affine import Affine, Interval
from dialects import loop, te
from dialects.layout import layout_of
from dialects.target import Machine
from passes.loop.forms import coordinates
from passes.loop.library.axes import Access, Axis, axes_of, is_weight, physical_order
from passes.loop.library.recipe import Recipe
from passes.loop.tensor_axes import is_dense, place_in_memory
from passes.loop.tensor_match import Axis as Digit
from passes.loop.tensor_match import Part, Pattern, parts_of

OVERHEAD = 0.1
"""The share of the loads' time that is not hidden behind the instructions."""

REMAINDER = 0.01
"""What each kind of remainder costs, as a share of the whole."""

MOST_WORK = 4
"""How many times the work a product may take if it is padded to whole instructions."""

FEWEST_USES = 64
"""For so many uses of each element a copy of a factor that lies right pays."""

LARGEST_TILE = 16
"""The most instructions along a side of a tile."""


@dataclass(frozen=True)
class Operand:
    """What the block reads or writes as an operand: its access and the instruction's axes of it."""

    access: Access
    element: tuple[Digit, ...]
    buffer: str
    """The name of the buffer, of which the access may use a tile later."""

    @staticmethod
    def of(access: Access, element: tuple[Digit, ...]) -> "Operand":
        return Operand(access, element, access.memref.name_hint or "")

    @property
    def is_guarded(self) -> bool:
        """Whether a pad is read outside of the buffer."""
        return isinstance(self.access, loop.LoadOp) and self.access.otherwise is not None

    def dimension(self, axis: Axis) -> int | None:
        """The coordinate that an axis moves."""
        places = coordinates(self.access)
        return next((i for i, f in enumerate(places) if axis.variable in f.variables()), None)

    def is_alone(self, axis: Axis) -> bool:
        """Whether an axis is a coordinate by itself."""
        return Affine.variable(axis.variable) in coordinates(self.access)


@dataclass(frozen=True)
class Match:
    """The axes of a block that an instruction computes.

    `lanes` is the axis of neighbours in the result, `rows` the instruction's other one, if it has
    two, `depth` that of the sum, whose elements have a digit for each such axis of the instruction.
    """

    pattern: Pattern
    lanes: Axis
    rows: Axis | None
    depth: Axis
    result: Operand
    reads: tuple[Operand, ...]
    spatial: tuple[Axis, ...]
    """All axes of the block's result."""

    @property
    def name(self) -> str:
        return self.pattern.declared.sym_name.data

    @property
    def digits(self) -> dict[Axis, list[Digit]]:
        """For each axis of the block those of the instruction."""
        *rows, lanes = self.pattern.spatial
        found = {self.lanes: [lanes]}
        if self.rows is not None:
            found[self.rows] = rows
        return {**found, self.depth: [digit for digit in self.pattern.axes if digit.reduce]}

    def extent(self, axis: Axis | None) -> int:
        """How many elements along an axis it computes at once."""
        digits = [] if axis is None else self.digits.get(axis, [])
        return math.prod(digit.extent for digit in digits)

    @property
    def work(self) -> int:
        """The multiply-adds of one call."""
        return math.prod(map(self.extent, (self.lanes, self.rows, self.depth)))

    @property
    def ragged(self) -> list[Axis]:
        """The axes whose last instruction would not be whole."""
        return [axis for axis in self.digits if (axis.extent or 0) % self.extent(axis)]

    @property
    def growth(self) -> float:
        """How many times the work it is with whole instructions."""
        found = 1.0
        for axis in self.ragged:
            assert axis.extent is not None
            found *= -(-axis.extent // self.extent(axis)) * self.extent(axis) / axis.extent
        return found

    def packs(self, operand: Operand) -> bool:
        """Whether an operand is laid out anew for the instruction: constants and what is read with
        pads around it always, another factor if it must be, and so many results need each of its
        elements that a copy pays."""
        buffer = operand.access.memref
        mine = [axis for axis, digits in self.digits.items() if digits[0] in operand.element]
        if not all(map(operand.is_alone, mine)):
            return False
        padded = any(operand.dimension(axis) is not None for axis in self.ragged)
        if is_weight(buffer) or operand.is_guarded or padded:
            return True
        plain = isinstance(buffer, BlockArgument) and layout_of(buffer.type) is None
        return plain and not self.lies_right(operand) and self.reuse(operand) >= FEWEST_USES

    def reuse(self, operand: Operand) -> int:
        """How many results need an element of a factor."""
        others = [axis for axis in self.spatial if operand.dimension(axis) is None]
        return math.prod(axis.extent or 1 for axis in others)

    def lies_right(self, operand: Operand) -> bool:
        """Whether a factor lies as the instruction takes it; tiles are moved row by row."""
        whole = 0 if self.rows is None else 1
        return self.is_dense(operand, operand.element[whole:])

    def is_dense(self, operand: Operand, order: Sequence[Digit]) -> bool:
        """Whether the elements of an operand lie side by side along some of its axes."""
        values: dict[Hashable, Affine] = {}
        ranges: dict[Hashable, Interval] = {}
        for axis, digits in self.digits.items():
            form = Affine.variable(axis.variable)
            for digit in digits:
                ranges[digit] = (0, digit.extent - 1)
                form = form * digit.extent + Affine.variable(digit)
            values[axis.variable] = form
        place = [form.substitute(values, ranges) for form in coordinates(operand.access)]
        buffer = operand.access.memref
        return is_dense(buffer, place_in_memory(buffer, place, ranges), order)

    def fits_memory(self) -> bool:
        """Whether operands lie as the instruction takes them, or are laid out so."""
        return self.is_dense(self.result, self.result.element[-1:]) and all(
            self.packs(operand) or self.lies_right(operand) for operand in self.reads
        )


def matches_of(recipe: Recipe, block: loop.BlockOp) -> list[Match]:
    """The instructions that can compute a reduction: those that do so as it is first, then those
    that do most at once of it."""
    found: list[Match] = []
    for declared in (op for op in recipe.module.ops if isinstance(op, te.IntrinsicOp)):
        runs = declared.llvm_text is not None and (
            declared.needed_features <= recipe.machine.features
        )
        pattern = Pattern.of(declared) if runs else None
        if isinstance(pattern, Pattern) and pattern.reducer is not None:
            for part in parts_of(pattern, block.body.block):
                found.extend(assignments(block, pattern, part))
    fitting = [match for match in found if match.growth <= MOST_WORK]
    return sorted(fitting, key=lambda match: (bool(match.ragged), -match.work / match.growth))


def assignments(block: loop.BlockOp, pattern: Pattern, part: Part) -> Iterator[Match]:
    """The ways in which axes of a block can be those of an instruction, innermost ones first."""
    spatial = pattern.spatial
    if part.form != "update" or not 1 <= len(spatial) <= 2:
        return
    result = Operand.of(part.store, tuple(spatial))
    reads = tuple(Operand.of(part.reads[t], pattern.element(t)) for t in pattern.tensors)
    operands = (result, *reads)
    axes = axes_of(block)
    order = physical_order(block, axes)
    axes.sort(key=lambda axis: -order.index(axis.name))

    def candidates(digits: Sequence[Digit]) -> list[Axis]:
        wanted = [{digit in operand.element for digit in digits} for operand in operands]
        return [
            axis
            for axis in axes
            if axis.reduce == digits[0].reduce
            and [{operand.dimension(axis) is not None} for operand in operands] == wanted
            and axis.extent is not None
        ]

    *first, last = spatial
    rows: Sequence[Axis | None] = candidates(first) if first else [None]
    depth = candidates([digit for digit in pattern.axes if digit.reduce])
    for lanes, row, deep in product(candidates([last]), rows, depth):
        points = tuple(axis for axis in axes if not axis.reduce)
        match = Match(pattern, lanes, row, deep, result, reads, points)
        if match.fits_memory():
            yield match


@dataclass(frozen=True)
class Tile:
    """Instructions side by side, whose results stay in registers."""

    rows: int
    columns: int


def registers_of(tile: Tile, match: Match) -> int:
    """The registers of a tile: its results, and what is read of both factors."""
    return tile.rows * tile.columns + tile.columns + (1 if match.rows is None else tile.rows)


def choose_tile(machine: Machine, match: Match, rows: int, columns: int) -> Tile:
    """The tile with the least time for so many instructions along both sides.

    A step of the sum takes as long as its instructions, or as what they load, which is one
    register for each row and each column, and a part of the loads is never hidden.
    """
    budget = machine.vector_registers - 1 if match.rows is None else machine.tile_registers

    def cost(tile: Tile) -> float:
        total = 0.0
        pieces = list(product(parts(rows, tile.rows), parts(columns, tile.columns)))
        for r, c in pieces:
            loads = r[0] + c[0]
            total += r[1] * c[1] * (max(r[0] * c[0], loads) + OVERHEAD * loads)
        return total * (1 + REMAINDER * (len(pieces) - 1))

    sizes = product(range(1, min(rows, LARGEST_TILE) + 1), range(1, min(columns, LARGEST_TILE) + 1))
    tiles = [tile for tile in map(Tile, *zip(*sizes, strict=True))
             if registers_of(tile, match) <= budget]  # fmt: skip
    return min(tiles or [Tile(1, 1)], key=cost)


def parts(extent: int, size: int) -> list[tuple[int, int]]:
    """The (size, count) of the pieces that an extent is cut into."""
    whole, rest = divmod(extent, size)
    return [(size, whole)] * (whole > 0) + [(rest, 1)] * (rest > 0)
