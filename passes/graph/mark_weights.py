"""mark-weights: kernels say which of their arguments are constants of the network.

    %w = graph.weight @w ...
    %y = graph.call @conv(%x, %w)            func.func @conv(%x: ..., %w: ... {dovetail.weight})

A schedule may lay such an argument out freely, because it is packed when the network is compiled.
An argument is marked where every call passes a weight.

Takes and leaves a network of `graph.call`; it stands after fuse-operators.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, UnitAttr
from xdsl.passes import ModulePass

from dialects.graph.structure import CallOp, WeightOp

WEIGHT = "dovetail.weight"


def mark(kernel: func.FuncOp, calls: list[CallOp]) -> None:
    """Mark the arguments of one kernel."""
    count = len(kernel.body.block.args)
    marks = list(kernel.arg_attrs or [DictionaryAttr({})] * count)
    for i in range(count):
        if calls and all(isinstance(c.arguments[i].owner, WeightOp) for c in calls):
            marks[i] = DictionaryAttr({**marks[i].data, WEIGHT: UnitAttr()})
    kernel.arg_attrs = ArrayAttr(marks)


@dataclass(frozen=True)
class MarkWeightsPass(ModulePass):
    """Let kernels say which of their arguments are constants of the network."""

    name = "mark-weights"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        calls = [o for o in op.walk() if isinstance(o, CallOp)]
        for kernel in op.ops:
            if isinstance(kernel, func.FuncOp) and kernel.body.blocks:
                name = kernel.sym_name.data
                mine = [c for c in calls if c.callee.root_reference.data == name]
                if mine:
                    mark(kernel, mine)
