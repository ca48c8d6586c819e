"""`--mlir-timing`: how long each pass took, and what it did to the size of the module."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table
from rich.text import Text
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from analysis.errors import UserError
from analysis.files import write_atomically
from dovetail.instruments.fingerprint import Fingerprints
from dovetail.instruments.instrument import Instrument


@dataclass
class Row:
    """One pass of the pipeline, over all modules of the run."""

    name: str
    text: str
    seconds: float = 0.0
    share: float = 0.0
    operations_before: int = 0
    operations_after: int = 0
    changed: bool = False

    @property
    def effect(self) -> str:
        same = "" if self.changed else " (unchanged)"
        return f"{self.operations_before} -> {self.operations_after}{same}"


class Timing(Instrument):
    """Times the passes; its clock stands still while instruments look at the module.

    It has to be the first of the instruments, so that the clock stops before the others work.
    """

    def __init__(self, table: bool, json_file: Path | None) -> None:
        self.table, self.json_file = table, json_file
        self.rows: list[Row] = []
        self.fingerprints = Fingerprints()
        self.step, self.count, self.seen, self.start = 0, 0, "", 0.0

    def __call__(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        seconds = perf_counter() - self.start
        count, seen = sum(1 for _ in module.walk()), self.fingerprints.of(module)
        if previous is None:
            self.step = 0
        else:
            if self.step == len(self.rows):
                self.rows.append(Row(previous.name, str(previous)))
            row = self.rows[self.step]
            row.seconds += seconds
            row.operations_before += self.count
            row.operations_after += count
            row.changed |= seen != self.seen
            self.step += 1
        self.count, self.seen = count, seen

    def resume(self) -> None:
        self.start = perf_counter()

    def finish(self) -> int:
        total = sum(row.seconds for row in self.rows)
        for row in self.rows:
            row.share = row.seconds / total if total else 0.0
        if self.table:
            print_table(self.rows, total)
        if self.json_file is not None:
            report = {"seconds": total, "passes": [asdict(row) for row in self.rows]}
            try:
                write_atomically(self.json_file, f"{json.dumps(report, indent=2)}\n".encode())
            except OSError as error:
                raise UserError(
                    f"--mlir-timing-json: cannot write {self.json_file}: {error.strerror}"
                ) from None
        return 0


def print_table(rows: list[Row], total: float) -> None:
    """The rows as a table on stderr."""
    table = Table("seconds", "share", "pass", "operations", box=None, pad_edge=False)
    for column in table.columns[:2]:
        column.justify = "right"
    table.columns[2].overflow = "fold"
    for row in rows:
        share = f"{row.share:.1%}"
        table.add_row(f"{row.seconds:.4f}", share, Text(row.text), row.effect)
    table.add_row(f"{total:.4f}", "", "total", "")
    Console(file=sys.stderr, highlight=False).print(table)
