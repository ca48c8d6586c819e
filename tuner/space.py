"""Spaces: a schedule with named holes, and what may stand in them.

A space says how a task can be scheduled: its holes with the choices of each, conditions that a
configuration has to meet before it is worth a trial (a tile that fits the registers, say), the
primitives that a configuration stands for, and what the analytic model of the target thinks of it.

    columns: 1, 2, 3, ..., 28                 the tile fits the registers:
    vectors: 1, 2, 3, 4          where          (columns + 1) * vectors <= 31
    order: (x, y), (y, x)                     ...

Explorers see `Candidates`, the feasible configurations as rows of choices.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log2, prod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from xdsl.passes import ModulePass

Value = int | bool | str | tuple[str, ...]
Configuration = Mapping[str, Value]
"""The value of each hole."""

Choices = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

LARGEST = 20_000
"""As many configurations are looked at; of a larger space it is a random sample."""

COUNTED = 2_000_000
"""As many partial configurations are tried to enumerate a space; a larger one is sampled."""

Kind = Literal["factor", "order", "choice", "optional"]


@dataclass(frozen=True)
class Hole:
    """A place in a schedule and what may stand there.

    The values of a `factor` are numbers, in order; those of an `order` permutations of loops; an
    `optional` step is there or not; those of a `choice` are just names.
    """

    name: str
    choices: tuple[Value, ...]
    kind: Kind = "choice"

    def __post_init__(self) -> None:
        assert self.choices, f"hole {self.name} has no choices"
        assert len(set(self.choices)) == len(self.choices), f"hole {self.name} repeats a choice"


def optional(name: str) -> Hole:
    """A step that is left out, or not."""
    return Hole(name, (False, True), "optional")


@dataclass(frozen=True)
class Condition:
    """What the values of the holes `over` have to meet; `reason` says it in a few words."""

    reason: str
    over: tuple[str, ...]
    holds: Callable[..., bool]
    """Takes the values of the holes in that order."""


@dataclass(frozen=True)
class Space:
    """All schedules of one form for one task.

    `steps` are the primitives of a configuration, for the task's function in naive loops; `prior`
    is the cost that the analytic model of the target gives it, in any unit, less being better.
    `default` is the configuration of the default schedule, if it is one of them.
    """

    name: str
    holes: tuple[Hole, ...]
    conditions: tuple[Condition, ...]
    steps: Callable[[Configuration], Sequence[ModulePass]]
    prior: Callable[[Configuration], float]
    default: Configuration | None = None

    def __post_init__(self) -> None:
        names = [hole.name for hole in self.holes]
        assert len(set(names)) == len(names), f"space {self.name} repeats a hole"
        for condition in self.conditions:
            assert set(condition.over) <= set(names), f"space {self.name}: {condition.reason}"

    @property
    def size(self) -> int:
        """How many configurations there are, feasible or not."""
        return prod(len(hole.choices) for hole in self.holes)

    def configuration(self, choices: Sequence[int]) -> dict[str, Value]:
        """The values of a row of choices."""
        return {h.name: h.choices[int(c)] for h, c in zip(self.holes, choices, strict=True)}

    def broken(self, configuration: Configuration) -> str | None:
        """The first condition that a configuration does not meet."""
        for condition in self.conditions:
            if not condition.holds(*(configuration[name] for name in condition.over)):
                return condition.reason
        return None

    @cached_property
    def _checks(self) -> list[list[tuple[tuple[int, ...], Condition]]]:
        """For each hole the conditions that can be decided when it is filled, the last one."""
        places = {hole.name: i for i, hole in enumerate(self.holes)}
        found: list[list[tuple[tuple[int, ...], Condition]]] = [[] for _ in self.holes]
        for condition in self.conditions:
            over = tuple(places[name] for name in condition.over)
            found[max(over)].append((over, condition))
        return found

    def feasible(self, most: int = COUNTED) -> Iterator[tuple[int, ...]]:
        """The rows of choices that meet all conditions, in lexicographic order.

        Raises TooLargeError once `most` partial rows have been tried.
        """
        tried = 0
        row: list[int] = []
        values: list[Value] = []

        def fill(depth: int) -> Iterator[tuple[int, ...]]:
            nonlocal tried
            if depth == len(self.holes):
                yield tuple(row)
                return
            for choice, value in enumerate(self.holes[depth].choices):
                tried += 1
                if tried > most:
                    raise TooLargeError
                row.append(choice)
                values.append(value)
                if all(c.holds(*(values[i] for i in over)) for over, c in self._checks[depth]):
                    yield from fill(depth + 1)
                row.pop()
                values.pop()

        yield from fill(0)

    def candidates(self, seed: int = 0, largest: int = LARGEST) -> "Candidates":
        """The feasible configurations, or `largest` of them drawn from `seed` if there are more."""
        rows, share = self.rows(seed, largest)
        points = np.array(rows, np.int32).reshape(len(rows), len(self.holes))
        prior = np.array([self.prior(self.configuration(row)) for row in rows], np.float64)
        return Candidates(self.holes, points, prior, share)

    def rows(self, seed: int = 0, largest: int = LARGEST) -> tuple[list[tuple[int, ...]], float]:
        """The choices of these configurations, and how many of all are feasible."""
        try:
            rows = list(self.feasible())
        except TooLargeError:
            return self.sample(seed, largest)
        share = len(rows) / self.size
        if len(rows) > largest:
            picked = np.random.default_rng(seed).choice(len(rows), largest, replace=False)
            rows = [rows[i] for i in sorted(picked)]
        return rows, share

    def sample(
        self, seed: int, most: int, draws: int = COUNTED
    ) -> tuple[list[tuple[int, ...]], float]:
        """At most so many different feasible rows, and the share of them in the space."""
        rng = np.random.default_rng(seed)
        radices = np.array([len(hole.choices) for hole in self.holes])
        found: dict[tuple[int, ...], None] = {}
        met = drawn = 0
        while drawn < draws and len(found) < most:
            for row in rng.integers(0, radices, (4096, len(radices))).tolist():
                drawn += 1
                if self.broken(self.configuration(row)) is None:
                    met += 1
                    found[tuple(row)] = None
        return sorted(found)[:most], met / drawn

    def restricted(self, **choices: Sequence[Value]) -> "Space":
        """The part of the space in which holes have some of their choices only."""
        holes = tuple(
            Hole(h.name, tuple(v for v in h.choices if v in choices.get(h.name, h.choices)), h.kind)
            for h in self.holes
        )
        return replace(self, holes=holes)


class TooLargeError(Exception):
    """A space that cannot be enumerated."""


@dataclass(frozen=True)
class Candidates:
    """The configurations that an explorer picks from: rows of choices, a column a hole.

    `prior` is the analytic model's cost of each row; `share` how many of all configurations are
    feasible.
    """

    holes: tuple[Hole, ...]
    points: Choices
    prior: Floats
    share: float = 1.0

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def features(self) -> Floats:
        """What a model learns from: a row for each candidate.

        A factor is one column, its logarithm; an optional step one of 0 and 1; an order has one for
        each pair of loops, which of them is outside; a choice one for each value.
        """
        columns: list[Floats] = [np.log(np.maximum(self.prior, 1e-300))]
        for hole, chosen in zip(self.holes, self.points.T, strict=True):
            table = np.array([encoded(hole, value) for value in hole.choices], np.float64)
            columns.extend(table[chosen].T)
        return np.stack(columns, axis=1)

    @cached_property
    def _rows(self) -> dict[tuple[int, ...], int]:
        return {tuple(row): i for i, row in enumerate(self.points.tolist())}

    def index(self, row: Sequence[int]) -> int | None:
        """The number of the candidate with these choices, if there is one."""
        return self._rows.get(tuple(int(c) for c in row))

    def neighbours(self, candidate: int) -> list[int]:
        """The candidates that differ in the value of one hole."""
        row: list[int] = self.points[candidate].tolist()
        found: list[int] = []
        for place, hole in enumerate(self.holes):
            for choice in range(len(hole.choices)):
                other = self.index([*row[:place], choice, *row[place + 1 :]])
                if other is not None and other != candidate:
                    found.append(other)
        return found


def encoded(hole: Hole, value: Value) -> list[float]:
    """A value of a hole as numbers."""
    if hole.kind == "factor":
        assert isinstance(value, int)
        return [log2(1 + value)]
    if hole.kind == "optional":
        return [float(bool(value))]
    if hole.kind == "order":
        assert isinstance(value, tuple)
        names = sorted({name for choice in hole.choices for name in as_names(choice)})
        place: dict[Any, int] = {name: i for i, name in enumerate(value)}
        late = len(place)
        return [
            float(place.get(a, late) < place.get(b, late))
            for i, a in enumerate(names)
            for b in names[i + 1 :]
        ]
    return [float(value == choice) for choice in hole.choices]


def as_names(value: Value) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return value
