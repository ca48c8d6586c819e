"""The analytic model of caches: which order of the loops over tiles moves the fewest bytes.

An operand that does not move with a loop is read again in each of its iterations, unless all that
one iteration touches fits a cache. What misses a cache comes from the next memory at its rate. A
processor sees a long run of bytes coming; a short one is waited for.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, gcd, inf, prod

from analysis.affine import Affine, Interval
from dialects.target import Machine

LINE = 64
"""The bytes of a line of a cache."""

WAY = 4 << 10
"""The bytes of the first cache in which no two lines have the same set: those of a page, so that
the set is known before the address is translated."""

RUN = 16 << 10
"""The bytes of a run for half of the rate of a memory beyond the second cache."""

HIDDEN = 0.2
"""The share of the second cache's time that is not hidden behind the multipliers."""

PARKED = 6
"""The cycles in which a vector of accumulators is stored and loaded again."""

WORTH = 0.03
"""The share of all cycles that has to be saved before accumulators are stored in between."""

Sizes = Mapping[str, int]


@dataclass
class Operand:
    """A buffer that a reduction reads: where the element of a point lies, in forms of its axes.

    `places` are physical coordinates, the last one fastest. A `packed` operand is laid out in the
    order in which it is read.
    """

    name: str
    bytes: int
    places: Sequence[Affine]
    extents: Sequence[int]
    packed: bool = False
    known: dict[tuple[int, ...], tuple[int, int]] = field(
        default_factory=dict[tuple[int, ...], tuple[int, int]]
    )

    def __post_init__(self) -> None:
        self.axes = tuple(sorted({str(v) for form in self.places for v in form.variables()}))

    def footprint(self, sizes: Sizes) -> tuple[int, int]:
        """The bytes that it touches while each axis runs over so many iterations, and those of a
        run of them that lie side by side."""
        key = tuple(sizes[axis] for axis in self.axes)
        if key not in self.known:
            self.known[key] = self._footprint(sizes)
        return self.known[key]

    def stride(self, axis: str) -> int:
        """The bytes from a point to the next one along an axis."""
        offset, moved = 0, 0
        still: dict[Hashable, int] = dict.fromkeys(self.axes, 0)
        for form, extent in zip(self.places, self.extents, strict=True):
            offset = offset * extent + form.evaluate(still)
            moved = moved * extent + form.evaluate({**still, axis: 1})
        return (moved - offset) * self.bytes

    def same_set(self, points: Sizes) -> int:
        """How many lines of these points have to share a set of the first cache."""
        total = 1
        for axis, size in points.items():
            if axis in self.axes and size > 1:
                apart = WAY // gcd(WAY, max(LINE, abs(self.stride(axis))))
                total *= ceil(size / apart)
        return total

    @property
    def total(self) -> int:
        """The bytes of all of it."""
        return self.bytes * prod(self.extents)

    def _footprint(self, sizes: Sizes) -> tuple[int, int]:
        ranges: dict[Hashable, Interval] = {axis: (0, sizes[axis] - 1) for axis in self.axes}
        total = run = self.bytes
        side_by_side = True
        for form, extent in zip(reversed(self.places), reversed(self.extents), strict=True):
            low, high = form.interval(ranges)
            width = extent if low is None or high is None else min(extent, high - low + 1)
            width = max(1, width)  # what is empty takes no time in any order
            total *= width
            if side_by_side:
                run *= width
                side_by_side = width == extent
        return total, total if self.packed else run


