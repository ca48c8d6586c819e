"""ONNX's convolutions, products, pools, normalisations and reductions."""

from collections.abc import Sequence

from analysis import shapes
from dialects.graph import elementwise as ew
from dialects.graph import nn
from dialects.graph.base import GraphOp, Value
from dovetail.frontend.onnx_elementwise import reshape
from dovetail.frontend.onnx_import import Handler, Node, Refusal, Tensor

EPSILON = 1e-5


def window(n: Node, x: Tensor, kernel: Sequence[int]) -> dict[str, Value | None]:
    """The properties of a sliding window, all explicit."""
    rank = len(kernel)
    strides = n.ints("strides") or (1,) * rank
    dilations = n.ints("dilations") or (1,) * rank
    pads = n.ints("pads") or (0,) * (2 * rank)
    mode = n.word("auto_pad", "NOTSET")
    if mode not in ("NOTSET", ""):
        pads = shapes.auto_pads(mode, x.shape[2:], kernel, strides, dilations)
    return {"strides": strides, "dilations": dilations, "pads": pads}


def conv(n: Node) -> Tensor:
    x, weight = n.input(0), n.input(1)
    properties = window(n, x, weight.static[2:])
    groups = n.integer("group", 1)
    return n.emit(nn.ConvOp, x, weight, n.optional(2), groups=groups, **properties)


def pool(cls: type[GraphOp]) -> Handler:
    def handler(n: Node) -> Tensor:
        if len([output for output in n.proto.output if output]) > 1:
            raise Refusal("the indices of its maxima (output 1)")
        if n.integer("storage_order", 0):
            raise Refusal("storage_order 1")
        kernel = n.ints("kernel_shape") or ()
        properties = window(n, n.input(), kernel)
        extra: dict[str, Value | None] = (
            {}
            if cls is nn.MaxPoolOp
            else {"count_include_pad": bool(n.integer("count_include_pad", 0))}
        )
        ceil = bool(n.integer("ceil_mode", 0))
        return n.emit(cls, n.input(), kernel=kernel, ceil_mode=ceil, **properties, **extra)

    return handler


def global_pool(cls: type[GraphOp]) -> Handler:
    return lambda n: n.emit(cls, n.input(), axes=tuple(range(2, n.input().rank)))


def gemm(n: Node) -> Tensor:
    c = n.optional(2)
    return n.emit(
        nn.GemmOp, n.input(0), n.input(1), c,
        alpha=n.real("alpha", 1.0), beta=n.real("beta", 1.0),
        trans_a=bool(n.integer("transA", 0)), trans_b=bool(n.integer("transB", 0)),
    )  # fmt: skip


def matmul(n: Node) -> Tensor:
    return n.emit(nn.MatmulOp, n.input(0), n.input(1))


def softmax(cls: type[GraphOp]) -> Handler:
    def handler(n: Node) -> Tensor:
        x = n.input()
        axis = n.integer("axis", -1 if n.opset >= 13 else 1)
        if n.opset >= 13 or shapes.axis(axis, x.rank) == x.rank - 1:
            return n.emit(cls, x, axis=axis)
        # Before opset 13 the dimensions from `axis` on count as one.
        flat = reshape(n, x, shapes.flatten(x.shape, axis))
        return reshape(n, n.emit(cls, flat, axis=1), x.shape)

    return handler


def batch_norm(n: Node) -> Tensor:
    if n.integer("training_mode", 0):
        raise Refusal("training_mode 1")
    if n.opset < 9 and not n.integer("spatial", 1):
        raise Refusal("spatial 0")
    operands = [n.input(i) for i in range(5)]
    return n.emit(nn.BatchNormOp, *operands, epsilon=n.real("epsilon", EPSILON))


def layer_norm(n: Node) -> Tensor | list[Tensor]:
    x, axis, epsilon = n.input(0), n.integer("axis", -1), n.real("epsilon", EPSILON)
    y = n.emit(nn.LayerNormOp, x, n.input(1), n.optional(2), axis=axis, epsilon=epsilon)
    if len([output for output in n.proto.output if output]) < 2:
        return y
    over = tuple(range(shapes.axis(axis, x.rank), x.rank))
    mean = n.emit(nn.ReduceMeanOp, x, axes=over)
    centred = n.emit(ew.SubOp, x, mean)
    squares = n.emit(ew.MulOp, centred, centred)
    variance = n.emit(nn.ReduceMeanOp, squares, axes=over)
    shifted = n.emit(ew.AddOp, variance, n.constant(epsilon, like=x))
    return [y, mean, n.emit(ew.ReciprocalOp, n.emit(ew.SqrtOp, shifted))]


