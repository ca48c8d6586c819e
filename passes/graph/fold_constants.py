"""fold-constants: ops that read nothing but weights become weights, computed on the interpreter.

    %t = graph.transpose(%w) perm = [1, 0]   ->   %t = graph.weight @t dense<...>

A result that is larger than what it is computed from and than 16 MiB stays an op: a broadcast is
cheaper to compute than to store. Ops that nobody reads any more go.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from analysis.shapes import is_static
from backends.interpreter.graph import run_op
from dialects.graph.base import GraphOp, shape_of
from dialects.graph.structure import WeightOp
from dialects.graph.weights import Weight
from passes.graph.rewriting import erase_unused, functions, replace, weights_of
from passes.locations import fused

STORE_LIMIT = 16 * 2**20


def fold(op: GraphOp) -> None:
    """Replace `op` by its value if its operands are weights."""
    weights = weights_of(op.operands)
    if not weights or not is_static(shape_of(op.result.type)):
        return
    arrays = [weight.weight.array for weight in weights]
    value = run_op(op, arrays)
    if value.nbytes > max(STORE_LIMIT, sum(array.nbytes for array in arrays)):
        return
    label = op.result.name_hint or weights[0].label.data
    new = WeightOp(label, Weight.of(value))
    new.location = fused([*(weight.location for weight in weights), op.location])
    replace(op, new)


def fold_constants(func: FuncOp) -> None:
    for op in func.body.block.ops:
        if isinstance(op, GraphOp):
            fold(op)
    erase_unused(func)


@dataclass(frozen=True)
class FoldConstantsPass(ModulePass):
    """Compute what depends on weights alone."""

    name = "fold-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            fold_constants(func)
