"""The state of one import: the values of the model by name, and the function that grows.

A handler (in the `onnx_*` modules beside this one) gets a `Node` and returns its outputs. It
refuses by raising `Refusal` with what it would need; the importer goes on, so that the user reads
about every unsupported node at once.

Tensors whose contents are known (initializers, constants, shapes, and what is computed from them
while it is small and whole numbers) carry them, so that computed axes, pads and target shapes
are numbers by the time a handler asks for them. Of a shape with symbolic dimensions the elements
are known too: `extents`, in row-major order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeVar

import numpy as np
import onnx
from onnx import numpy_helper
from xdsl.dialects.builtin import NameLoc, NoneAttr, StringAttr
from xdsl.ir import Attribute as IRAttribute
from xdsl.ir import Block, Operation, SSAValue

from analysis.shapes import Extent, Shape, fixed, is_static
from backends.interpreter.graph import run_op
from dialects.graph.base import AnyTensor, GraphOp, Value, shape_of
from dialects.graph.elements import dtype_of, is_float
from dialects.graph.structure import WeightOp
from dialects.graph.weights import Array, Splat, Weight

SMALL = 1024
Op = TypeVar("Op", bound=GraphOp)


class Refusal(Exception):
    """Why a node cannot be imported, and what it would need."""


@dataclass(eq=False)
class Tensor:
    """A value of the model: an SSA value, or contents that become one when an op needs it."""

    type: AnyTensor
    name: str
    value: SSAValue | None = None
    weight: Weight | None = None
    extents: tuple[Extent, ...] | None = None

    @property
    def shape(self) -> Shape:
        return shape_of(self.type)

    @property
    def static(self) -> tuple[int, ...]:
        return tuple(fixed(extent) for extent in self.shape)

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def element(self) -> IRAttribute:
        return self.type.element_type

    @property
    def is_small(self) -> bool:
        """Whether the contents are known and few enough to compute with during import."""
        return self.weight is not None and prod(self.weight.type.get_shape()) <= SMALL

    @property
    def array(self) -> Array | None:
        return None if self.weight is None else self.weight.array


@dataclass
class Builder:
    """Appends ops to a block; every op gets the location of the node it comes from."""

    block: Block
    model: str
    node: str = ""

    def location(self, name: str) -> NameLoc:
        """`loc("model.onnx"("name"))`"""
        return NameLoc(StringAttr(self.model), NameLoc(StringAttr(name), NoneAttr()))

    @property
    def whole_model(self) -> NameLoc:
        """`loc("model.onnx")`, for what stands for no node in particular."""
        return NameLoc(StringAttr(self.model), NoneAttr())

    def insert(self, op: Operation, hint: str) -> None:
        if self.node:
            op.location = self.location(self.node)
        op.results[0].name_hint = identifier(hint)
        self.block.add_op(op)

    def value_of(self, tensor: Tensor) -> SSAValue:
        """The SSA value of `tensor`; known contents become a `graph.weight`."""
        if tensor.value is None:
            for extent in tensor.extents or ():
                fixed(extent, "dimension")
            assert tensor.weight is not None
            op = WeightOp(tensor.name, tensor.weight)
            self.insert(op, tensor.name)
            tensor.value = op.result
        return tensor.value

    def emit(
        self,
        cls: type[GraphOp],
        tensors: Sequence[Tensor],
        name: str,
        result_type: AnyTensor | None,
        properties: Mapping[str, Value | None],
    ) -> Tensor:
        static = result_type is None or is_static(shape_of(result_type))
        if static and self.computable(tensors):
            return self.compute(cls, tensors, name, result_type, properties)
        operands = [self.value_of(tensor) for tensor in tensors]
        op = cls.make(*operands, result_type=result_type, **properties)
        self.insert(op, name)
        return Tensor(op.result.type, name, op.result)

    def computable(self, tensors: Sequence[Tensor]) -> bool:
        whole = any(not is_float(tensor.element) for tensor in tensors)
        return whole and all(tensor.is_small for tensor in tensors)

    def compute(
        self,
        cls: type[GraphOp],
        tensors: Sequence[Tensor],
        name: str,
        result_type: AnyTensor | None,
        properties: Mapping[str, Value | None],
    ) -> Tensor:
        """The op's result as a number, on the interpreter."""
        weights = [WeightOp(t.name, t.weight) for t in tensors if t.weight is not None]
        op = cls.make(*(w.result for w in weights), result_type=result_type, **properties)
        array = run_op(op, [w.weight.array for w in weights])
        return constant(array, name)


