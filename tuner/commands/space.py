"""`dovetail space model.onnx`: what there is to tune, and how large each task's space is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from analysis.errors import UserError
from analysis.files import write_atomically
from dialects.target import Target
from dovetail.commands.arguments import Parser, add_dims, add_threads, parse_dims
from dovetail.commands.compiling import choose_target
from tuner.space import Space
from tuner.task import Task
from tuner.tasks import space_of, tasks_of

SHOWN = 8
"""So many choices of a hole are shown."""


def add_tuning_target(parser: Parser) -> None:
    """The arguments that say what to tune for."""
    parser.add_argument(
        "--target",
        default="cpu",
        metavar="cpu|vta|T",
        help="this machine, the usual accelerator, or a target such as 'vta -config=...'",
    )
    add_threads(parser)


def tuning_target(text: str, threads: int | None) -> Target:
    """The target that was asked for."""
    if text == "cpu":
        return choose_target(None, threads)
    return choose_target(text, threads)


@dataclass(frozen=True)
class Entry:
    """A task and its space, or the reason why it has none."""

    task: Task
    space: Space | None
    reason: str = ""
    share: float | None = None
    """How many of the configurations are feasible, where they were counted."""

    @staticmethod
    def of(task: Task, counted: bool = False) -> "Entry":
        try:
            space = space_of(task)
        except UserError as error:
            return Entry(task, None, error.message)
        return Entry(task, space, share=space.rows()[1] if counted else None)

    def data(self) -> dict[str, object]:
        """For JSON."""
        found: dict[str, object] = {
            "task": self.task.hash,
            "kernel": self.task.name,
            "calls": self.task.count,
        }
        if self.space is None:
            return {**found, "space": None, "reason": self.reason}
        return {
            **found,
            "space": self.space.name,
            "size": self.space.size,
            "feasible_share": self.share,
            "holes": {hole.name: list(hole.choices) for hole in self.space.holes},
            "conditions": [c.reason for c in self.space.conditions],
        }


def run(args: Sequence[str]) -> int:
    """Print the tasks and their spaces."""
    parser = Parser(
        "dovetail space", description="Print what of a model can be tuned, and in how many ways."
    )
    parser.add_argument("model", type=Path, help="an .onnx file, a network or kernels as .mlir")
    add_tuning_target(parser)
    add_dims(parser)
    parser.add_argument("--holes", action="store_true", help="print the holes of each space, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the table goes as JSON")
    options = parser.parse_args(args)
    target = tuning_target(options.target, options.threads)
    found = tasks_of(options.model, target, parse_dims(options.dim))
    with Console(stderr=True).status("counting") as status:
        entries: list[Entry] = []
        for task in found:
            status.update(f"counting @{task.name}, {len(entries) + 1} of {len(found)}")
            entries.append(Entry.of(task, counted=True))
    if options.json is not None:
        text = json.dumps([entry.data() for entry in entries], indent=1)
        write_atomically(options.json, f"{text}\n".encode())
    show(entries, options.holes)
    return 0


def show(entries: Sequence[Entry], holes: bool) -> None:
    """Print the tables."""
    console = Console(width=100)
    table = Table(title="tasks")
    for title in ("kernel", "task", "calls", "space", "size", "feasible"):
        right = title in ("calls", "size", "feasible")
        table.add_column(title, justify="right" if right else "left")
    for entry in entries:
        if entry.space is not None and entry.share is not None:
            size, share = f"{entry.space.size:,}", f"{100 * entry.share:.3g} %"
            row = (str(entry.task.count), entry.space.name, size, share)
            table.add_row(entry.task.name, entry.task.hash[:8], *row)
    console.print(table)
    for entry in entries:
        if entry.space is None:
            console.print(entry.reason, soft_wrap=True, highlight=False)
    if holes:
        for entry in entries:
            if entry.space is not None:
                show_holes(console, entry.task, entry.space)


def show_holes(console: Console, task: Task, space: Space) -> None:
    """Print the holes and conditions of a space."""
    table = Table(title=f"@{task.name}: {space.name}")
    for title in ("hole", "kind", "choices"):
        table.add_column(title)
    for hole in space.holes:
        shown = [value_text(value) for value in hole.choices[:SHOWN]]
        more = len(hole.choices) - len(shown)
        table.add_row(hole.name, hole.kind, "; ".join(shown) + (f"; {more} more" if more else ""))
    console.print(table)
    for reason in dict.fromkeys(c.reason for c in space.conditions):
        console.print(f"  where {reason}", highlight=False)


def value_text(value: object) -> str:
    """A value of a hole."""
    return ", ".join(value) if isinstance(value, tuple) else str(value)
