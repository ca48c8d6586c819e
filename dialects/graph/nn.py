"""Convolutions, matrix products, pools, normalisations and reductions.

Layouts are ONNX's: N, C, then the spatial dimensions. `strides`, `dilations` and `kernel` have an
entry per spatial dimension, `pads` all low ends then all high ends; they are always explicit.
"""

from abc import ABC

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, TensorType, f64, i1, i64
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, traits_def
from xdsl.traits import Pure

from analysis import shapes
from analysis.shapes import Shape, ShapeError
from dialects.graph.base import (
    AnyTensor,
    Float,
    FusionClass,
    GraphOp,
    Int,
    Ints,
    element_type,
    flag,
    integer,
    ints,
    require_float,
    require_same_elements,
    shape_of,
    tensor,
)

NO = IntegerAttr(0, i1)
YES = IntegerAttr(1, i1)


class OutFusable(GraphOp, ABC):
    traits = traits_def(Pure(), FusionClass("out_fusable"))


class Reduction(GraphOp, ABC):
    traits = traits_def(Pure(), FusionClass("reduction"))


class Opaque(GraphOp, ABC):
    traits = traits_def(Pure(), FusionClass("opaque"))


def vector_of(value: Shape, extent: shapes.Extent, what: str) -> None:
    if value != (extent,):
        raise ShapeError(f"{what}: expected {extent}, got {shapes.text(value)}")


def broadcasts_to(value: Shape, shape: Shape, what: str) -> None:
    if shapes.broadcast(value, shape) != shape:
        raise ShapeError(f"{what}: {shapes.text(value)} does not broadcast to {shapes.text(shape)}")


@irdl_op_definition
class ConvOp(OutFusable):
    """Cross-correlation of N, C, spatial with M, C / groups, kernel, plus a bias of M."""

    name = "graph.conv"
    x = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    strides = prop_def(Ints)
    dilations = prop_def(Ints)
    pads = prop_def(Ints)
    groups = prop_def(Int, default_value=IntegerAttr(1, i64))

    def infer(self) -> AnyTensor:
        element = require_same_elements(self.x, self.weight, self.bias)
        shape = shapes.conv(
            shape_of(self.x.type),
            shape_of(self.weight.type),
            None if self.bias is None else shape_of(self.bias.type),
            ints(self.strides),
            ints(self.dilations),
            ints(self.pads),
            integer(self.groups),
        )
        return tensor(element, shape)


@irdl_op_definition
class MatmulOp(OutFusable):
    """NumPy's matmul, batched over the leading dimensions."""

    name = "graph.matmul"
    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)

    def infer(self) -> AnyTensor:
        element = require_same_elements(self.lhs, self.rhs)
        return tensor(element, shapes.matmul(shape_of(self.lhs.type), shape_of(self.rhs.type)))


@irdl_op_definition
class GemmOp(OutFusable):
    """alpha A' B' + beta C, with A' and B' transposed on request; C broadcasts."""

    name = "graph.gemm"
    a = operand_def(TensorType)
    b = operand_def(TensorType)
    c = opt_operand_def(TensorType)
    alpha = prop_def(Float, default_value=FloatAttr(1.0, f64))
    beta = prop_def(Float, default_value=FloatAttr(1.0, f64))
    trans_a = prop_def(Int, default_value=NO)
    trans_b = prop_def(Int, default_value=NO)

    def infer(self) -> AnyTensor:
        element = require_same_elements(self.a, self.b, self.c)
        c = None if self.c is None else shape_of(self.c.type)
        a, b = shape_of(self.a.type), shape_of(self.b.type)
        return tensor(element, shapes.gemm(a, b, c, flag(self.trans_a), flag(self.trans_b)))


class Pool(Reduction, ABC):
    """A window slides over the spatial dimensions; `ceil_mode` rounds the extents up."""

    x = operand_def(TensorType)
    kernel = prop_def(Ints)
    strides = prop_def(Ints)
    dilations = prop_def(Ints)
    pads = prop_def(Ints)
    ceil_mode = prop_def(Int, default_value=NO)

    def infer(self) -> AnyTensor:
        shape = shapes.pool(
            shape_of(self.x.type),
            ints(self.kernel),
            ints(self.strides),
            ints(self.dilations),
            ints(self.pads),
            flag(self.ceil_mode),
        )
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class MaxPoolOp(Pool):
    """Padding never wins."""

    name = "graph.max_pool"


@irdl_op_definition
class AveragePoolOp(Pool):
    """`count_include_pad` divides by the padded cells too, but never by those past the pads."""

    name = "graph.average_pool"
    count_include_pad = prop_def(Int, default_value=NO)


class Reduce(Reduction, ABC):
    """Over `axes` (any order, may be negative); `keepdims` leaves extents of 1."""

    x = operand_def(TensorType)
    axes = prop_def(Ints)
    keepdims = prop_def(Int, default_value=YES)

    def infer(self) -> AnyTensor:
        shape = shapes.reduce(shape_of(self.x.type), ints(self.axes), flag(self.keepdims))
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class ReduceSumOp(Reduce):
    name = "graph.reduce_sum"


@irdl_op_definition
class ReduceMeanOp(Reduce):
    name = "graph.reduce_mean"


@irdl_op_definition
class ReduceProdOp(Reduce):
    name = "graph.reduce_prod"


@irdl_op_definition
class ReduceMaxOp(Reduce):
    name = "graph.reduce_max"


@irdl_op_definition
class ReduceMinOp(Reduce):
    name = "graph.reduce_min"


