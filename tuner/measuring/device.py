"""What a tuner measures on."""

from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Protocol, Self

from tuner.task import Outcome, Task

Unit = Literal["s", "cycles"]


class Device(Protocol):
    """A device that candidates are measured on; it is closed at the end of a `with`.

    `schedules` are pipeline text for the task's function in naive loops. Whatever a candidate does
    is an outcome; UserError where the task itself cannot be measured.
    """

    @property
    def unit(self) -> Unit:
        """What costs are counted in."""
        ...

    def measure(self, task: Task, schedules: Sequence[str]) -> list[Outcome]:
        """An outcome for each schedule, measured together."""
        ...

    def race(self, task: Task, schedules: Sequence[str]) -> list[Outcome]:
        """An outcome for each of the best schedules, as exact as it gets: what is reported."""
        ...

    def close(self) -> None:
        """Leave no process behind; the device can be used again."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
