"""Tables: every configuration of a space with what it costs, so that searches can be replayed.

A table is a JSON object in gzip, `tuner/tables/*.json.gz`. It says which kernel was measured for
which target, how and where; then come the holes, the rows of choices, and for each row the cost of
the analytic model and the measured one, null for a failure.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import numpy as np

from analysis.errors import UserError
from analysis.files import write_atomically
from tuner.history import Trial
from tuner.space import Candidates, Floats, Hole, Value

FORMAT = 1
SUFFIX = ".json.gz"
DIGITS = 6
"""Significant digits of a cost."""


@dataclass(frozen=True)
class Table:
    """A space that was measured as a whole; `costs` are NaN for failures.

    `text` is the kernel in tensor expressions, `failures` what became of those without a cost,
    `measured` in words how and where all of it was measured.
    """

    name: str
    target: str
    unit: str
    measured: str
    text: str
    candidates: Candidates
    costs: Floats
    failures: Mapping[int, str] = field(default_factory=dict[int, str])

    @cached_property
    def optimum(self) -> float:
        """The lowest cost."""
        return float(np.nanmin(self.costs))

    def trial(self, candidate: int) -> Trial:
        """What measuring a candidate gives."""
        cost = float(self.costs[candidate])
        return Trial(candidate, None if np.isnan(cost) else cost)

    def share_within(self, margin: float) -> float:
        """The share of the configurations, failures included, that close to the optimum."""
        return float(np.mean(self.costs <= self.optimum * (1 + margin)))

    def write(self, path: Path) -> None:
        """Write the table; equal tables are equal files."""
        c = self.candidates
        data = {
            "format": FORMAT,
            "name": self.name,
            "target": self.target,
            "unit": self.unit,
            "measured": self.measured,
            "text": self.text,
            "share": c.share,
            "holes": [{"name": h.name, "kind": h.kind, "choices": h.choices} for h in c.holes],
            "points": c.points.tolist(),
            "prior": [short(cost) for cost in c.prior.tolist()],
            "cost": [None if np.isnan(cost) else short(cost) for cost in self.costs.tolist()],
            "failures": {str(i): text for i, text in sorted(self.failures.items())},
        }
        text = json.dumps(data, separators=(",", ":"))
        write_atomically(path, gzip.compress(text.encode(), mtime=0))

    @staticmethod
    def read(path: Path) -> "Table":
        """The table of a file."""
        try:
            data = cast(dict[str, Any], json.loads(gzip.decompress(path.read_bytes())))
            return Table.of(data)
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}: not a table of the tuner: {error}") from None

    @staticmethod
    def of(data: Mapping[str, Any]) -> "Table":
        """The table that a JSON object holds."""
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}; this version reads {FORMAT}")
        holes = tuple(
            Hole(h["name"], tuple(as_value(v) for v in h["choices"]), h["kind"])
            for h in data["holes"]
        )
        points = np.array(data["points"], np.int32).reshape(-1, len(holes))
        prior = np.array(data["prior"], np.float64)
        costs = np.array([np.nan if c is None else c for c in data["cost"]], np.float64)
        if not len(points) == len(prior) == len(costs) or np.isnan(costs).all():
            raise ValueError("as many points as costs are needed, and one that is no failure")
        failures = {int(i): str(text) for i, text in data["failures"].items()}
        return Table(
            data["name"],
            data["target"],
            data["unit"],
            data["measured"],
            data["text"],
            Candidates(holes, points, prior, data["share"]),
            costs,
            failures,
        )


def as_value(value: Any) -> Value:
    """A choice as it was before it was written: JSON has no tuples."""
    return tuple(str(part) for part in value) if isinstance(value, list) else value


def short(cost: float) -> float:
    """A cost in as few digits as are known of it; whole numbers stay exact."""
    return int(cost) if cost == int(cost) else float(f"{cost:.{DIGITS}g}")


def committed() -> list[Path]:
    """The tables of this package."""
    folder = Path(str(files("tuner.tables")))
    return sorted(folder.glob(f"*{SUFFIX}"))
