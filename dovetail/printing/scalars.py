"""Operations of arith and math as infix text and calls.

Whatever is in no table is a call by the last part of its name: `math.exp` is `exp(x)`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    i1,
)
from xdsl.ir import Attribute, Operation

from dovetail.printing.expressions import (
    AND,
    BIT_AND,
    BIT_OR,
    BIT_XOR,
    COMPARISON,
    NOT,
    OR,
    PRODUCT,
    SHIFT,
    SIGN,
    SUM,
    Expression,
    atom,
    binary,
    call,
    choice,
)

Writer = Callable[[Operation, Sequence[Expression]], Expression]

INFIX: dict[type[Operation], tuple[str, int]] = {
    arith.AddfOp: ("+", SUM),
    arith.AddiOp: ("+", SUM),
    arith.SubfOp: ("-", SUM),
    arith.SubiOp: ("-", SUM),
    arith.MulfOp: ("*", PRODUCT),
    arith.MuliOp: ("*", PRODUCT),
    arith.DivfOp: ("/", PRODUCT),
    arith.FloorDivSIOp: ("//", PRODUCT),
    arith.ShLIOp: ("<<", SHIFT),
    arith.ShRSIOp: (">>", SHIFT),
}

BITS: dict[type[Operation], tuple[str, int, str, int]] = {
    arith.AndIOp: ("&", BIT_AND, "and", AND),
    arith.OrIOp: ("|", BIT_OR, "or", OR),
    arith.XOrIOp: ("^", BIT_XOR, "!=", COMPARISON),
}
"""On integers, and on truth values."""

CALLS: dict[type[Operation], str] = {
    arith.MaximumfOp: "max",
    arith.MinimumfOp: "min",
    arith.MaxSIOp: "max",
    arith.MinSIOp: "min",
    arith.MaxUIOp: "umax",
    arith.MinUIOp: "umin",
    arith.MaxnumfOp: "fmax",
    arith.MinnumfOp: "fmin",
    arith.DivSIOp: "div",
    arith.DivUIOp: "udiv",
    arith.RemSIOp: "rem",
    arith.RemUIOp: "urem",
    arith.CeilDivSIOp: "ceil_div",
    arith.CeilDivUIOp: "uceil_div",
    arith.ShRUIOp: "logical_shift_right",
    math.AbsFOp: "abs",
    math.AbsIOp: "abs",
    math.CopySignOp: "copysign",
    math.CtPopOp: "count_ones",
    math.CountLeadingZerosOp: "count_leading_zeros",
    math.CountTrailingZerosOp: "count_trailing_zeros",
    math.PowFOp: "pow",
    math.FPowIOp: "pow",
    math.RoundOp: "round_away",
    math.RoundEvenOp: "round",
}

CASTS: dict[type[Operation], str] = {
    arith.ExtFOp: "",
    arith.TruncFOp: "",
    arith.TruncIOp: "",
    arith.FPToSIOp: "",
    arith.ExtSIOp: "signed",
    arith.SIToFPOp: "signed",
    arith.ExtUIOp: "unsigned",
    arith.UIToFPOp: "unsigned",
    arith.FPToUIOp: "unsigned",
}
"""Casts to the type of the result, and as what they take integers that need saying."""

INTEGER_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "ult", "ule", "ugt", "uge")
FLOAT_COMPARISONS = ("==", ">", ">=", "<", "<=")
FLOAT_NEGATIONS = ("<=", "<", ">=", ">")
"""For the unordered comparisons ugt, uge, ult, ule: the ordered ones they are the negations of."""

SHORTEST: dict[type[Attribute], type[np.floating[Any]]] = {
    Float16Type: np.float16,
    Float32Type: np.float32,
}


def constant(value: Attribute) -> Expression:
    """A number with the digits that its type needs; a whole one without a point."""
    if isinstance(value, IntegerAttr):
        number = value.value.data
        text = str(bool(number)) if value.type == i1 else str(number)
    elif isinstance(value, FloatAttr):
        real = value.value.data
        if isinstance(value.type, BFloat16Type):
            text = f"{real:.4g}"
        else:
            text = repr(SHORTEST.get(type(value.type), np.float64)(real).item())
            short = str(SHORTEST.get(type(value.type), np.float64)(real))
            text = short if float(short) == real or type(value.type) in SHORTEST else text
        text = text.removesuffix(".0") if text != "-0.0" else text
    else:
        text = str(value)
    return Expression(text, SIGN) if text.startswith("-") else atom(text)


def compare_integers(op: Operation, operands: Sequence[Expression]) -> Expression:
    assert isinstance(op, arith.CmpiOp)
    word = INTEGER_COMPARISONS[op.predicate.value.data]
    if word.isalpha():
        return call(word, *operands)
    return comparison(word, *operands)


def comparison(symbol: str, left: Expression, right: Expression) -> Expression:
    """A comparison, whose operands are no comparisons themselves."""
    text = f"{left.inside(COMPARISON + 1)} {symbol} {right.inside(COMPARISON + 1)}"
    return Expression(text, COMPARISON, left.reads or right.reads)


def negation(of: Expression) -> Expression:
    return Expression(f"not {of.inside(NOT)}", NOT, of.reads)


def compare_floats(op: Operation, operands: Sequence[Expression]) -> Expression:
    """In the order of the predicates: false, six ordered, ord, six unordered, uno, true."""
    assert isinstance(op, arith.CmpfOp)
    predicate = op.predicate.value.data
    if 1 <= predicate <= 5:
        return comparison(FLOAT_COMPARISONS[predicate - 1], *operands)
    if 9 <= predicate <= 12:
        return negation(comparison(FLOAT_NEGATIONS[predicate - 9], *operands))
    words = {6: "one", 7: "ordered", 8: "ueq", 14: "unordered"}
    if predicate == 13:
        return comparison("!=", *operands)
    if predicate in words:
        return call(words[predicate], *operands)
    return atom(str(predicate == 15))


def cast(op: Operation, operands: Sequence[Expression]) -> Expression:
    """`f32(x)`; how the bits of an integer are understood is said where it matters."""
    source, kind = op.operands[0].type, CASTS[type(op)]
    is_default = "unsigned" if source == i1 else "signed"
    value = operands[0]
    if kind not in ("", is_default) and isinstance(source, IntegerType):
        value = call(kind, value)
    if isinstance(op, arith.FPToUIOp):
        return call(f"u{op.results[0].type}", value)
    return call(str(op.results[0].type), value)


def negative(op: Operation, operands: Sequence[Expression]) -> Expression:
    (value,) = operands
    return Expression(f"-{value.inside(SIGN)}", SIGN, value.reads)


SPECIAL: dict[type[Operation], Writer] = {
    arith.CmpiOp: compare_integers,
    arith.CmpfOp: compare_floats,
    arith.NegfOp: negative,
    arith.SelectOp: lambda op, operands: choice(*operands),
    arith.IndexCastOp: lambda op, operands: operands[0],
    arith.BitcastOp: lambda op, operands: call("bitcast", operands[0], str(op.results[0].type)),
    **dict.fromkeys(CASTS, cast),
}


def scalar(op: Operation, operands: Sequence[Expression]) -> Expression:
    """The value of an operation on scalars."""
    kind = type(op)
    if isinstance(op, arith.ConstantOp):
        return constant(op.value)
    if kind in INFIX:
        return binary(*INFIX[kind], *operands)
    if kind in BITS:
        symbol, level, word, truth = BITS[kind]
        if op.results[0].type != i1:
            return binary(symbol, level, *operands)
        if word == "!=":
            return comparison(word, *operands)
        return binary(word, truth, *operands)
    if kind in SPECIAL:
        return SPECIAL[kind](op, operands)
    return call(CALLS.get(kind, op.name.rpartition(".")[2]), *operands)
