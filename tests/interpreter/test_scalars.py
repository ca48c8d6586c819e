"""arith and math on arrays against Python's unbounded integers, exact fractions and `math`."""

import itertools
import math as python_math
import struct
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    BFloat16Type,
    Builtin,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    Signedness,
    f32,
    i1,
    i8,
    i32,
    i64,
)
from xdsl.parser import Parser

from analysis.errors import UnsupportedError, UserError
from backends.interpreter.scalars import dtype_of, evaluate, type_of

BYTES = [-128, -127, -100, -8, -7, -1, 0, 1, 2, 3, 7, 100, 126, 127]


def parse_op(text: str):
    """The last operation of a text; what it takes comes from `test.op`."""
    context = Context(allow_unregistered=True)
    context.register_dialect("builtin", lambda: Builtin)
    context.register_dialect("arith", lambda: arith.Arith)
    context.register_dialect("math", lambda: math.Math)
    module = Parser(context, text).parse_module()
    return module.body.block.last_op


def binary(name: str, type: str):
    return parse_op(f'%a, %b = "test.op"() : () -> ({type}, {type}) %c = {name} %a, %b : {type}')


def wrap(value: int, bits: int) -> int:
    return (value + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))


def unsign(value: int) -> int:
    return value % 256


def truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


INTEGER = {
    "addi": lambda a, b: a + b,
    "subi": lambda a, b: a - b,
    "muli": lambda a, b: a * b,
    "andi": lambda a, b: a & b,
    "ori": lambda a, b: a | b,
    "xori": lambda a, b: a ^ b,
    "maxsi": max,
    "minsi": min,
    "maxui": lambda a, b: max(unsign(a), unsign(b)),
    "minui": lambda a, b: min(unsign(a), unsign(b)),
}
DIVISION = {
    "divsi": truncated,
    "remsi": lambda a, b: a - b * truncated(a, b),
    "floordivsi": lambda a, b: a // b,
    "ceildivsi": lambda a, b: -(-a // b),
    "divui": lambda a, b: unsign(a) // unsign(b),
    "remui": lambda a, b: unsign(a) % unsign(b),
    "ceildivui": lambda a, b: -(-unsign(a) // unsign(b)),
}
SHIFTS = {
    "shli": lambda a, b: a << b,
    "shrsi": lambda a, b: a >> b,
    "shrui": lambda a, b: unsign(a) >> b,
}


@pytest.mark.parametrize("name", [*INTEGER, *DIVISION, *SHIFTS])
def test_bytes_wrap_like_eight_bits(name):
    pairs = list(itertools.product(BYTES, BYTES))
    if name in DIVISION:
        pairs = [p for p in pairs if p[1] != 0]
    if name in SHIFTS:
        pairs = [(a, b) for a in BYTES for b in range(8)]
    a, b = np.array(pairs, np.int8).T
    found = evaluate(binary(f"arith.{name}", "i8"), [a, b])
    expected = [wrap((INTEGER | DIVISION | SHIFTS)[name](x, y), 8) for x, y in pairs]
    assert found.dtype == np.int8
    assert found.tolist() == expected


def test_division_by_zero_is_an_error():
    with pytest.raises(UserError, match="an integer is divided by zero"):
        evaluate(binary("arith.divsi", "i8"), [np.int8(3), np.int8(0)])


@pytest.mark.parametrize(
    ("predicate", "meaning"),
    [
        ("eq", lambda a, b: a == b),
        ("ne", lambda a, b: a != b),
        ("slt", lambda a, b: a < b),
        ("sle", lambda a, b: a <= b),
        ("sgt", lambda a, b: a > b),
        ("sge", lambda a, b: a >= b),
        ("ult", lambda a, b: unsign(a) < unsign(b)),
        ("ule", lambda a, b: unsign(a) <= unsign(b)),
        ("ugt", lambda a, b: unsign(a) > unsign(b)),
        ("uge", lambda a, b: unsign(a) >= unsign(b)),
    ],
)
def test_integer_comparisons(predicate, meaning):
    pairs = list(itertools.product(BYTES, BYTES))
    a, b = np.array(pairs, np.int8).T
    found = evaluate(binary(f"arith.cmpi {predicate},", "i8"), [a, b])
    assert found.tolist() == [meaning(x, y) for x, y in pairs]


@pytest.mark.parametrize("predicate", ["eq", "gt", "ge", "lt", "le", "ne"])
def test_float_comparisons_differ_on_nan(predicate):
    a = np.array([1, 2, np.nan, 1, np.nan, -0.0], np.float32)
    b = np.array([2, 1, 1, np.nan, np.nan, 0.0], np.float32)
    symbols = {"eq": "==", "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "ne": "!="}

    def ordered(x: float, y: float) -> bool:
        return bool(eval(f"x {symbols[predicate]} y", {"x": x, "y": y}))

    either = [x != x or y != y for x, y in zip(a, b, strict=True)]
    plain = [ordered(x, y) for x, y in zip(a, b, strict=True)]
    found = evaluate(binary(f"arith.cmpf o{predicate},", "f32"), [a, b])
    assert found.tolist() == [p and not n for p, n in zip(plain, either, strict=True)]
    found = evaluate(binary(f"arith.cmpf u{predicate},", "f32"), [a, b])
    assert found.tolist() == [p or n for p, n in zip(plain, either, strict=True)]
    for name, expected in (("ord", [not n for n in either]), ("uno", either)):
        assert evaluate(binary(f"arith.cmpf {name},", "f32"), [a, b]).tolist() == expected
    for name, value in (("true", True), ("false", False)):
        assert evaluate(binary(f"arith.cmpf {name},", "f32"), [a, b]).tolist() == [value] * 6


@pytest.mark.parametrize("name", ["addf", "subf", "mulf", "divf"])
def test_f32_rounds_once(name):
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 200)).astype(np.float32)
    exact = {
        "addf": lambda x, y: x + y,
        "subf": lambda x, y: x - y,
        "mulf": lambda x, y: x * y,
        "divf": lambda x, y: x / y,
    }[name]
    for x, y, found in zip(a, b, evaluate(binary(f"arith.{name}", "f32"), [a, b]), strict=True):
        wanted = exact(Fraction(float(x)), Fraction(float(y)))
        below, above = np.nextafter(found, np.float32([-np.inf, np.inf]))
        error = abs(Fraction(float(found)) - wanted)
        assert error <= abs(Fraction(float(below)) - wanted)
        assert error <= abs(Fraction(float(above)) - wanted)


def test_bf16_keeps_eight_bits():
    one, small = np.array(1, ml_dtypes.bfloat16), np.array(2.0**-9, ml_dtypes.bfloat16)
    assert evaluate(binary("arith.addf", "bf16"), [one, small]) == 1
    assert evaluate(binary("arith.addf", "f32"), [np.float32(1), np.float32(2.0**-9)]) > 1


def test_maximum_and_maxnum_differ_on_nan():
    a, b = np.float32([np.nan, 1]), np.float32([2, 3])
    assert np.isnan(evaluate(binary("arith.maximumf", "f32"), [a, b])).tolist() == [True, False]
    assert evaluate(binary("arith.maxnumf", "f32"), [a, b]).tolist() == [2, 3]
    assert np.isnan(evaluate(binary("arith.minimumf", "f32"), [a, b])).tolist() == [True, False]
    assert evaluate(binary("arith.minnumf", "f32"), [a, b]).tolist() == [2, 1]


UNARY = {
    "exp": python_math.exp,
    "exp2": lambda x: 2.0**x,
    "expm1": python_math.expm1,
    "log": lambda x: python_math.log(abs(x)),
    "log2": lambda x: python_math.log2(abs(x)),
    "log10": lambda x: python_math.log10(abs(x)),
    "log1p": lambda x: python_math.log1p(abs(x)),
    "sqrt": lambda x: python_math.sqrt(abs(x)),
    "rsqrt": lambda x: 1 / python_math.sqrt(abs(x)),
    "tanh": python_math.tanh,
    "erf": python_math.erf,
    "sin": python_math.sin,
    "cos": python_math.cos,
    "tan": python_math.tan,
    "atan": python_math.atan,
    "sinh": python_math.sinh,
    "cosh": python_math.cosh,
    "asinh": python_math.asinh,
    "cbrt": lambda x: python_math.copysign(abs(x) ** (1 / 3), x),
    "absf": abs,
    "floor": python_math.floor,
    "ceil": python_math.ceil,
    "trunc": python_math.trunc,
    "roundeven": round,
    "round": lambda x: python_math.copysign(python_math.floor(abs(x) + 0.5), x),
}
POSITIVE = {"log", "log2", "log10", "log1p", "sqrt", "rsqrt"}


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_of_one_number(name, dtype):
    x = np.array([-3.5, -2.5, -1.25, -0.5, 0.375, 0.5, 1.5, 2.5, 4.0], dtype)
    if name in POSITIVE:
        x = np.abs(x)
    type = "f32" if dtype is np.float32 else "f64"
    op = parse_op(f'%a = "test.op"() : () -> {type} %b = math.{name} %a : {type}')
    found = evaluate(op, [x])
    assert found.dtype == dtype
    rounding = 1e-7 if dtype is np.float32 else 1e-14
    assert found == pytest.approx([UNARY[name](float(v)) for v in x], rel=rounding)


def test_round_does_not_round_the_largest_number_below_a_half_up():
    op = parse_op('%a = "test.op"() : () -> f64 %b = math.round %a : f64')
    assert evaluate(op, [np.float64(0.49999999999999994)]) == 0


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("math.ctpop", lambda x: unsign(x).bit_count()),
        ("math.ctlz", lambda x: 8 - unsign(x).bit_length()),
        ("math.cttz", lambda x: 8 if x == 0 else (x & -x).bit_length() - 1),
        ("math.absi", abs),
    ],
)
def test_bits(name, meaning):
    op = parse_op(f'%a = "test.op"() : () -> i8 %b = {name} %a : i8')
    assert evaluate(op, [np.int8(BYTES)]).tolist() == [wrap(meaning(x), 8) for x in BYTES]


