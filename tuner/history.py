"""What a search has tried so far, and what its models learn from that."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.space import Floats


@dataclass(frozen=True)
class Trial:
    """A candidate that was sent to a device: its number, and its cost, None for a failure."""

    candidate: int
    cost: float | None


History = Sequence[Trial]
"""The trials of one search in the order in which they were proposed."""


def tried(history: History) -> set[int]:
    """The candidates that were sent to a device."""
    return {trial.candidate for trial in history}


def best(history: History, count: int = 1) -> list[int]:
    """The candidates of the `count` lowest costs, best first; of equal ones the earlier first."""
    found = [(t.cost, i, t.candidate) for i, t in enumerate(history) if t.cost is not None]
    return [candidate for _, _, candidate in sorted(found)[:count]]


def scores(history: History) -> Floats:
    """A label for each trial: the lowest cost divided by its own, 0 for a failure.

    So labels lie between 0 and 1 whatever the task, and what is slow differs little.
    """
    costs = np.array([np.inf if t.cost is None else t.cost for t in history], np.float64)
    lowest = costs.min(initial=np.inf)
    if not np.isfinite(lowest):
        return np.zeros(len(costs))
    return lowest / costs
