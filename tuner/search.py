"""A search: trials of one task, recorded one by one, and the race of the best at the end.

What an explorer proposes follows from the history, and the history is in the records. So a search
that was interrupted, or killed, goes on with the trial that would have come next.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import StringAttr
from xdsl.passes import PassPipeline

from analysis.errors import UserError
from dovetail.frontend.text import text_context
from dovetail.records import Record
from passes.kernel_names import names_of
from passes.loop.schedule_kernels import SCHEDULE, ScheduleKernelsPass
from tuner.explorers.explorer import Explorer, find_explorer, next_trials
from tuner.history import Trial
from tuner.measuring.device import Device
from tuner.provenance import machine_facts, versions
from tuner.space import Candidates, Space
from tuner.task import Failure, Outcome, Task

FINALISTS = 8
"""So many of the best candidates race in the end."""

DEFAULT = -1
"""The number of the default schedule, which is no trial, among the raced."""


def schedule_text(space: Space, row: Sequence[int]) -> str | Failure:
    """The schedule of a row of choices as pipeline text, or why a primitive refused."""
    try:
        return ",".join(str(step) for step in space.steps(space.configuration(row)))
    except UserError as error:
        return Failure("refused", error.message)


def default_schedule_of(task: Task) -> str:
    """The schedule that schedule-kernels gives the task's kernel, as pipeline text."""
    module = task.module()
    PassPipeline((ScheduleKernelsPass(),)).apply(text_context(), module)
    found = task.function(module).attributes[SCHEDULE]
    assert isinstance(found, StringAttr)
    return found.data


def identity(task: Task, candidates: Candidates, explorer: str, seed: int) -> str:
    """What names a search: of the same task, candidates, explorer and seed there is one sequence,
    but for what is measured."""
    holes = [[hole.name, hole.kind, hole.choices] for hole in candidates.holes]
    points = hashlib.sha256(candidates.points.tobytes()).hexdigest()
    prior = hashlib.sha256(candidates.prior.tobytes()).hexdigest()
    about = json.dumps([task.hash, str(task.target), holes, points, prior, explorer, seed])
    return f"{explorer}-{seed}-{hashlib.sha256(about.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Attempt:
    """A trial as it was recorded."""

    trial: Trial
    schedule: str
    failure: str | None


