"""What the elementwise graph ops do to scalars, in arith and math ops.

Each entry of `SCALARS` takes a point, the graph op and the scalars that its operands have there,
and returns the scalar of the result. Only signless integers have arithmetic here.
"""

import math as numbers
from collections.abc import Callable

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import AnyFloat, IntegerType, Signedness
from xdsl.ir import Attribute, Operation

from analysis.errors import UnsupportedError
from dialects.graph import elementwise as ew
from dialects.graph.base import element_type, real
from dialects.graph.elements import is_bool
from passes.graph.expressions import Point, Scalar

ScalarBody = Callable[..., Scalar]


def is_float(x: Scalar) -> bool:
    return isinstance(x.type, AnyFloat)


def is_unsigned(type: Attribute) -> bool:
    return isinstance(type, IntegerType) and type.signedness.data is Signedness.UNSIGNED


def floats(cls: Callable[..., Operation]) -> ScalarBody:
    """One op on floats."""

    def body(p: Point, op: Operation, *scalars: Scalar) -> Scalar:
        return p.add(cls(*scalars))

    return body


def either(
    on_floats: Callable[..., Operation], on_integers: Callable[..., Operation]
) -> ScalarBody:
    """One op on floats or another on integers."""

    def body(p: Point, op: Operation, *scalars: Scalar) -> Scalar:
        return p.add((on_floats if is_float(scalars[0]) else on_integers)(*scalars))

    return body


def compare(on_floats: str, on_integers: str) -> ScalarBody:
    def body(p: Point, op: Operation, x: Scalar, y: Scalar) -> Scalar:
        return less(p, x, y, on_floats, on_integers)

    return body


def less(p: Point, x: Scalar, y: Scalar, on_floats: str = "olt", on_ints: str = "slt") -> Scalar:
    if is_float(x):
        return p.add(arith.CmpfOp(x, y, on_floats))
    return p.add(arith.CmpiOp(x, y, "ult" if is_bool(x.type) and on_ints == "slt" else on_ints))


def select(p: Point, condition: Scalar, x: Scalar, y: Scalar) -> Scalar:
    return p.add(arith.SelectOp(condition, x, y))


def maximum(p: Point, x: Scalar, y: Scalar) -> Scalar:
    return p.add(arith.MaximumfOp(x, y) if is_float(x) else arith.MaxSIOp(x, y))


def minimum(p: Point, x: Scalar, y: Scalar) -> Scalar:
    return p.add(arith.MinimumfOp(x, y) if is_float(x) else arith.MinSIOp(x, y))


def mul(p: Point, x: Scalar, y: Scalar) -> Scalar:
    return p.add(arith.MulfOp(x, y) if is_float(x) else arith.MuliOp(x, y))


def plus(p: Point, x: Scalar, y: Scalar) -> Scalar:
    return p.add(arith.AddfOp(x, y) if is_float(x) else arith.AddiOp(x, y))


def divide(p: Point, x: Scalar, y: Scalar) -> Scalar:
    return p.add(arith.DivfOp(x, y) if is_float(x) else arith.DivSIOp(x, y))


def negate(p: Point, x: Scalar) -> Scalar:
    return p.add(arith.NegfOp(x) if is_float(x) else arith.SubiOp(p.like(0, x), x))


def exp(p: Point, x: Scalar) -> Scalar:
    return p.add(math.ExpOp(x))


def neg(p: Point, op: Operation, x: Scalar) -> Scalar:
    return negate(p, x)


def relu(p: Point, op: Operation, x: Scalar) -> Scalar:
    return maximum(p, x, p.like(0, x))


def sign(p: Point, op: Operation, x: Scalar) -> Scalar:
    zero = p.like(0, x)
    below = select(p, less(p, x, zero), p.like(-1, x), zero)
    return select(p, less(p, zero, x), p.like(1, x), below)


def reciprocal(p: Point, op: Operation, x: Scalar) -> Scalar:
    return divide(p, p.like(1, x), x)


def sigmoid(p: Point, op: Operation, x: Scalar) -> Scalar:
    return divide(p, p.like(1, x), plus(p, p.like(1, x), exp(p, negate(p, x))))


def softplus(p: Point, op: Operation, x: Scalar) -> Scalar:
    rest = p.add(math.Log1pOp(exp(p, negate(p, p.add(math.AbsFOp(x))))))
    return plus(p, maximum(p, x, p.like(0, x)), rest)


def gelu(p: Point, op: ew.GeluOp, x: Scalar) -> Scalar:
    half = mul(p, p.like(0.5, x), x)
    if op.approximate.data == "tanh":
        cube = mul(p, mul(p, x, x), mul(p, p.like(0.044715, x), x))
        inner = mul(p, p.like(numbers.sqrt(2 / numbers.pi), x), plus(p, x, cube))
        curve = p.add(math.TanhOp(inner))
    else:
        curve = p.add(math.ErfOp(mul(p, x, p.like(numbers.sqrt(0.5), x))))
    return mul(p, half, plus(p, p.like(1, x), curve))


def leaky_relu(p: Point, op: ew.LeakyReluOp, x: Scalar) -> Scalar:
    return prelu(p, op, x, p.like(real(op.alpha), x))


def prelu(p: Point, op: Operation, x: Scalar, slope: Scalar) -> Scalar:
    return select(p, less(p, x, p.like(0, x)), mul(p, x, slope), x)


