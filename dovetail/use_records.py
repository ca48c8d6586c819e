"""use-records: kernels get the schedules that tuning found best for them.

A record belongs to a kernel if it names its structural hash and the module's target. Of those the
best is used that a final race confirmed, else the best there is. The kernel takes the names that
the record's schedule speaks of; its attribute `dovetail.schedule` is that schedule, so that
schedule-kernels leaves it alone. A kernel without a record, or whose record no longer applies, is
left for schedule-kernels.

Stands before schedule-kernels, and takes what it takes. The records are those of `dovetail tune`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass, PassPipeline

from analysis.errors import UserError
from dialects.target import Target, target_of
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.records import Record, read
from dovetail.universe import installed
from passes.kernel_names import rename
from passes.loop.schedule_kernels import SCHEDULE, isolated, kernels_of
from passes.structural_hash import structural_hash


@dataclass(frozen=True)
class Use:
    """What became of a kernel: the record that it uses, or the reason why it uses none."""

    kernel: str
    record: Record | None
    reason: str = ""


@dataclass(frozen=True)
class Records:
    """The best record of each kernel for a target; `others` are the targets of all records."""

    best: Mapping[str, Record]
    others: Mapping[str, frozenset[str]]
    """For each kernel the targets that there are records for."""

    @staticmethod
    def of(records: Iterable[Record], target: Target) -> "Records":
        """The best of `records`."""
        best: dict[str, Record] = {}
        others: dict[str, frozenset[str]] = {}
        for record in records:
            if record.cost is None:
                continue
            others[record.task] = others.get(record.task, frozenset()) | {record.target}
            if record.target == str(target) and (
                record.task not in best or is_better(record, best[record.task])
            ):
                best[record.task] = record
        return Records(best, others)

    def why_none(self, task: str) -> str:
        """Why a kernel has no record."""
        targets = sorted(self.others.get(task, ()))
        if targets:
            return f"tuned for another target only: {', '.join(targets)}"
        return "never tuned"


def is_better(record: Record, other: Record) -> bool:
    """Whether a record is to be preferred: a raced one to others, then the faster one."""
    assert record.cost is not None and other.cost is not None
    return (not record.raced, record.cost) < (not other.raced, other.cost)


def use_records(module: ModuleOp, records: Records) -> list[Use]:
    """Schedule the kernels that there are records for; what became of each."""
    found: list[Use] = []
    for function in kernels_of(module):
        name, task = function.sym_name.data, structural_hash(function)
        record = records.best.get(task)
        if record is None:
            found.append(Use(name, None, records.why_none(task)))
            continue
        try:
            replay(function, record)
        except UserError as error:
            reason = f"its record no longer applies: {error.message}"
            found.append(Use(name, None, reason))
        else:
            found.append(Use(name, record))
    return found


def replay(function: func.FuncOp, record: Record) -> None:
    """Schedule a kernel as a record says; it stays as it is if that is refused."""
    copy = function.clone()
    block = function.parent_block()
    assert block is not None
    block.insert_op_before(copy, function)
    try:
        rename(copy, record.names)
        steps = parse_passes(Source("the record", record.schedule), installed().all_passes)
        with isolated(copy) as alone:
            PassPipeline(steps).apply(Context(), alone)
            alone.verify()
    except UserError:
        copy.detach()
        copy.erase()
        raise
    copy.attributes[SCHEDULE] = StringAttr(record.schedule)
    function.detach()
    function.erase()


@dataclass(frozen=True)
class UseRecordsPass(ModulePass):
    """Give kernels the schedules of the best records in a file or folder."""

    path: str

    name = "use-records"
    reassociates: ClassVar = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        use_records(op, Records.of(read(Path(self.path)), target_of(op)))
