"""Measures every configuration of a kernel's space and writes the table of it.

    python -m tuner.tables.collect f.mlir --target vta --records r.jsonl -o tuner/tables/f.json.gz

The measuring is a search that goes through all candidates in order, with records, so what is
interrupted goes on. Costs in seconds are put in relation to the reference kernel that was measured
beside them, since a collection takes longer than a machine stays the same.

`--only` keeps some choices of a hole, `--tiles` the configurations that cut the work into so few
tiles: programs of thousands of them take long to make and are never good.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from analysis.errors import UserError
from dovetail.commands.arguments import Parser, positive
from dovetail.records import Record, append, read
from tuner.commands.space import add_tuning_target, tuning_target
from tuner.device import device_for
from tuner.search import Search
from tuner.space import Candidates, Condition, Space, Value
from tuner.table import Table
from tuner.task import Task
from tuner.tasks import space_of, tasks_of


def main(args: Sequence[str]) -> int:
    """Collect a table."""
    options = parse(args)
    target = tuning_target(options.target, options.threads)
    tasks = tasks_of(options.file, target, {})
    if len(tasks) != 1:
        names = ", ".join(task.name for task in tasks)
        raise UserError(f"{options.file}: a table is of one kernel; there are {names}")
    task = tasks[0]
    space = part_of(space_of(task), options.only, options.tiles)
    candidates = space.candidates()
    records: list[Record] = []
    with device_for(target) as device:
        keep = partial(keep_record, records, options.records)
        search = Search(task, space, candidates, device, keep, "exhaustive")
        if options.records.exists():
            records += [r for r in read(options.records) if r.run == search.run and not r.raced]
            search.resume(records)
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as bar:
            line = bar.add_task(f"@{task.name}", total=len(candidates))
            search.go(
                len(candidates),
                math.inf,
                lambda: bar.update(line, completed=len(search.attempts)),
            )
    kernel = options.file.read_text()
    table = table_of(options.name or task.name, task, kernel, candidates, records)
    table.write(options.output)
    return 0


def parse(args: Sequence[str]) -> argparse.Namespace:
    """The arguments, checked."""
    parser = Parser("python -m tuner.tables.collect", description="Measure a space as a whole.")
    parser.add_argument("file", type=Path, help="one kernel of te, as .mlir")
    add_tuning_target(parser)
    parser.add_argument("--records", type=Path, required=True, metavar="FILE", help="*.jsonl")
    parser.add_argument("--name", help="of the table (default: the kernel's)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="HOLE=V,V", help="some choices of a hole"
    )
    parser.add_argument("--tiles", type=positive, metavar="N", help="at most so many tiles")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.json.gz")
    return parser.parse_args(args)


def keep_record(records: list[Record], path: Path, record: Record) -> None:
    """Note a record, on disk too."""
    append(path, record)
    records.append(record)


def part_of(space: Space, only: Sequence[str], tiles: int | None) -> Space:
    """The part of a space that was asked for."""
    for text in only:
        name, _, wanted = text.partition("=")
        hole = next((h for h in space.holes if h.name == name), None)
        if hole is None:
            holes = ", ".join(h.name for h in space.holes)
            raise UserError(f"--only {text}: no hole is called '{name}'; there are {holes}")
        texts = wanted.split(",")
        chosen = [value for value in hole.choices if text_of(value) in texts]
        if len(chosen) != len(texts):
            known = ",".join(text_of(value) for value in hole.choices)
            raise UserError(f"--only {text}: the choices of '{name}' are {known}")
        space = space.restricted(**{name: chosen})
    if tiles is None:
        return space
    factors = [hole for hole in space.holes if hole.kind == "factor"]
    names = tuple(hole.name for hole in factors)
    few = Condition(f"at most {tiles} tiles", names, few_tiles([h.choices for h in factors], tiles))
    return replace(space, conditions=(*space.conditions, few))


def few_tiles(choices: Sequence[Sequence[Value]], most: int) -> Callable[..., bool]:
    """Whether sizes that divide extents, the last choices, make at most so many tiles."""
    extents = [int(str(values[-1])) for values in choices]

    def trips(extent: int, size: int) -> int:
        return extent // size if size and extent else 1

    def holds(*sizes: int) -> bool:
        return math.prod(map(trips, extents, sizes)) <= most

    return holds


def text_of(value: Value) -> str:
    return "-".join(value) if isinstance(value, tuple) else str(value)


def table_of(
    name: str, task: Task, kernel: str, candidates: Candidates, records: Sequence[Record]
) -> Table:
    """The table of a space, of which every candidate has a record, in order."""
    assert len(records) == len(candidates)
    references = [r.reference for r in records if r.reference is not None]
    usual = float(np.median(references)) if references else 1.0
    costs = [
        np.nan if r.cost is None else r.cost * (usual / r.reference if r.reference else 1.0)
        for r in records
    ]
    failures = {
        i: f"{r.error['kind']}: {r.error['text']}" for i, r in enumerate(records) if r.error
    }
    facts = ", ".join(f"{key} {value}" for key, value in records[0].machine.items())
    measured = f"every candidate once by the tuner's device, in {records[0].unit}; {facts}"
    return Table(
        name,
        str(task.target),
        records[0].unit,
        measured,
        kernel,
        candidates,
        np.array(costs, np.float64),
        failures,
    )


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