@dataclass(frozen=True)
class Traffic:
    """The loops of a reduction over tiles: the extents of all axes, and the sizes of a tile.

    The first axis is that of the lanes. An axis that is not in `tile` is whole in it, or in
    `chunks`, if the sum goes over them in turn.
    """

    machine: Machine
    operands: Sequence[Operand]
    extents: Sizes
    tile: Sizes
    chunks: Sizes = field(default_factory=dict[str, int])

    @cached_property
    def innermost(self) -> Sizes:
        """How far each axis runs inside of all loops over tiles."""
        cuts = {**self.extents, **self.tile, **self.chunks}
        return {axis: min(extent, cuts[axis]) for axis, extent in self.extents.items()}

    def trips(self, axis: str) -> int:
        """The iterations of the loop over tiles along an axis."""
        return ceil(self.extents[axis] / self.innermost[axis]) if self.extents[axis] else 0

    def sizes(self, inner: Sequence[str]) -> Sizes:
        """How far each axis runs while the loops `inner` over tiles run."""
        return {**self.innermost, **{axis: self.extents[axis] for axis in inner}}

    def orders(self) -> Iterator[tuple[str, ...]]:
        """The orders of the loops over tiles: the first axis, that of the lanes, at each place
        among the others, which stay in the order in which the result lies in memory."""
        first, *rest = self.extents
        loops = tuple(axis for axis in rest if self.trips(axis) > 1)
        places = range(len(loops) + 1) if self.trips(first) > 1 else ()
        yield from ((*loops[:place], first, *loops[place:]) for place in places)
        if not places:
            yield loops

    def missed(self, order: Sequence[str], capacity: int) -> list[float]:
        """The bytes of each operand that do not come from a cache of that capacity; what fits it
        as a whole is there from the kernel before."""
        if sum(o.footprint(self.sizes(order))[0] for o in self.operands) <= capacity:
            return [0.0] * len(self.operands)
        total = [float(o.footprint(self.sizes(order))[0]) for o in self.operands]
        for depth, axis in enumerate(order):
            touched = self.sizes(order[depth + 1 :])
            if sum(o.footprint(touched)[0] for o in self.operands) <= capacity:
                break
            for number, operand in enumerate(self.operands):
                if axis not in operand.axes:
                    total[number] *= self.trips(axis)
        return total

    def cycles(self, order: Sequence[str]) -> float:
        """The cycles that are spent on waiting for memory."""
        machine = self.machine
        near = sum(self.missed(order, machine.l1_bytes)) + sum(map(self.evicted, self.operands))
        total = HIDDEN * near / machine.bytes_per_cycle("l2")
        waits = [self.wait(operand, order) for operand in self.operands]
        for capacity, memory in ((machine.l2_bytes, "l3"), (machine.l3_bytes, "dram")):
            for wait, bytes in zip(waits, self.missed(order, capacity), strict=True):
                total += bytes * wait / machine.bytes_per_cycle(memory)
        return total

    def evicted(self, operand: Operand) -> float:
        """The bytes that are loaded again for each element, where the lines of a tile's points
        throw each other out of the first cache."""
        points = {axis: size for axis, size in self.tile.items() if axis in self.extents}
        if operand.packed or operand.same_set(points) <= self.machine.l1_bytes // WAY * 3 // 4:
            return 0
        reads = (e if a in operand.axes else self.trips(a) for a, e in self.extents.items())
        return LINE * prod(reads)

    def wait(self, operand: Operand, order: Sequence[str]) -> float:
        """How much longer its bytes take than in one long run: those of a tile lie in runs, and
        so do those of the tiles that the innermost loop goes through."""
        of_tile = operand.footprint(self.sizes(()))[1]
        of_row = operand.footprint(self.sizes(order[-1:]))[1]
        return 1 + (RUN / of_tile + RUN / of_row) / 2

    def waiting(self, operand: Operand, order: Sequence[str]) -> float:
        """The cycles that are spent on waiting for what an operand has in the third cache."""
        missed = self.missed(order, self.machine.l2_bytes)[self.operands.index(operand)]
        return missed * self.wait(operand, order) / self.machine.bytes_per_cycle("l3")

    def imbalance(self, order: Sequence[str]) -> float:
        """How much longer the busiest core works than all of them would on average."""
        trips = self.trips(order[0]) if order else 1
        return ceil(trips / self.machine.cores) * self.machine.cores / trips


def choose_order(traffic: Traffic, busy: float) -> tuple[float, tuple[str, ...]]:
    """The order in which a reduction takes the fewest cycles, and these; on registers and caches
    alone it takes `busy` ones."""
    best: tuple[float, tuple[str, ...]] = (inf, ())
    for order in traffic.orders():
        total = (busy + traffic.cycles(order)) * traffic.imbalance(order)
        if total < best[0]:
            best = (total, order)
    return best


def streamed(
    traffic: Traffic, order: Sequence[str], busy: float, chunk: Sizes, chunks: int, vectors: int
) -> str | None:
    """The operand whose chunks should each serve all points before the next one comes, if there
    is one: it does not fit the second cache, and to wait for it takes longer than to store and to
    load `vectors` vectors of accumulators between its `chunks`, by a part of the `busy` cycles. Its
    own axis, that of the lanes, is what cores share then."""
    machine = traffic.machine
    lanes = tuple(traffic.extents)[:1]
    if traffic.imbalance(lanes) > (1 + WORTH) * traffic.imbalance(order):
        return None
    for operand in traffic.operands:
        waiting = traffic.waiting(operand, order)
        saved = (1 - HIDDEN) * waiting - (chunks - 1) * vectors * PARKED
        fits = operand.footprint(chunk)[0] <= machine.l2_bytes // 4
        if operand.packed and operand.total > machine.l2_bytes and fits and saved > WORTH * busy:
            return operand.name
    return None


def prefetched(machine: Machine, operands: Sequence[Operand], chunk: Sizes) -> str | None:
    """The operand that is worth asking for early, one iteration of a loop ahead: it does not fit
    the second cache, and what an iteration (`chunk`) reads of it is one run."""
    for operand in operands:
        bytes, run = operand.footprint(chunk)
        if operand.total > machine.l2_bytes and run == bytes and not operand.packed:
            return operand.name
    return None
