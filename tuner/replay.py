"""Replays: a search on a space of which every cost is known, and how close it came to the best.

Nothing is measured, so searches can be compared over many seeds, and the distance to the optimum is
known. A budget counts all trials, failures too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.explorers.explorer import Explorer, Factory, next_trials
from tuner.history import Trial
from tuner.space import Floats
from tuner.table import Table

TRIALS = (8, 16, 32, 64, 128)
"""After so many trials the best one found is compared with the optimum."""

CLOSE = 0.005
"""What is as good as the optimum: half a percent above it."""


def search(table: Table, explorer: Explorer, budget: int) -> list[Trial]:
    """The trials of a search, at most `budget` of them."""
    history: list[Trial] = []
    while len(history) < budget:
        proposed = next_trials(explorer, table.candidates, history)
        if not proposed:
            break
        history.extend(table.trial(i) for i in proposed[: budget - len(history)])
    return history


def progress(table: Table, trials: Sequence[Trial], budget: int) -> Floats:
    """After each of `budget` trials the optimum divided by the best cost so far, 0 without one."""
    costs = np.full(budget, np.inf)
    costs[: len(trials)] = [np.inf if t.cost is None else t.cost for t in trials]
    return table.optimum / np.minimum.accumulate(costs)


@dataclass(frozen=True)
class Replay:
    """Searches of one space by one explorer, a row of `fractions` of the optimum for each seed."""

    table: Table
    explorer: str
    fractions: Floats

    @staticmethod
    def run(table: Table, explorer: str, factory: Factory, seeds: int, budget: int) -> "Replay":
        """Search with the seeds 0, 1, 2, ..."""
        rows = [
            progress(table, search(table, factory(seed), budget), budget) for seed in range(seeds)
        ]
        return Replay(table, explorer, np.stack(rows))

    def after(self, trials: int) -> Floats:
        """The fraction of the optimum after so many trials, for each seed."""
        return self.fractions[:, trials - 1]

    def to_optimum(self) -> int | None:
        """The median number of trials until one is as good as the optimum; None: not by the end."""
        close = self.fractions >= 1 / (1 + CLOSE)
        needed = np.where(close.any(axis=1), close.argmax(axis=1) + 1, np.inf)
        median = float(np.median(needed))
        return None if np.isinf(median) else int(np.ceil(median))
