"""fuse-glu: a product of one half and the sigmoid of the other half becomes `sample.glu`.

    %a = graph.slice(%x) first half
    %b = graph.slice(%x) second half
    %s = graph.sigmoid(%b)
    %y = graph.mul(%a, %s)            ->   %y = sample.glu(%x) axis = 1

Models come with the left form: ONNX has no gated linear unit. Takes a network of graph ops; it
stands before fuse-operators, which then sees one op. Halves that something else reads stay.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from dialects.graph.base import ints, shape_of
from dialects.graph.elementwise import MulOp, SigmoidOp
from dialects.graph.movement import SliceOp
from dovetail_example.dialect import GluOp
from passes.graph.rewriting import erase_unused, functions, replace


def half_of(value: SSAValue, second: bool) -> tuple[SSAValue, int] | None:
    """The tensor and the axis that `value` is the first or second half of."""
    op = value.owner
    if not isinstance(op, SliceOp) or any(step != 1 for step in ints(op.steps)):
        return None
    whole, part = shape_of(op.x.type), shape_of(value.type)
    cut = [i for i, (extent, size) in enumerate(zip(whole, part, strict=True)) if extent != size]
    if len(cut) != 1:
        return None
    extent, size = whole[cut[0]], part[cut[0]]
    if not isinstance(extent, int) or not isinstance(size, int) or extent != 2 * size:
        return None
    start = ints(op.starts)[cut[0]]
    return (op.x, cut[0]) if start == (size if second else 0) else None


def match(op: MulOp) -> tuple[SSAValue, int] | None:
    """The tensor and the axis of the gated linear unit that `op` ends."""
    for value, gate in (op.operands, op.operands[::-1]):
        if isinstance(gate.owner, SigmoidOp):
            first, second = half_of(value, False), half_of(gate.owner.operands[0], True)
            if first is not None and first == second:
                return first
    return None


@dataclass(frozen=True)
class FuseGluPass(ModulePass):
    """Make gated linear units one op."""

    name = "fuse-glu"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            for inner in list(func.body.block.ops):
                if isinstance(inner, MulOp) and (found := match(inner)) is not None:
                    replace(inner, GluOp.make(found[0], axis=found[1]))
            erase_unused(func)
