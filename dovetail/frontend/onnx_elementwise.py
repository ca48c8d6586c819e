"""Elementwise ONNX operators."""

from functools import reduce

import numpy as np
import onnx

from analysis import shapes
from analysis.errors import UnsupportedError
from dialects.graph import elementwise as ew
from dialects.graph.base import GraphOp, tensor
from dialects.graph.elements import element_of, is_float
from dialects.graph.movement import ReshapeOp
from dovetail.frontend.onnx_import import Handler, Node, Refusal, Tensor

SELU_ALPHA, SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875


def reshape(n: Node, x: Tensor, shape: shapes.Shape) -> Tensor:
    if shape == x.shape:
        return x
    return n.emit_as(ReshapeOp, tensor(x.element, shape), x)


def unary(cls: type[GraphOp]) -> Handler:
    return lambda n: n.emit(cls, n.input())


def old_broadcast(n: Node) -> tuple[Tensor, Tensor]:
    """The operands; before opset 7 `axis` says where the second one's dimensions belong."""
    x, y = n.input(0), n.input(1)
    axis = n.attributes.get("axis")
    if n.opset < 7 and n.integer("broadcast", 0) and axis is not None:
        at = shapes.axis(int(axis), x.rank)
        y = reshape(n, y, (*y.shape, *(1,) * (x.rank - at - y.rank)))
    return x, y


def binary(cls: type[GraphOp]) -> Handler:
    return lambda n: n.emit(cls, *old_broadcast(n))


def swapped(cls: type[GraphOp]) -> Handler:
    """`a > b` is `b < a`."""

    def handler(n: Node) -> Tensor:
        x, y = old_broadcast(n)
        return n.emit(cls, y, x)

    return handler


def variadic(cls: type[GraphOp]) -> Handler:
    return lambda n: reduce(lambda x, y: n.emit(cls, x, y), n.present())


def mean(n: Node) -> Tensor:
    total = reduce(lambda x, y: n.emit(ew.AddOp, x, y), n.present())
    return n.emit(ew.DivOp, total, n.constant(len(n.inputs), like=total))


def power(n: Node) -> Tensor:
    x, y = old_broadcast(n)
    if x.element == y.element:
        return n.emit(ew.PowOp, x, y)
    if is_float(x.element):
        return n.emit(ew.PowOp, x, cast_to(n, y, x))
    return cast_to(n, n.emit(ew.PowOp, cast_to(n, x, y), y), x)


def cast_to(n: Node, x: Tensor, like: Tensor) -> Tensor:
    if x.element == like.element:
        return x
    return n.emit_as(ew.CastOp, tensor(like.element, x.shape), x)


def cast(n: Node) -> Tensor:
    to = n.attributes["to"]
    if isinstance(to, bytes):
        to = onnx.TensorProto.DataType.Value(to.decode())
    dtype = onnx.helper.tensor_dtype_to_np_dtype(int(to))
    try:
        element = element_of(np.dtype(dtype))
    except UnsupportedError as error:
        raise Refusal(f"the element type of the result ({error})") from None
    x = n.input()
    return n.emit_as(ew.CastOp, tensor(element, x.shape), x)


def clip(n: Node) -> Tensor:
    x = n.input()
    if n.opset < 11:
        low, high = n.attributes.get("min"), n.attributes.get("max")
        return n.emit(ew.ClipOp, x, low=bound(low), high=bound(high))
    low, high = n.optional(1), n.optional(2)
    numbers = [None if t is None else t.array for t in (low, high)]
    if all(t is None or a is not None for t, a in zip((low, high), numbers, strict=True)):
        return n.emit(ew.ClipOp, x, low=bound(numbers[0]), high=bound(numbers[1]))
    if low is not None:
        x = n.emit(ew.MaxOp, x, low)
    return x if high is None else n.emit(ew.MinOp, x, high)


def bound(value: object) -> float | None:
    """A bound as the op's property; an infinite one, or f32's extreme, does not hold."""
    if value is None:
        return None
    number = float(np.asarray(value))
    return number if abs(number) < float(np.finfo(np.float32).max) else None


def modulo(n: Node) -> Tensor:
    kind = "trunc" if n.integer("fmod", 0) else "floor"
    return n.emit(ew.ModOp, n.input(0), n.input(1), kind=kind)


def gelu(n: Node) -> Tensor:
    return n.emit(ew.GeluOp, n.input(), approximate=n.word("approximate", "none"))


