"""Micro-op kernels: which loops of a nest the instruction runs, and what the micro-ops are.

An instruction runs a list of micro-ops inside two loops that advance each index by a constant. The
other loops of a nest are written out as micro-ops. What is chosen depends on the steps of the
loops, never on their order in the program, which is free: accumulation commutes.

docs/vta-isa.md, section 8: no accumulator may be written again within the next micro-ops, across
the ends of the loops too. Of the choices for which that holds, the one with the fewest micro-ops
is taken. Where there is none, because there are too few accumulators, micro-ops that write to
others, of which nobody reads the value, stand in between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, permutations, product
from math import prod

import numpy as np

Steps = tuple[int, ...]
"""What one iteration adds to each index: accumulator, source and, in GEMM, weight."""

TRIPS = (1 << 14) - 1
"""The most iterations of a loop of an instruction."""


@dataclass(frozen=True, order=True)
class Axis:
    """A loop of a nest."""

    steps: Steps
    count: int

    @property
    def span(self) -> Steps:
        """What its last iteration adds."""
        return tuple(s * (self.count - 1) for s in self.steps)


@dataclass(frozen=True)
class Kernel:
    """One instruction: micro-ops, and the counts and steps of its loops, the outer one first.

    `base` is to be added to the addresses of the nest's first iteration. A micro-op at one of the
    `dummies` writes to a spare accumulator; its index is the number of the accumulator.
    """

    uops: tuple[Steps, ...]
    counts: tuple[int, int]
    factors: tuple[Steps, Steps]
    base: Steps
    dummies: tuple[int, ...] = ()

    @property
    def spare(self) -> int:
        """How many spare accumulators it writes to."""
        return max((self.uops[i][0] + 1 for i in self.dummies), default=0)


def merged(axes: Sequence[Axis]) -> list[Axis]:
    """The loops that are left when those which go on where another ends are one with it."""
    found = sorted(axis for axis in axes if axis.count > 1)
    while True:
        for inner, outer in permutations(found, 2):
            goes_on = tuple(s * inner.count for s in inner.steps) == outer.steps
            if goes_on and inner.count * outer.count <= TRIPS:
                found.remove(inner)
                found.remove(outer)
                found = sorted([*found, Axis(inner.steps, inner.count * outer.count)])
                break
        else:
            return found


def is_foldable(axis: Axis) -> bool:
    """Whether an instruction can run a loop: it only counts up."""
    return axis.count <= TRIPS and (min(axis.steps) >= 0 or max(axis.steps) <= 0)


def upwards(axis: Axis) -> Axis:
    """A loop that counts up, in the place of one that counts down."""
    return Axis(tuple(map(abs, axis.steps)), axis.count) if is_foldable(axis) else axis


def add(first: Steps, second: Steps) -> Steps:
    return tuple(a + b for a, b in zip(first, second, strict=True))


def points_of(axes: Sequence[Axis], start: Steps) -> Iterator[Steps]:
    """The indices of all iterations of nested loops, the last of which varies fastest."""
    for point in product(*(range(axis.count) for axis in axes)):
        moved = (tuple(s * i for s in a.steps) for a, i in zip(axes, point, strict=True))
        yield reduce(add, moved, start)


def written(uops: Sequence[int], counts: Sequence[int], factors: Sequence[int]) -> np.ndarray:
    """The accumulators that the first three outer iterations write, in order."""
    outer = np.arange(min(counts[0], 3))[:, None, None] * factors[0]
    inner = np.arange(counts[1])[None, :, None] * factors[1]
    return (outer + inner + np.asarray(uops)[None, None, :]).reshape(-1)


def is_safe(kernel: Kernel, distance: int) -> bool:
    """Whether no accumulator is written again within the next `distance` micro-ops.

    Outer iterations are alike, and three of them hold any window of up to three micro-ops.
    """
    assert distance <= 2
    steps = [f[0] for f in kernel.factors]
    sequence = written([uop[0] for uop in kernel.uops], kernel.counts, steps)
    return all((sequence[d:] != sequence[:-d]).all() for d in range(1, distance + 1))


def candidates(axes: Sequence[Axis]) -> Iterator[tuple[Axis | None, Axis | None]]:
    """Pairs of loops that the instruction may run, those that leave the fewest micro-ops first.

    Of equals, reductions are outer loops.
    """
    foldable = [axis for axis in axes if is_foldable(axis)]
    pairs: list[tuple[Axis | None, Axis | None]] = [(None, None)]
    pairs += [(None, axis) for axis in foldable]
    pairs += permutations(foldable, 2)

    def cost(pair: tuple[Axis | None, Axis | None]) -> tuple[object, ...]:
        chosen = [axis for axis in pair if axis is not None]
        # of equal counts: a reduction outside, then the smaller steps inside
        return -prod(a.count for a in chosen), [a.steps[0] != 0 for a in chosen], chosen[::-1]

    return iter(sorted(pairs, key=cost))


def kernel_of(
    axes: Sequence[Axis], outer: Axis | None, inner: Axis | None, points: Sequence[Steps]
) -> Kernel:
    """The instruction that runs two of the loops itself; `points` are moved by the others."""
    rest = list(axes)
    for axis in (outer, inner):
        if axis is not None:
            rest.remove(axis)
    # reductions slowest, so that an accumulator is met again as late as possible
    rest.sort(key=lambda axis: (axis.steps[0] != 0, tuple(-s for s in axis.steps)))
    # a point that nothing moves is a reduction like others, so that points vary slowest
    uops = list(chain.from_iterable(points_of(rest, point) for point in points))
    base = tuple(min(uop[k] for uop in uops) for k in range(len(uops[0])))
    shift = tuple(-b for b in base)
    nothing = (0,) * len(base)
    return Kernel(
        tuple(add(uop, shift) for uop in uops),
        (1 if outer is None else outer.count, 1 if inner is None else inner.count),
        (nothing if outer is None else outer.steps, nothing if inner is None else inner.steps),
        base,
    )


def with_dummies(kernel: Kernel, distance: int) -> Kernel:
    """The kernel with micro-ops on spare accumulators wherever one is written again too soon.

    Its loops do not move the accumulator, so that each iteration writes the same ones in turn.
    """
    assert not kernel.factors[0][0] and not kernel.factors[1][0]
    uops: list[Steps] = []
    dummies: list[int] = []
    names: list[object] = []

    def spare(like: Steps) -> None:
        used = names[-distance:]
        number = next(n for n in range(distance + 1) if ("spare", n) not in used)
        dummies.append(len(uops))
        uops.append((number, *like[1:]))
        names.append(("spare", number))

    for uop in kernel.uops:
        while uop[0] in names[max(0, len(names) - distance) :]:
            spare(uops[-1])
        uops.append(uop)
        names.append(uop[0])
    while kernel.counts != (1, 1) and meets_itself(names, distance):
        spare(uops[-1])
    return Kernel(tuple(uops), kernel.counts, kernel.factors, kernel.base, tuple(dummies))


def meets_itself(names: Sequence[object], distance: int) -> bool:
    """Whether something at the end of a list comes again too soon where the list starts anew."""
    seam = [*names[-distance:], *names[:distance]]
    return any(name in seam[i + 1 : i + 1 + distance] for i, name in enumerate(seam))


def accumulators(axes: Sequence[Axis], points: Sequence[Steps]) -> int:
    """How many accumulators a nest writes."""
    found = np.array([point[0] for point in points])
    for axis in axes:
        if axis.steps[0]:
            found = np.unique(np.add.outer(found, np.arange(axis.count) * axis.steps[0]))
    return len(np.unique(found))


def plan(axes: Sequence[Axis], points: Sequence[Steps], distance: int, limit: int) -> list[Kernel]:
    """The instructions for a nest: one, or several where a kernel holds at most `limit` micro-ops.

    `points` are the indices of the micro-ops that do not move by constant steps.
    """
    down = [axis for axis in axes if is_foldable(axis) and min(axis.steps) < 0]
    start = reduce(add, (axis.span for axis in down), (0,) * len(points[0]))
    found = merged([upwards(axis) for axis in axes])
    moved = [add(point, start) for point in points]
    enough = accumulators(found, moved) > distance or prod(a.count for a in found) == 1
    for outer, inner in candidates(found) if enough else ():
        whole = kernel_of(found, outer, inner, moved)
        parts = split(whole, limit)
        if all(is_safe(part, distance) for part in parts):
            return parts
    still = [axis for axis in found if not axis.steps[0] and is_foldable(axis)]
    outer, inner = next(candidates(still))
    whole = kernel_of(found, outer, inner, moved)
    return [with_dummies(part, distance) for part in split(whole, limit // (distance + 1))]


def split(kernel: Kernel, limit: int) -> list[Kernel]:
    """Kernels of at most `limit` micro-ops that do the same one after the other."""
    uops = kernel.uops
    return [
        Kernel(uops[i : i + limit], kernel.counts, kernel.factors, kernel.base)
        for i in range(0, len(uops), limit)
    ]
