"""fold-batch-norm: a batch normalisation of a convolution or product goes into its weights.

    batch_norm(conv(x, w, b))  ->  conv(x, w * f, (b - mean) * f + bias)
                                   f = scale / sqrt(variance + epsilon), per output channel

It needs weights for all parameters, and that nothing else reads the convolution. The new weights
are computed in f64 and rounded once, so results may differ by rounding. It stands after
fold-constants, which turns computed parameters into weights.
"""

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from dialects.graph.base import AnyTensor, flag, real
from dialects.graph.nn import BatchNormOp, ConvOp, GemmOp
from dialects.graph.structure import WeightOp
from dialects.graph.weights import Array, Weight
from passes.graph.rewriting import erase_unused, functions, replace, weight_of, weights_of


@dataclass(frozen=True)
class Scaling:
    """y = x * factor + shift, per channel, in f64."""

    factor: Array
    shift: Array


def scaling(op: BatchNormOp) -> Scaling | None:
    """What `op` does to each channel, if its parameters are weights."""
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


def fold_into_conv(op: BatchNormOp, conv: ConvOp, by: Scaling) -> None:
    weight, bias = weight_of(conv.weight), weight_of(conv.bias)
    if weight is None or (bias is None) != (conv.bias is None):
        return
    new_weight, new_bias = scaled(weight, 0, by.factor), shifted(bias, weight, by, 1.0)
    new = conv_like(conv, [conv.x, new_weight.result, new_bias.result])
    replace(op, new, new_weight, new_bias)


def fold_into_gemm(op: BatchNormOp, gemm: GemmOp, by: Scaling) -> None:
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
    new.location = gemm.location
    replace(op, new, new_weight, new_bias)


def conv_like(conv: ConvOp, operands: list[SSAValue]) -> ConvOp:
    """`conv` with other operands."""
    result: AnyTensor = conv.result.type
    new = ConvOp.create(operands=operands, properties=dict(conv.properties), result_types=[result])
    new.location = conv.location
    return new


def fold_batch_norm(func: FuncOp) -> None:
    for op in func.body.block.ops:
        if not isinstance(op, BatchNormOp):
            continue
        producer, by = op.x.owner, scaling(op)
        if by is None or not op.x.has_one_use():
            continue
        if isinstance(producer, ConvOp):
            fold_into_conv(op, producer, by)
        elif isinstance(producer, GemmOp):
            fold_into_gemm(op, producer, by)
    erase_unused(func)


@dataclass(frozen=True)
class FoldBatchNormPass(ModulePass):
    """Fold batch normalisations into the convolutions and products before them."""

    name = "fold-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            fold_batch_norm(func)
