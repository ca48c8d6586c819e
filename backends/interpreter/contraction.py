"""Reductions of whole arrays: sums of products by matrix multiplication, the others by ufuncs.

Sums and products are formed in doubles, or in integers modulo 2^64, and rounded or wrapped to
the element type once at the end: the result that no order of evaluation is far from.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backends.interpreter.arrays import full_rank
from backends.interpreter.scalars import Array, is_float

EXACT = 2**53
"""Integers of smaller magnitude are exact in a double."""


def widen(value: Any) -> Array:
    """Floats as doubles, integers modulo 2^64."""
    array = np.asarray(value)
    return array.astype(np.float64 if is_float(array.dtype) else np.int64)


def reduce_axes(
    ufunc: np.ufunc, value: Array, extents: Sequence[int], axes: Sequence[int], identity: Any
) -> Array:
    """Reduce `axes`, which keep the size 1, also those that `value` does not depend on."""
    value = full_rank(value, len(extents))
    shape = [extents[a] if a in axes else s for a, s in enumerate(value.shape)]
    whole = np.broadcast_to(value, shape)
    with np.errstate(all="ignore"):
        return ufunc.reduce(whole, axis=tuple(axes), keepdims=True, initial=identity)


def sum_of_products(factors: Sequence[Array], extents: Sequence[int], axes: Sequence[int]) -> Array:
    """The product of the factors, summed over `axes` (which keep the size 1), widened."""
    parts = [widen(full_rank(f, len(extents))) for f in factors]
    if any(extents[a] == 0 for a in axes):
        shape = np.broadcast_shapes(*(p.shape for p in parts))
        return np.zeros([1 if a in axes else s for a, s in enumerate(shape)], parts[0].dtype)
    with np.errstate(all="ignore"):
        while len(parts) > 2:
            parts = _merge_two(parts)
        if len(parts) == 1:
            return reduce_axes(np.add, parts[0], extents, axes, None)
        return _contract(parts[0], parts[1], extents, axes)


def contraction_footprints(factors: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """The axes of the arrays that `sum_of_products` makes of factors with these axes."""
    sets = list(factors)
    while len(sets) > 2:
        i, j = _closest(sets)
        merged = sets[i] | sets[j]
        sets = [s for n, s in enumerate(sets) if n not in (i, j)] + [merged]
    return sets


def _closest(sets: Sequence[frozenset[int]]) -> tuple[int, int]:
    """The two whose union adds the fewest axes to the larger of them."""

    def growth(pair: tuple[int, int]) -> int:
        a, b = sets[pair[0]], sets[pair[1]]
        return len(a | b) - max(len(a), len(b))

    return min(((i, j) for i in range(len(sets)) for j in range(i)), key=growth)


def _axes_of(array: Array) -> frozenset[int]:
    return frozenset(a for a, s in enumerate(array.shape) if s != 1)


def _merge_two(parts: list[Array]) -> list[Array]:
    i, j = _closest([_axes_of(p) for p in parts])
    return [p for n, p in enumerate(parts) if n not in (i, j)] + [parts[i] * parts[j]]


def _contract(a: Array, b: Array, extents: Sequence[int], axes: Sequence[int]) -> Array:
    """Sum `a * b` over `axes`: what only one of them has is summed first, the rest is a matmul."""
    rank = len(extents)
    in_a, in_b = _axes_of(a), _axes_of(b)
    reduced = frozenset(axes)
    repeats = int(np.prod([extents[x] for x in reduced - in_a - in_b], dtype=np.int64))
    a = a.sum(axis=tuple(reduced & in_a - in_b), keepdims=True)
    b = b.sum(axis=tuple(reduced & in_b - in_a), keepdims=True)
    batch = sorted((in_a & in_b) - reduced)
    inner = sorted(in_a & in_b & reduced)
    left = [x for x in range(rank) if x not in in_b and x not in reduced]
    right = sorted(in_b - in_a - reduced)

    def matrix(array: Array, order: Sequence[Sequence[int]]) -> Array:
        rest = [x for x in range(rank) if not any(x in group for group in order)]
        moved = array.transpose([*(x for group in order for x in group), *rest])
        sizes = [int(np.prod([array.shape[x] for x in g], dtype=np.int64)) for g in order]
        return moved.reshape(sizes)

    product = _matmul(matrix(a, (batch, left, inner)), matrix(b, (batch, inner, right)))
    order = [*batch, *left, *right]
    shape = [(b if x in right else a).shape[x] for x in order]
    rest = [x for x in range(rank) if x not in order]
    spread = product.reshape([*shape, *(1 for _ in rest)])
    return spread.transpose(np.argsort([*order, *rest])) * repeats


def _matmul(a: Array, b: Array) -> Array:
    """Matrix products, of integers too: through doubles where these are exact."""
    if a.dtype == np.float64 or a.size == 0 or b.size == 0:
        return a @ b
    bound = _magnitude(a) * _magnitude(b) * a.shape[-1]
    if bound < EXACT:
        return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)
    return a @ b


def _magnitude(array: Array) -> int:
    return max(abs(int(array.max())), abs(int(array.min())))