class ArgReduce(Reduction, ABC):
    """The i64 index along `axis`; of equal elements the first, or the last on request."""

    x = operand_def(TensorType)
    axis = prop_def(Int)
    keepdims = prop_def(Int, default_value=YES)
    select_last = prop_def(Int, default_value=NO)

    def infer(self) -> AnyTensor:
        shape = shapes.reduce(shape_of(self.x.type), [integer(self.axis)], flag(self.keepdims))
        return tensor(i64, shape)


@irdl_op_definition
class ArgMaxOp(ArgReduce):
    name = "graph.arg_max"


@irdl_op_definition
class ArgMinOp(ArgReduce):
    name = "graph.arg_min"


class AlongAxis(Opaque, ABC):
    """The result has the operand's type."""

    x = operand_def(TensorType)
    axis = prop_def(Int, default_value=IntegerAttr(-1, i64))

    def infer(self) -> AnyTensor:
        shape = shape_of(self.x.type)
        shapes.axis(integer(self.axis), len(shape))
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class SoftmaxOp(AlongAxis):
    name = "graph.softmax"


@irdl_op_definition
class LogSoftmaxOp(AlongAxis):
    name = "graph.log_softmax"


@irdl_op_definition
class CumSumOp(AlongAxis):
    """Running sums; `exclusive` leaves the element itself out, `reverse` starts at the end."""

    name = "graph.cum_sum"
    exclusive = prop_def(Int, default_value=NO)
    reverse = prop_def(Int, default_value=NO)


@irdl_op_definition
class BatchNormOp(GraphOp):
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, per channel (dimension 1)."""

    name = "graph.batch_norm"
    x = operand_def(TensorType)
    scale = operand_def(TensorType)
    bias = operand_def(TensorType)
    mean = operand_def(TensorType)
    variance = operand_def(TensorType)
    epsilon = prop_def(Float, default_value=FloatAttr(1e-5, f64))
    traits = traits_def(Pure(), FusionClass("injective"))

    def infer(self) -> AnyTensor:
        require_float(self.x)
        shape = shape_of(self.x.type)
        channels = shape[1] if len(shape) > 1 else 1
        for what in ("scale", "bias", "mean", "variance"):
            vector_of(shape_of(getattr(self, what).type), channels, what)
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class LayerNormOp(Opaque):
    """Mean 0 and variance 1 over the dimensions from `axis` on, then scale and bias."""

    name = "graph.layer_norm"
    x = operand_def(TensorType)
    scale = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    axis = prop_def(Int, default_value=IntegerAttr(-1, i64))
    epsilon = prop_def(Float, default_value=FloatAttr(1e-5, f64))

    def infer(self) -> AnyTensor:
        require_float(self.x)
        shape = shape_of(self.x.type)
        normal = shape[shapes.axis(integer(self.axis), len(shape)) :]
        broadcasts_to(shape_of(self.scale.type), normal, "scale")
        if self.bias is not None:
            broadcasts_to(shape_of(self.bias.type), normal, "bias")
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class RmsNormOp(Opaque):
    """x / sqrt(mean(x^2) + epsilon) * scale over the dimensions from `axis` on."""

    name = "graph.rms_norm"
    x = operand_def(TensorType)
    scale = operand_def(TensorType)
    axis = prop_def(Int, default_value=IntegerAttr(-1, i64))
    epsilon = prop_def(Float, default_value=FloatAttr(1e-5, f64))

    def infer(self) -> AnyTensor:
        require_float(self.x)
        shape = shape_of(self.x.type)
        normal = shape[shapes.axis(integer(self.axis), len(shape)) :]
        broadcasts_to(shape_of(self.scale.type), normal, "scale")
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class GroupNormOp(Opaque):
    """Mean 0 and variance 1 per sample and group of channels, then scale and bias per channel."""

    name = "graph.group_norm"
    x = operand_def(TensorType)
    scale = operand_def(TensorType)
    bias = operand_def(TensorType)
    groups = prop_def(Int)
    epsilon = prop_def(Float, default_value=FloatAttr(1e-5, f64))

    def infer(self) -> AnyTensor:
        require_float(self.x)
        shape = shape_of(self.x.type)
        if len(shape) < 2:
            raise ShapeError(f"input {shapes.text(shape)} has no channels (dimension 1)")
        channels = shapes.fixed(shape[1], "the number of channels")
        if integer(self.groups) < 1 or channels % integer(self.groups):
            raise ShapeError(
                f"{channels} channels do not divide into {integer(self.groups)} groups"
            )
        vector_of(shape_of(self.scale.type), channels, "scale")
        vector_of(shape_of(self.bias.type), channels, "bias")
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class LrnOp(Opaque):
    """x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ** beta"""

    name = "graph.lrn"
    x = operand_def(TensorType)
    size = prop_def(Int)
    alpha = prop_def(Float, default_value=FloatAttr(1e-4, f64))
    beta = prop_def(Float, default_value=FloatAttr(0.75, f64))
    bias = prop_def(Float, default_value=FloatAttr(1.0, f64))

    def infer(self) -> AnyTensor:
        require_float(self.x)
        if integer(self.size) < 1:
            raise ShapeError(f"size: expected 1 at least, got {integer(self.size)}")
        return tensor(element_type(self.x.type), shape_of(self.x.type))


NN_OPS = (
    ArgMaxOp, ArgMinOp, AveragePoolOp, BatchNormOp, ConvOp, CumSumOp, GemmOp, GroupNormOp,
    LayerNormOp, LogSoftmaxOp, LrnOp, MatmulOp, MaxPoolOp, ReduceMaxOp, ReduceMeanOp,
    ReduceMinOp, ReduceProdOp, ReduceSumOp, RmsNormOp, SoftmaxOp,
)  # fmt: skip
