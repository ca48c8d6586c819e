"""Arrays: NumPy's, aligned as kernels read them fastest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from dovetail.runtime.buffers import Array, aligned_empty
from dovetail.runtime.graph_module import CPU, Context, check_context


def empty(shape: Sequence[int], dtype: DTypeLike = "float32", ctx: Context = CPU) -> Array:
    """An array of any content."""
    check_context(ctx)
    return aligned_empty(tuple(shape), np.dtype(dtype))


def array(data: ArrayLike, dtype: DTypeLike | None = None, ctx: Context = CPU) -> Array:
    """An array with the content of `data`."""
    source = np.asarray(data, dtype)
    result = empty(source.shape, source.dtype, ctx)
    np.copyto(result, source)
    return result