@pytest.mark.parametrize(
    ("name", "source", "target", "value", "expected"),
    [
        ("extsi", "i1", "i32", True, -1),
        ("extui", "i1", "i32", True, 1),
        ("extsi", "i8", "i32", -3, -3),
        ("extui", "i8", "i32", -3, 253),
        ("trunci", "i32", "i8", 300, 44),
        ("trunci", "i32", "i1", 2, False),
        ("sitofp", "i8", "f32", -3, -3.0),
        ("uitofp", "i8", "f32", -3, 253.0),
        ("sitofp", "i64", "f32", 2**24 + 1, 2.0**24),
        ("fptosi", "f32", "i8", -3.9, -3),
        ("fptoui", "f32", "i8", 253.9, -3),
        ("extf", "f32", "f64", 0.1, struct.unpack("f", struct.pack("f", 0.1))[0]),
        ("truncf", "f64", "f32", 0.1, struct.unpack("f", struct.pack("f", 0.1))[0]),
        ("bitcast", "f32", "i32", 1.0, 0x3F800000),
        ("index_cast", "i32", "index", -5, -5),
    ],
)
def test_conversions(name, source, target, value, expected):
    op = parse_op(f'%a = "test.op"() : () -> {source} %b = arith.{name} %a : {source} to {target}')
    found = evaluate(op, [np.array(value, dtype_of(op.operands[0].type))])
    assert found.dtype == dtype_of(op.results[0].type)
    assert found == expected


