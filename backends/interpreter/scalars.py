"""What the operations of arith and math mean, on NumPy arrays of any shape.

An operation works element by element on operands that broadcast. Its result has the NumPy type
of its xDSL type, exactly: f32 rounds as f32, integers wrap, an index is an int64, an i1 a bool.
Functions that no processor rounds correctly (exp, tanh, ...) are computed in doubles and rounded
once, so that a compiled program is compared with the better of the two.
"""

import math as python_math
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    Signedness,
    TensorType,
    UnrankedTensorType,
    VectorType,
)
from xdsl.ir import Attribute, Operation

from analysis.errors import UnsupportedError, UserError

Array = npt.NDArray[Any]
Meaning = Callable[..., Any]

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)

_FLOATS: dict[type[Attribute], np.dtype[Any]] = {
    Float16Type: np.dtype(np.float16),
    BFloat16Type: BFLOAT16,
    Float32Type: np.dtype(np.float32),
    Float64Type: np.dtype(np.float64),
}


def dtype_of(type: Attribute) -> np.dtype[Any]:
    """The NumPy type of a scalar type, or of the elements of a shaped one."""
    if isinstance(type, TensorType | MemRefType | VectorType | UnrankedTensorType):
        return dtype_of(type.element_type)
    if isinstance(type, IndexType):
        return np.dtype(np.int64)
    if isinstance(type, IntegerType) and type.width.data in (1, 8, 16, 32, 64):
        width = type.width.data
        if width == 1:
            return np.dtype(np.bool_)
        unsigned = type.signedness.data is Signedness.UNSIGNED
        return np.dtype(f"{'u' if unsigned else ''}int{width}")
    if (found := _FLOATS.get(type.__class__)) is not None:
        return found
    raise UnsupportedError(f"the interpreter has no NumPy type for {type}")


def type_of(dtype: np.dtype[Any]) -> Attribute:
    """The xDSL type of a NumPy type: the inverse of `dtype_of`, with signless integers."""
    for type, known in _FLOATS.items():
        if dtype == known:
            return type()
    if dtype == np.bool_:
        return IntegerType(1)
    if dtype.kind == "i":
        return IntegerType(dtype.itemsize * 8)
    if dtype.kind == "u":
        return IntegerType(dtype.itemsize * 8, Signedness.UNSIGNED)
    raise UnsupportedError(f"no type of the dialects is NumPy's {dtype}")


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether `dtype` is a floating-point type (NumPy itself does not know bf16 as one)."""
    return dtype.kind == "f" or dtype == BFLOAT16


def to_dtype(array: Any, dtype: np.dtype[Any]) -> Array:
    """Round floats, wrap integers; an i1 keeps the lowest bit."""
    array = np.asarray(array)
    if array.dtype == dtype:
        return array
    if dtype == np.bool_ and not is_float(array.dtype):
        return (array & 1).astype(np.bool_)
    with np.errstate(all="ignore"):
        return array.astype(dtype)


def constant(attribute: Attribute) -> Array:
    """The array of a constant: of rank 0 for a number, of the tensor's shape for a tensor."""
    if isinstance(attribute, DenseIntOrFPElementsAttr):
        values = np.array(attribute.get_values())
        shape = attribute.get_shape()
        typed = to_dtype(values, dtype_of(attribute.get_type()))
        if attribute.is_splat():
            return np.full(shape, typed.reshape(-1)[0])
        return typed.reshape(shape)
    if isinstance(attribute, FloatAttr):
        return to_dtype(attribute.value.data, dtype_of(attribute.type))
    if isinstance(attribute, IntegerAttr):
        return to_dtype(np.int64(attribute.value.data), dtype_of(attribute.type))
    raise UnsupportedError(f"the interpreter has no meaning for the constant {attribute}")


def evaluate(op: Operation, operands: Sequence[Array]) -> Array:
    """The result of one arith or math operation."""
    if isinstance(op, arith.ConstantOp):
        return constant(op.value)
    meaning = MEANINGS.get(op.__class__)
    if meaning is None:
        raise UnsupportedError(f"the interpreter has no meaning for {op.name}")
    with np.errstate(all="ignore"):
        if op.__class__ in _TYPED:
            return to_dtype(meaning(op, *operands), dtype_of(op.results[0].type))
        return to_dtype(meaning(*operands), dtype_of(op.results[0].type))


def has_meaning(op: Operation) -> bool:
    """Whether `evaluate` knows the operation."""
    return isinstance(op, arith.ConstantOp) or op.__class__ in MEANINGS


