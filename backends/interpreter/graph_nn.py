"""Convolutions, matrix products, pools, normalisations and reductions on NumPy.

Sums of floats are taken in f64 and rounded once; sums of integers are exact, or wrap where the
element type does.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from xdsl.ir import Operation

from analysis import shapes
from dialects.graph import nn
from dialects.graph.base import flag, integer, ints, real, shape_of
from dialects.graph.weights import Array

Function = Callable[..., Array]


def accumulator(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which sums of products of `dtype` are exact, wrap alike or round late."""
    narrow = dtype.kind in "iu" and dtype.itemsize <= 2
    if dtype.kind not in "iu" or narrow:
        return np.dtype(np.float64)
    return np.dtype(np.uint64 if dtype.kind == "u" else np.int64)


def product(a: Array, b: Array, dtype: np.dtype[Any]) -> Array:
    wide = accumulator(dtype)
    out = np.asarray(np.matmul(a.astype(wide), b.astype(wide)))
    if dtype.kind in "iu" and wide.kind == "f":
        out = out.astype(np.int64)
    return out.astype(dtype)


def matmul(op: nn.MatmulOp, a: Array, b: Array) -> Array:
    return product(a, b, a.dtype)


def pad_spatial(x: Array, pads: Sequence[int], extra: Sequence[int], value: Any) -> Array:
    """`x` (N, C, spatial) with its spatial dimensions padded, the high ends by `extra` more."""
    rank = x.ndim - 2
    widths = [(0, 0), (0, 0)]
    widths += [(pads[i], pads[rank + i] + extra[i]) for i in range(rank)]
    return np.pad(x, widths, constant_values=value)


def windows(
    x: Array, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Array:
    """A view N, C, places, kernel of the windows that slide over N, C, spatial."""
    rank = len(kernel)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True))
    view = sliding_window_view(x, spans, axis=tuple(range(2, 2 + rank)))
    steps = (slice(None), slice(None), *(slice(None, None, s) for s in (*strides, *dilations)))
    return view[steps]


