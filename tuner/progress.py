"""What a search shows on stderr while it runs: the best so far, failures by reason, time left."""

import math
import time
from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from dovetail.commands.compiling import cost_text
from tuner.roofline import Roofline
from tuner.search import Search


class Watch:
    """`with Watch(search, roofline, trials, stop, "1/3") as watch: ... watch.update()`.

    On a file or pipe only the last state is printed.
    """

    def __init__(
        self, search: Search, roofline: Roofline, trials: int, stop: float, place: str
    ) -> None:
        self.search, self.roofline, self.trials, self.stop = search, roofline, trials, stop
        self.begin, self.at_first = time.monotonic(), len(search.attempts)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            console=Console(stderr=True),
        )
        name = f"{place} @{search.task.name}"
        self.line = self.bar.add_task(name, total=trials, state="")

    def __enter__(self) -> "Watch":
        self.bar.start()
        self.update()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def update(self) -> None:
        """Show how far the search is."""
        done = len(self.search.attempts)
        self.bar.update(self.line, completed=done, state=", ".join(self.parts()))

    def racing(self) -> None:
        """Show that the best ones race."""
        self.bar.update(self.line, state="the best ones race")

    def parts(self) -> list[str]:
        """What there is to say."""
        search = self.search
        found: list[str] = []
        best = search.best
        if best is not None and best.trial.cost is not None:
            share = 100 * self.roofline.cost / best.trial.cost
            cost = cost_text(best.trial.cost, search.device.unit)
            found.append(f"best {cost} ({share:.0f} % of the {self.roofline.limit} limit)")
        failures = Counter(a.failure for a in search.attempts if a.failure is not None)
        found += [f"{count} {kind}" for kind, count in sorted(failures.items())]
        if search.resumed:
            found.append(f"{search.resumed} from records")
        left = self.left()
        if math.isfinite(left):
            found.append(f"{left:.0f} s left")
        return found

    def left(self) -> float:
        """The seconds that the rest of the trials will take."""
        done = len(self.search.attempts) - self.at_first
        passed = time.monotonic() - self.begin
        rest = self.trials - len(self.search.attempts)
        expected = rest * passed / done if done else math.inf
        return min(expected, self.stop - time.monotonic()) if rest else math.inf
