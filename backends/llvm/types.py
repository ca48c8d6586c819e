"""The LLVM types of element types, as values and in memory."""

import struct

from llvmlite import ir
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
)
from xdsl.ir import Attribute

from analysis.errors import UnsupportedError

I1 = ir.IntType(1)
I8 = ir.IntType(8)
I32 = ir.IntType(32)
I64 = ir.IntType(64)
POINTER = ir.PointerType()


class BFloatType(ir.Type):
    """The upper half of a single, which llvmlite has no type for."""

    null = "0.0"

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BFloatType)

    def __hash__(self) -> int:
        return hash(BFloatType)

    def format_constant(self, value: float) -> str:
        """The bits of a number, rounded to the nearest, ties to even."""
        bits = int.from_bytes(struct.pack("<f", value), "little")
        if value != value:
            return "0xR7FC0"
        return f"0xR{(bits + 0x7FFF + (bits >> 16 & 1)) >> 16:04X}"


def value_type(type: Attribute) -> ir.Type:
    """The type of a scalar in a register."""
    match type:
        case BFloat16Type():
            return BFloatType()
        case Float32Type():
            return ir.FloatType()
        case Float64Type():
            return ir.DoubleType()
        case Float16Type():
            return ir.HalfType()
        case IndexType():
            return I64
        case IntegerType():
            return ir.IntType(type.width.data)
        case _:
            raise UnsupportedError(
                f"llvm: no machine type for {type}; there are bf16, f16, f32, f64, index, integers"
            )


def memory_type(type: Attribute) -> ir.Type:
    """The type of an element in memory: a truth value takes a byte."""
    if isinstance(type, IntegerType) and type.width.data == 1:
        return I8
    return value_type(type)


def byte_size(type: Attribute) -> int:
    """The bytes of an element in memory."""
    match type:
        case IntegerType():
            return max(8, type.width.data) // 8
        case BFloat16Type() | Float16Type():
            return 2
        case Float32Type():
            return 4
        case _:
            return 8


def lanes(type: ir.Type) -> int | None:
    """The number of lanes of a vector type, None for a scalar."""
    return type.count if isinstance(type, ir.VectorType) else None


def scalar_type(type: ir.Type) -> ir.Type:
    """The type of a lane of a vector type, or the type itself."""
    return type.element if isinstance(type, ir.VectorType) else type


def widened(type: ir.Type, count: int | None) -> ir.Type:
    """The vector of `count` scalars of a type, or the type itself."""
    return type if count is None else ir.VectorType(type, count)


def splat(builder: ir.IRBuilder, value: ir.Value, count: int | None) -> ir.Value:
    """The vector that holds a scalar in every lane; a vector or a scalar context as it is."""
    if count is None or isinstance(value.type, ir.VectorType):
        return value
    vector = ir.VectorType(value.type, count)
    if isinstance(value, ir.Constant):
        return ir.Constant(vector, [value] * count)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(I32, 0))
    mask = ir.Constant(ir.VectorType(I32, count), [0] * count)
    return builder.shuffle_vector(first, undefined, mask)
