"""Shapes as values: a small integer tensor some elements of which are symbolic dimensions.

A model that asks for the shape of a tensor and takes it apart to build a target shape only moves
the extents. Such a node runs on the positions of the elements in the place of the elements, with
the handler that it always has, and the extents are put where their positions went.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.shapes import Extent, fixed, is_static
from dialects.graph.base import tensor
from dialects.graph.elements import dtype_of, element_of, is_bool, is_float
from dovetail.frontend.onnx_import import Handler, Node, Tensor, constant

MOVING = {
    "Cast", "Concat", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split",
    "Squeeze", "Tile", "Transpose", "Unsqueeze",
}  # fmt: skip
"""The operators that only move the elements of their first input (Concat of all)."""


def extents_tensor(extents: Sequence[Extent], shape: Sequence[int], like: Tensor) -> Tensor:
    """The tensor with these elements, which has the name and element type of `like`."""
    if is_static(extents):
        numbers = np.asarray([fixed(e) for e in extents], dtype_of(like.element))
        return constant(numbers.reshape(shape), like.name)
    return Tensor(tensor(like.element, shape), like.name, extents=tuple(extents))


def shape_tensor(extents: Sequence[Extent], name: str) -> Tensor:
    """The tensor of one dimension that `Shape` gives."""
    type = tensor(element_of(np.dtype(np.int64)), [len(extents)])
    return extents_tensor(extents, [len(extents)], Tensor(type, name))


def moves_extents(n: Node) -> bool:
    """Whether a node moves elements of which some are symbolic dimensions."""
    moved = data_inputs(n)
    if not any(tensor.extents is not None for tensor in moved):
        return False
    return all(tensor.extents is not None or tensor.is_small for tensor in moved)


def data_inputs(n: Node) -> list[Tensor]:
    """The inputs whose elements a node moves, if it does nothing else with them."""
    if n.proto.op_type not in MOVING:
        return []
    return n.present() if n.proto.op_type == "Concat" else [n.input()]


def move_extents(n: Node, handler: Handler) -> list[Tensor]:
    """The results of a node that moves extents."""
    table: list[Extent] = []
    inputs = list(n.inputs)
    for i, data in enumerate(data_inputs(n)):
        elements = elements_of(data)
        positions = np.arange(len(table), len(table) + len(elements), dtype=np.int64)
        inputs[i] = constant(positions.reshape(data.static), data.name)
        table += elements
    results = handler(replace(n, inputs=inputs))
    found = [results] if isinstance(results, Tensor) else list(results)
    return [put_back(result, table) for result in found]


def elements_of(data: Tensor) -> list[Extent]:
    """The elements of a tensor whose contents are known."""
    if data.extents is not None:
        return list(data.extents)
    assert data.array is not None
    return [int(v) for v in data.array.reshape(-1)]


def put_back(moved: Tensor, table: Sequence[Extent]) -> Tensor:
    """The elements whose positions are in `moved`; of a type with numbers for them."""
    assert moved.array is not None
    extents = [table[int(position)] for position in moved.array.reshape(-1)]
    if is_float(moved.element) or is_bool(moved.element):
        extents = [fixed(extent) for extent in extents]
    return extents_tensor(extents, moved.static, moved)