def test_others():
    op = parse_op('%a = "test.op"() : () -> f32 %b = math.fma %a, %a, %a : f32')
    x = np.float32(1 + 2**-12)
    # x * x needs 25 bits: a product that is rounded first loses the last of them
    assert evaluate(op, [x, x, np.float32(-1)]) == np.float32(2**-11 + 2**-24)
    op = parse_op('%a = "test.op"() : () -> f32 %b = arith.negf %a : f32')
    assert str(evaluate(op, [np.float32(0)])) == "-0.0"
    assert evaluate(binary("math.powf", "f32"), [np.float32(2), np.float32(-3)]) == 0.125
    assert evaluate(binary("math.copysign", "f32"), [np.float32(2), np.float32(-0.0)]) == -2
    assert evaluate(binary("math.atan2", "f32"), [np.float32(-1), np.float32(-1)]) == np.float32(
        -3 * python_math.pi / 4
    )
    op = parse_op('%c, %a = "test.op"() : () -> (i1, f32) %b = arith.select %c, %a, %a : f32')
    chosen = evaluate(op, [np.array([True, False]), np.float32(1), np.float32([[2], [3]])])
    assert chosen.tolist() == [[1, 2], [1, 3]]


def test_constants():
    assert evaluate(parse_op("%a = arith.constant 0.1 : f32"), []) == np.float32(0.1)
    assert evaluate(parse_op("%a = arith.constant true"), []).dtype == np.bool_
    splat = evaluate(parse_op("%a = arith.constant dense<3> : tensor<2x3xi8>"), [])
    assert splat.dtype == np.int8 and splat.tolist() == [[3, 3, 3], [3, 3, 3]]
    listed = evaluate(parse_op("%a = arith.constant dense<[1.5, 2.5]> : tensor<2xbf16>"), [])
    assert listed.dtype == ml_dtypes.bfloat16 and listed.tolist() == [1.5, 2.5]


def test_types_and_back():
    types = [i1, i8, i32, i64, f32, Float16Type(), BFloat16Type(), Float64Type()]
    for type in [*types, IntegerType(8, Signedness.UNSIGNED)]:
        assert type_of(dtype_of(type)) == type
    assert dtype_of(IndexType()) == np.int64
    assert isinstance(type_of(np.dtype(np.float32)), Float32Type)


def test_what_is_not_there():
    with pytest.raises(UnsupportedError, match="no NumPy type for i24"):
        dtype_of(IntegerType(24))
    with pytest.raises(UnsupportedError, match=r"no meaning for builtin\.unregistered"):
        evaluate(parse_op('%a = "other.op"() : () -> f32'), [])
