"""The analytic model that chooses a register tile.

A tile keeps `vectors` accumulators for each of `rows * columns` points in registers. One step of
the reduction loads `vectors` vectors and as many scalars as there are points, and does one fused
multiply-add for each accumulator. The time of a step is the largest of what the multipliers, the
load ports and the latency of the chain of additions need, plus a little of the loads. The time of
a row or a layer is that of its whole tiles and of the remainders.
"""

from dataclasses import dataclass
from itertools import product

from dialects.target import Machine

FMA_PER_CYCLE = 2
LOADS_PER_CYCLE = 2
FMA_LATENCY = 4
LOAD_OVERLAP = 0.1
"""The share of the loads' time that is not hidden behind the multipliers."""


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


def step_cycles(points: int, vectors: int, scalars: int) -> float:
    """The cycles of one step of the reduction for a tile."""
    loads = (scalars + vectors) / LOADS_PER_CYCLE
    return max(points * vectors / FMA_PER_CYCLE, loads, FMA_LATENCY) + LOAD_OVERLAP * loads


def parts(extent: int, size: int) -> list[tuple[int, int]]:
    """The (size, count) of the pieces that an extent is cut into."""
    whole, rest = divmod(extent, size)
    return [(size, whole)] * (whole > 0) + [(rest, 1)] * (rest > 0)


def cycles(tile: Tile, rows: int, columns: int, vectors: int, shared: bool) -> float:
    """The cycles of one step of the reduction for a whole output.

    `shared`: a scalar serves all vectors of its point (a matrix product); otherwise each vector
    needs one of its own (a depthwise convolution).
    """
    total = 0.0
    for (r, rs), (c, cs), (v, vs) in product(
        parts(rows, tile.rows), parts(columns, tile.columns), parts(vectors, tile.vectors)
    ):
        points = r * c
        scalars = points if shared else points * v
        total += rs * cs * vs * step_cycles(points, v, scalars)
    return total


def choose_tile(machine: Machine, rows: int, columns: int, vectors: int, shared: bool) -> Tile:
    """The tile with the fewest cycles among those that fit the registers."""
    budget = machine.vector_registers - 1
    best: tuple[float, int, Tile] | None = None
    for v in range(1, min(vectors, 8) + 1):
        for r in range(1, min(rows, 8) + 1):
            for c in range(1, min(columns, budget) + 1):
                tile = Tile(r, c, v)
                if tile.registers > budget:
                    break
                key = (cycles(tile, rows, columns, vectors, shared), r, tile)
                if best is None or key[:2] < best[:2]:
                    best = key
    assert best is not None, "a tile of one point fits every machine"
    return best[2]