def identifier(name: str) -> str | None:
    """`name` as a name hint: letters, digits and underscores."""
    clean = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    if not clean or clean.isdigit():
        return None
    return f"_{clean}" if clean[0].isdigit() else clean


def constant(array: Array, name: str) -> Tensor:
    weight = Weight.of(array)
    return Tensor(weight.type, name, weight=weight)


@dataclass
class Node:
    """One node of the model, with its inputs looked up."""

    proto: onnx.NodeProto
    inputs: Sequence[Tensor | None]
    opset: int
    builder: Builder
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        self.attributes = {a.name: onnx.helper.get_attribute_value(a) for a in self.proto.attribute}

    @property
    def name(self) -> str:
        return next((output for output in self.proto.output if output), self.proto.name)

    def optional(self, index: int) -> Tensor | None:
        return self.inputs[index] if index < len(self.inputs) else None

    def input(self, index: int = 0) -> Tensor:
        tensor = self.optional(index)
        if tensor is None:
            raise Refusal(f"its input {index}")
        return tensor

    def present(self) -> list[Tensor]:
        return [tensor for tensor in self.inputs if tensor is not None]

    def integer(self, name: str, default: int) -> int:
        return int(self.attributes.get(name, default))

    def real(self, name: str, default: float) -> float:
        """The attribute as the shortest decimal that is the same f32."""
        return float(str(np.float32(self.attributes.get(name, default))))

    def word(self, name: str, default: str) -> str:
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else str(value)

    def ints(self, name: str) -> tuple[int, ...] | None:
        value = self.attributes.get(name)
        return None if value is None else tuple(int(v) for v in value)

    def known(self, index: int, what: str) -> Array:
        """The contents of an input that must be known."""
        tensor = self.input(index)
        for extent in tensor.extents or ():
            fixed(extent, f"{what} (input {index}): dimension")
        if tensor.array is None:
            raise Refusal(f"{what} (input {index}) that is a constant, not computed from inputs")
        return tensor.array

    def known_ints(self, index: int, what: str) -> tuple[int, ...] | None:
        """The whole numbers in an input, or None if there is no such input."""
        if self.optional(index) is None:
            return None
        return tuple(int(v) for v in self.known(index, what).reshape(-1))

    def known_extents(self, index: int, what: str) -> tuple[Extent, ...] | None:
        """The extents in an input, symbolic ones too, or None if there is no such input."""
        tensor = self.optional(index)
        if tensor is not None and tensor.extents is not None:
            return tensor.extents
        return self.known_ints(index, what)

    def axes(self, index: int = 1, since: int = 13) -> tuple[int, ...] | None:
        """`axes`: an attribute before opset `since`, then input `index`."""
        return self.ints("axes") if self.opset < since else self.known_ints(index, "axes")

    def emit(
        self, cls: type[GraphOp], *tensors: Tensor | None, **properties: Value | None
    ) -> Tensor:
        """The result of a new op; operands that are None are left out."""
        present = [tensor for tensor in tensors if tensor is not None]
        return self.builder.emit(cls, present, self.name, None, properties)

    def emit_as(self, cls: type[GraphOp], type: AnyTensor, *tensors: Tensor) -> Tensor:
        """The result of a new op whose result type is a choice."""
        return self.builder.emit(cls, tensors, self.name, type, {})

    def constant(self, array: Any, like: Tensor | None = None) -> Tensor:
        """A constant of the model's own; with `like`, of that element type."""
        if like is not None:
            array = np.asarray(array).astype(dtype_of(like.element))
        return constant(np.asarray(array), f"{self.name}_constant")

    def splat(self, type: AnyTensor, value: float | int) -> Tensor:
        return Tensor(type, self.name, weight=Weight(type, Splat(value)))


Handler = Callable[[Node], Tensor | Sequence[Tensor]]


def to_array(proto: onnx.TensorProto) -> Array:
    return np.asarray(numpy_helper.to_array(proto))
