"""The accelerator as a device: programs are proven and simulated, their cycles come from a model.

Cycles are exact, so a program is timed once; candidates that make the same program share that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from backends.vta.target import DEFAULT_PRESET
from tuner.measuring.messages import Frame
from tuner.measuring.supervisor import LostError
from tuner.measuring.workbench import Workbench
from tuner.task import Failure, Outcome, Task

SIMULATION_SECONDS = 120.0
"""What proving and simulating a program may take."""


@dataclass
class VtaDevice(Workbench):
    """The simulator and the timing model of the accelerator."""

    unit: Literal["cycles"] = field(default="cycles", init=False)
    known: dict[tuple[Task, str], Outcome] = field(
        default_factory=dict[tuple[Task, str], Outcome], init=False
    )
    """By task and hash of the program."""

    def measure(self, task: Task, schedules: Sequence[str]) -> list[Outcome]:
        """The outcomes of schedules, one after the other."""
        return [self.outcome(task, schedule) for schedule in schedules]

    def race(self, task: Task, schedules: Sequence[str]) -> list[Outcome]:
        """The same: cycles cannot get more exact."""
        return self.measure(task, schedules)

    def outcome(self, task: Task, schedule: str) -> Outcome:
        """The outcome of one candidate; one that the child dies of gets another, new child."""
        self.take_up(task)
        fresh = not self.served
        try:
            return self.attempt(task, schedule)
        except LostError as lost:
            if fresh or lost.failure.kind == "too slow":
                return Outcome(None, failure=lost.failure)
        self.take_up(task)
        try:
            return self.attempt(task, schedule)
        except LostError as lost:
            return Outcome(None, failure=lost.failure)

    def attempt(self, task: Task, schedule: str) -> Outcome:
        """The cycles of one candidate, if it is right; LostError if the child dies of it."""
        self.served += 1
        made = self.ask({"do": "program", "schedule": schedule}, SIMULATION_SECONDS)
        if isinstance(made, Failure):
            return Outcome(None, failure=made)
        key = task, made.header["hash"]
        if key not in self.known:
            preset = task.target.get("preset") or DEFAULT_PRESET
            found = self.ask({"do": "simulate", "preset": preset}, SIMULATION_SECONDS)
            self.known[key] = outcome_of(found)
        return self.known[key]


def outcome_of(found: Frame | Failure) -> Outcome:
    """The outcome that a reply of the simulator stands for."""
    if isinstance(found, Failure):
        return Outcome(None, failure=found)
    cycles = float(found.header["cycles"])
    return Outcome(cycles, ((cycles,),))
