# What the tuner's models call of scikit-learn.

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

class ExtraTreesRegressor:
    def __init__(
        self,
        n_estimators: int = ...,
        *,
        max_features: float = ...,
        random_state: int = ...,
        n_jobs: int = ...,
    ) -> None: ...
    def fit(self, X: Floats, y: Floats) -> ExtraTreesRegressor: ...
    def predict(self, X: Floats) -> Floats: ...

class GradientBoostingRegressor:
    def __init__(
        self,
        *,
        n_estimators: int = ...,
        max_depth: int = ...,
        learning_rate: float = ...,
        random_state: int = ...,
    ) -> None: ...
    def fit(self, X: Floats, y: Floats) -> GradientBoostingRegressor: ...
    def predict(self, X: Floats) -> Floats: ...
