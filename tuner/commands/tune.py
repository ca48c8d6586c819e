"""`dovetail tune model.onnx -o records/`: searches for better schedules of a model's kernels.

One kernel after another, by the time that it is likely to take: trials in batches, each recorded
when it is known, then a race of the best ones with the default schedule. Whatever stops the
search, records stay, and the same command goes on where it stopped.
"""

import json
import math
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from analysis.errors import UserError
from analysis.files import write_atomically
from dialects.target import Target
from dovetail.commands.arguments import Parser, add_dims, parse_dims, positive
from dovetail.commands.compiling import cost_text
from dovetail.records import SUFFIX, append, read
from tuner.commands.space import Entry, add_tuning_target, tuning_target
from tuner.device import device_for
from tuner.measuring.device import Device
from tuner.progress import Watch
from tuner.roofline import Roofline, roofline_of
from tuner.search import Search
from tuner.tasks import tasks_of


@dataclass(frozen=True)
class Result:
    """What came of a task."""

    search: Search
    roofline: Roofline

    @property
    def default(self) -> float | None:
        return self.search.raced.get(self.search.default)

    @property
    def best(self) -> float | None:
        winner = self.search.winner
        return None if winner is None else self.search.raced[winner]

    def data(self) -> dict[str, object]:
        """For JSON."""
        return {
            "kernel": self.search.task.name,
            "task": self.search.task.hash,
            "run": self.search.run,
            "trials": len(self.search.attempts),
            "resumed": self.search.resumed,
            "candidates": len(self.search.candidates),
            "unit": self.search.device.unit,
            "default": self.default,
            "best": self.best,
            "proved": self.search.proved,
            "roofline": self.roofline.cost,
            "schedule": self.search.winner,
        }


def run(args: Sequence[str]) -> int:
    """Tune the kernels of a model."""
    options = parse(args)
    target = tuning_target(options.target, options.threads)
    output: Path = options.output
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"-o {output}: cannot be made a folder: {error.strerror}") from None
    entries = entries_of(options, target)
    deadline = math.inf
    if options.time_budget is not None:
        deadline = time.monotonic() + options.time_budget
    results: list[Result] = []
    interrupted = False
    with device_for(target) as device:
        for number, entry in enumerate(entries):
            share = (deadline - time.monotonic()) / (len(entries) - number)
            stop = time.monotonic() + share if math.isfinite(deadline) else deadline
            try:
                results.append(tune(entry, device, options, stop, f"{number + 1}/{len(entries)}"))
            except KeyboardInterrupt:
                interrupted = True
                break
    if options.json is not None:
        text = json.dumps([result.data() for result in results], indent=1)
        write_atomically(options.json, f"{text}\n".encode())
    show(results)
    again = "; the same command goes on" if interrupted else ""
    print(f"records are in {output}{again}", file=sys.stderr)
    return 130 if interrupted else 0


def parse(args: Sequence[str]) -> "Options":
    """The arguments, checked."""
    parser = Parser("dovetail tune", description="Search for better schedules of kernels.")
    parser.add_argument("model", type=Path, help="an .onnx file, a network or kernels as .mlir")
    add_tuning_target(parser)
    parser.add_argument(
        "--trials", type=positive, default=64, metavar="N", help="trials a kernel (default: 64)"
    )
    parser.add_argument(
        "--time-budget", type=positive, metavar="S", help="seconds in all, shared among kernels"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="where records go"
    )
    parser.add_argument("--kernel", metavar="REGEX", help="only kernels whose names match")
    parser.add_argument("--explorer", default="learned", help="how to search (default: learned)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the search (0)")
    add_dims(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go as JSON")
    return parser.parse_args(args, Options())


class Options:
    """What was asked for."""

    model: Path
    target: str
    threads: int | None
    trials: int
    time_budget: int | None
    output: Path
    kernel: str | None
    explorer: str
    seed: int
    dim: list[str]
    json: Path | None


def entries_of(options: Options, target: Target) -> list[Entry]:
    """The tasks that have spaces and were asked for."""
    found = tasks_of(options.model, target, parse_dims(options.dim))
    if options.kernel is not None:
        try:
            pattern = re.compile(options.kernel)
        except re.error as error:
            raise UserError(f"--kernel {options.kernel}: no regular expression: {error}") from None
        names = ", ".join(task.name for task in found)
        found = [task for task in found if pattern.search(task.name)]
        if not found:
            raise UserError(
                f"--kernel {options.kernel}: no kernel's name matches; there are {names}"
            )
    entries = [Entry.of(task) for task in found]
    having = [entry for entry in entries if entry.space is not None]
    if not having:
        raise UserError(f"{options.model}: nothing to tune", *(entry.reason for entry in entries))
    return having


def tune(entry: Entry, device: Device, options: Options, stop: float, place: str) -> Result:
    """Search for one task, and race the best."""
    assert entry.space is not None
    with Console(stderr=True).status(f"looking at the space of @{entry.task.name}"):
        candidates = entry.space.candidates()
    path = options.output / f"{entry.task.name}-{entry.task.hash[:8]}{SUFFIX}"
    explorer = options.explorer
    if device.unit == "cycles" and len(candidates) <= options.trials:
        explorer = "exhaustive"
    search = Search(
        entry.task,
        entry.space,
        candidates,
        device,
        partial(append, path),
        explorer,
        options.seed,
    )
    if path.exists():
        search.resume(read(path))
    roofline = roofline_of(entry.task)
    trials = min(options.trials, len(candidates))
    with Watch(search, roofline, trials, stop, place) as watch:
        search.go(trials, stop, watch.update)
        watch.racing()
        search.finish()
        watch.update()
    # what else runs now and then makes the limit seem worse than it is, never better
    again = roofline_of(entry.task)
    return Result(search, min(roofline, again, key=lambda limit: limit.cost))


def show(results: Sequence[Result]) -> None:
    """Print the table of results."""
    table = Table(title="tuned kernels")
    for title in ("kernel", "trials", "failed", "default", "best", "faster", "of the roofline", ""):
        table.add_column(title, justify="left" if title in ("kernel", "") else "right")
    for result in results:
        search, default, best = result.search, result.default, result.best
        failed = sum(attempt.failure is not None for attempt in search.attempts)
        unit = search.device.unit
        remark = "default schedule kept" if search.winner == search.default else ""
        table.add_row(
            search.task.name,
            str(len(search.attempts)),
            str(failed),
            "" if default is None else cost_text(default, unit),
            "" if best is None else cost_text(best, unit),
            "" if best is None or default is None else f"{default / best:.2f}x",
            "" if best is None else f"{100 * result.roofline.cost / best:.1f} %",
            "optimum of the space" if search.proved else remark,
        )
    Console(width=120).print(table)
