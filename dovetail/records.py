"""Records of tuning: what was tried for which kernel, and what came out.

A file of JSON lines, one a trial. The schedule is pipeline text: pasted after `-p` it makes the
kernel again. A line is appended whole and synced, so a process that is killed loses at most the
line that it was writing; what it left of that is skipped on reading, and cut off before the next
line is appended.

    {"format": 1, "task": "sha-256 of the kernel in naive loops", "kernel": "conv", ...}

Reads a file or a folder of them (`*.jsonl`). Errors: UserError, with file and line.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from analysis.errors import UserError

FORMAT = 1
SUFFIX = ".jsonl"
BLOCK = 1 << 16


@dataclass(frozen=True)
class Record:
    """One trial.

    `run` names the search that it belongs to, and `trial` its place there, from 0. `cost` is None
    for a failure, whose kind and text are in `error`; its `unit` is `s` or `cycles`. `names` are
    the loops, blocks and buffers of the kernel in program order, which the schedule speaks of.
    A `raced` one is from the final race of the best ones, whose figures count most.
    `configuration` are the values of the space's holes. `samples` are all repeats (see
    tuner/task.py), `reference` what the reference kernel took beside them.
    """

    task: str
    kernel: str
    target: str
    run: str
    trial: int
    schedule: str
    unit: str
    cost: float | None
    raced: bool = False
    names: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    configuration: Mapping[str, Any] = field(default_factory=dict[str, Any])
    samples: Sequence[Sequence[float]] = ()
    reference: float | None = None
    error: Mapping[str, str] | None = None
    machine: Mapping[str, str] = field(default_factory=dict[str, str])
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def line(self) -> str:
        """The record as a line of JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, separators=(",", ":"))

    @staticmethod
    def parse(line: str, where: str) -> "Record":
        """The record on a line; `where` is its file and number, for errors."""
        try:
            data = json.loads(line)
        except ValueError as error:
            raise UserError(f"{where}: not a record of tuning: {error}") from None
        if not isinstance(data, dict):
            raise UserError(f"{where}: not a record of tuning: it is no JSON object")
        values = cast(dict[str, Any], data)
        version = values.pop("format", None)
        if version != FORMAT:
            raise UserError(f"{where}: a record of format {version}; this version reads {FORMAT}")
        known = set(Record.__dataclass_fields__)
        missing = [n for n in ("task", "target", "schedule", "cost", "unit") if n not in values]
        if missing:
            raise UserError(f"{where}: a record without {', '.join(missing)}")
        values["samples"] = tuple(tuple(sample) for sample in values.get("samples", ()))
        try:
            return Record(**{name: value for name, value in values.items() if name in known})
        except TypeError as error:
            raise UserError(f"{where}: a record that is not complete: {error}") from None


def append(path: Path, record: Record) -> None:
    """Add a record to a file, which is made if it is not there; writers take turns."""
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(whole(file))
        file.write(f"{record.line()}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def whole(file: BinaryIO) -> int:
    """The bytes of a file up to the end of its last line that ends."""
    at = file.seek(0, os.SEEK_END)
    while at:
        begin = max(0, at - BLOCK)
        file.seek(begin)
        found = file.read(at - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        at = begin
    return 0


def files_of(path: Path) -> list[Path]:
    """The files of records at a path: itself, or those of a folder."""
    if path.is_dir():
        return sorted(path.glob(f"*{SUFFIX}"))
    if not path.exists():
        raise UserError(f"{path}: there are no records: no such file or folder")
    return [path]


def read(path: Path) -> Iterator[Record]:
    """The records of a file or folder, in order; a last line without an end is skipped."""
    for file in files_of(path):
        *lines, _ = file.read_text(errors="replace").split("\n")
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield Record.parse(line, f"{file}:{number}")
