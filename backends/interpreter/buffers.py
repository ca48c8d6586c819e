"""Memory as the loop dialect sees it: logical coordinates over a physical array."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.dialects.builtin import MemRefType, TensorType

from analysis.errors import UserError
from backends.interpreter.arrays import (
    Function,
    OutOfBoundsError,
    check_bounds,
    compile_map,
    value_at,
)
from backends.interpreter.dims import sizes_of, spell_shape
from backends.interpreter.scalars import Array, constant, dtype_of, is_float
from dialects.layout import layout_map, layout_of, logical_shape, pad_of, physical_shape


def poison(dtype: np.dtype[Any]) -> Any:
    """What memory holds that nothing was written to: NaN, or an unlikely integer."""
    if is_float(dtype):
        return np.nan
    return True if dtype == np.bool_ else np.iinfo(dtype).max // 3 * 2 + 1


@dataclass
class Buffer:
    """The physical array of a memref, and the box of logical coordinates that it holds.

    Buffers of several threads may be one array: `base` is where the cells of each instance's buffer
    begin in it, `extents` the physical extents of one of them.
    """

    name: str
    type: MemRefType
    shape: tuple[int, ...]
    data: Array
    origin: tuple[Any, ...] = ()
    base: Any = 0
    extents: tuple[int, ...] | None = None
    physical: tuple[int, ...] = field(init=False)
    layout: tuple[Function, ...] | None = field(init=False)
    flat: Array = field(init=False)
    strides: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        layout = layout_of(self.type)
        self.physical = self.data.shape if self.extents is None else self.extents
        # a halo behind the last element leaves the map an identity
        dense = layout is None or (layout.is_identity and self.physical == self.shape)
        self.layout = None if dense else compile_map(layout_map(self.type))
        self.flat = self.data.reshape(-1)
        size = self.data.itemsize
        self.strides = tuple(
            s // size for s in self.data.strides[self.data.ndim - len(self.physical) :]
        )
        self.origin = self.origin or (0,) * len(self.shape)

    @property
    def key(self) -> int:
        """Equal for two buffers with the same memory."""
        return self.data.__array_interface__["data"][0]

    def addresses(self, indices: Sequence[Any], mask: Array | None, writing: bool) -> Array:
        """The positions in `flat` of elements, or of cells that hold none.

        A read may touch any cell inside the physical extents, a write must leave those alone that
        hold a pad. Raises `OutOfBoundsError` with the logical indices.
        """
        local = [
            i if isinstance(o, int) and not o else i - o
            for i, o in zip(indices, self.origin, strict=True)
        ]
        try:
            if writing and self.layout is not None and pad_of(self.type) is not None:
                check_bounds(local, self.shape, mask)
            physical = local if self.layout is None else [f(local) for f in self.layout]
            check_bounds(physical, self.physical, mask)
        except OutOfBoundsError as error:
            shown = tuple(int(value_at(i, error.position)) for i in indices)
            raise OutOfBoundsError(shown, error.position) from None
        flat: Any = self.base
        for index, stride in zip(physical, self.strides, strict=True):
            flat = flat + index * stride
        return np.asarray(flat if mask is None else np.where(mask, flat, 0))


def box_of(buffer: Buffer) -> str:
    """How a message names the logical elements of a buffer."""
    if not any(buffer.origin):
        return str(buffer.type)
    return f"{buffer.type} at {list(buffer.origin)}"


def _pad(type: Any) -> Any:
    pad = pad_of(type)
    return poison(dtype_of(type)) if pad is None else constant(pad)


def empty(type: TensorType | MemRefType, dims: Mapping[str, int]) -> Array:
    """A physical array for a type: its pad where it has one, else poison, everywhere."""
    return np.full(sizes_of(physical_shape(type), dims), _pad(type), dtype_of(type))


def allocate(
    name: str, type: MemRefType, origin: tuple[int, ...], dims: Mapping[str, int]
) -> Buffer:
    """Fresh memory: poison in the cells of logical elements, the pad in all others."""
    shape = sizes_of(logical_shape(type), dims)
    data = empty(type, dims)
    buffer = Buffer(name, type, shape, data, origin)
    if buffer.layout is not None:
        data[_cells(buffer)] = poison(data.dtype)
    else:
        data[...] = poison(data.dtype)
    return buffer


def _cells(buffer: Buffer) -> tuple[Array, ...]:
    """The physical coordinates of all logical elements, in the logical shape."""
    mesh = np.indices(buffer.shape, sparse=True)
    assert buffer.layout is not None
    found = [np.broadcast_to(f(mesh), buffer.shape) for f in buffer.layout]
    for index, size in zip(found, buffer.data.shape, strict=True):
        if index.size and (index.min() < 0 or index.max() >= size):
            raise UserError(
                f"the layout of {buffer.type} puts elements of a {spell_shape(buffer.shape)} "
                f"array outside its physical extents {spell_shape(buffer.data.shape)}"
            )
    return tuple(found)


def logical_view(buffer: Buffer) -> Array:
    """The logical elements of a buffer (a copy where the layout is not the identity)."""
    return buffer.data if buffer.layout is None else buffer.data[_cells(buffer)]


def write_all(buffer: Buffer, logical: Array) -> None:
    """Set all logical elements of a buffer."""
    if buffer.layout is None:
        buffer.data[...] = logical
    else:
        buffer.data[_cells(buffer)] = logical


def pack(
    array: Array, type: TensorType | MemRefType, dims: Mapping[str, int] | None = None
) -> Array:
    """The physical array of a logical one; a cell without an element holds the layout's pad.

    Without a pad such cells are poison, so that a program which reads them is found out.
    """
    buffer = _whole(type, empty(type, dims or {}), dims or {})
    if array.shape != buffer.shape:
        raise UserError(
            f"{type} has the shape {spell_shape(buffer.shape)}, not {spell_shape(array.shape)}"
        )
    write_all(buffer, array)
    return buffer.data


def unpack(
    physical: Array, type: TensorType | MemRefType, dims: Mapping[str, int] | None = None
) -> Array:
    """The logical array of a physical one: the inverse of `pack`."""
    expected = sizes_of(physical_shape(type), dims or {})
    if physical.shape != expected:
        raise UserError(
            f"{type} has the physical extents {spell_shape(expected)}, "
            f"not {spell_shape(physical.shape)}"
        )
    return logical_view(_whole(type, physical, dims or {})).copy()


def _whole(type: TensorType | MemRefType, data: Array, dims: Mapping[str, int]) -> Buffer:
    shape = sizes_of(logical_shape(type), dims)
    layout = layout_of(type)
    shaped = [s if isinstance(s, int) else -1 for s in logical_shape(type)]
    memref = (
        MemRefType(type.element_type, shaped)
        if layout is None
        else MemRefType(type.element_type, shaped, layout)
    )
    return Buffer("", memref, shape, data)