def conv(op: nn.ConvOp, x: Array, weight: Array, bias: Array | None = None) -> Array:
    groups, dtype = integer(op.groups), x.dtype
    kernel, rank = weight.shape[2:], x.ndim - 2
    view = windows(
        pad_spatial(x, ints(op.pads), [0] * rank, 0), kernel, ints(op.strides), ints(op.dilations)
    )
    batch, channels, *places = view.shape[: 2 + rank]
    view = view.reshape(batch, groups, channels // groups, *places, *kernel)
    # To groups, batch, places by channels, kernel.
    order = (1, 0, *range(3, 3 + rank), 2, *range(3 + rank, 3 + 2 * rank))
    wide = accumulator(dtype)
    columns = view.transpose(order).astype(wide).reshape(groups, batch * int(np.prod(places)), -1)
    filters = weight.reshape(groups, weight.shape[0] // groups, -1).astype(wide)
    out = np.matmul(columns, filters.transpose(0, 2, 1))
    out = out.reshape(groups, batch, *places, -1)
    out = np.moveaxis(out, -1, 1)  # groups, filters, batch, places
    out = out.reshape(weight.shape[0], batch, *places).swapaxes(0, 1)
    if bias is not None:
        out = out + bias.astype(wide).reshape(-1, *(1,) * rank)
    return np.ascontiguousarray(out.astype(np.int64) if dtype.kind in "iu" else out).astype(dtype)


def gemm(op: nn.GemmOp, a: Array, b: Array, c: Array | None = None) -> Array:
    a, b = (a.T if flag(op.trans_a) else a), (b.T if flag(op.trans_b) else b)
    if a.dtype.kind in "iu":
        out = product(a, b, np.dtype(np.int64)) * int(real(op.alpha))
        return (out if c is None else out + int(real(op.beta)) * c.astype(np.int64)).astype(a.dtype)
    out = real(op.alpha) * np.matmul(a.astype(np.float64), b.astype(np.float64))
    if c is not None:
        out = out + real(op.beta) * c.astype(np.float64)
    return out.astype(a.dtype)


def pool_windows(op: nn.Pool, x: Array, value: Any, pads: Sequence[int]) -> Array:
    """The windows of a pool; what `ceil_mode` adds past the pads holds `value` too."""
    kernel, strides, dilations = ints(op.kernel), ints(op.strides), ints(op.dilations)
    places, rank = shape_of(op.result.type)[2:], len(kernel)
    extra = [
        max(
            0,
            (shapes.fixed(places[i]) - 1) * strides[i]
            + dilations[i] * (kernel[i] - 1)
            + 1
            - (x.shape[2 + i] + pads[i] + pads[rank + i]),
        )
        for i in range(rank)
    ]
    return windows(pad_spatial(x, pads, extra, value), kernel, strides, dilations)


def lowest(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "b":
        return False
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def highest(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "b":
        return True
    return np.iinfo(dtype).max if dtype.kind in "iu" else np.inf


def max_pool(op: nn.MaxPoolOp, x: Array) -> Array:
    view = pool_windows(op, x, lowest(x.dtype), ints(op.pads))
    return np.asarray(view.max(axis=tuple(range(x.ndim, view.ndim))))


def average_pool(op: nn.AveragePoolOp, x: Array) -> Array:
    pads, rank = ints(op.pads), x.ndim - 2
    cells = np.ones((1, 1, *x.shape[2:]))
    counted = [0] * len(pads)
    if flag(op.count_include_pad):
        cells = pad_spatial(cells, pads, [0] * rank, 1)
        pads_left = counted
    else:
        pads_left = pads
    over = tuple(range(x.ndim, x.ndim + rank))
    total = pool_windows(op, x, 0, pads).sum(axis=over, dtype=np.float64)
    count = pool_windows(op, cells, 0, pads_left).sum(axis=over)
    return np.asarray(total / count).astype(x.dtype)


def reduce_with(
    function: Callable[..., Any], wide: bool, identity: Callable[[np.dtype[Any]], Any] | None = None
) -> Function:
    """A reduction; `wide` ones are summed in f64 when the elements are floats.

    `identity` is what no elements reduce to, where NumPy does not know.
    """

    def reduction(op: nn.Reduce, x: Array) -> Array:
        options: dict[str, Any] = {"axis": ints(op.axes), "keepdims": flag(op.keepdims)}
        if identity is not None and x.size == 0:
            options["initial"] = identity(x.dtype)
        if wide:
            options["dtype"] = np.float64 if x.dtype.kind not in "iu" else x.dtype
        return np.asarray(function(x, **options)).astype(x.dtype)

    return reduction


def reduce_mean(op: nn.ReduceMeanOp, x: Array) -> Array:
    mean = np.mean(x, axis=ints(op.axes), keepdims=flag(op.keepdims), dtype=np.float64)
    return np.asarray(mean).astype(x.dtype)


def extremum_index(function: Callable[..., Any]) -> Function:
    def index(op: nn.ArgReduce, x: Array) -> Array:
        axis = integer(op.axis) % x.ndim
        if flag(op.select_last):
            found = x.shape[axis] - 1 - function(np.flip(x, axis), axis=axis)
        else:
            found = function(x, axis=axis)
        found = np.asarray(found, np.int64)
        return np.expand_dims(found, axis) if flag(op.keepdims) else found

    return index


def softmax(op: nn.SoftmaxOp, x: Array) -> Array:
    wide, axis = x.astype(np.float64), integer(op.axis)
    powers = np.exp(wide - wide.max(axis=axis, keepdims=True))
    return (powers / powers.sum(axis=axis, keepdims=True)).astype(x.dtype)


def log_softmax(op: nn.LogSoftmaxOp, x: Array) -> Array:
    wide, axis = x.astype(np.float64), integer(op.axis)
    wide = wide - wide.max(axis=axis, keepdims=True)
    return (wide - np.log(np.exp(wide).sum(axis=axis, keepdims=True))).astype(x.dtype)


def cum_sum(op: nn.CumSumOp, x: Array) -> Array:
    axis = integer(op.axis) % x.ndim
    turned = np.flip(x, axis) if flag(op.reverse) else x
    dtype = np.float64 if x.dtype.kind not in "iu" else x.dtype
    sums = np.cumsum(turned, axis=axis, dtype=dtype)
    if flag(op.exclusive):
        sums = sums - turned
    return np.asarray(np.flip(sums, axis) if flag(op.reverse) else sums).astype(x.dtype)


def per_channel(vector: Array, rank: int) -> Array:
    return vector.astype(np.float64).reshape(-1, *(1,) * max(0, rank - 2))


def batch_norm(
    op: nn.BatchNormOp, x: Array, scale: Array, bias: Array, mean: Array, variance: Array
) -> Array:
    scale, bias, mean, variance = (per_channel(v, x.ndim) for v in (scale, bias, mean, variance))
    factor = scale / np.sqrt(variance + real(op.epsilon))
    return ((x.astype(np.float64) - mean) * factor + bias).astype(x.dtype)


def standardize(x: Array, over: tuple[int, ...], epsilon: float) -> Array:
    wide = x.astype(np.float64)
    wide = wide - wide.mean(axis=over, keepdims=True)
    variance = np.mean(wide * wide, axis=over, keepdims=True)
    return np.asarray(wide / np.sqrt(variance + epsilon))


def layer_norm(op: nn.LayerNormOp, x: Array, scale: Array, bias: Array | None = None) -> Array:
    over = tuple(range(integer(op.axis) % x.ndim, x.ndim))
    out = standardize(x, over, real(op.epsilon)) * scale
    return np.asarray(out if bias is None else out + bias).astype(x.dtype)


def rms_norm(op: nn.RmsNormOp, x: Array, scale: Array) -> Array:
    over, wide = tuple(range(integer(op.axis) % x.ndim, x.ndim)), x.astype(np.float64)
    square = np.mean(wide * wide, axis=over, keepdims=True)
    return np.asarray(wide / np.sqrt(square + real(op.epsilon)) * scale).astype(x.dtype)


def group_norm(op: nn.GroupNormOp, x: Array, scale: Array, bias: Array) -> Array:
    grouped = x.reshape(x.shape[0], integer(op.groups), -1)
    out = standardize(grouped, (2,), real(op.epsilon)).reshape(x.shape)
    return (out * per_channel(scale, x.ndim) + per_channel(bias, x.ndim)).astype(x.dtype)


def lrn(op: nn.LrnOp, x: Array) -> Array:
    size, wide = integer(op.size), x.astype(np.float64)
    low = (size - 1) // 2
    widths = [(0, 0), (low, size - 1 - low)] + [(0, 0)] * (x.ndim - 2)
    squares = sliding_window_view(np.pad(wide * wide, widths), size, axis=1).sum(axis=-1)
    divisor = (real(op.bias) + real(op.alpha) / size * squares) ** real(op.beta)
    return (wide / divisor).astype(x.dtype)


NN: dict[type[Operation], Function] = {
    nn.ArgMaxOp: extremum_index(np.argmax),
    nn.ArgMinOp: extremum_index(np.argmin),
    nn.AveragePoolOp: average_pool,
    nn.BatchNormOp: batch_norm,
    nn.ConvOp: conv,
    nn.CumSumOp: cum_sum,
    nn.GemmOp: gemm,
    nn.GroupNormOp: group_norm,
    nn.LayerNormOp: layer_norm,
    nn.LogSoftmaxOp: log_softmax,
    nn.LrnOp: lrn,
    nn.MatmulOp: matmul,
    nn.MaxPoolOp: max_pool,
    nn.ReduceMaxOp: reduce_with(np.max, wide=False, identity=lowest),
    nn.ReduceMeanOp: reduce_mean,
    nn.ReduceMinOp: reduce_with(np.min, wide=False, identity=highest),
    nn.ReduceProdOp: reduce_with(np.prod, wide=True),
    nn.ReduceSumOp: reduce_with(np.sum, wide=True),
    nn.RmsNormOp: rms_norm,
    nn.SoftmaxOp: softmax,
}
