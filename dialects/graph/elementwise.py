"""Elementwise ops: one output element from one element of each operand, after broadcasting."""

from abc import ABC

from xdsl.dialects.builtin import FloatAttr, StringAttr, TensorType, f64, i1
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, traits_def
from xdsl.traits import Pure

from analysis import shapes
from analysis.shapes import ShapeError
from dialects.graph.base import (
    AnyTensor,
    Float,
    FusionClass,
    GraphOp,
    element_type,
    require_float,
    require_same_elements,
    require_word,
    shape_of,
    tensor,
)
from dialects.graph.elements import is_bool


class Elementwise(GraphOp, ABC):
    traits = traits_def(Pure(), FusionClass("injective"))


class Unary(Elementwise, ABC):
    """The result has the operand's type."""

    x = operand_def(TensorType)

    def infer(self) -> AnyTensor:
        return tensor(element_type(self.x.type), shape_of(self.x.type))


class FloatUnary(Unary, ABC):
    def infer(self) -> AnyTensor:
        require_float(self.x)
        return super().infer()


@irdl_op_definition
class AbsOp(Unary):
    name = "graph.abs"


@irdl_op_definition
class NegOp(Unary):
    name = "graph.neg"


@irdl_op_definition
class SignOp(Unary):
    name = "graph.sign"


@irdl_op_definition
class ReluOp(Unary):
    name = "graph.relu"


@irdl_op_definition
class ExpOp(FloatUnary):
    name = "graph.exp"


@irdl_op_definition
class LogOp(FloatUnary):
    name = "graph.log"


@irdl_op_definition
class SqrtOp(FloatUnary):
    name = "graph.sqrt"


@irdl_op_definition
class ReciprocalOp(FloatUnary):
    name = "graph.reciprocal"


@irdl_op_definition
class FloorOp(FloatUnary):
    name = "graph.floor"


@irdl_op_definition
class CeilOp(FloatUnary):
    name = "graph.ceil"


@irdl_op_definition
class RoundOp(FloatUnary):
    """To the nearest integer, halves to even."""

    name = "graph.round"


@irdl_op_definition
class SinOp(FloatUnary):
    name = "graph.sin"


@irdl_op_definition
class CosOp(FloatUnary):
    name = "graph.cos"


@irdl_op_definition
class TanhOp(FloatUnary):
    name = "graph.tanh"


@irdl_op_definition
class ErfOp(FloatUnary):
    name = "graph.erf"


@irdl_op_definition
class SigmoidOp(FloatUnary):
    name = "graph.sigmoid"


@irdl_op_definition
class SoftplusOp(FloatUnary):
    """log(1 + exp(x))"""

    name = "graph.softplus"


@irdl_op_definition
class GeluOp(FloatUnary):
    """x Phi(x); `approximate` is "none" (erf) or "tanh"."""

    name = "graph.gelu"
    approximate = prop_def(StringAttr, default_value=StringAttr("none"))

    def infer(self) -> AnyTensor:
        require_word(self.approximate, "approximate", "none", "tanh")
        return super().infer()


@irdl_op_definition
class LeakyReluOp(FloatUnary):
    """alpha x where x < 0"""

    name = "graph.leaky_relu"
    alpha = prop_def(Float, default_value=FloatAttr(0.01, f64))


@irdl_op_definition
class EluOp(FloatUnary):
    """alpha (exp(x) - 1) where x < 0"""

    name = "graph.elu"
    alpha = prop_def(Float, default_value=FloatAttr(1.0, f64))


@irdl_op_definition
class HardSigmoidOp(FloatUnary):
    """max(0, min(1, alpha x + beta))"""

    name = "graph.hard_sigmoid"
    alpha = prop_def(Float, default_value=FloatAttr(0.2, f64))
    beta = prop_def(Float, default_value=FloatAttr(0.5, f64))


@irdl_op_definition
class ClipOp(Unary):
    """min(max(x, low), high); a bound that is absent does not hold."""

    name = "graph.clip"
    low = opt_prop_def(Float)
    high = opt_prop_def(Float)