def rms_norm(n: Node) -> Tensor:
    axis, epsilon = n.integer("axis", -1), n.real("epsilon", EPSILON)
    return n.emit(nn.RmsNormOp, n.input(0), n.input(1), axis=axis, epsilon=epsilon)


def group_norm(n: Node) -> Tensor:
    x, groups = n.input(0), n.integer("num_groups", 1)
    if n.opset < 21:
        raise Refusal("GroupNormalization of opset 21, with a scale per channel")
    return n.emit(
        nn.GroupNormOp, x, n.input(1), n.input(2), groups=groups, epsilon=n.real("epsilon", EPSILON)
    )


def instance_norm(n: Node) -> Tensor:
    x = n.input(0)
    groups, epsilon = shapes.fixed(x.shape[1]), n.real("epsilon", EPSILON)
    return n.emit(nn.GroupNormOp, x, n.input(1), n.input(2), groups=groups, epsilon=epsilon)


def lrn(n: Node) -> Tensor:
    return n.emit(
        nn.LrnOp, n.input(), size=n.integer("size", 1), alpha=n.real("alpha", 1e-4),
        beta=n.real("beta", 0.75), bias=n.real("bias", 1.0),
    )  # fmt: skip


def reduced_axes(n: Node, since: int) -> tuple[int, ...] | None:
    """The axes to reduce over; None when there are none to reduce over."""
    axes = n.axes(since=since)
    if axes:
        return axes
    return None if n.integer("noop_with_empty_axes", 0) else tuple(range(n.input().rank))


def reduce(cls: type[GraphOp], since: int = 18) -> Handler:
    """`axes` is an input from opset `since` on."""

    def handler(n: Node) -> Tensor:
        return reduce_values(n, cls, n.input(), since)

    return handler


def reduce_values(n: Node, cls: type[GraphOp], x: Tensor, since: int = 18) -> Tensor:
    axes = reduced_axes(n, since)
    if axes is None:
        return x
    return n.emit(cls, x, axes=axes, keepdims=bool(n.integer("keepdims", 1)))


def reduce_l1(n: Node) -> Tensor:
    return reduce_values(n, nn.ReduceSumOp, n.emit(ew.AbsOp, n.input()))


def sum_square(n: Node) -> Tensor:
    x = n.input()
    return reduce_values(n, nn.ReduceSumOp, n.emit(ew.MulOp, x, x))


def reduce_l2(n: Node) -> Tensor:
    return n.emit(ew.SqrtOp, sum_square(n))


def log_sum(n: Node) -> Tensor:
    return n.emit(ew.LogOp, reduce_values(n, nn.ReduceSumOp, n.input()))


def arg_reduce(cls: type[GraphOp]) -> Handler:
    return lambda n: n.emit(
        cls,
        n.input(),
        axis=n.integer("axis", 0),
        keepdims=bool(n.integer("keepdims", 1)),
        select_last=bool(n.integer("select_last_index", 0)),
    )


def cum_sum(n: Node) -> Tensor:
    axis = n.known_ints(1, "axis") or (0,)
    flags: dict[str, Value | None] = {
        name: bool(n.integer(name, 0)) for name in ("exclusive", "reverse")
    }
    return n.emit(nn.CumSumOp, n.input(), axis=axis[0], **flags)


NN: dict[str, Handler] = {
    "ArgMax": arg_reduce(nn.ArgMaxOp),
    "ArgMin": arg_reduce(nn.ArgMinOp),
    "AveragePool": pool(nn.AveragePoolOp),
    "BatchNormalization": batch_norm,
    "Conv": conv,
    "CumSum": cum_sum,
    "Gemm": gemm,
    "GlobalAveragePool": global_pool(nn.ReduceMeanOp),
    "GlobalMaxPool": global_pool(nn.ReduceMaxOp),
    "GroupNormalization": group_norm,
    "InstanceNormalization": instance_norm,
    "LRN": lrn,
    "LayerNormalization": layer_norm,
    "LogSoftmax": softmax(nn.LogSoftmaxOp),
    "MatMul": matmul,
    "MaxPool": pool(nn.MaxPoolOp),
    "RMSNormalization": rms_norm,
    "ReduceL1": reduce_l1,
    "ReduceL2": reduce_l2,
    "ReduceLogSum": log_sum,
    "ReduceMax": reduce(nn.ReduceMaxOp),
    "ReduceMean": reduce(nn.ReduceMeanOp),
    "ReduceMin": reduce(nn.ReduceMinOp),
    "ReduceProd": reduce(nn.ReduceProdOp),
    "ReduceSum": reduce(nn.ReduceSumOp, since=13),
    "ReduceSumSquare": sum_square,
    "Softmax": softmax(nn.SoftmaxOp),
}