def signed(array: Array) -> Array:
    """Integers as signed ones: a true i1 is -1."""
    if array.dtype == np.bool_:
        return -array.astype(np.int8)
    return array.view(f"int{array.dtype.itemsize * 8}")


def unsigned(array: Array) -> Array:
    """Integers as unsigned ones."""
    if array.dtype == np.bool_:
        return array.astype(np.uint8)
    return array.view(f"uint{array.dtype.itemsize * 8}")


def _on_signed(function: Meaning) -> Meaning:
    return lambda *operands: function(*(signed(np.asarray(o)) for o in operands))


def _on_unsigned(function: Meaning) -> Meaning:
    return lambda *operands: function(*(unsigned(np.asarray(o)) for o in operands))


def _in_doubles(function: Meaning) -> Meaning:
    return lambda *operands: function(*(np.asarray(o).astype(np.float64) for o in operands))


def _refuse_zero(divisor: Array) -> None:
    if np.any(divisor == 0):
        raise UserError("an integer is divided by zero")


def _floor_divide(a: Array, b: Array) -> Array:
    _refuse_zero(b)
    return np.floor_divide(a, b)


def _ceil_divide(a: Array, b: Array) -> Array:
    floor = _floor_divide(a, b)
    return floor + (floor * b != a)


def _truncating_divide(a: Array, b: Array) -> Array:
    floor = _floor_divide(a, b)
    return floor + ((floor * b != a) & ((a < 0) != (b < 0)))


def _remainder(a: Array, b: Array) -> Array:
    _refuse_zero(b)
    return np.fmod(a, b)


def _round_half_away(x: Array) -> Array:
    whole = np.trunc(x)
    return np.where(np.abs(x - whole) >= 0.5, whole + np.sign(x), whole)


def _erf(x: Array) -> Array:
    return np.asarray(np.frompyfunc(python_math.erf, 1, 1)(x), np.float64)


def _fused_multiply_add(a: Array, b: Array, c: Array) -> Array:
    wide = np.longdouble if a.dtype == np.float64 else np.float64
    return a.astype(wide) * b.astype(wide) + c.astype(wide)


def _width(array: Array) -> int:
    return 1 if array.dtype == np.bool_ else array.dtype.itemsize * 8


def _trailing_zeros(x: Array) -> Array:
    bits = unsigned(x)
    return np.where(bits == 0, _width(x), np.bitwise_count((bits & (~bits + 1)) - 1))


def _leading_zeros(x: Array) -> Array:
    bits = unsigned(x)
    for shift in (1, 2, 4, 8, 16, 32):
        if shift < _width(x):
            bits = bits | (bits >> shift)
    return _width(x) - np.bitwise_count(bits)


INTEGER_COMPARISONS: tuple[Meaning, ...] = (
    np.equal,
    np.not_equal,
    *(_on_signed(f) for f in (np.less, np.less_equal, np.greater, np.greater_equal)),
    *(_on_unsigned(f) for f in (np.less, np.less_equal, np.greater, np.greater_equal)),
)
"""In the order of the predicates of arith.cmpi: eq ne slt sle sgt sge ult ule ugt uge."""

_ORDERED: tuple[Meaning, ...] = (
    np.equal,
    np.greater,
    np.greater_equal,
    np.less,
    np.less_equal,
    np.not_equal,
)


def _compare_integers(op: Operation, a: Array, b: Array) -> Array:
    assert isinstance(op, arith.CmpiOp)
    return INTEGER_COMPARISONS[op.predicate.value.data](a, b)


def _compare_floats(op: Operation, a: Array, b: Array) -> Array:
    """False, the six ordered comparisons, ord; the six unordered ones, uno, true."""
    assert isinstance(op, arith.CmpfOp)
    predicate = op.predicate.value.data
    unordered = np.isnan(a) | np.isnan(b)
    if predicate in (0, 15):
        return np.full(unordered.shape, predicate == 15)
    if predicate in (7, 14):
        return unordered if predicate == 14 else ~unordered
    if predicate < 7:
        return _ORDERED[predicate - 1](a, b) & ~unordered
    return _ORDERED[predicate - 8](a, b) | unordered


def _bitcast(op: Operation, a: Array) -> Array:
    return np.asarray(a).view(dtype_of(op.results[0].type))


def _to_unsigned(op: Operation, a: Array) -> Array:
    width = dtype_of(op.results[0].type).itemsize * 8
    return np.asarray(a).astype(np.float64).astype(f"uint{width}")


