"""schedule-kernels: every kernel gets the default schedule of the library.

The function's attribute `dovetail.schedule` records the primitives as pipeline text; pasted after
`-p`, they make the same kernel from the unscheduled one.

Takes functions of naive loops, as lower-te-to-loop leaves them, in a module with a target.
"""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

from dialects import loop
from dialects.target import Machine, target_of
from passes.loop.library.default import default_schedule
from passes.loop.library.recipe import Recipe

SCHEDULE = "dovetail.schedule"


def schedule(function: func.FuncOp, machine: Machine) -> None:
    """Schedule one function, in a module of its own, so that names need not say which."""
    parent, follower = function.parent_block(), function.next_op
    assert parent is not None
    function.detach()
    alone = ModuleOp([function])
    recipe = Recipe(alone, function, machine)
    default_schedule(recipe)
    function.attributes[SCHEDULE] = StringAttr(",".join(str(step) for step in recipe.steps))
    function.detach()
    if follower is None:
        parent.add_op(function)
    else:
        parent.insert_op_before(function, follower)


@dataclass(frozen=True)
class ScheduleKernelsPass(ModulePass):
    """Give every kernel the default schedule of the library."""

    name = "schedule-kernels"
    reassociates: ClassVar = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine = target_of(op).machine
        for inner in list(op.ops):
            if isinstance(inner, func.FuncOp) and any(
                isinstance(o, loop.BlockOp) for o in inner.walk()
            ):
                schedule(inner, machine)
