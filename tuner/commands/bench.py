"""`dovetail bench tuner`: how fast searches come close to the best schedule of a space.

The spaces are enumerated and every configuration is measured, so a search is replayed without
measuring, over many seeds. Each figure is the optimum divided by the best that was found: the mean
over the seeds, and the worst of them. A space in which good schedules are common proves nothing,
so what is printed first is how many of its configurations come close to the best.
"""

import argparse
import json
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from rich.box import MARKDOWN
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as TextTable

from analysis.errors import UserError
from analysis.files import write_atomically
from dovetail.commands.arguments import Parser, positive
from tuner.explorers.explorer import find_explorer
from tuner.replay import TRIALS, Replay
from tuner.table import SUFFIX, Table, committed

EXPLORERS = ("learned", "prior", "random", "autotvm")
NEAR = 0.05


def run(args: Sequence[str]) -> int:
    """Run the benchmark."""
    options = parse(args)
    factories = {name: find_explorer(name) for name in options.explorers}
    tables = chosen(options)
    print_distributions(tables)
    replays: list[Replay] = []
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        work = bar.add_task("", total=len(tables) * len(factories))
        for table in tables:
            for name, factory in factories.items():
                bar.update(work, description=f"{table.name}, {name}")
                replays.append(Replay.run(table, name, factory, options.seeds, max(TRIALS)))
                bar.advance(work)
    print_replays(replays, options.seeds)
    if options.json is not None:
        write(options.json, json.dumps(rows_of(replays), indent=1).encode() + b"\n")
    if options.plot is not None:
        write(options.plot, import_module("tuner.commands.plot").draw(replays))
    return 0


def parse(args: Sequence[str]) -> argparse.Namespace:
    """The arguments, checked."""
    parser = Parser(
        "dovetail bench tuner",
        description="Replay searches on spaces that are measured as a whole.",
    )
    parser.add_argument("--seeds", type=positive, default=20, metavar="N", help="default 20")
    parser.add_argument("--tasks", default="", metavar="REGEX", help="only tasks whose names match")
    parser.add_argument(
        "--explorers", nargs="+", default=list(EXPLORERS), metavar="NAME",
        help=f"default: {' '.join(EXPLORERS)}",
    )  # fmt: skip
    parser.add_argument(
        "--tables", type=Path, metavar="FOLDER", help=f"other tables, *{SUFFIX} (default: ours)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="where a picture goes")
    options = parser.parse_args(args)
    if options.plot is not None and options.plot.suffix != ".svg":
        raise UserError(f"{options.plot}: the picture is SVG, so give a file *.svg")
    return options


def chosen(options: argparse.Namespace) -> list[Table]:
    """The tables that the user asks for."""
    folder: Path | None = options.tables
    found = committed() if folder is None else sorted(folder.glob(f"*{SUFFIX}"))
    if not found:
        raise UserError(f"{folder or 'tuner/tables'}: there are no tables, *{SUFFIX}, to replay")
    try:
        wanted = re.compile(options.tasks)
    except re.error as error:
        raise UserError(f"--tasks '{options.tasks}' is no regular expression: {error}") from None
    names = [path.name.removesuffix(SUFFIX) for path in found]
    tables = [Table.read(p) for p, name in zip(found, names, strict=True) if wanted.search(name)]
    if not tables:
        raise UserError(f"no task matches '{options.tasks}': there are {', '.join(names)}")
    return tables


def write(path: Path, data: bytes) -> None:
    """Write a file that the user asked for."""
    try:
        write_atomically(path, data)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


def rows_of(replays: Sequence[Replay]) -> list[dict[str, object]]:
    """The figures as data: one row a task, an explorer and a number of trials."""
    return [
        {
            "task": replay.table.name,
            "explorer": replay.explorer,
            "trials": trials,
            "mean": round(float(replay.after(trials).mean()), 4),
            "worst": round(float(replay.after(trials).min()), 4),
            "median_trials_to_optimum": replay.to_optimum(),
            "configurations": len(replay.table.candidates),
            "failures": len(replay.table.failures),
            "share_within_5_percent": round(replay.table.share_within(NEAR), 4),
        }
        for replay in replays
        for trials in TRIALS
    ]


def print_distributions(tables: Sequence[Table]) -> None:
    """Print how common good schedules are in each space."""
    text = TextTable(title="spaces, share of their configurations", box=MARKDOWN)
    text.add_column("task")
    titles = ("configurations", "failures", "within 0.5 %", "5 %", "20 %", "2 x", "10 x", "optimum")
    for title in titles:
        text.add_column(title, justify="right")
    for table in tables:
        shares = [f"{100 * table.share_within(m):.1f} %" for m in (0.005, NEAR, 0.2, 1, 9)]
        best = f"{table.optimum:.4g} {table.unit}"
        count = f"{len(table.candidates):,}"
        text.add_row(table.name, count, str(len(table.failures)), *shares, best)
    Console(width=120).print(text)


def print_replays(replays: Sequence[Replay], seeds: int) -> None:
    """Print what the searches reached, in Markdown, so that it can be kept."""
    title = f"best possible / best found: mean and worst of {seeds} seeds"
    text = TextTable(title=title, box=MARKDOWN)
    text.add_column("task")
    text.add_column("explorer")
    for trials in TRIALS:
        text.add_column(f"{trials} trials", justify="right")
    text.add_column("to 0.5 %, median", justify="right")
    for replay in replays:
        found = [replay.after(trials) for trials in TRIALS]
        cells = [f"{f.mean():.2f} / {f.min():.2f}" for f in found]
        needed = replay.to_optimum()
        text.add_row(
            replay.table.name,
            replay.explorer,
            *cells,
            f"> {max(TRIALS)}" if needed is None else str(needed),
        )
    Console(width=120).print(text)
