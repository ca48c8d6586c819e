"""lower-graph-to-te: each graph op becomes the tensor expressions that say what it computes.

    %y = graph.add(%a, %b)   ->   %y = te.compute "y" (%i = 0 to 8) {
                                    %0 = te.read %a[%i] ... te.yield %2 : f32
                                  }

It takes what fuse-operators leaves: kernels, which are functions of graph ops, become functions
of te ops; the network keeps its weights and calls. A computation is named after the value that it
gives, one that leads to it gets a suffix (`y_sum`). Padding becomes guards of reads; nothing is
fused yet: that is for the schedule. Intermediate sums have the element type of the op. The lowering
of an op of another package is found by its name in the entry point group `dovetail.lowerings`.
"""

from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from analysis.errors import UnsupportedError
from analysis.extensions import extension
from dialects.graph.base import GraphOp, element_type
from dialects.graph.elementwise import CastOp
from dialects.graph.movement import ConcatOp, PadOp
from passes.graph.expressions import Kernel, Point, Scalar, extents
from passes.graph.lower_movement import MOVEMENT
from passes.graph.lower_nn import NN, Lowering
from passes.graph.rewriting import functions
from passes.graph.scalars import SCALARS, is_unsigned

LOWERINGS = {**MOVEMENT, **NN}


def lower_elementwise(k: Kernel, op: GraphOp) -> SSAValue:
    body = SCALARS[type(op)]

    def at(p: Point, *scalars: Scalar) -> Scalar:
        return body(p, op, *scalars)

    return k.map("", extents(op.result), list(op.operands), at)


def check_elements(op: GraphOp) -> None:
    """Refuse arithmetic on unsigned numbers, which can be moved and converted."""
    if isinstance(op, CastOp) or (type(op) in MOVEMENT and not isinstance(op, ConcatOp | PadOp)):
        return
    for value in (*op.operands, op.result):
        if is_unsigned(element_type(value.type)):
            raise UnsupportedError(f"lower-graph-to-te: {op.name} of {value.type}")


def lowering_of(op: GraphOp) -> Lowering | None:
    """What makes tensor expressions of an op, if anything does."""
    if type(op) in SCALARS:
        return lower_elementwise
    return LOWERINGS.get(type(op)) or cast(
        Lowering | None, extension("dovetail.lowerings", op.name)
    )


def lower_op(op: GraphOp, lowering: Lowering, taken: set[str]) -> None:
    """Replace one op by its tensor expressions."""
    check_elements(op)
    value = lowering(Kernel(op, taken), op)
    value.name_hint = op.result.name_hint or value.name_hint
    Rewriter.replace_op(op, [], [value])


def lower_function(func: FuncOp) -> None:
    ops = [op for op in func.body.block.ops if isinstance(op, GraphOp)]
    found = {op: lowering_of(op) for op in ops}
    unknown = sorted({op.name for op, lowering in found.items() if lowering is None})
    if unknown:
        raise UnsupportedError(f"lower-graph-to-te: no tensor expression for {', '.join(unknown)}")
    taken: set[str] = set()
    for op, lowering in found.items():
        assert lowering is not None
        lower_op(op, lowering, taken)


@dataclass(frozen=True)
class LowerGraphToTePass(ModulePass):
    """Lower every graph op that is left to tensor expressions."""

    name = "lower-graph-to-te"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            lower_function(func)
