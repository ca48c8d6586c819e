"""When a time is known well enough: batches in rounds, and the final race, on any clock.

Machines are shared, so the minimum of short repeats tells most (seconds of the thread's own clock,
where there is one thread). The kernels of a batch take turns, a visit of a few repeats each, and a
reference kernel is visited between the rounds:

    reference  k1 k2 k3 ...  reference  k1 k2 k3 ...  reference  k1 k2 k3 ...  reference

A round counts where the reference was as fast before and after it as it ever was. A kernel has
enough rounds earlier where its best repeats, of more than one round, agree; and it is given up
where it is hopeless. All times are of warm data: the repeats of a visit use the same memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

Sample = tuple[float, float]
"""The seconds of a call by the wall clock, and by the clock of the thread."""

Visit = Callable[[int, int, float | None], list[Sample]]
"""Runs a kernel so many repeats, or two if both are over a limit in seconds."""

REFERENCE = -1
"""The number of the reference kernel; candidates count from 0."""


@dataclass(frozen=True)
class Policy:
    """How much is measured."""

    rounds: int = 3
    """Rounds that count, for a kernel whose repeats never agree."""
    most_rounds: int = 8
    repeats: int = 4
    agree: float = 0.01
    """The best and the third best repeat differ by no more: the best one is known."""
    drift: float = 0.05
    """A reference that is slower than it was by more tells of a round that does not count."""
    hopeless: float = 3.0
    """A kernel that takes so many times as long as the best is not visited again."""
    race_rounds: int = 12
    race_repeats: int = 3


def cost_of(sample: Sample, threads: int) -> float:
    """What counts: the clock of the thread, where there is one."""
    return sample[1] if threads == 1 else sample[0]


@dataclass(frozen=True)
class Timing:
    """The times of a kernel: of a call, all of its repeats, and a call of the reference."""

    cost: float
    samples: tuple[Sample, ...]
    reference: float


@dataclass
class Batch:
    """Kernels that are measured together; `known` is the best time of the reference so far."""

    visit: Visit
    kernels: Sequence[int]
    threads: int
    policy: Policy = field(default_factory=Policy)
    best: float = float("inf")
    known: float = float("inf")
    rounds: list[dict[int, list[Sample]]] = field(
        default_factory=list[dict[int, list[Sample]]], init=False
    )
    references: list[float] = field(default_factory=list[float], init=False)
    """The best repeat of the reference before each round, and after the last."""

    def run(self) -> dict[int, Timing]:
        """Measure until all is known, or for as many rounds as there may be."""
        self.visit_reference()
        waiting = list(self.kernels)
        while waiting and len(self.rounds) < self.policy.most_rounds:
            self.rounds.append({})
            for kernel in waiting:
                limit = self.policy.hopeless * self.best
                samples = self.visit(kernel, self.policy.repeats, limit)
                self.rounds[-1][kernel] = samples
                self.best = min(self.best, *self.costs(samples))
            self.visit_reference()
            waiting = [kernel for kernel in self.kernels if not self.is_known(kernel)]
        return {kernel: self.timing(kernel) for kernel in self.kernels}

    def costs(self, samples: Sequence[Sample]) -> list[float]:
        return [cost_of(sample, self.threads) for sample in samples]

    def visit_reference(self) -> None:
        found = min(self.costs(self.visit(REFERENCE, self.policy.repeats, None)))
        self.references.append(found)
        self.best = min(self.best, found)
        self.known = min(self.known, found)

    def counts(self, number: int) -> bool:
        """Whether the machine was at its usual speed in a round."""
        slower = max(self.references[number : number + 2])
        return slower <= (1 + self.policy.drift) * self.known

    def counting(self, kernel: int) -> list[list[Sample]]:
        """The visits of a kernel in rounds that count."""
        return [r[kernel] for i, r in enumerate(self.rounds) if kernel in r and self.counts(i)]

    def all_samples(self, kernel: int) -> tuple[Sample, ...]:
        return tuple(s for r in self.rounds for s in r.get(kernel, []))

    def is_known(self, kernel: int) -> bool:
        """Whether a kernel need not be visited again."""
        if min(self.costs(self.all_samples(kernel))) > self.policy.hopeless * self.best:
            return True
        visits = self.counting(kernel)
        costs = sorted(cost for visit in visits for cost in self.costs(visit))
        agree = len(costs) >= 3 and costs[2] <= (1 + self.policy.agree) * costs[0]
        return len(visits) >= self.policy.rounds or (len(visits) >= 2 and agree)

    def timing(self, kernel: int) -> Timing:
        """What is known of a kernel: a slow round cannot make the best of all repeats worse."""
        samples = self.all_samples(kernel)
        return Timing(min(self.costs(samples)), samples, min(self.references))


@dataclass
class Race:
    """The final race: each kernel against the reference, again and again.

    In a round every kernel runs between two visits of the reference, whose mean it is compared
    with; the median of these ratios is what a machine that changes its speed changes least. Pairs
    count where both visits of the reference agree, if these are enough. The cost is the ratio times
    the best time of the reference.
    """

    visit: Visit
    kernels: Sequence[int]
    threads: int
    policy: Policy = field(default_factory=Policy)

    def run(self) -> dict[int, Timing]:
        """Measure all rounds."""
        ratios: dict[int, list[tuple[bool, float]]] = {kernel: [] for kernel in self.kernels}
        samples: dict[int, list[Sample]] = {kernel: [] for kernel in self.kernels}
        best = last = self.reference()
        for number in range(self.policy.race_rounds):
            # nobody always follows the same one
            first = number % max(1, len(self.kernels))
            for kernel in [*self.kernels[first:], *self.kernels[:first]]:
                visit = self.visit(kernel, self.policy.race_repeats, None)
                before, last = (
                    last,
                    self.best_of(self.visit(REFERENCE, self.policy.race_repeats, None)),
                )
                steady = abs(before - last) <= self.policy.drift * min(before, last)
                ratios[kernel].append((steady, 2 * self.best_of(visit) / (before + last)))
                samples[kernel] += visit
                best = min(best, last)
        return {
            kernel: Timing(self.ratio(ratios[kernel]) * best, tuple(samples[kernel]), best)
            for kernel in self.kernels
        }

    def reference(self) -> float:
        """What a call of the reference takes now."""
        return self.best_of(self.visit(REFERENCE, self.policy.race_repeats, None))

    def best_of(self, samples: Sequence[Sample]) -> float:
        return min(cost_of(sample, self.threads) for sample in samples)

    def ratio(self, pairs: Sequence[tuple[bool, float]]) -> float:
        """The median of the pairs that count."""
        steady = [ratio for agree, ratio in pairs if agree]
        enough = 2 * len(steady) >= len(pairs)
        return median(steady if enough else [ratio for _, ratio in pairs])
