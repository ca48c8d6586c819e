"""The analytic model that chooses the tiles of a kernel on an accelerator.

Two virtual threads take turns: while the compute unit works on the tiles of one, those of the other
are loaded. So a step of the reduction takes what computing or loading takes, whichever is longer.
The epilogue of a tile hides one load, of the first step of the next tile; what nothing hides is the
first load and the last store. Tiles that do not fit the memories together are no candidates. What
things take is in the `costs` of the machine.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from dialects import loop
from dialects.target import Machine, Scope
from passes.loop.forms import coordinates
from passes.loop.library.axes import Axis

TAIL_GAIN = 0.75
"""What share of the cycles tiles with tails may take, to be better than tiles that divide: a tail
needs instructions of its own, which the model does not count."""

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Footprint:
    """The elements of one operand in a tile, as a function of the tile's sizes."""

    memory: Scope
    dims: tuple[tuple[tuple[tuple[str, int], ...], int], ...]
    """For each dimension the loops that move it, with their steps, and its part of an element."""

    @staticmethod
    def of(
        access: loop.LoadOp | loop.StoreOp,
        memory: Scope,
        names: Mapping[Hashable, str],
        blocked: Mapping[int, int],
    ) -> "Footprint":
        """The footprint of an access whose variables are bound to the loops `names`.

        `blocked` is how many indices of a dimension an element holds.
        """
        dims = tuple(
            (
                tuple((names[v], abs(form.coefficient(v))) for v in form.variables()),
                blocked.get(i, 1),
            )
            for i, form in enumerate(coordinates(access))
        )
        return Footprint(memory, dims)

    def elements(self, sizes: Sizes) -> int:
        """How many elements of the memory the tile has."""
        total = 1
        for terms, part in self.dims:
            extent = 1 + sum(step * (sizes[name] - 1) for name, step in terms)
            total *= -(-extent // part)
        return total

    def bytes(self, sizes: Sizes) -> int:
        """What is moved to fill the tile."""
        return self.elements(sizes) * self.element_bytes

    @property
    def element_bytes(self) -> int:
        assert self.memory.element is not None
        shape, type = self.memory.element
        return math.prod(shape) * int(type.removeprefix("i").removeprefix("f")) // 8

    @property
    def depth(self) -> int | None:
        """How many elements the memory holds."""
        capacity = self.memory.capacity
        return None if capacity is None else capacity // self.element_bytes


@dataclass(frozen=True)
class Problem:
    """A reduction and what follows it, as the model sees them."""

    machine: Machine
    axes: Sequence[Axis]
    steps: Sizes
    result: Footprint
    operands: Sequence[Footprint]
    extras: Sequence[Footprint]
    """What the epilogue reads beside the result."""
    followers: int
    padded: frozenset[str] = frozenset()
    """The axes that move operands with zeros at their ends. A move then fills what is outside of
    them, too, which not every memory can do with more than a part of an element: tiles along these
    axes must divide."""

    def extent(self, axis: Axis) -> int:
        assert axis.extent is not None
        return axis.extent

    def calls(self, sizes: Sizes) -> int:
        """The calls of the reducing instruction in a tile."""
        return math.prod(-(-sizes[a.name] // self.steps.get(a.name, 1)) for a in self.axes)

    def fits(self, sizes: Sizes, threads: int) -> bool:
        """Whether the tiles of all threads are in the memories at the same time."""
        used: dict[str, int] = {}
        for part in (self.result, *self.operands, *self.extras):
            name = part.memory.name
            used[name] = used.get(name, 0) + threads * part.elements(sizes)
            if part.depth is not None and used[name] > part.depth:
                return False
        return True

    def shortage(self) -> str:
        """Which memory the smallest tiles do not fit; asked where there is one."""
        whole = {a.name: self.extent(a) for a in self.axes if a.reduce}
        sizes = {a.name: 1 for a in self.axes} | whole | dict(self.steps)
        needed: dict[Scope, int] = {}
        for part in (self.result, *self.operands, *self.extras):
            needed[part.memory] = needed.get(part.memory, 0) + part.elements(sizes)
            if part.depth is not None and needed[part.memory] > part.depth:
                name, count = part.memory.name, needed[part.memory]
                return f"{name} holds {part.depth} elements, and they have {count}"
        raise AssertionError("the smallest tiles fit")

    def cycles(self, sizes: Sizes, threads: int) -> float:
        """How long the kernel takes."""
        rate, costs = self.machine.bytes_per_cycle("dram"), self.machine.costs
        tiles = math.prod(-(-self.extent(a) // sizes[a.name]) for a in self.axes if not a.reduce)
        chunks = math.prod(-(-self.extent(a) // sizes[a.name]) for a in self.axes if a.reduce)
        points = self.result.elements(sizes)
        load = sum(p.bytes(sizes) / rate + costs.move for p in self.operands)
        reduce = self.calls(sizes) + costs.nest
        finish = self.followers * (points * costs.step + costs.nest) + points + costs.nest
        finish += sum(p.bytes(sizes) / rate + costs.move for p in self.extras)
        store = points * costs.store + costs.move
        if threads == 1:
            return tiles * (chunks * (reduce + load) + finish + store)
        last = max(load, reduce + finish)
        busy = max((chunks - 1) * max(reduce, load) + last, store)
        return tiles * busy + load + store


def divisors(extent: int, step: int) -> list[int]:
    """The multiples of a step that divide an extent."""
    return [n for n in range(step, extent + 1, step) if extent % n == 0]


def even_parts(extent: int, step: int) -> list[int]:
    """For each number of tiles the least multiple of a step that makes so few of an extent."""
    calls = -(-extent // step)
    return sorted({step * -(-calls // count) for count in range(1, calls + 1)})


def tile_sizes(problem: Problem, tails: bool = False) -> Iterator[dict[str, int]]:
    """All sizes of tiles that fit the memories and divide the extents.

    With `tails` those of the result need not divide: the last one has less in it. Along axes that
    move what is padded they do.
    """
    fixed = {a.name: problem.extent(a) for a in problem.axes if a.reduce}
    free = [a for a in problem.axes if not a.reduce or a.name in problem.steps]
    choices = [
        (even_parts if tails and not a.reduce and a.name not in problem.padded else divisors)(
            problem.extent(a), problem.steps.get(a.name, 1)
        )
        for a in free
    ]
    for found in product(*choices):
        sizes = fixed | {a.name: n for a, n in zip(free, found, strict=True)}
        if problem.fits(sizes, 1):
            yield sizes


def shared_axes(problem: Problem, sizes: Sizes) -> list[str]:
    """The axes whose tiles two threads can take turns with."""
    if not problem.fits(sizes, 2):
        return []
    spatial = [a for a in problem.axes if not a.reduce]
    return [a.name for a in spatial if -(-problem.extent(a) // sizes[a.name]) % 2 == 0]


@dataclass(frozen=True)
class Choice:
    """Tiles, the axis that two threads share, if any, and what the kernel takes then."""

    cycles: float
    sizes: dict[str, int]
    thread: str | None


def best_of(problem: Problem, candidates: Iterator[dict[str, int]]) -> Choice | None:
    """The candidate with the fewest cycles."""
    best: Choice | None = None
    for sizes in candidates:
        for thread in (*shared_axes(problem, sizes), None):
            cycles = problem.cycles(sizes, 1 if thread is None else 2)
            if best is None or cycles < best.cycles:
                best = Choice(cycles, sizes, thread)
    return best


def choose_tiles(problem: Problem) -> tuple[dict[str, int], str | None] | None:
    """The tiles with the fewest cycles, and the axis that two threads share, if any.

    Tails are accepted where they gain much, as where an extent is prime. None if not even the
    smallest tiles fit.
    """
    whole = best_of(problem, tile_sizes(problem))
    if whole is None:
        return None
    parts = best_of(problem, tile_sizes(problem, tails=True))
    assert parts is not None
    chosen = parts if parts.cycles < TAIL_GAIN * whole.cycles else whole
    return chosen.sizes, chosen.thread


def serial_tiles(problem: Problem, count: int) -> list[dict[str, int]]:
    """The best sizes where everything runs after what came before it."""
    return sorted(tile_sizes(problem), key=lambda sizes: problem.cycles(sizes, 1))[:count]
