"""The search of the tuner: the prior first, then what was learned, close to the best and anywhere.

The first batch is what the analytic model of the target thinks best. After that, half of a batch is
what a model fitted to all trials so far predicts to be best anywhere, and half are neighbours of
the three best candidates, which differ from them in one hole: where a model of so few trials errs,
one step from a good schedule is often a better one.
"""

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
            return ranked(-candidates.prior, rest)[:count]
        predicted = self.predict(candidates, history)
        near = {n for p in best(history, self.parents) for n in candidates.neighbours(p)}
        picked = ranked(predicted, [i for i in rest if i in near])[: self.neighbours]
        others = [i for i in ranked(predicted, rest) if i not in picked]
        return [*picked, *others[: count - len(picked)]]

    def predict(self, candidates: Candidates, history: History) -> Floats:
        """The score of each candidate by a model of all trials."""
        seed = int(generator(self.seed, history).integers(1 << 31))
        features = candidates.features
        known = np.array([trial.candidate for trial in history])
        return self.model.fit(features[known], scores(history), seed)(features)