def elu(p: Point, op: ew.EluOp, x: Scalar) -> Scalar:
    below = mul(p, p.like(real(op.alpha), x), p.add(math.ExpM1Op(x)))
    return select(p, less(p, x, p.like(0, x)), below, x)


def hard_sigmoid(p: Point, op: ew.HardSigmoidOp, x: Scalar) -> Scalar:
    line = plus(p, mul(p, p.like(real(op.alpha), x), x), p.like(real(op.beta), x))
    return minimum(p, maximum(p, line, p.like(0, x)), p.like(1, x))


def clip(p: Point, op: ew.ClipOp, x: Scalar) -> Scalar:
    if op.low is not None:
        x = maximum(p, x, p.like(real(op.low), x))
    if op.high is not None:
        x = minimum(p, x, p.like(real(op.high), x))
    return x


def logical_not(p: Point, op: Operation, x: Scalar) -> Scalar:
    return p.add(arith.XOrIOp(x, p.like(1, x)))


def power(p: Point, op: Operation, x: Scalar, y: Scalar) -> Scalar:
    if not is_float(x):
        raise UnsupportedError(f"lower-graph-to-te: graph.pow of {x.type}")
    return p.add(math.PowFOp(x, y))


def modulo(p: Point, op: ew.ModOp, x: Scalar, y: Scalar) -> Scalar:
    if is_float(x):
        raise UnsupportedError(f"lower-graph-to-te: graph.mod of {x.type}")
    rest, zero = p.add(arith.RemSIOp(x, y)), p.like(0, x)
    if op.kind.data == "trunc":
        return rest
    some = p.add(arith.CmpiOp(rest, zero, "ne"))
    signs = p.add(arith.XOrIOp(less(p, rest, zero), less(p, y, zero)))
    return select(p, p.add(arith.AndIOp(some, signs)), plus(p, rest, y), rest)


def cast(p: Point, op: ew.CastOp, x: Scalar) -> Scalar:
    """To the result's element type."""
    source, target = x.type, element_type(op.result.type)
    if source == target:
        return x
    if is_bool(target):
        zero = p.like(0, x)
        return p.add(arith.CmpfOp(x, zero, "une") if is_float(x) else arith.CmpiOp(x, zero, "ne"))
    unsigned = is_unsigned(source) or is_bool(source)
    if isinstance(target, AnyFloat):
        if isinstance(source, AnyFloat):
            cls = arith.ExtFOp if target.bitwidth > source.bitwidth else arith.TruncFOp
            return p.add(cls(x, target))
        return p.add((arith.UIToFPOp if unsigned else arith.SIToFPOp)(x, target))
    assert isinstance(target, IntegerType)
    if is_float(x):
        return p.add((arith.FPToUIOp if is_unsigned(target) else arith.FPToSIOp)(x, target))
    assert isinstance(source, IntegerType)
    if source.bitwidth == target.bitwidth:
        raise UnsupportedError(f"lower-graph-to-te: {op.name} from {source} to {target}")
    if source.bitwidth > target.bitwidth:
        return p.add(arith.TruncIOp(x, target))
    return p.add((arith.ExtUIOp if unsigned else arith.ExtSIOp)(x, target))


SCALARS: dict[type[Operation], ScalarBody] = {
    ew.AbsOp: either(math.AbsFOp, math.AbsIOp),
    ew.AddOp: either(arith.AddfOp, arith.AddiOp),
    ew.AndOp: floats(arith.AndIOp),
    ew.CastOp: cast,
    ew.CeilOp: floats(math.CeilOp),
    ew.ClipOp: clip,
    ew.CosOp: floats(math.CosOp),
    ew.DivOp: either(arith.DivfOp, arith.DivSIOp),
    ew.EluOp: elu,
    ew.EqualOp: compare("oeq", "eq"),
    ew.ErfOp: floats(math.ErfOp),
    ew.ExpOp: floats(math.ExpOp),
    ew.FloorOp: floats(math.FloorOp),
    ew.GeluOp: gelu,
    ew.HardSigmoidOp: hard_sigmoid,
    ew.LeakyReluOp: leaky_relu,
    ew.LessOp: compare("olt", "slt"),
    ew.LessOrEqualOp: compare("ole", "sle"),
    ew.LogOp: floats(math.LogOp),
    ew.MaxOp: either(arith.MaximumfOp, arith.MaxSIOp),
    ew.MinOp: either(arith.MinimumfOp, arith.MinSIOp),
    ew.ModOp: modulo,
    ew.MulOp: either(arith.MulfOp, arith.MuliOp),
    ew.NegOp: neg,
    ew.NotOp: logical_not,
    ew.OrOp: floats(arith.OrIOp),
    ew.PowOp: power,
    ew.PreluOp: prelu,
    ew.ReciprocalOp: reciprocal,
    ew.ReluOp: relu,
    ew.RoundOp: floats(math.RoundEvenOp),
    ew.SigmoidOp: sigmoid,
    ew.SignOp: sign,
    ew.SinOp: floats(math.SinOp),
    ew.SoftplusOp: softplus,
    ew.SqrtOp: floats(math.SqrtOp),
    ew.SubOp: either(arith.SubfOp, arith.SubiOp),
    ew.TanhOp: floats(math.TanhOp),
    ew.WhereOp: floats(arith.SelectOp),
    ew.XorOp: floats(arith.XOrIOp),
}
