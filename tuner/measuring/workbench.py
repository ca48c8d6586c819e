"""A child with a task on it, whoever died before: what all devices have in common.

A child is replaced when it has died, and when it has served many candidates; the new one is given
the task again, with the expected results that the first one made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from analysis.errors import UserError
from tuner.measuring.messages import Frame
from tuner.measuring.nursery import Nursery
from tuner.measuring.supervisor import Child, LostError
from tuner.task import Failure, Task

EXPECTED_SECONDS = 180.0
"""What the expected results of a task may take."""

COMPILE_SECONDS = 30.0
"""What a pass may take that schedules a candidate, what compiling it, and what the check."""

RUN_SECONDS = 2.0
"""What a request to run a kernel may take, however fast it should be."""

CANDIDATES = 200
"""A child that has served so many is replaced: what they leave behind would add up."""

MEMORY_BYTES = 4 << 30


@dataclass
class Workbench:
    """Children for one device, one at a time."""

    memory: int = MEMORY_BYTES
    candidates: int = CANDIDATES
    compile_seconds: float = COMPILE_SECONDS
    run_seconds: float = RUN_SECONDS
    nursery: Nursery | None = field(default=None, init=False)
    child: Child | None = field(default=None, init=False)
    task: Task | None = field(default=None, init=False)
    served: int = field(default=0, init=False)
    expected: dict[Task, Frame] = field(default_factory=dict[Task, Frame], init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        self.end_child()
        if self.nursery is not None:
            self.nursery.close()
        self.nursery = None

    def end_child(self) -> None:
        """End the child; the next one knows nothing of what it did."""
        if self.child is not None:
            self.child.kill()
        self.child = self.task = None
        self.served = 0

    def new_child(self) -> Child:
        """A child without a task."""
        self.end_child()
        if self.nursery is None or not self.nursery.is_alive:
            self.nursery = Nursery()
        return Child(self.nursery, self.memory)

    def take_up(self, task: Task) -> bool:
        """Have a child that works on a task; whether it has only just begun to.

        UserError if the task cannot be measured at all.
        """
        if self.served >= self.candidates:
            self.end_child()
        if self.child is None or self.child.code is not None:
            self.child = self.new_child()
        if self.task == task:
            return False
        request = {
            "do": "task",
            "name": task.name,
            "hash": task.hash,
            "target": str(task.target),
            "text": task.text,
        }
        known = self.expected.get(task)
        deadlines = {"running": EXPECTED_SECONDS}
        frame = Frame(request)
        if known is not None:
            frame = Frame({**known.header, **request}, known.arrays)
        try:
            found = answer(self.child.ask(frame, deadlines))
        except LostError as lost:
            found = lost.failure
        if isinstance(found, Failure):
            raise UserError(f"the kernel @{task.name} cannot be measured: {found.text}")
        if known is None:
            self.expected[task] = found
        self.task = task
        return True

    def ask(self, request: Mapping[str, Any], running: float) -> Frame | Failure:
        """The answer of the child; LostError if it died. `running` in seconds."""
        assert self.child is not None
        seconds = self.compile_seconds
        deadlines = {
            "scheduling": seconds,
            "compiling": seconds,
            "running": running,
            "checking": seconds,
        }
        found = answer(self.child.ask(Frame(dict(request)), deadlines))
        if isinstance(found, Failure) and found.kind == "too large":
            self.served = self.candidates  # memory in pieces is as good as none
        return found


def answer(reply: Frame) -> Frame | Failure:
    """A reply, or the failure that it tells of."""
    failure = reply.header.get("failure")
    return reply if failure is None else Failure(**failure)
