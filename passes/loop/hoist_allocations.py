"""hoist-allocations: the caller of a kernel gives it the memory for its intermediate results.

    func.func private @k(%x, %y) {              func.func private @k(%x, %y, %t) {
      %t = loop.alloc : memref<8xf32>     ->      ...

Then every buffer of a network that lives longer than a statement is an allocation of the network,
and one plan places them all. Allocations inside loops and registers stay.

Takes and leaves functions of loops; public functions, which have no caller to give memory, stay as
they are. It stands after the schedules and before lower-graph-to-loop, which allocates the memory.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    ModuleOp,
    StringAttr,
    UnitAttr,
)
from xdsl.passes import ModulePass

from dialects import loop
from dialects.layout import scope_of

SCRATCH = "dovetail.scratch"


def hoist(function: func.FuncOp) -> None:
    """Make the allocations of a function arguments of it."""
    block = function.body.block
    allocs = [
        op
        for op in block.ops
        if isinstance(op, loop.AllocOp)
        and op.memory is None
        and scope_of(op.result.type) == "global"
    ]
    if not allocs:
        return
    marks = list(function.arg_attrs or [DictionaryAttr({})] * len(block.args))
    for op in allocs:
        argument = block.insert_arg(op.result.type, len(block.args))
        argument.name_hint = op.result.name_hint
        op.result.replace_all_uses_with(argument)
        op.detach()
        op.erase()
        marks.append(DictionaryAttr({SCRATCH: UnitAttr()}))
    function.function_type = FunctionType.from_lists([a.type for a in block.args], [])
    function.arg_attrs = ArrayAttr(marks)


@dataclass(frozen=True)
class HoistAllocationsPass(ModulePass):
    """Let the caller of a kernel give it the memory for its intermediate results."""

    name = "hoist-allocations"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in op.ops:
            if isinstance(inner, func.FuncOp) and inner.sym_visibility == StringAttr("private"):
                hoist(inner)
