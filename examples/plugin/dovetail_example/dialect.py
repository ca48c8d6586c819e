"""The dialect `sample`: a graph op that Dovetail does not have.

An op is a declaration: operands, properties, the rule for its type, and how it may be fused with
its neighbours. Text, verifier and builder come from `GraphOp`.
"""

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Dialect
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, traits_def
from xdsl.traits import Pure

from analysis.shapes import ShapeError
from dialects.graph.base import (
    AnyTensor,
    FusionClass,
    GraphOp,
    Int,
    element_type,
    integer,
    require_float,
    shape_of,
    tensor,
)


@irdl_op_definition
class GluOp(GraphOp):
    """`a * sigmoid(b)`, where `a` and `b` are the halves of `x` along `axis`.

    Dauphin et al., "Language modeling with gated convolutional networks", 2017, section 2.
    """

    name = "sample.glu"

    x = operand_def(TensorType)
    axis = prop_def(Int)

    traits = traits_def(Pure(), FusionClass("injective"))

    def infer(self) -> AnyTensor:
        require_float(self.x)
        shape, axis = list(shape_of(self.x.type)), integer(self.axis)
        if not 0 <= axis < len(shape):
            raise ShapeError(f"axis: expected 0 to {len(shape) - 1}, got {axis}")
        extent = shape[axis]
        if not isinstance(extent, int) or extent % 2:
            raise ShapeError(f"dimension {axis} of x: expected an even number, got {extent}")
        shape[axis] = extent // 2
        return tensor(element_type(self.x.type), shape)


Sample = Dialect("sample", [GluOp], [])
