"""The elementwise graph ops on NumPy.

Sums, products and comparisons are NumPy's own in the element type; transcendental functions are
computed in f64 and rounded once.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from xdsl.ir import Operation

from dialects.graph import elementwise as ew
from dialects.graph.base import element_type, real
from dialects.graph.elements import dtype_of
from dialects.graph.weights import Array

Function = Callable[..., Array]
_ERF = np.vectorize(math.erf, otypes=[np.float64])


def in_f64(function: Callable[[Any, Array], Any]) -> Function:
    """`function` of (op, array in f64), its result rounded to the array's type."""

    def rounded(op: Operation, x: Array) -> Array:
        return np.asarray(function(op, x.astype(np.float64))).astype(x.dtype)

    return rounded


def native(function: Callable[..., Any]) -> Function:
    """`function` of the arrays alone, in their own type."""

    def run(op: Operation, *arrays: Array) -> Array:
        return np.asarray(function(*arrays))

    return run


def relu(x: Array) -> Array:
    return np.maximum(x, np.zeros((), x.dtype))


def reciprocal(x: Array) -> Array:
    return np.ones((), x.dtype) / x


def prelu(x: Array, slope: Array) -> Array:
    return np.where(x < 0, x * slope, x)


def erf(x: Array) -> Array:
    return _ERF(x) if x.size else x


def gelu(op: ew.GeluOp, x: Array) -> Array:
    if op.approximate.data == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def divide(op: ew.DivOp, a: Array, b: Array) -> Array:
    if a.dtype.kind not in "iu":
        return np.asarray(a / b)
    quotient = np.asarray(a // b)
    towards_zero = (a % b != 0) & ((a < 0) != (b < 0))
    return np.asarray(quotient + towards_zero.astype(a.dtype))


def power(op: ew.PowOp, a: Array, b: Array) -> Array:
    if a.dtype.kind in "iu":
        return np.asarray(np.power(a, b))
    return np.power(a.astype(np.float64), b.astype(np.float64)).astype(a.dtype)


def clip(op: ew.ClipOp, x: Array) -> Array:
    if op.low is not None:
        x = np.maximum(x, np.asarray(real(op.low)).astype(x.dtype))
    if op.high is not None:
        x = np.minimum(x, np.asarray(real(op.high)).astype(x.dtype))
    return x


def leaky_relu(op: ew.LeakyReluOp, x: Array) -> Array:
    return np.where(x < 0, np.asarray(real(op.alpha)).astype(x.dtype) * x, x)


def hard_sigmoid(op: ew.HardSigmoidOp, x: Array) -> Array:
    return np.clip(real(op.alpha) * x + real(op.beta), 0, 1)


def modulo(op: ew.ModOp, a: Array, b: Array) -> Array:
    return np.asarray(np.fmod(a, b) if op.kind.data == "trunc" else np.mod(a, b))


def softplus(op: ew.SoftplusOp, x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def cast(op: ew.CastOp, x: Array) -> Array:
    return x.astype(dtype_of(element_type(op.result.type)))


ELEMENTWISE: dict[type[Operation], Function] = {
    ew.AbsOp: native(np.abs),
    ew.AddOp: native(np.add),
    ew.AndOp: native(np.logical_and),
    ew.CastOp: cast,
    ew.CeilOp: native(np.ceil),
    ew.ClipOp: clip,
    ew.CosOp: in_f64(lambda op, x: np.cos(x)),
    ew.DivOp: divide,
    ew.EluOp: in_f64(lambda op, x: np.where(x < 0, real(op.alpha) * np.expm1(x), x)),
    ew.EqualOp: native(np.equal),
    ew.ErfOp: in_f64(lambda op, x: erf(x)),
    ew.ExpOp: in_f64(lambda op, x: np.exp(x)),
    ew.FloorOp: native(np.floor),
    ew.GeluOp: in_f64(gelu),
    ew.HardSigmoidOp: in_f64(hard_sigmoid),
    ew.LeakyReluOp: leaky_relu,
    ew.LessOp: native(np.less),
    ew.LessOrEqualOp: native(np.less_equal),
    ew.LogOp: in_f64(lambda op, x: np.log(x)),
    ew.MaxOp: native(np.maximum),
    ew.MinOp: native(np.minimum),
    ew.ModOp: modulo,
    ew.MulOp: native(np.multiply),
    ew.NegOp: native(np.negative),
    ew.NotOp: native(np.logical_not),
    ew.OrOp: native(np.logical_or),
    ew.PowOp: power,
    ew.PreluOp: native(prelu),
    ew.ReciprocalOp: native(reciprocal),
    ew.ReluOp: native(relu),
    ew.RoundOp: native(np.rint),
    ew.SigmoidOp: in_f64(lambda op, x: 0.5 * (1 + np.tanh(0.5 * x))),
    ew.SignOp: native(np.sign),
    ew.SinOp: in_f64(lambda op, x: np.sin(x)),
    ew.SoftplusOp: in_f64(softplus),
    ew.SqrtOp: native(np.sqrt),
    ew.SubOp: native(np.subtract),
    ew.TanhOp: in_f64(lambda op, x: np.tanh(x)),
    ew.WhereOp: native(np.where),
    ew.XorOp: native(np.logical_xor),
}
