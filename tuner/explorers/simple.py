"""Explorers that learn nothing: at random, all in order, and by the analytic prior alone."""

from dataclasses import dataclass

from tuner.explorers.explorer import generator, ranked, untried
from tuner.history import History
from tuner.space import Candidates


@dataclass(frozen=True)
class Random:
    """Candidates at random."""

    seed: int
    batch: int = 8

    def propose(self, candidates: Candidates, history: History, count: int) -> list[int]:
        rest = untried(candidates, history)
        picked = generator(self.seed, history).permutation(len(rest))[:count]
        return [rest[i] for i in picked]


@dataclass(frozen=True)
class Exhaustive:
    """All candidates, in order."""

    seed: int
    batch: int = 8

    def propose(self, candidates: Candidates, history: History, count: int) -> list[int]:
        return untried(candidates, history)[:count]


@dataclass(frozen=True)
class ByPrior:
    """All candidates, those first that the analytic model of the target thinks best."""

    seed: int
    batch: int = 8

    def propose(self, candidates: Candidates, history: History, count: int) -> list[int]:
        return ranked(-candidates.prior, untried(candidates, history))[:count]
