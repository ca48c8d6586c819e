"""fold-batch-norm: scaling and shifting channels goes into the weights before it.

    batch_norm(conv(x, w, b))  ->  conv(x, w * f, (b - mean) * f + bias)
                                   f = scale / sqrt(variance + epsilon), per output channel
    batch_norm(x)              ->  add(mul(x, f), bias - mean * f)
    mul(add(mul(x, f), s), g)  ->  add(mul(x, f * g), s * g)

Products with and sums of one weight a channel are folded like batch normalisations. It needs
weights for all parameters, and that nothing else reads what is folded into. The new weights are
computed in f64 and rounded once, so results may differ by rounding. It stands after
fold-constants, which turns computed parameters into weights.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import DYNAMIC_INDEX, AnyFloat, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from dialects.graph.base import AnyTensor, flag, real
from dialects.graph.elements import dtype_of
from dialects.graph.elementwise import AddOp, MulOp
from dialects.graph.nn import BatchNormOp, ConvOp, GemmOp
from dialects.graph.structure import WeightOp
from dialects.graph.weights import Array, Weight
from passes.graph.rewriting import erase_unused, functions, replace, weight_of, weights_of
from passes.locations import fused


@dataclass(frozen=True)
class Scaling:
    """y = x * factor + shift, per channel, in f64."""

    factor: Array
    shift: Array

    def then(self, other: "Scaling") -> "Scaling":
        """This scaling and then another one."""
        return Scaling(self.factor * other.factor, self.shift * other.factor + other.shift)


CHANNEL = 1
"""The dimension of a tensor that counts its channels."""


def channel_values(op: MulOp | AddOp) -> Array | None:
    """The weight that is the right operand of `op`, if it has one value a channel."""
    weight, type = weight_of(op.rhs), op.lhs.type
    if weight is None or not isinstance(type, TensorType) or op.result.type != type:
        return None
    shape, array = type.get_shape(), weight.weight.array
    if len(shape) <= CHANNEL or not isinstance(type.element_type, AnyFloat):
        return None
    if shape[CHANNEL] == DYNAMIC_INDEX:
        return None
    full = (1,) * (len(shape) - array.ndim) + array.shape
    if any(size != 1 for i, size in enumerate(full) if i != CHANNEL):
        return None
    return np.broadcast_to(array.astype(np.float64).reshape(-1), shape[CHANNEL])


def scaling(op: Operation) -> Scaling | None:
    """What `op` does to each channel of its first operand, if its parameters are weights."""
    if isinstance(op, BatchNormOp):
        return batch_norm_scaling(op)
    if not isinstance(op, MulOp | AddOp):
        return None
    values = channel_values(op)
    if values is None:
        return None
    if isinstance(op, MulOp):
        return Scaling(values, np.zeros(values.shape))
    return Scaling(np.ones(values.shape), values)


def batch_norm_scaling(op: BatchNormOp) -> Scaling | None:
    """What a batch normalisation does to each channel."""
    weights = weights_of((op.scale, op.bias, op.mean, op.variance))
    if weights is None:
        return None
    scale, bias, mean, variance = (w.weight.array.astype(np.float64) for w in weights)
    factor = scale / np.sqrt(variance + real(op.epsilon))
    return Scaling(factor, bias - mean * factor)


def scaled(old: WeightOp, axis: int, factor: Array) -> WeightOp:
    """The weight `old` times `factor` along `axis`."""
    array = old.weight.array
    shape = [1] * array.ndim
    shape[axis] = -1
    return like(old, array * factor.reshape(shape), array.dtype)


def like(old: WeightOp, array: Array, dtype: "np.dtype[np.generic]") -> WeightOp:
    new = WeightOp(old.label.data, Weight.of(array.astype(dtype)))
    new.result.name_hint = old.result.name_hint
    return new


def shifted(old: WeightOp | None, channels: WeightOp, by: Scaling, extent: float) -> WeightOp:
    """The bias `old` (none is zero; it counts `extent` times) after `by`."""
    bias = 0.0 if old is None else old.weight.array.astype(np.float64) * extent
    array = np.broadcast_to(bias * by.factor + by.shift, by.factor.shape)
    new = like(old or channels, array, channels.weight.array.dtype)
    if old is None:
        new.result.name_hint = f"{channels.result.name_hint or 'folded'}_bias"
    return new


def fold_into_conv(op: Operation, conv: ConvOp, by: Scaling) -> None:
    weight, bias = weight_of(conv.weight), weight_of(conv.bias)
    if weight is None or (bias is None) != (conv.bias is None):
        return
    new_weight, new_bias = scaled(weight, 0, by.factor), shifted(bias, weight, by, 1.0)
    new = conv_like(conv, [conv.x, new_weight.result, new_bias.result])
    put(op, [conv], new, new_weight, new_bias)


def fold_into_gemm(op: Operation, gemm: GemmOp, by: Scaling) -> None:
    weight, bias = weight_of(gemm.b), weight_of(gemm.c)
    if weight is None or (bias is None) != (gemm.c is None):
        return
    if bias is not None and bias.weight.array.ndim > 1:
        return
    new_weight = scaled(weight, 0 if flag(gemm.trans_b) else 1, by.factor)
    new_bias = shifted(bias, weight, by, real(gemm.beta))
    new = GemmOp.make(
        gemm.a,
        new_weight.result,
        new_bias.result,
        alpha=real(gemm.alpha),
        trans_a=flag(gemm.trans_a),
        trans_b=flag(gemm.trans_b),
    )
    put(op, [gemm], new, new_weight, new_bias)


def conv_like(conv: ConvOp, operands: list[SSAValue]) -> ConvOp:
    """`conv` with other operands."""
    result: AnyTensor = conv.result.type
    return ConvOp.create(operands=operands, properties=dict(conv.properties), result_types=[result])


def put(op: Operation, others: list[Operation], new: Operation, *helpers: Operation) -> None:
    """Put ops in the place of `op`; they stand for the other ops, too, that go with it."""
    location = fused(other.location for other in (*others, op))
    for made in (*helpers, new):
        made.location = location
    replace(op, new, *helpers)


def pair_before(value: SSAValue) -> tuple[list[Operation], Scaling] | None:
    """`add(mul(x, f), s)`: both ops and what they do, if nothing else reads them."""
    add = value.owner
    if not isinstance(add, AddOp) or not value.has_one_use() or not add.lhs.has_one_use():
        return None
    mul = add.lhs.owner
    if not isinstance(mul, MulOp):
        return None
    first, second = scaling(mul), scaling(add)
    return None if first is None or second is None else ([mul, add], first.then(second))


def write_pair(op: Operation, others: list[Operation], x: SSAValue, by: Scaling) -> None:
    """Put `add(mul(x, f), s)` in the place of `op` and of the other ops that go with it."""
    assert isinstance(x.type, TensorType)
    shape = (-1, *([1] * (x.type.get_num_dims() - CHANNEL - 1)))
    dtype = dtype_of(x.type.element_type)
    factor, shift = (
        WeightOp(name, Weight.of(np.ascontiguousarray(array.astype(dtype).reshape(shape))))
        for name, array in (("factor", by.factor), ("shift", by.shift))
    )
    mul = MulOp.make(x, factor.result)
    put(op, others, AddOp.make(mul.result, shift.result), factor, mul, shift)


def fold(op: Operation, by: Scaling) -> None:
    """Fold one op that scales and shifts channels into what is before it."""
    x = op.operands[0]
    producer, pair = x.owner, pair_before(x)
    if isinstance(producer, ConvOp) and x.has_one_use():
        fold_into_conv(op, producer, by)
    elif isinstance(producer, GemmOp) and x.has_one_use():
        fold_into_gemm(op, producer, by)
    elif pair is not None:
        write_pair(op, pair[0], pair[0][0].operands[0], pair[1].then(by))
    elif isinstance(op, BatchNormOp):
        write_pair(op, [], x, by)


def fold_batch_norm(func: FuncOp) -> None:
    for op in func.body.block.ops:
        by = scaling(op)
        if by is not None:
            fold(op, by)
    erase_unused(func)


@dataclass(frozen=True)
class FoldBatchNormPass(ModulePass):
    """Fold the scaling and shifting of channels into the weights before it."""

    name = "fold-batch-norm"
    reassociates: ClassVar = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            fold_batch_norm(func)
