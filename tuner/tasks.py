"""The tasks of a model: its kernels as they come to be scheduled, each structure once."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import PassPipeline

from analysis.errors import UserError
from dialects.graph.base import GraphOp
from dialects.graph.structure import CallOp
from dialects.target import Target, TargetAttr
from dovetail.commands.compiling import read_network
from dovetail.execution.native import alone
from dovetail.frontend.onnx import import_model
from dovetail.frontend.text import SUFFIX, read_module, text_context
from dovetail.pipelines import CPU, CPU_KERNEL, VTA_KERNEL, around_schedules
from passes.loop.schedule_kernels import kernels_of
from passes.structural_hash import structural_hash
from tuner.library.accelerator import accelerator_space
from tuner.library.cpu import cpu_space
from tuner.space import Space
from tuner.task import Task


def tasks_of(path: Path, target: Target, dims: Mapping[str, int]) -> list[Task]:
    """The tasks of a model, or of a text of kernels of te, for a target. Errors: UserError."""
    module, network = read(path, dims)
    accelerated = target.machine.is_accelerator
    if network and accelerated:
        raise UserError(
            f"{path}: networks are tuned for CPUs; for {target.device} give kernels of te (.mlir)"
        )
    pipeline = CPU if network else VTA_KERNEL if accelerated else CPU_KERNEL
    module.attributes["target"] = TargetAttr.of(target)
    PassPipeline(around_schedules(pipeline)[0]).apply(text_context(), module)
    module.verify()
    found = tasks_in(module, target)
    if not found:
        raise UserError(f"{path}: it has no kernel to tune")
    return found


def read(path: Path, dims: Mapping[str, int]) -> tuple[ModuleOp, bool]:
    """A module, and whether it is a network."""
    if path.suffix == SUFFIX:
        module = read_module(path)
        if not any(isinstance(op, GraphOp) for op in module.walk()):
            return module, False
    source = read_network(path, dims)
    return (source if isinstance(source, ModuleOp) else import_model(source)), True


def tasks_in(module: ModuleOp, target: Target) -> list[Task]:
    """The tasks of a module whose kernels are naive loops."""
    calls = Counter(op.callee.root_reference.data for op in module.walk() if isinstance(op, CallOp))
    found: dict[str, Task] = {}
    for function in kernels_of(module):
        name, digest = function.sym_name.data, structural_hash(function)
        count = calls.get(name, 1)
        known = found.get(digest)
        if known is not None:
            found[digest] = Task(known.name, digest, target, known.text, known.count + count)
            continue
        single = alone(function)
        single.attributes["target"] = TargetAttr.of(target)
        found[digest] = Task(name, digest, target, str(single), count)
    return list(found.values())


def space_of(task: Task) -> Space:
    """The space of a task; UserError where it has none."""
    module = task.module()
    machine = task.target.machine
    if machine.is_accelerator:
        return accelerator_space(module, machine)
    return cpu_space(module, machine)
