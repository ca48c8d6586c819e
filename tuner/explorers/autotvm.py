"""AutoTVM's search (Chen et al., NeurIPS 2018), to compare with.

Batches of 64. The first is random; then trees are boosted on all trials, 128 chains of simulated
annealing walk over the candidates while the temperature falls from 1 to 0, and the best 64 that
they meet are tried, but for the last twentieth of the batch, which is random.

The paper's objective is the order of pairs, which scikit-learn does not have; here the score is
fitted, and the features are the holes. Chains walk over feasible candidates only, and start
afresh in every batch.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from tuner.explorers.explorer import generator, ranked, untried
from tuner.history import History, scores, tried
from tuner.models import BoostedTrees, Model
from tuner.space import Candidates

CHAINS = 128
STEPS = 500
RANDOM_SHARE = 0.05


@dataclass(frozen=True)
class AutoTVM:
    """Boosted trees and simulated annealing."""

    seed: int
    batch: int = 64
    model: Model = field(default_factory=BoostedTrees)

    def propose(self, candidates: Candidates, history: History, count: int) -> list[int]:
        rng = generator(self.seed, history)
        picked: list[int] = []
        if history:
            met = self.anneal(candidates, history, rng)
            picked = met[: count - int(RANDOM_SHARE * count)]
        rest = untried(candidates, history, picked)
        order = rng.permutation(len(rest))[: count - len(picked)]
        return [*picked, *(rest[i] for i in order)]

    def anneal(
        self, candidates: Candidates, history: History, rng: np.random.Generator
    ) -> list[int]:
        """The untried candidates that chains meet, the best by the model first."""
        features = candidates.features
        known = np.array([trial.candidate for trial in history])
        model = self.model.fit(features[known], scores(history), int(rng.integers(1 << 31)))
        predicted: list[float] = model(features).tolist()
        near: dict[int, list[int]] = {}
        chains: list[int] = rng.integers(len(candidates), size=CHAINS).tolist()
        met = set(chains)
        for step in range(STEPS):
            temperature = 1 - step / STEPS
            draws = rng.random((CHAINS, 2)).tolist()
            for chain, (direction, luck) in enumerate(draws):
                at = chains[chain]
                if at not in near:
                    near[at] = candidates.neighbours(at) or [at]
                to = near[at][int(direction * len(near[at]))]
                change = predicted[to] - predicted[at]
                if change >= 0 or luck < math.exp(change / temperature):
                    chains[chain] = to
                    met.add(to)
        return ranked(predicted, sorted(met - tried(history)))
