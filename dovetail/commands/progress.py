"""What a user sees on stderr while something takes longer than two seconds."""

from threading import Lock, Timer

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PATIENCE_SECONDS = 2.0


class CompileProgress:
    """`with CompileProgress("compiling net") as progress: ... progress(done, total)`.

    Nothing is shown in the first two seconds, and on a file or pipe only the last state.
    """

    def __init__(self, what: str, patience: float = PATIENCE_SECONDS) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("kernels"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._bar.add_task(what, total=None)
        self._timer = Timer(patience, self._show)
        self._timer.daemon = True
        self._lock = Lock()
        self._ended = False

    def __enter__(self) -> "CompileProgress":
        self._timer.start()
        return self

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total` kernels are compiled."""
        self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._ended = True
            if self._bar.live.is_started:
                self._bar.stop()

    def _show(self) -> None:
        with self._lock:
            if not self._ended:
                self._bar.start()