@dataclass
class Search:
    """The search for the best schedule of one task.

    `record` is told each trial as soon as it is known. `watch` is called after each batch.
    """

    task: Task
    space: Space
    candidates: Candidates
    device: Device
    record: Callable[[Record], None]
    explorer_name: str = "learned"
    seed: int = 0
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    raced: dict[str, float] = field(default_factory=dict[str, float])
    """The costs of schedules in the final race."""
    resumed: int = 0
    """How many trials were in the records."""
    explorer: Explorer = field(init=False)
    run: str = field(init=False)

    def __post_init__(self) -> None:
        self.explorer = find_explorer(self.explorer_name)(self.seed)
        self.run = identity(self.task, self.candidates, self.explorer_name, self.seed)
        function = self.task.function(self.task.module())
        self.names = names_of(function)
        self.default = default_schedule_of(self.task)

    @property
    def history(self) -> list[Trial]:
        return [attempt.trial for attempt in self.attempts]

    @property
    def is_exhausted(self) -> bool:
        """Whether every candidate was tried."""
        return len(self.attempts) >= len(self.candidates)

    @property
    def proved(self) -> bool:
        """Whether the best is the optimum of the space: all of it was tried, at exact costs."""
        return self.is_exhausted and self.device.unit == "cycles"

    def resume(self, records: Iterable[Record]) -> None:
        """Take up the trials of this search that were recorded."""
        known = {(r.trial): r for r in records if r.run == self.run and not r.raced}
        while (found := known.get(len(self.attempts))) is not None:
            row = self.row_of(found)
            failure = None if found.error is None else found.error["kind"]
            self.attempts.append(Attempt(Trial(row, found.cost), found.schedule, failure))
        self.resumed = len(self.attempts)

    def row_of(self, record: Record) -> int:
        """The number of the candidate that a record is of."""
        choices = [
            [plain(value) for value in hole.choices].index(record.configuration[hole.name])
            for hole in self.candidates.holes
        ]
        found = self.candidates.index(choices)
        assert found is not None, "a search has the same candidates each time"
        return found

    def go(self, trials: int, deadline: float, watch: Callable[[], None]) -> None:
        """Try candidates until there are so many trials, or until `deadline` (time.monotonic)."""
        while len(self.attempts) < trials and time.monotonic() < deadline:
            batch = next_trials(self.explorer, self.candidates, self.history)
            if not batch:
                return
            self.measure(batch[: trials - len(self.attempts)])
            watch()

    def measure(self, batch: Sequence[int]) -> None:
        """Measure candidates together, and record them in order."""
        schedules = [schedule_text(self.space, self.candidates.points[i]) for i in batch]
        texts = [text for text in schedules if isinstance(text, str)]
        outcomes = iter(self.device.measure(self.task, texts)) if texts else iter(())
        for candidate, text in zip(batch, schedules, strict=True):
            outcome = next(outcomes) if isinstance(text, str) else Outcome(None, failure=text)
            schedule = text if isinstance(text, str) else ""
            self.note(candidate, schedule, outcome)

    def note(self, candidate: int, schedule: str, outcome: Outcome) -> None:
        """Record a trial."""
        row = self.candidates.points[candidate]
        configuration = {k: plain(v) for k, v in self.space.configuration(row).items()}
        self.record(self.make(len(self.attempts), schedule, outcome, configuration, False))
        failure = None if outcome.failure is None else outcome.failure.kind
        self.attempts.append(Attempt(Trial(candidate, outcome.cost), schedule, failure))

    def make(
        self,
        trial: int,
        schedule: str,
        outcome: Outcome,
        configuration: dict[str, object],
        raced: bool,
    ) -> Record:
        """The record of an outcome."""
        error = outcome.failure and {"kind": outcome.failure.kind, "text": outcome.failure.text}
        return Record(
            task=self.task.hash,
            kernel=self.task.name,
            target=str(self.task.target),
            run=self.run,
            trial=trial,
            schedule=schedule,
            unit=self.device.unit,
            cost=outcome.cost,
            raced=raced,
            names=self.names,
            configuration=configuration,
            samples=outcome.samples,
            reference=outcome.reference,
            error=error,
            machine=machine_facts(),
            versions=versions(),
        )

    @property
    def best(self) -> Attempt | None:
        """The best trial so far."""
        working = [a for a in self.attempts if a.trial.cost is not None]
        return min(working, key=lambda a: a.trial.cost or math.inf, default=None)

    def finish(self) -> None:
        """Race the best candidates and the default schedule, each schedule once."""
        working = [a for a in self.attempts if a.trial.cost is not None]
        working.sort(key=lambda a: a.trial.cost or math.inf)
        places = {a.schedule: n for n, a in enumerate(self.attempts)}
        best = list(dict.fromkeys(a.schedule for a in working))[:FINALISTS]
        racing = [self.default, *(text for text in best if text != self.default)]
        for text, outcome in zip(racing, self.device.race(self.task, racing), strict=True):
            place = DEFAULT if text == self.default else places[text]
            self.record(self.make(place, text, outcome, {}, True))
            if outcome.cost is not None:
                self.raced[text] = outcome.cost

    @property
    def winner(self) -> str | None:
        """The schedule that won the race; the default one unless another one was faster."""
        if not self.raced:
            return None
        return min(self.raced, key=lambda text: (self.raced[text], text != self.default))


def plain(value: object) -> object:
    """A value of a hole as JSON has it."""
    return list(value) if isinstance(value, tuple) else value
