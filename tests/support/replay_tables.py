"""A small space with a made-up cost, which searches are replayed on."""

import numpy as np

from tuner.space import Condition, Hole, Space, optional
from tuner.table import Table

FAILURE = "refused: vectorize-loop: made up"

SPACE = Space(
    "made-up",
    (
        Hole("rows", tuple(range(1, 13)), "factor"),
        Hole("vectors", (1, 2, 3, 4), "factor"),
        Hole("order", (("x", "y"), ("y", "x")), "order"),
        Hole("way", ("a", "b")),
        optional("packed"),
    ),
    (Condition("fits", ("rows", "vectors"), lambda rows, vectors: rows * vectors <= 28),),
    lambda configuration: (),
    lambda c: 1 / (c["rows"] * c["vectors"]) + 0.02 * (c["order"] == ("x", "y")),
)


def made_up(seed: int = 0) -> Table:
    """A table whose cost has more to it than the prior, noise, and one failure in twenty."""
    rng = np.random.default_rng(seed)
    candidates = SPACE.candidates()
    costs = candidates.prior * rng.lognormal(0, 0.1, len(candidates))
    costs *= 1 + 0.5 * (candidates.points[:, 3] == 1) + 0.3 * candidates.points[:, 4]
    failed = np.flatnonzero(rng.random(len(candidates)) < 0.05)
    costs[failed] = np.nan
    failures = dict.fromkeys(failed.tolist(), FAILURE)
    text = "func.func @f() {\n}\n"
    return Table("made-up", "llvm", "s", "made up", text, candidates, costs, failures)
