"""The reducers of te.compute: partial results that chunks of a reduction are folded into."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.interpreter.arrays import full_rank
from backends.interpreter.contraction import reduce_axes, sum_of_products, widen
from backends.interpreter.scalars import Array, is_float, to_dtype

LAST = np.iinfo(np.int64).max
"""The index that any other wins against."""


def lowest(dtype: np.dtype[Any]) -> Any:
    """The identity of max."""
    if is_float(dtype):
        return -np.inf
    return 0 if dtype == np.bool_ else np.iinfo(dtype).min


def highest(dtype: np.dtype[Any]) -> Any:
    """The identity of min."""
    if is_float(dtype):
        return np.inf
    return 1 if dtype == np.bool_ else min(np.iinfo(dtype).max, LAST)


class Reducer(ABC):
    """Holds the partial results of one chunk of spatial axes; `shape` has 1 for reduced axes."""

    @abstractmethod
    def update(self, values: Sequence[Array], extents: Sequence[int], axes: Sequence[int]) -> None:
        """Fold in the values of one chunk of the iteration, reduced over `axes`."""

    @abstractmethod
    def results(self) -> list[Array]:
        """The reduced values, in their element types."""


class SumReducer(Reducer):
    """A sum of products of the values it is given."""

    def __init__(self, dtype: np.dtype[Any], shape: Sequence[int]) -> None:
        self.dtype = dtype
        self.state = np.zeros(shape, np.float64 if is_float(dtype) else np.int64)

    def update(self, values: Sequence[Array], extents: Sequence[int], axes: Sequence[int]) -> None:
        with np.errstate(all="ignore"):
            self.state = self.state + sum_of_products(values, extents, axes)

    def results(self) -> list[Array]:
        return [to_dtype(self.state, self.dtype)]


class UfuncReducer(Reducer):
    """prod, max or min."""

    def __init__(self, name: str, dtype: np.dtype[Any], shape: Sequence[int]) -> None:
        self.dtype = dtype
        self.ufunc, self.identity = {
            "prod": (np.multiply, 1),
            "max": (np.maximum, lowest(dtype)),
            "min": (np.minimum, highest(dtype)),
        }[name]
        self.state = np.full(shape, self.identity, np.float64 if is_float(dtype) else np.int64)

    def update(self, values: Sequence[Array], extents: Sequence[int], axes: Sequence[int]) -> None:
        partial = reduce_axes(self.ufunc, widen(values[0]), extents, axes, self.identity)
        with np.errstate(all="ignore"):
            self.state = self.ufunc(self.state, partial)

    def results(self) -> list[Array]:
        return [to_dtype(self.state, self.dtype)]


class ArgReducer(Reducer):
    """argmax or argmin of (value, index); a NaN wins, then the smallest index of equal values."""

    def __init__(self, name: str, dtypes: Sequence[np.dtype[Any]], shape: Sequence[int]) -> None:
        self.dtypes = dtypes
        self.ufunc = np.maximum if name == "argmax" else np.minimum
        worst = lowest(dtypes[0]) if name == "argmax" else highest(dtypes[0])
        self.identity = worst
        self.value = np.full(shape, worst, np.float64 if is_float(dtypes[0]) else np.int64)
        self.index = np.full(shape, LAST, np.int64)

    def update(self, values: Sequence[Array], extents: Sequence[int], axes: Sequence[int]) -> None:
        value, index = widen(values[0]), widen(values[1])
        best = reduce_axes(self.ufunc, value, extents, axes, self.identity)
        where = np.where(_same(full_rank(value, len(extents)), best), index, LAST)
        first = reduce_axes(np.minimum, where, extents, axes, LAST)
        winner = self.ufunc(self.value, best)
        self.index = np.minimum(
            np.where(_same(self.value, winner), self.index, LAST),
            np.where(_same(best, winner), first, LAST),
        )
        self.value = winner

    def results(self) -> list[Array]:
        return [to_dtype(v, d) for v, d in zip((self.value, self.index), self.dtypes, strict=True)]


def _same(a: Array, b: Array) -> Array:
    return (a == b) | ((a != a) & (b != b))


Combine = Callable[[Sequence[Array]], list[Array]]


@dataclass
class UserReducer(Reducer):
    """A combiner of the user's own, applied in the order of the reduced axes."""

    combine: Combine
    states: list[Array]

    def update(self, values: Sequence[Array], extents: Sequence[int], axes: Sequence[int]) -> None:
        full = [full_rank(value, len(extents)) for value in values]
        for point in np.ndindex(*(extents[a] for a in axes)):
            at = dict(zip(axes, point, strict=True))
            now = [_slice(value, at) for value in full]
            self.states = self.combine([*self.states, *now])

    def results(self) -> list[Array]:
        return self.states


def _slice(value: Array, at: dict[int, int]) -> Array:
    """The value at a point of some axes, which keep the size 1."""
    index = [
        slice(at[a] if s > 1 else 0, (at[a] if s > 1 else 0) + 1) if a in at else slice(None)
        for a, s in enumerate(value.shape)
    ]
    return value[tuple(index)]
