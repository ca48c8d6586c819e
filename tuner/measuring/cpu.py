"""This machine's CPU as a device.

Each candidate is compiled, checked and kept in the child; then all of them take turns (rounds.py).
One call after the other works on the same memory, so data is warm: what fits the caches is there.
With one thread everything runs on one core, and the cost is that of the thread's own clock.

Where the child dies, the candidate that it was busy with is measured again by itself in a new one.
If that dies too, it is a failure, and the others begin again without it. If it does not, another
one may have written where it should not, so all of them are measured by themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from analysis.errors import UserError
from tuner.measuring.messages import Frame
from tuner.measuring.rounds import REFERENCE, Batch, Policy, Race, Sample, Timing, Visit
from tuner.measuring.supervisor import LostError
from tuner.measuring.workbench import Workbench
from tuner.task import Failure, Outcome, Task

REFERENCES = ("schedule-kernels", "")
"""The schedules of the reference kernel: the default one, or none if that does not work."""

FIRST_SECONDS = 60.0
"""What running the reference kernel may take, of which nothing is known."""

SLOWEST = 300.0
"""Checking a candidate takes at most so many times as long as the reference runs."""

Times = Mapping[int, Timing]
Method = Callable[[Visit, Sequence[int]], Times]
"""How prepared kernels are timed."""


class BlamedError(Exception):
    """The child died while it was busy with a candidate; `certain` if only that can be guilty."""

    def __init__(self, number: int, failure: Failure, certain: bool) -> None:
        super().__init__(failure.text)
        self.number, self.failure, self.certain = number, failure, certain


@dataclass
class Known:
    """What is known of a task: its reference kernel, and the best times of a call so far."""

    schedule: str
    seconds: float
    reference: float = float("inf")
    best: float = float("inf")


@dataclass
class CpuDevice(Workbench):
    """The CPU that this process runs on."""

    unit: Literal["s"] = field(default="s", init=False)
    policy: Policy = field(default_factory=Policy)
    known: dict[Task, Known] = field(default_factory=dict[Task, Known], init=False)

    def measure(self, task: Task, schedules: Sequence[str]) -> list[Outcome]:
        """The outcomes of a batch, its candidates measured in turns."""

        def method(visit: Visit, numbers: Sequence[int]) -> Times:
            known = self.known[task]
            batch = Batch(visit, numbers, task.threads, self.policy, known.best, known.reference)
            found = batch.run()
            known.best, known.reference = batch.best, batch.known
            return found

        return self.outcomes(task, schedules, method)

    def race(self, task: Task, schedules: Sequence[str]) -> list[Outcome]:
        """The outcomes of the final race: cost over reference is the median ratio of its rounds."""

        def method(visit: Visit, numbers: Sequence[int]) -> Times:
            return Race(visit, numbers, task.threads, self.policy).run()

        return self.outcomes(task, schedules, method)

    def outcomes(self, task: Task, schedules: Sequence[str], method: Method) -> list[Outcome]:
        """What comes of the candidates, whichever of them is guilty of what."""
        found: dict[int, Outcome] = {}
        while waiting := [n for n in range(len(schedules)) if n not in found]:
            try:
                found |= self.together(task, schedules, waiting, method)
            except BlamedError as blamed:
                found |= self.sorted_out(task, schedules, waiting, blamed, method)
        return [found[number] for number in range(len(schedules))]

    def sorted_out(
        self,
        task: Task,
        schedules: Sequence[str],
        suspects: Sequence[int],
        blamed: BlamedError,
        method: Method,
    ) -> dict[int, Outcome]:
        """The outcome of the candidate that a child died of; of all if that cannot be told."""
        if blamed.certain:
            return {blamed.number: failed(blamed.failure)}
        found: dict[int, Outcome] = {}
        if blamed.number != REFERENCE:
            found[blamed.number] = self.alone(task, schedules, blamed.number, method)
            if found[blamed.number].failure is not None:
                return found
        for number in suspects:
            if number not in found:
                found[number] = self.alone(task, schedules, number, method)
        return found

    def alone(self, task: Task, schedules: Sequence[str], number: int, method: Method) -> Outcome:
        """The outcome of one candidate, in a child of its own."""
        self.end_child()
        try:
            return self.together(task, schedules, [number], method)[number]
        except BlamedError as blamed:
            return failed(blamed.failure)

    def together(
        self, task: Task, schedules: Sequence[str], numbers: Sequence[int], method: Method
    ) -> dict[int, Outcome]:
        """The outcomes of candidates in one child; BlamedError if it died."""
        self.refer(task)
        found: dict[int, Outcome] = {}
        counts: dict[int, float] = {REFERENCE: self.known[task].seconds}
        longest = max(self.run_seconds, SLOWEST * self.known[task].seconds)
        for number in numbers:
            self.served += 1
            request = {"do": "prepare", "number": number, "schedule": schedules[number]}
            reply = self.blaming(number, request, longest)
            if isinstance(reply, Failure):
                found[number] = failed(reply)
            else:
                counts[number] = reply.header["count"] * reply.header["seconds"]

        def visit(number: int, repeats: int, limit: float | None) -> list[Sample]:
            request = {"do": "visit", "number": number, "repeats": repeats, "limit": limit}
            running = self.run_seconds + SLOWEST * repeats * counts[number]
            reply = self.blaming(number, request, running)
            if isinstance(reply, Failure):
                raise BlamedError(number, reply, self.served == 1)
            return [(wall, thread) for wall, thread in reply.header["samples"]]

        prepared = [number for number in numbers if number not in found]
        times = method(visit, prepared) if prepared else {}
        for number, timing in times.items():
            found[number] = Outcome(timing.cost, timing.samples, None, timing.reference)
        self.blaming(REFERENCE, {"do": "drop"}, self.run_seconds)
        return found

    def blaming(
        self, number: int, request: Mapping[str, object], running: float
    ) -> Frame | Failure:
        """Ask the child for something that concerns a candidate, which is blamed for its death.

        A candidate that takes too long while it is prepared does so itself; of what is wrong in
        memory, one that came before may be guilty.
        """
        served = self.served
        try:
            return self.ask(request, running)
        except LostError as lost:
            slow = lost.failure.kind == "too slow" and request["do"] == "prepare"
            certain = number != REFERENCE and (slow or served == 1)
            raise BlamedError(number, lost.failure, certain) from None

    def refer(self, task: Task) -> None:
        """Have a child that works on a task and has its reference kernel."""
        fresh = self.take_up(task)
        if task in self.known:
            if fresh:
                self.prepare_reference(task, self.known[task].schedule)
            return
        why = ""
        for schedule in REFERENCES:
            self.take_up(task)
            reply = self.prepare_reference(task, schedule)
            if not isinstance(reply, Failure):
                self.known[task] = Known(schedule, reply.header["seconds"])
                return
            why = reply.text
        raise UserError(f"the kernel @{task.name} cannot be measured: {why}")

    def prepare_reference(self, task: Task, schedule: str) -> Frame | Failure:
        """Compile and check the reference kernel."""
        request = {"do": "prepare", "number": REFERENCE, "schedule": schedule}
        try:
            return self.ask(request, FIRST_SECONDS)
        except LostError as lost:
            return lost.failure


def failed(failure: Failure) -> Outcome:
    """The outcome of a candidate that has no cost."""
    return Outcome(None, failure=failure)