def leaky_relu(n: Node) -> Tensor:
    return n.emit(ew.LeakyReluOp, n.input(), alpha=n.real("alpha", 0.01))


def elu(n: Node) -> Tensor:
    return n.emit(ew.EluOp, n.input(), alpha=n.real("alpha", 1.0))


def selu(n: Node) -> Tensor:
    inner = n.emit(ew.EluOp, n.input(), alpha=n.real("alpha", SELU_ALPHA))
    return n.emit(ew.MulOp, inner, n.constant(n.real("gamma", SELU_GAMMA), like=inner))


def hard_sigmoid(n: Node) -> Tensor:
    alpha, beta = n.real("alpha", 0.2), n.real("beta", 0.5)
    return n.emit(ew.HardSigmoidOp, n.input(), alpha=alpha, beta=beta)


def hard_swish(n: Node) -> Tensor:
    x = n.input()
    return n.emit(ew.MulOp, x, n.emit(ew.HardSigmoidOp, x, alpha=1 / 6, beta=0.5))


def mish(n: Node) -> Tensor:
    x = n.input()
    return n.emit(ew.MulOp, x, n.emit(ew.TanhOp, n.emit(ew.SoftplusOp, x)))


def swish(n: Node) -> Tensor:
    x = n.input()
    scaled = n.emit(ew.MulOp, x, n.constant(n.real("alpha", 1.0), like=x))
    return n.emit(ew.MulOp, x, n.emit(ew.SigmoidOp, scaled))


def softsign(n: Node) -> Tensor:
    x = n.input()
    below = n.emit(ew.AddOp, n.emit(ew.AbsOp, x), n.constant(1, like=x))
    return n.emit(ew.DivOp, x, below)


def cast_like(n: Node) -> Tensor:
    return cast_to(n, n.input(0), n.input(1))


def where(n: Node) -> Tensor:
    return n.emit(ew.WhereOp, n.input(0), n.input(1), n.input(2))


def prelu(n: Node) -> Tensor:
    x, slope = n.input(0), n.input(1)
    if n.opset < 7 and slope.rank == 1 and x.rank > 1 and slope.shape != (1,):
        slope = reshape(n, slope, (*slope.shape, *(1,) * (x.rank - 2)))
    return n.emit(ew.PreluOp, x, slope)


ELEMENTWISE: dict[str, Handler] = {
    "Abs": unary(ew.AbsOp),
    "Add": binary(ew.AddOp),
    "And": binary(ew.AndOp),
    "Cast": cast,
    "CastLike": cast_like,
    "Ceil": unary(ew.CeilOp),
    "Clip": clip,
    "Cos": unary(ew.CosOp),
    "Div": binary(ew.DivOp),
    "Elu": elu,
    "Equal": binary(ew.EqualOp),
    "Erf": unary(ew.ErfOp),
    "Exp": unary(ew.ExpOp),
    "Floor": unary(ew.FloorOp),
    "Gelu": gelu,
    "Greater": swapped(ew.LessOp),
    "GreaterOrEqual": swapped(ew.LessOrEqualOp),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "LeakyRelu": leaky_relu,
    "Less": binary(ew.LessOp),
    "LessOrEqual": binary(ew.LessOrEqualOp),
    "Log": unary(ew.LogOp),
    "Max": variadic(ew.MaxOp),
    "Mean": mean,
    "Min": variadic(ew.MinOp),
    "Mish": mish,
    "Mod": modulo,
    "Mul": binary(ew.MulOp),
    "Neg": unary(ew.NegOp),
    "Not": unary(ew.NotOp),
    "Or": binary(ew.OrOp),
    "PRelu": prelu,
    "Pow": power,
    "Reciprocal": unary(ew.ReciprocalOp),
    "Relu": unary(ew.ReluOp),
    "Round": unary(ew.RoundOp),
    "Selu": selu,
    "Sigmoid": unary(ew.SigmoidOp),
    "Sign": unary(ew.SignOp),
    "Sin": unary(ew.SinOp),
    "Softplus": unary(ew.SoftplusOp),
    "Softsign": softsign,
    "Sqrt": unary(ew.SqrtOp),
    "Sub": binary(ew.SubOp),
    "Sum": variadic(ew.AddOp),
    "Swish": swish,
    "Tanh": unary(ew.TanhOp),
    "Where": where,
    "Xor": binary(ew.XorOp),
}
