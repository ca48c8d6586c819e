"""What a task takes at least: measured on a CPU, counted on an accelerator."""

from dataclasses import dataclass

from backends.llvm.machine import CodeGenerator
from dovetail.measuring.paired import BURST_SECONDS, limits_of
from dovetail.measuring.repeated import pinned
from dovetail.measuring.work import work_of
from tuner.library.accelerator import Accelerated
from tuner.task import Task

ROUNDS = 3


@dataclass(frozen=True)
class Roofline:
    """The least cost of a task, and what limits it: `fma`, `copy`, a feature, or `gemm`."""

    cost: float
    limit: str


def roofline_of(task: Task) -> Roofline:
    """The least cost of a task in the unit of its device."""
    module = task.module()
    machine = task.target.machine
    if machine.is_accelerator:
        problem = Accelerated(module, machine).problem
        whole = {axis.name: problem.extent(axis) for axis in problem.axes}
        return Roofline(problem.calls(whole), "gemm")
    work = work_of(task.function(module), {})
    with pinned(task.threads):
        generator = CodeGenerator.of(task.target)
        found: dict[str, float] = {}
        for limit in limits_of(work, machine, generator, task.threads):
            amount = work.bytes if limit.kind == "copy" else work.operations
            count = limit.repeated.count_for(BURST_SECONDS)
            found[limit.kind] = min(limit.seconds_for(amount, count) for _ in range(ROUNDS))
    kind = max(found, key=lambda name: found[name])
    return Roofline(found[kind], kind)
