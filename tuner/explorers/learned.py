"""The search of the tuner: the prior first, then what was learned, anywhere and close to the best.

The first batch is what the analytic model of the target thinks best, but no two that differ in one
hole: where it errs, it errs for both. After that, half of a batch is
what a model fitted to all trials so far predicts to be best anywhere. The other half are neighbours
of the three best candidates, which differ from them in one hole, at random: a model of so few
trials errs, and one step from a good schedule there is often a better one that it does not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tuner.explorers.explorer import generator, ranked, untried
from tuner.history import History, best, scores
from tuner.models import ExtraTrees, Model
from tuner.space import Candidates, Floats


@dataclass(frozen=True)
class Learned:
    """`first` trials of the prior, then batches: a part by the model, the rest neighbours."""

    seed: int
    batch: int = 8
    first: int = 8
    neighbours: int = 4
    parents: int = 3
    model: Model = field(default_factory=ExtraTrees)

    def propose(self, candidates: Candidates, history: History, count: int) -> list[int]:
        rest = untried(candidates, history)
        if len(history) < self.first:
            return apart(candidates, ranked(-candidates.prior, rest), count)
        near = {n for p in best(history, self.parents) for n in candidates.neighbours(p)}
        steps = generator(self.seed, history).permutation([i for i in rest if i in near])
        picked: list[int] = steps[: min(self.neighbours, count)].tolist()
        predicted = self.predict(candidates, history)
        others = [i for i in ranked(predicted, rest) if i not in picked]
        return [*picked, *others[: count - len(picked)]]

    def predict(self, candidates: Candidates, history: History) -> Floats:
        """The score of each candidate by a model of all trials."""
        seed = int(generator(self.seed, history).integers(1 << 31))
        features = candidates.features
        known = np.array([trial.candidate for trial in history])
        return self.model.fit(features[known], scores(history), seed)(features)


def apart(candidates: Candidates, order: Sequence[int], count: int) -> list[int]:
    """The first candidates in an order, those that are neighbours of earlier ones last."""
    picked: list[int] = []
    close: set[int] = set()
    for i in order:
        if len(picked) == count:
            break
        if i not in close:
            picked.append(i)
            close.update(candidates.neighbours(i))
    left = (i for i in order if i not in picked)
    return [*picked, *left][:count]
