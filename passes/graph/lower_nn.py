"""Tensor expressions of convolutions, products, pools, normalisations and reductions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import i64
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineExpr

from analysis.shapes import fixed
from dialects.graph import nn
from dialects.graph.base import Ints, flag, integer, ints, real, shape_of
from dialects.graph.elements import is_float
from passes.graph import scalars as s
from passes.graph.expressions import (
    Kernel,
    Point,
    Scalar,
    axis,
    constant_index,
    element_of_value,
    extents,
)

Lowering = Callable[[Kernel, Any], SSAValue]


@dataclass(frozen=True)
class Windows:
    """Where a sliding window reads: indices of the spatial dimensions, and guards >= 0."""

    indices: tuple[AffineExpr, ...]
    guards: tuple[AffineExpr, ...]

    @staticmethod
    def of(op: Any, kernel: Sequence[int], include: bool) -> "Windows":
        """Axes 2.. are places, the last ones are the kernel's; `include` counts pads as inside.

        A window of one place, which is all that goes over a symbolic extent, is always inside.
        """
        extents, places = shape_of(op.x.type)[2:], shape_of(op.result.type)[2:]
        rank = len(extents)
        step, dilation, pads = (ints(part) for part in spatial(op))
        first_kernel_axis = 2 + rank + (1 if isinstance(op, nn.ConvOp) else 0)
        indices: list[AffineExpr] = []
        guards: list[AffineExpr] = []
        for i, extent in enumerate(extents):
            low, high = pads[i], pads[rank + i]
            place = axis(2 + i) * step[i] + axis(first_kernel_axis + i) * dilation[i]
            index = place - low if low else place
            indices.append(index)
            if low and not include:
                guards.append(index)
            if isinstance(extent, str):
                continue
            last = (fixed(places[i]) - 1) * step[i] + (kernel[i] - 1) * dilation[i] - low
            limit = extent - 1 + (high if include else 0)
            if last > limit:
                guards.append(constant_index(limit) - index)
        return Windows(tuple(indices), tuple(guards))


def spatial(op: Any) -> tuple[Ints, Ints, Ints]:
    return op.strides, op.dilations, op.pads


def conv(k: Kernel, op: nn.ConvOp) -> SSAValue:
    weight, out = k.static_shape(op.weight), extents(op.result)
    groups, rank = integer(op.groups), len(out) - 2
    at = Windows.of(op, weight[2:], include=False)
    channel = axis(2 + rank)
    if groups > 1:
        filters = weight[0] // groups
        group = axis(1) if filters == 1 else axis(1) // filters
        channel = group if weight[1] == 1 else group * weight[1] + channel

    def body(p: Point) -> Scalar:
        zero = p.constant(0, element_of_value(op.x)) if at.guards else None
        value = p.read(op.x, [axis(0), channel, *at.indices], at.guards, zero)
        kernel_axes = [axis(2 + rank + i) for i in range(1 + rank)]
        return s.mul(p, value, p.read(op.weight, [axis(1), *kernel_axes]))

    if op.bias is None:
        return k.compute("", out, body, weight[1:], "sum")[0]
    total = k.compute("sum", out, body, weight[1:], "sum")[0]
    return add_bias(k, total, op.bias)


def add_bias(k: Kernel, total: SSAValue, bias: SSAValue) -> SSAValue:
    """`bias` per channel onto `total`."""
    shape = extents(total)
    places = [axis(i) for i in range(len(shape))]
    return k.compute(
        "", shape, lambda p: s.plus(p, p.read(total, places), p.read(bias, [axis(1)]))
    )[0]


def broadcast_matrix(
    p: Point, x: SSAValue, batch: int, row: AffineExpr, column: AffineExpr
) -> Scalar:
    """The element of a (batched) matrix; its leading dimensions broadcast to `batch` axes."""
    leading = extents(x)[:-2]
    first = batch - len(leading)
    indices = [constant_index(0) if e == 1 else axis(first + i) for i, e in enumerate(leading)]
    return p.read(x, [*indices, row, column])


def matmul(k: Kernel, op: nn.MatmulOp) -> SSAValue:
    a, b, out = (extents(v) for v in (op.lhs, op.rhs, op.result))
    batch, depth = len(out) - (len(a) > 1) - (len(b) > 1), axis(len(out))
    row, column = axis(batch), axis(len(out) - 1)

    def body(p: Point) -> Scalar:
        x = (
            p.read(op.lhs, [depth])
            if len(a) == 1
            else broadcast_matrix(p, op.lhs, batch, row, depth)
        )
        y = (
            p.read(op.rhs, [depth])
            if len(b) == 1
            else broadcast_matrix(p, op.rhs, batch, depth, column)
        )
        return s.mul(p, x, y)

    return k.compute("", out, body, a[-1:], "sum")[0]


def gemm(k: Kernel, op: nn.GemmOp) -> SSAValue:
    a, out = extents(op.a), extents(op.result)
    depth = a[0] if flag(op.trans_a) else a[1]
    alpha, beta = real(op.alpha), real(op.beta)

    def body(p: Point) -> Scalar:
        left, right = [axis(0), axis(2)], [axis(2), axis(1)]
        x = p.read(op.a, left[::-1] if flag(op.trans_a) else left)
        y = p.read(op.b, right[::-1] if flag(op.trans_b) else right)
        return s.mul(p, x, y)

    plain = op.c is None and alpha == 1.0
    total = k.compute("" if plain else "sum", out, body, [depth], "sum")[0]
    if plain:
        return total

    def finish(p: Point, value: Scalar, *bias: Scalar) -> Scalar:
        value = value if alpha == 1.0 else s.mul(p, p.like(alpha, value), value)
        for term in bias:
            value = s.plus(p, value, term if beta == 1.0 else s.mul(p, p.like(beta, term), term))
        return value

    return k.map("", out, [total] if op.c is None else [total, op.c], finish)


def window_reduction(
    k: Kernel, op: nn.Pool, suffix: str, reducer: str, identity: float
) -> SSAValue:
    out, kernel = extents(op.result), ints(op.kernel)
    at = Windows.of(op, kernel, include=False)

    def body(p: Point) -> Scalar:
        nothing = p.constant(identity, element_of_value(op.x)) if at.guards else None
        return p.read(op.x, [axis(0), axis(1), *at.indices], at.guards, nothing)

    return k.compute(suffix, out, body, kernel, reducer)[0]


def max_pool(k: Kernel, op: nn.MaxPoolOp) -> SSAValue:
    element: Any = element_of_value(op.x)
    lowest = float("-inf") if is_float(element) else -(2 ** (element.bitwidth - 1))
    return window_reduction(k, op, "", "max", lowest)


def average_pool(k: Kernel, op: nn.AveragePoolOp) -> SSAValue:
    out, kernel = extents(op.result), ints(op.kernel)
    total = window_reduction(k, op, "sum", "sum", 0)
    include = flag(op.count_include_pad)
    at = Windows.of(op, kernel, include)
    if not at.guards:
        cells = prod(kernel)
        return k.map("", out, [total], lambda p, v: s.divide(p, v, p.like(cells, v)))

    def body(p: Point) -> Scalar:
        inside = p.constant(1, element_of_value(op.x))
        zero = p.constant(0, element_of_value(op.x))
        for guard in at.guards:
            index = p.index(guard)
            holds = p.add(arith.CmpiOp(index, p.like(0, index), "sge"))
            inside = s.select(p, holds, inside, zero)
        return inside

    count = k.compute("count", (1, 1, *out[2:]), body, kernel, "sum")[0]
    return k.map("", out, [total, count], s.divide)


def reduction(reducer: str) -> Lowering:
    def lowering(k: Kernel, op: nn.Reduce) -> SSAValue:
        over = [i % len(extents(op.x)) for i in ints(op.axes)]
        return k.reduce("", op.x, over, reducer, flag(op.keepdims))[0]

    return lowering


def reduce_mean(k: Kernel, op: nn.ReduceMeanOp) -> SSAValue:
    shape = extents(op.x)
    over = [i % len(shape) for i in ints(op.axes)]
    sizes = [shape[i] for i in over]
    total = k.reduce("sum", op.x, over, "sum", flag(op.keepdims))[0]
    return k.map("", extents(op.result), [total], lambda p, v: s.divide(p, v, k.count(p, sizes, v)))


def arg_reduction(reducer: str) -> Lowering:
    """The reducer prefers the smaller index: for the last of equal elements it runs backwards."""

    def lowering(k: Kernel, op: nn.ArgReduce) -> SSAValue:
        shape, out = extents(op.x), extents(op.result)
        at, keepdims, last = integer(op.axis) % len(shape), flag(op.keepdims), flag(op.select_last)
        step = axis(len(out))
        highest = k.number(shape[at]) - 1 if last else 0
        along = constant_index(highest) - step if last else step
        indices = [axis(i if keepdims or i < at else i - 1) for i in range(len(shape))]
        indices[at] = along

        def body(p: Point) -> Sequence[Scalar]:
            return p.read(op.x, indices), p.add(arith.IndexCastOp(p.index(step), i64))

        found = k.compute("step" if last else "", out, body, [shape[at]], reducer)[1]
        if not last:
            return found
        return k.map("", out, [found], lambda p, n: subtract_index(p, highest, n))

    return lowering


def subtract_index(p: Point, last: int, number: Scalar) -> Scalar:
    return p.add(arith.SubiOp(p.like(last, number), number))


def softmax(k: Kernel, op: nn.SoftmaxOp) -> SSAValue:
    shape = extents(op.x)
    at = [integer(op.axis) % len(shape)]
    top = k.reduce("max", op.x, at, "max")[0]
    powers = k.map("exp", shape, [op.x, top], lambda p, x, m: s.exp(p, p.add(arith.SubfOp(x, m))))
    total = k.reduce("sum", powers, at, "sum")[0]
    return k.map("", shape, [powers, total], s.divide)


def log_softmax(k: Kernel, op: nn.LogSoftmaxOp) -> SSAValue:
    shape = extents(op.x)
    at = [integer(op.axis) % len(shape)]
    top = k.reduce("max", op.x, at, "max")[0]
    below = k.map("below", shape, [op.x, top], subtract)
    total = k.reduce("sum", below, at, "sum", body=s.exp)[0]
    return k.map("", shape, [below, total], lambda p, x, t: subtract(p, x, p.add(math.LogOp(t))))


def subtract(p: Point, x: Scalar, y: Scalar) -> Scalar:
    return p.add(arith.SubfOp(x, y))


def square(p: Point, x: Scalar) -> Scalar:
    return s.mul(p, x, x)


def cum_sum(k: Kernel, op: nn.CumSumOp) -> SSAValue:
    """Each element sums all, of which those on the other side count as zero."""
    shape = extents(op.x)
    at, rank = integer(op.axis) % len(shape), len(shape)
    ahead = axis(rank) - axis(at) if flag(op.reverse) else axis(at) - axis(rank)
    guard = ahead - 1 if flag(op.exclusive) else ahead
    places = [axis(rank) if i == at else axis(i) for i in range(rank)]

    def body(p: Point) -> Scalar:
        return p.read(op.x, places, [guard], p.constant(0, element_of_value(op.x)))

    return k.compute("", shape, body, [shape[at]], "sum")[0]


def root(p: Point, variance: Scalar, epsilon: float) -> Scalar:
    return p.add(math.SqrtOp(s.plus(p, variance, p.like(epsilon, variance))))


def batch_norm(k: Kernel, op: nn.BatchNormOp) -> SSAValue:
    shape = extents(op.x)
    channel = [axis(1)] if len(shape) > 1 else [constant_index(0)]

    def body(p: Point) -> Scalar:
        x = p.read(op.x, [axis(i) for i in range(len(shape))])
        scale, bias, mean, variance = (
            p.read(v, channel) for v in (op.scale, op.bias, op.mean, op.variance)
        )
        factor = s.divide(p, scale, root(p, variance, real(op.epsilon)))
        return s.plus(p, s.mul(p, subtract(p, x, mean), factor), bias)

    return k.compute("", shape, body)[0]


def standardized(k: Kernel, x: SSAValue, over: list[int], epsilon: float, last: str) -> SSAValue:
    """`x` with mean 0 and variance 1 over the dimensions `over`."""
    shape = extents(x)
    sizes = [shape[i] for i in over]
    total = k.reduce("total", x, over, "sum")[0]

    def centre(p: Point, value: Scalar, sum: Scalar) -> Scalar:
        return subtract(p, value, s.divide(p, sum, k.count(p, sizes, sum)))

    centred = k.map("centred", shape, [x, total], centre)
    squares = k.reduce("squares", centred, over, "sum", body=square)[0]

    def normal(p: Point, value: Scalar, sum: Scalar) -> Scalar:
        return s.divide(p, value, root(p, s.divide(p, sum, k.count(p, sizes, sum)), epsilon))

    return k.map(last, shape, [centred, squares], normal)


def layer_norm(k: Kernel, op: nn.LayerNormOp) -> SSAValue:
    shape = extents(op.x)
    over = list(range(integer(op.axis) % len(shape), len(shape)))
    normal = standardized(k, op.x, over, real(op.epsilon), "normal")
    if op.bias is None:
        return k.map("", shape, [normal, op.scale], s.mul)
    return k.map(
        "", shape, [normal, op.scale, op.bias], lambda p, x, f, b: s.plus(p, s.mul(p, x, f), b)
    )


def rms_norm(k: Kernel, op: nn.RmsNormOp) -> SSAValue:
    shape = extents(op.x)
    over = list(range(integer(op.axis) % len(shape), len(shape)))
    sizes, epsilon = [shape[i] for i in over], real(op.epsilon)
    squares = k.reduce("squares", op.x, over, "sum", body=square)[0]

    def body(p: Point, x: Scalar, sum: Scalar, scale: Scalar) -> Scalar:
        mean = s.divide(p, sum, k.count(p, sizes, sum))
        return s.mul(p, s.divide(p, x, root(p, mean, epsilon)), scale)

    return k.map("", shape, [op.x, squares, op.scale], body)


def group_norm(k: Kernel, op: nn.GroupNormOp) -> SSAValue:
    shape, groups = extents(op.x), integer(op.groups)
    size, rank = k.number(shape[1]) // groups, len(shape)
    grouped = k.compute(
        "groups",
        (shape[0], groups, size, *shape[2:]),
        lambda p: p.read(
            op.x, [axis(0), axis(1) * size + axis(2), *(axis(3 + i) for i in range(rank - 2))]
        ),
    )[0]
    over = list(range(2, rank + 1))
    normal = standardized(k, grouped, over, real(op.epsilon), "normal")

    def body(p: Point) -> Scalar:
        inner = [axis(2 + i) for i in range(rank - 2)]
        x = p.read(normal, [axis(0), axis(1) // size, axis(1) % size, *inner])
        scale, bias = p.read(op.scale, [axis(1)]), p.read(op.bias, [axis(1)])
        return s.plus(p, s.mul(p, x, scale), bias)

    return k.compute("", shape, body)[0]


def lrn(k: Kernel, op: nn.LrnOp) -> SSAValue:
    shape, size = extents(op.x), integer(op.size)
    rank, low = len(shape), (size - 1) // 2
    channel = axis(1) + axis(rank) - low
    guards = [channel, constant_index(k.number(shape[1]) - 1) - channel]
    places = [axis(0), channel, *(axis(i) for i in range(2, rank))]

    def neighbours(p: Point) -> Scalar:
        zero = p.constant(0, element_of_value(op.x))
        return square(p, p.read(op.x, places, guards, zero))

    sums = k.compute("squares", shape, neighbours, [size], "sum")[0]

    def body(p: Point, x: Scalar, sum: Scalar) -> Scalar:
        base = s.plus(
            p, s.mul(p, sum, p.like(real(op.alpha) / size, sum)), p.like(real(op.bias), x)
        )
        return s.divide(p, x, p.add(math.PowFOp(base, p.like(real(op.beta), x))))

    return k.map("", shape, [op.x, sums], body)


NN: dict[type[Operation], Lowering] = {
    nn.ArgMaxOp: arg_reduction("argmax"),
    nn.ArgMinOp: arg_reduction("argmin"),
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
    nn.ReduceMaxOp: reduction("max"),
    nn.ReduceMeanOp: reduce_mean,
    nn.ReduceMinOp: reduction("min"),
    nn.ReduceProdOp: reduction("prod"),
    nn.ReduceSumOp: reduction("sum"),
    nn.RmsNormOp: rms_norm,
    nn.SoftmaxOp: softmax,
}
