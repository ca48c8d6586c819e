"""The analytic model of a register tile: how many cycles it takes where its data is at hand.

A tile keeps `vectors` accumulators for each of `rows * columns` points in registers. One step of
the reduction loads `vectors` vectors and as many scalars as there are points, and does one fused
multiply-add for each accumulator. The time of a step is the largest of what the multipliers, the
load ports and the latency of the chain of additions need, plus a little of the loads. The time of
a row or a layer is that of its whole tiles and of the remainders.

Where the whole reduction is a small window that is unrolled, a vector is loaded once for all taps
that need it, and a row of them stays in registers beside the accumulators.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from dialects.target import Machine
from passes.loop.library.cuts import Loop

LOAD_OVERLAP = 0.1
"""The share of the loads' time that is not hidden behind the multipliers."""

IN_FLIGHT = 6
"""The registers that an unrolled window needs beside accumulators, weights and shared vectors."""

LONGEST = 8
"""The most rows, and the most vectors of a point, that a tile is tried with."""


@dataclass(frozen=True)
class Tile:
    """A register tile: points along two axes, and vectors along the lane axis."""

    rows: int
    columns: int
    vectors: int

    @property
    def registers(self) -> int:
        """The vector registers that it occupies: accumulators, vectors, one spare."""
        return (self.rows * self.columns + 1) * self.vectors

    def sizes(self, points: Sequence[Loop]) -> dict[str, int]:
        """How many iterations of each loop of the points, slowest first, are in it."""
        names = [loop.name for loop in points]
        return dict(zip(names[::-1], (self.columns, self.rows), strict=False))


@dataclass(frozen=True)
class Extents:
    """What a tile is for: the points along two axes, and the vectors of the whole result.

    `shared`: a scalar serves all vectors of its point (a matrix product); otherwise each vector
    needs one of its own (a depthwise convolution).
    """

    rows: int
    columns: int
    vectors: int
    shared: bool


@dataclass(frozen=True)
class Window:
    """A small reduction that is unrolled as a whole: its taps along rows and columns, and how far
    a point moves along the columns."""

    taps: int
    rows: int
    columns: int
    step: int

    def row(self, columns: int) -> int:
        """The vectors of one row that so many points need."""
        return min((columns - 1) * self.step + self.columns, columns * self.columns)

    def shared(self, columns: int) -> int:
        """Those of them that more than one tap needs."""
        return min(columns, columns * self.columns - self.row(columns))


def step_cycles(machine: Machine, points: int, vectors: int, scalars: int) -> float:
    """The cycles of one step of the reduction for a tile."""
    loads = (scalars + vectors) / machine.loads
    adds = points * vectors / machine.multiply_adds
    return max(adds, loads, machine.latency) + LOAD_OVERLAP * loads


@cache
def parts(extent: int, size: int) -> list[tuple[int, int]]:
    """The (size, count) of the pieces that an extent is cut into."""
    whole, rest = divmod(extent, size)
    return [(size, whole)] * (whole > 0) + [(rest, 1)] * (rest > 0)


def cycles(machine: Machine, tile: Tile, whole: Extents) -> float:
    """The cycles of one step of the reduction for a whole result."""
    total = 0.0
    for (r, rs), (c, cs), (v, vs) in product(
        parts(whole.rows, tile.rows),
        parts(whole.columns, tile.columns),
        parts(whole.vectors, tile.vectors),
    ):
        points = r * c
        scalars = points if whole.shared else points * v
        total += rs * cs * vs * step_cycles(machine, points, v, scalars)
    return total


@cache
def rank_tiles(machine: Machine, whole: Extents) -> list[tuple[float, Tile]]:
    """The tiles that fit the registers, those with the fewest cycles a step first.

    Points follow each other along the columns: a tile has several rows where one is whole in it.
    """
    budget = machine.vector_registers - 1
    found: list[tuple[float, Tile]] = []
    for v in range(1, min(whole.vectors, LONGEST) + 1):
        shapes = [(1, c) for c in range(1, min(whole.columns, budget) + 1)]
        shapes += [(r, whole.columns) for r in range(2, min(whole.rows, LONGEST) + 1)]
        for r, c in shapes:
            tile = Tile(r, c, v)
            if tile.registers <= budget:
                found.append((cycles(machine, tile, whole), tile))
    assert found, "a tile of one point fits every machine"
    return sorted(found, key=lambda pair: (pair[0], pair[1].rows))


def window_cycles(
    machine: Machine, whole: Extents, window: Window, held: bool, tile: Tile
) -> float:
    """The cycles of a row of vectors of the result, for an unrolled window; the rows of a tile
    share what their windows have in common."""
    total = 0.0
    for (rows, strips), (size, count) in product(
        parts(whole.rows, tile.rows), parts(whole.columns, tile.columns)
    ):
        height = min((rows - 1) * window.step + window.rows, rows * window.rows)
        adds = rows * size * window.taps / machine.multiply_adds
        loads = height * window.row(size) + (0 if held else window.taps)
        cycles = max(adds, loads / machine.loads, machine.latency) + LOAD_OVERLAP * loads
        total += strips * count * cycles
    return total / whole.rows


def window_registers(window: Window, held: bool, tile: Tile) -> int:
    """The vector registers that a tile occupies, for an unrolled window."""
    kept = window.shared(tile.columns) + (window.taps if held else 0)
    return (tile.rows * tile.columns + kept) * tile.vectors + IN_FLIGHT


def window_tile(machine: Machine, whole: Extents, window: Window, held: bool) -> Tile | None:
    """The tile of one row for an unrolled window; `held`: an operand of it stays in registers.

    None where not even one point fits.
    """
    tiles = [Tile(1, columns, 1) for columns in range(1, whole.columns + 1)]
    fitting = [t for t in tiles if window_registers(window, held, t) <= machine.vector_registers]
    if not fitting:
        return None
    return min(fitting, key=lambda tile: window_cycles(machine, whole, window, held, tile))
