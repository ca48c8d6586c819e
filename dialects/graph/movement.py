"""Ops that move elements without computing: reshape, transpose, slice, pad, gather and such."""

from abc import ABC

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr, TensorType, f64, i64
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, traits_def, var_operand_def
from xdsl.traits import Pure

from analysis import shapes
from analysis.shapes import ShapeError
from dialects.graph.base import (
    AnyTensor,
    Float,
    FusionClass,
    GraphOp,
    Int,
    Ints,
    element_type,
    integer,
    ints,
    require_same_elements,
    require_word,
    shape_of,
    tensor,
)
from dialects.graph.elements import is_bool, is_float

PAD_MODES = ("constant", "reflect", "edge", "wrap")


class Movement(GraphOp, ABC):
    x = operand_def(TensorType)
    traits = traits_def(Pure(), FusionClass("injective"))


@irdl_op_definition
class ReshapeOp(Movement):
    """The same elements in row-major order, in the result's shape."""

    name = "graph.reshape"

    def infer(self) -> AnyTensor:
        shape = shapes.reshape(shape_of(self.x.type), shape_of(self.result.type))
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class TransposeOp(Movement):
    """Dimension `i` of the result is dimension `perm[i]` of the operand."""

    name = "graph.transpose"
    perm = prop_def(Ints)

    def infer(self) -> AnyTensor:
        shape = shapes.transpose(shape_of(self.x.type), ints(self.perm))
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class SliceOp(Movement):
    """`sizes[i]` elements `starts[i], starts[i] + steps[i], ..` of dimension i; -1 takes all."""

    name = "graph.slice"
    starts = prop_def(Ints)
    sizes = prop_def(Ints)
    steps = prop_def(Ints)

    def infer(self) -> AnyTensor:
        shape = shapes.slice_(
            shape_of(self.x.type), ints(self.starts), ints(self.sizes), ints(self.steps)
        )
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class PadOp(Movement):
    """`mode` is constant (with `value`), reflect, edge or wrap; negative pads take away."""

    name = "graph.pad"
    pads = prop_def(Ints)
    mode = prop_def(StringAttr, default_value=StringAttr("constant"))
    value = prop_def(Float, default_value=FloatAttr(0.0, f64))

    def infer(self) -> AnyTensor:
        require_word(self.mode, "mode", *PAD_MODES)
        return tensor(element_type(self.x.type), shapes.pad(shape_of(self.x.type), ints(self.pads)))


@irdl_op_definition
class ExpandOp(Movement):
    """Broadcast to the result's shape."""

    name = "graph.expand"

    def infer(self) -> AnyTensor:
        shape = shapes.expand(shape_of(self.x.type), shape_of(self.result.type))
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class TileOp(Movement):
    """Dimension `i` repeats `repeats[i]` times."""

    name = "graph.tile"
    repeats = prop_def(Ints)

    def infer(self) -> AnyTensor:
        shape = shapes.tile(shape_of(self.x.type), ints(self.repeats))
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class GatherOp(Movement):
    """The slices of `axis` that `indices` names; negative indices count from the end."""

    name = "graph.gather"
    x = operand_def(TensorType)
    indices = operand_def(TensorType)
    axis = prop_def(Int, default_value=IntegerAttr(0, i64))

    def infer(self) -> AnyTensor:
        index = element_type(self.indices.type)
        if is_float(index) or is_bool(index):
            raise ShapeError(f"indices element type: expected an integer, got {index}")
        shape = shapes.gather(
            shape_of(self.x.type), shape_of(self.indices.type), integer(self.axis)
        )
        return tensor(element_type(self.x.type), shape)


@irdl_op_definition
class GatherElementsOp(Movement):
    """For each place of `indices`, the element of `x` there but at that index along `axis`."""

    name = "graph.gather_elements"
    x = operand_def(TensorType)
    indices = operand_def(TensorType)
    axis = prop_def(Int, default_value=IntegerAttr(0, i64))

    def infer(self) -> AnyTensor:
        source, places = shape_of(self.x.type), shape_of(self.indices.type)
        at = shapes.axis(integer(self.axis), len(source))
        if len(places) != len(source):
            raise ShapeError(f"indices: expected rank {len(source)}, got {shapes.text(places)}")
        for i, (have, want) in enumerate(zip(source, places, strict=True)):
            if i != at and shapes.fixed(want) > shapes.fixed(have):
                raise ShapeError(f"indices: dimension {i} is {want}, the operand's is {have}")
        return tensor(element_type(self.x.type), places)


@irdl_op_definition
class ConcatOp(GraphOp):
    """The operands one after the other along `axis`."""

    name = "graph.concat"
    parts = var_operand_def(TensorType)
    axis = prop_def(Int)
    traits = traits_def(Pure(), FusionClass("injective"))

    def infer(self) -> AnyTensor:
        if not self.parts:
            raise ShapeError("operands: expected at least one, got none")
        shape = shapes.concat([shape_of(part.type) for part in self.parts], integer(self.axis))
        return tensor(require_same_elements(*self.parts), shape)


MOVEMENT_OPS = (
    ConcatOp, ExpandOp, GatherElementsOp, GatherOp, PadOp, ReshapeOp, SliceOp, TileOp, TransposeOp,
)  # fmt: skip
