"""schedule-kernels: every kernel gets the default schedule of the library.

On a target whose memories hold elements of a fixed shape it is that of an accelerator, which calls
the instructions that the module declares. On a CPU, reductions use those of its instructions that
the target has.

The function's attribute `dovetail.schedule` records the primitives as pipeline text; pasted after
`-p`, they make the same kernel from the unscheduled one. A function that has the attribute already
is scheduled, and stays as it is.

Takes functions of naive loops, as lower-te-to-loop leaves them, in a module with a target.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

from dialects import loop, te
from dialects.target import Machine, target_of
from passes.loop.library.accelerator import accelerate
from passes.loop.library.default import default_schedule
from passes.loop.library.recipe import Recipe

SCHEDULE = "dovetail.schedule"


@contextmanager
def isolated(function: func.FuncOp) -> Generator[ModuleOp]:
    """The function in a module of its own for a while, so that names need not say which."""
    parent, follower = function.parent_block(), function.next_op
    assert parent is not None
    module = function.parent_op()
    assert isinstance(module, ModuleOp)
    intrinsics = [op.clone() for op in module.ops if isinstance(op, te.IntrinsicOp)]
    function.detach()
    try:
        yield ModuleOp([*intrinsics, function], attributes=dict(module.attributes))
    finally:
        function.detach()
        if follower is None:
            parent.add_op(function)
        else:
            parent.insert_op_before(function, follower)


def schedule(function: func.FuncOp, machine: Machine) -> None:
    """Schedule one function."""
    with isolated(function) as alone:
        recipe = Recipe(alone, function, machine)
        if machine.is_accelerator:
            accelerate(recipe)
        else:
            default_schedule(recipe)
    function.attributes[SCHEDULE] = StringAttr(",".join(str(step) for step in recipe.steps))


def kernels_of(module: ModuleOp) -> list[func.FuncOp]:
    """The functions of loops that have no schedule yet."""
    functions = [op for op in module.ops if isinstance(op, func.FuncOp)]
    return [
        function
        for function in functions
        if SCHEDULE not in function.attributes
        and any(isinstance(op, loop.BlockOp) for op in function.walk())
    ]


@dataclass(frozen=True)
class ScheduleKernelsPass(ModulePass):
    """Give every kernel the default schedule of the library."""

    name = "schedule-kernels"
    reassociates: ClassVar = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine = target_of(op).machine
        for function in kernels_of(op):
            schedule(function, machine)
