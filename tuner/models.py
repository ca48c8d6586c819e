"""Models: what they make of the trials so far is a score for each candidate.

A model is fitted to the features of what was tried and its labels (`history.scores`), and predicts
for many candidates at once, since one prediction alone costs as much as a thousand. All of them run
in one thread: threads of a library would disturb what is being measured.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor

from tuner.space import Floats

Predictor = Callable[[Floats], Floats]
"""The score of each row of features; more is better."""


class Model(Protocol):
    """What a model is."""

    def fit(self, features: Floats, labels: Floats, seed: int) -> Predictor:
        """Learn from a row of features and a label for each trial; the same from the same seed."""
        ...


@dataclass(frozen=True)
class ExtraTrees:
    """Extremely randomized trees (Geurts, Ernst, Wehenkel 2006): the mean of `trees` of them.

    Each split looks at a `share` of the features. They learn from a few dozen trials, do not mind
    features that say nothing, and never promise more than the best that was seen.
    """

    trees: int = 100
    share: float = 0.5

    def fit(self, features: Floats, labels: Floats, seed: int) -> Predictor:
        forest = ExtraTreesRegressor(
            self.trees, max_features=self.share, random_state=seed, n_jobs=1
        )
        return forest.fit(features, labels).predict


@dataclass(frozen=True)
class BoostedTrees:
    """Gradient boosting of shallow trees; one tree after another, each on what is left over."""

    trees: int = 100
    depth: int = 3
    rate: float = 0.3

    def fit(self, features: Floats, labels: Floats, seed: int) -> Predictor:
        boosted = GradientBoostingRegressor(
            n_estimators=self.trees,
            max_depth=self.depth,
            learning_rate=self.rate,
            random_state=seed,
        )
        return boosted.fit(features, labels).predict


@dataclass(frozen=True)
class AnalyticPrior:
    """What the model of the target thinks, whatever was measured."""

    def fit(self, features: Floats, labels: Floats, seed: int) -> Predictor:
        return prior_score


def prior_score(features: Floats) -> Floats:
    """The prior's score: its cost stands first among the features, as a logarithm."""
    return -features[:, 0]


@dataclass(frozen=True)
class RandomScores:
    """No opinion."""

    def fit(self, features: Floats, labels: Floats, seed: int) -> Predictor:
        return lambda rows: np.random.default_rng(seed).random(len(rows))