MEANINGS: dict[type[Operation], Meaning] = {
    arith.AddfOp: np.add,
    arith.SubfOp: np.subtract,
    arith.MulfOp: np.multiply,
    arith.DivfOp: np.divide,
    arith.NegfOp: np.negative,
    arith.MaximumfOp: np.maximum,
    arith.MinimumfOp: np.minimum,
    arith.MaxnumfOp: np.fmax,
    arith.MinnumfOp: np.fmin,
    arith.CmpfOp: _compare_floats,
    arith.CmpiOp: _compare_integers,
    arith.SelectOp: np.where,
    arith.AddiOp: _on_signed(np.add),
    arith.SubiOp: _on_signed(np.subtract),
    arith.MuliOp: _on_signed(np.multiply),
    arith.DivSIOp: _on_signed(_truncating_divide),
    arith.DivUIOp: _on_unsigned(_floor_divide),
    arith.RemSIOp: _on_signed(_remainder),
    arith.RemUIOp: _on_unsigned(_remainder),
    arith.FloorDivSIOp: _on_signed(_floor_divide),
    arith.CeilDivSIOp: _on_signed(_ceil_divide),
    arith.CeilDivUIOp: _on_unsigned(_ceil_divide),
    arith.ShLIOp: _on_unsigned(np.left_shift),
    arith.ShRSIOp: _on_signed(np.right_shift),
    arith.ShRUIOp: _on_unsigned(np.right_shift),
    arith.AndIOp: np.bitwise_and,
    arith.OrIOp: np.bitwise_or,
    arith.XOrIOp: np.bitwise_xor,
    arith.MaxSIOp: _on_signed(np.maximum),
    arith.MinSIOp: _on_signed(np.minimum),
    arith.MaxUIOp: _on_unsigned(np.maximum),
    arith.MinUIOp: _on_unsigned(np.minimum),
    arith.ExtFOp: np.asarray,
    arith.TruncFOp: np.asarray,
    arith.ExtSIOp: _on_signed(np.asarray),
    arith.ExtUIOp: _on_unsigned(np.asarray),
    arith.TruncIOp: np.asarray,
    arith.IndexCastOp: _on_signed(np.asarray),
    arith.SIToFPOp: _on_signed(np.asarray),
    arith.UIToFPOp: _on_unsigned(np.asarray),
    arith.FPToSIOp: np.trunc,
    arith.FPToUIOp: _to_unsigned,
    arith.BitcastOp: _bitcast,
    math.AbsFOp: np.abs,
    math.AbsIOp: _on_signed(np.abs),
    math.AcosOp: _in_doubles(np.arccos),
    math.AcoshOp: _in_doubles(np.arccosh),
    math.AsinOp: _in_doubles(np.arcsin),
    math.AsinhOp: _in_doubles(np.arcsinh),
    math.Atan2Op: _in_doubles(np.arctan2),
    math.AtanOp: _in_doubles(np.arctan),
    math.AtanhOp: _in_doubles(np.arctanh),
    math.CbrtOp: _in_doubles(np.cbrt),
    math.CeilOp: np.ceil,
    math.CopySignOp: np.copysign,
    math.CosOp: _in_doubles(np.cos),
    math.CoshOp: _in_doubles(np.cosh),
    math.CountLeadingZerosOp: _leading_zeros,
    math.CountTrailingZerosOp: _trailing_zeros,
    math.CtPopOp: _on_unsigned(np.bitwise_count),
    math.ErfOp: _in_doubles(_erf),
    math.Exp2Op: _in_doubles(np.exp2),
    math.ExpM1Op: _in_doubles(np.expm1),
    math.ExpOp: _in_doubles(np.exp),
    math.FPowIOp: _in_doubles(np.power),
    math.FloorOp: np.floor,
    math.FmaOp: _fused_multiply_add,
    math.Log10Op: _in_doubles(np.log10),
    math.Log1pOp: _in_doubles(np.log1p),
    math.Log2Op: _in_doubles(np.log2),
    math.LogOp: _in_doubles(np.log),
    math.PowFOp: _in_doubles(np.power),
    math.RoundEvenOp: np.rint,
    math.RoundOp: _round_half_away,
    math.RsqrtOp: _in_doubles(lambda x: 1 / np.sqrt(x)),
    math.SinOp: _in_doubles(np.sin),
    math.SinhOp: _in_doubles(np.sinh),
    math.SqrtOp: np.sqrt,
    math.TanOp: _in_doubles(np.tan),
    math.TanhOp: _in_doubles(np.tanh),
    math.TruncOp: np.trunc,
}
"""The function of each operation; it takes the operands, in order."""

_TYPED = (arith.CmpfOp, arith.CmpiOp, arith.BitcastOp, arith.FPToUIOp)
"""Operations whose function takes the operation itself first, for its predicate or type."""
