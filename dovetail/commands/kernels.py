"""`dovetail bench kernels`: kernels under the default schedule, against the limits of the machine.

Each row is compiled with the schedule of the library, compared once with the interpreter, and timed
in turns with the limit (dovetail/measuring/paired.py). A row whose instructions this machine lacks
is listed as skipped, with the name of the feature.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from analysis.errors import UserError
from analysis.files import write_atomically
from backends.llvm.host import host_target
from dovetail.commands.arguments import Parser, positive
from dovetail.measuring.narrow_rows import NARROW
from dovetail.measuring.row_figures import measure_row
from dovetail.measuring.rows import Row, all_rows

SEVERAL = 8
"""From so many rows on, the median and the smallest share are told."""


def run(args: Sequence[str]) -> int:
    """Run the benchmark."""
    options = parse(args)
    chosen = choose(options.rows)
    target = host_target(1)
    rows: list[dict[str, object]] = []
    progress = Console(stderr=True)
    for number, row in enumerate(chosen):
        with progress.status(f"{row.name} ({number + 1} of {len(chosen)})"):
            rows.append(measure_row(row, target, options.rounds))
    show(rows, f"1 thread of {target.machine.cpu}")
    if options.json is not None:
        try:
            write_atomically(options.json, json.dumps(rows, indent=1).encode() + b"\n")
        except OSError as error:
            raise UserError(f"cannot write {options.json}: {error.strerror}") from None
    return 0


def choose(pattern: str) -> list[Row]:
    """The rows in whose names a regular expression is found."""
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise UserError(f"--rows: '{pattern}' is no regular expression: {error}") from None
    rows = [*all_rows(), *NARROW]
    chosen = [row for row in rows if wanted.search(row.name)]
    if not chosen:
        names = f"{rows[0].name}, {rows[1].name}, ..., {rows[-1].name}"
        raise UserError(f"--rows: no row's name matches '{pattern}'; there are {names}")
    return chosen


def parse(args: Sequence[str]) -> argparse.Namespace:
    """The arguments, checked."""
    parser = Parser(
        "dovetail bench kernels", description="Time single kernels under the default schedule."
    )
    parser.add_argument(
        "--rows", default=".*", metavar="REGEX", help="the rows with such names (default: all)"
    )
    parser.add_argument("--rounds", type=positive, default=20, metavar="N", help="turns of each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    return parser.parse_args(args)


def cell(row: dict[str, object], name: str, format: str, factor: float = 1) -> str:
    """A figure of a row as text."""
    value = row.get(name)
    return format.format(factor * value) if isinstance(value, int | float) else "-"


def show(rows: Sequence[dict[str, object]], title: str) -> None:
    """Print the table, in Markdown, so that it can be kept."""
    table = Table(title=title, box=MARKDOWN)
    for name in ("row", "ms", "GFLOP/s", "limit", "limit, ms", "limit share"):
        table.add_column(name, justify="left" if name in ("row", "limit") else "right")
    for row in rows:
        limit = f"skipped: no {row['skipped']}" if "skipped" in row else str(row["limit"])
        table.add_row(
            str(row["row"]),
            cell(row, "ms", "{:.4g}"),
            cell(row, "gflops", "{:.4g}"),
            limit,
            cell(row, "limit_ms", "{:.4g}"),
            cell(row, "limit_share", "{:.1f} %", 100),
        )
    Console(width=100).print(table)
    shares = [row["limit_share"] for row in rows if isinstance(row.get("limit_share"), float)]
    numbers = [share for share in shares if isinstance(share, float)]
    if len(numbers) >= SEVERAL:
        middle, least = 100 * median(numbers), 100 * min(numbers)
        print(f"{len(numbers)} rows: median {middle:.1f} %, smallest {least:.1f} %")
