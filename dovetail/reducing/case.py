"""What is reduced, and the loop that does it.

A case is reduced as Zeller and Hildebrandt do it (2002, "Simplifying and isolating failure-inducing
input"): parts are left out, large ones first, and what still fails is kept. What a part is, a
strategy says; strategies take turns until none of them gets any further.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from backends.interpreter.scalars import Array


@dataclass(frozen=True, eq=False)
class Case:
    """A module, the passes to be run on it, and arrays for its function if they are not seeded."""

    module: ModuleOp
    passes: tuple[ModulePass, ...] = ()
    inputs: tuple[Array, ...] | None = None

    @property
    def key(self) -> object:
        """Equal for cases that are the same."""
        arrays = [(a.shape, a.tobytes()) for a in self.inputs or ()]
        return str(self.module), tuple(map(str, self.passes)), tuple(arrays)


Strategy = Callable[[Case], Iterator[Case]]
"""Smaller cases than the given one, those that leave out most first."""

Oracle = Callable[[Case], bool]
"""Whether a case still fails in the way that is looked for."""


@dataclass
class Reducer:
    """Reduces cases for an oracle, within a number of trials and of seconds.

    `tell` hears about progress: trials made, and the size of the smallest case.
    """

    oracle: Oracle
    strategies: Sequence[Strategy]
    trials: int = 1000
    seconds: float = 60
    tell: Callable[[int, int], None] = lambda trials, size: None
    tried: set[object] = field(default_factory=set[object])
    made: int = 0

    def reduce(self, case: Case) -> Case:
        """The smallest case that was found."""
        deadline = time.monotonic() + self.seconds
        improved = True
        while improved:
            improved = False
            for strategy in self.strategies:
                while (smaller := self.step(strategy, case, deadline)) is not None:
                    case, improved = smaller, True
        return case

    def step(self, strategy: Strategy, case: Case, deadline: float) -> Case | None:
        """The first case of a strategy that still fails."""
        for candidate in strategy(case):
            if self.made >= self.trials or time.monotonic() > deadline:
                return None
            key = candidate.key
            if key in self.tried:
                continue
            self.tried.add(key)
            self.made += 1
            self.tell(self.made, sum(1 for _ in case.module.walk()))
            if self.oracle(candidate):
                return candidate
        return None


def chunks(count: int) -> Iterator[range]:
    """Ranges of positions to leave out: halves, quarters, ... one by one, the last ones first."""
    size = count
    while size >= 1:
        for end in range(count, 0, -size):
            yield range(max(0, end - size), end)
        if size == 1:
            return
        size = -(-size // 2)
