"""Element types of tensors as NumPy knows them.

Signless integers are signed, `ui8` and its like are unsigned, `i1` is bool. bfloat16 comes from
ml_dtypes, which NumPy then treats like its own types.
"""

from typing import cast

import ml_dtypes
import numpy as np
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    Signedness,
    TensorType,
)
from xdsl.ir import Attribute

from analysis.errors import UnsupportedError

FLOATS: tuple[tuple[type[Attribute], np.dtype], ...] = (
    (Float32Type, np.dtype(np.float32)),
    (Float64Type, np.dtype(np.float64)),
    (Float16Type, np.dtype(np.float16)),
    (BFloat16Type, np.dtype(ml_dtypes.bfloat16)),
)
AnyInteger = IntegerType[int, Signedness]
WIDTHS = (8, 16, 32, 64)


def dtype_of(element: Attribute) -> np.dtype:
    """The NumPy type of a builtin element type; `UnsupportedError` if it has none."""
    for cls, dtype in FLOATS:
        if isinstance(element, cls):
            return dtype
    if isinstance(element, IntegerType):
        element = cast(AnyInteger, element)
        width, unsigned = element.width.data, element.signedness.data == Signedness.UNSIGNED
        if width == 1:
            return np.dtype(np.bool_)
        if width in WIDTHS:
            return np.dtype(f"{'u' if unsigned else ''}int{width}")
    raise UnsupportedError(f"elements of type {element} have no NumPy type")


def element_of(dtype: np.dtype) -> Attribute:
    """The builtin element type of a NumPy type; `UnsupportedError` if it has none."""
    for cls, known in FLOATS:
        if dtype == known:
            return cls()
    if dtype == np.bool_:
        return IntegerType(1)
    if dtype.kind in "iu" and 8 * dtype.itemsize in WIDTHS:
        signedness = Signedness.UNSIGNED if dtype.kind == "u" else Signedness.SIGNLESS
        return IntegerType(8 * dtype.itemsize, signedness)
    raise UnsupportedError(f"tensors of {dtype} have no type here")


def is_float(element: Attribute) -> bool:
    return isinstance(element, tuple(cls for cls, _ in FLOATS))


def is_bool(element: Attribute) -> bool:
    return isinstance(element, IntegerType) and cast(AnyInteger, element).width.data == 1


def array_type(array: np.ndarray) -> TensorType[Attribute]:
    """The tensor type of an array."""
    return TensorType(element_of(array.dtype), array.shape)
