"""What an explorer is, and how a search asks one for its next trials.

An explorer has no state. What it proposes depends on the candidates, on its seed and on the history
alone, so a search that is resumed from its records goes on as if it had never stopped. It proposes
whole batches: a history that breaks off within one is first completed.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, cast

import numpy as np

from analysis.errors import UserError, nearest
from analysis.extensions import entries, extension
from tuner.history import History, tried
from tuner.space import Candidates, Floats

GROUP = "dovetail.explorers"


class Explorer(Protocol):
    """What an explorer is."""

    @property
    def batch(self) -> int:
        """How many trials it proposes at once."""
        ...

    def propose(self, candidates: Candidates, history: History, count: int) -> list[int]:
        """Candidates to try next, `count` of them where as many are untried; none twice."""
        ...


Factory = Callable[[int], Explorer]
"""Makes an explorer from a seed."""


def next_trials(explorer: Explorer, candidates: Candidates, history: History) -> list[int]:
    """The trials that come next: the rest of the batch that the history is in, or a new batch.

    Empty once all candidates were tried. A history that the explorer would not have made is an
    error of the user, who asked to resume another search.
    """
    begun = len(history) % explorer.batch
    whole = history[: len(history) - begun]
    batch = explorer.propose(candidates, whole, explorer.batch)
    assert len(set(batch)) == len(batch) and not tried(whole) & set(batch), "proposed twice"
    for place, (wanted, trial) in enumerate(zip(batch, history[len(whole) :], strict=False)):
        if wanted != trial.candidate:
            raise UserError(
                f"trial {len(whole) + place} of these records is candidate {trial.candidate}, but "
                f"this search tries {wanted} there: the records are those of another search"
            )
    return batch[begun:]


def generator(seed: int, history: History) -> np.random.Generator:
    """The random numbers of a batch."""
    return np.random.default_rng([seed, len(history)])


def untried(candidates: Candidates, history: History, more: Iterable[int] = ()) -> list[int]:
    """The candidates that were not tried and are not among `more`, in order."""
    gone = tried(history) | set(more)
    return [i for i in range(len(candidates)) if i not in gone]


def ranked(scores: Sequence[float] | Floats, among: Sequence[int]) -> list[int]:
    """Candidates by their scores, best first; of equal ones the first."""
    return sorted(among, key=lambda i: -scores[i])


def find_explorer(name: str) -> Factory:
    """The factory of an explorer, ours or one that a package adds."""
    found = extension(GROUP, name)
    if found is None:
        raise UserError(f"no explorer is called '{name}': {nearest(name, sorted(entries(GROUP)))}")
    return cast(Factory, found)
