"""Affine expressions and accesses on whole arrays: one array axis for each axis of an iteration.

A value of an iteration is an array whose axes stand for the axes of the iteration; along an axis
that it does not depend on it has the size 1. So values that depend on few axes stay small, and
NumPy's broadcasting does the rest.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)

from backends.interpreter.scalars import Array

LIMIT = 1 << 23
"""Elements of the largest array of one chunk: 64 MiB of doubles."""

Function = Callable[[Sequence[Any]], Any]

_BINARY: dict[AffineBinaryOpKind, Callable[[Any, Any], Any]] = {
    AffineBinaryOpKind.Add: lambda a, b: a + b,
    AffineBinaryOpKind.Mul: lambda a, b: a * b,
    AffineBinaryOpKind.FloorDiv: lambda a, b: a // b,
    AffineBinaryOpKind.CeilDiv: lambda a, b: -(-a // b),
    AffineBinaryOpKind.Mod: lambda a, b: a % b,
}


class OutOfBoundsError(Exception):
    """An access outside its array: the indices, and the position in the iteration."""

    def __init__(self, indices: tuple[int, ...], position: tuple[int, ...]) -> None:
        super().__init__(f"{indices} at {position}")
        self.indices = indices
        self.position = position


class OrderMattersError(Exception):
    """Instances depend on each other, or there are too many for one array."""


def compile_expression(expr: AffineExpr) -> Function:
    """A Python function of the operands, which are integers or arrays of integers."""
    if isinstance(expr, AffineConstantExpr):
        value = expr.value
        return lambda operands: value
    if isinstance(expr, AffineDimExpr):
        position = expr.position
        return lambda operands: operands[position]
    assert isinstance(expr, AffineBinaryOpExpr), f"{expr} has a symbol"
    lhs, rhs = compile_expression(expr.lhs), compile_expression(expr.rhs)
    combine = _BINARY[expr.kind]
    return lambda operands: combine(lhs(operands), rhs(operands))


@lru_cache(maxsize=1 << 12)
def compile_map(map: AffineMap) -> tuple[Function, ...]:
    """A function for each result of `map`."""
    return tuple(compile_expression(expr) for expr in map.results)


def all_hold(conditions: Sequence[Function], operands: Sequence[Any]) -> Array | None:
    """Where no condition is negative; None if there is no condition."""
    mask: Array | None = None
    for condition in conditions:
        holds = np.asarray(condition(operands) >= 0)
        mask = holds if mask is None else mask & holds
    return mask


def check_bounds(indices: Sequence[Any], shape: Sequence[int], mask: Array | None) -> None:
    """Raise `OutOfBoundsError` for the first access (where `mask` holds) outside `shape`."""
    for index, size in zip(indices, shape, strict=True):
        index = np.asarray(index)
        if index.size == 0 or (index.min() >= 0 and index.max() < size):
            continue
        bad = (index < 0) | (index >= size)
        if mask is not None:
            bad = bad & mask
        if bad.any():
            position = tuple(int(p) for p in np.argwhere(bad)[0])
            shown = [value_at(i, position) for i in indices]
            raise OutOfBoundsError(tuple(int(i) for i in shown), position)


def value_at(value: Any, position: tuple[int, ...]) -> Any:
    """The element of a value at a position; axes of size 1 have it at all positions."""
    array = np.asarray(value)
    if array.ndim == 0:
        return array[()]
    padded = (*position, *(0,) * (array.ndim - len(position)))
    return array[tuple(0 if s == 1 else p for p, s in zip(padded, array.shape, strict=True))]


def gather(data: Array, indices: Sequence[Any], mask: Array | None, otherwise: Any) -> Array:
    """The elements at `indices`, `otherwise` where the mask fails; nothing else is touched."""
    check_bounds(indices, data.shape, mask)
    if mask is None:
        return data[tuple(indices)]
    if not mask.any():
        return np.asarray(otherwise)
    inside = tuple(np.where(mask, index, 0) for index in indices)
    return np.where(mask, data[inside], otherwise)


def full_rank(value: Any, rank: int) -> Array:
    """A value that depends on no axis, with all axes of the iteration (of size 1)."""
    array = np.asarray(value)
    return array if array.ndim == rank else array.reshape((1,) * rank)


def chunk_shape(
    extents: Sequence[int], footprints: Sequence[frozenset[int]], limit: int
) -> list[int]:
    """How much of each axis fits at once: every footprint (a set of axes) stays below `limit`.

    The outermost axis of the largest footprint is halved until it does.
    """
    chunk = list(extents)

    def size(axes: frozenset[int]) -> int:
        return int(np.prod([chunk[a] for a in axes], dtype=object)) if axes else 1

    while footprints:
        largest = max(footprints, key=size)
        splittable = [a for a in sorted(largest) if chunk[a] > 1]
        if size(largest) <= limit or not splittable:
            break
        chunk[splittable[0]] = (chunk[splittable[0]] + 1) // 2
    return chunk