@irdl_op_definition
class NotOp(Unary):
    name = "graph.not"

    def infer(self) -> AnyTensor:
        if not is_bool(element_type(self.x.type)):
            raise ShapeError(f"element type: expected i1, got {element_type(self.x.type)}")
        return super().infer()


@irdl_op_definition
class CastOp(Elementwise):
    """Conversion to the result's element type; floats go to integers towards zero."""

    name = "graph.cast"
    x = operand_def(TensorType)

    def infer(self) -> AnyTensor:
        return tensor(element_type(self.result.type), shape_of(self.x.type))


class Binary(Elementwise, ABC):
    """Operands of one element type, broadcast together."""

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)

    def infer(self) -> AnyTensor:
        element = require_same_elements(self.lhs, self.rhs)
        return tensor(element, shapes.broadcast(shape_of(self.lhs.type), shape_of(self.rhs.type)))


class Logical(Binary, ABC):
    def infer(self) -> AnyTensor:
        if not is_bool(element_type(self.lhs.type)):
            raise ShapeError(f"element type: expected i1, got {element_type(self.lhs.type)}")
        return super().infer()


class Compare(Binary, ABC):
    """The result is a tensor of i1."""

    def infer(self) -> AnyTensor:
        return tensor(i1, shape_of(super().infer()))


@irdl_op_definition
class AddOp(Binary):
    name = "graph.add"


@irdl_op_definition
class SubOp(Binary):
    name = "graph.sub"


@irdl_op_definition
class MulOp(Binary):
    name = "graph.mul"


@irdl_op_definition
class DivOp(Binary):
    """Integers divide towards zero."""

    name = "graph.div"


@irdl_op_definition
class ModOp(Binary):
    """The remainder; with `kind` "floor" it has the divisor's sign, with "trunc" the dividend's."""

    name = "graph.mod"
    kind = prop_def(StringAttr, default_value=StringAttr("floor"))

    def infer(self) -> AnyTensor:
        require_word(self.kind, "kind", "floor", "trunc")
        return super().infer()


@irdl_op_definition
class PowOp(Binary):
    name = "graph.pow"


@irdl_op_definition
class MinOp(Binary):
    name = "graph.min"


@irdl_op_definition
class MaxOp(Binary):
    name = "graph.max"


@irdl_op_definition
class PreluOp(Binary):
    """`lhs` where it is not negative, `lhs * rhs` where it is."""

    name = "graph.prelu"


@irdl_op_definition
class AndOp(Logical):
    name = "graph.and"


@irdl_op_definition
class OrOp(Logical):
    name = "graph.or"


@irdl_op_definition
class XorOp(Logical):
    name = "graph.xor"


@irdl_op_definition
class EqualOp(Compare):
    name = "graph.equal"


@irdl_op_definition
class LessOp(Compare):
    name = "graph.less"


@irdl_op_definition
class LessOrEqualOp(Compare):
    name = "graph.less_or_equal"


@irdl_op_definition
class WhereOp(Elementwise):
    """`lhs` where `condition` holds, else `rhs`; all three broadcast together."""

    name = "graph.where"
    condition = operand_def(TensorType)
    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)

    def infer(self) -> AnyTensor:
        condition = element_type(self.condition.type)
        if not is_bool(condition):
            raise ShapeError(f"condition element type: expected i1, got {condition}")
        element = require_same_elements(self.lhs, self.rhs)
        parts = (self.condition, self.lhs, self.rhs)
        return tensor(element, shapes.broadcast(*(shape_of(part.type) for part in parts)))


ELEMENTWISE_OPS = (
    AbsOp, AddOp, AndOp, CastOp, CeilOp, ClipOp, CosOp, DivOp, EluOp, EqualOp, ErfOp, ExpOp,
    FloorOp, GeluOp, HardSigmoidOp, LeakyReluOp, LessOp, LessOrEqualOp, LogOp, MaxOp, MinOp,
    ModOp, MulOp, NegOp, NotOp, OrOp, PowOp, PreluOp, ReciprocalOp, ReluOp, RoundOp, SigmoidOp,
    SignOp, SinOp, SoftplusOp, SqrtOp, SubOp, TanhOp, WhereOp, XorOp,
)  # fmt: skip
