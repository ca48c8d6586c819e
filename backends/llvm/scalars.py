"""How arith and math operations become LLVM instructions, on scalars and on vectors alike.

Each entry gets the builder, the operation and its operands, all of the same number of lanes.
"""

from collections.abc import Callable, Sequence

from llvmlite import ir
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import Operation

from analysis.errors import UnsupportedError
from backends.llvm.types import BFloatType, lanes, scalar_type, splat, value_type, widened

Emit = Callable[[ir.IRBuilder, Operation, Sequence[ir.Value]], ir.Value]


def constant(op: arith.ConstantOp) -> ir.Constant:
    """The value of an arith.constant of a scalar type."""
    assert isinstance(op.value, FloatAttr | IntegerAttr), f"{op.value} is no scalar"
    value = op.value.value.data
    return ir.Constant(value_type(op.result.type), value)


def call(builder: ir.IRBuilder, name: str, args: Sequence[ir.Value]) -> ir.Value:
    """Call the LLVM intrinsic `llvm.<name>` on operands of one type."""
    type = args[0].type
    suffix = intrinsic_suffix(type)
    return call_function(builder, f"llvm.{name}.{suffix}", type, args)


def intrinsic_suffix(type: ir.Type) -> str:
    """How LLVM's intrinsic names spell a type: `v16f32`, `i64`."""
    count = lanes(type)
    element = scalar_type(type)
    names = {"float": "f32", "double": "f64", "half": "f16", "bfloat": "bf16"}
    text = names.get(str(element), str(element))
    return text if count is None else f"v{count}{text}"


def call_function(
    builder: ir.IRBuilder, name: str, result: ir.Type, args: Sequence[ir.Value]
) -> ir.Value:
    """Call a function of that name, declaring it if it is not there yet."""
    module = builder.function.module
    callee = module.globals.get(name)
    if callee is None:
        callee = ir.Function(module, ir.FunctionType(result, [a.type for a in args]), name)
    return builder.call(callee, args)


def binary(method: str) -> Emit:
    """An instruction of two operands; fast-math flags are kept.

    But for `reassoc`: it records that a schedule chose another order, which is the one to run.
    """

    def emit(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
        given = getattr(op, "fastmath", None)
        flags = [] if given is None else [f.value for f in given.data if f.value != "reassoc"]
        return getattr(builder, method)(*args, **({"flags": flags} if flags else {}))

    return emit


def intrinsic(name: str, *extra: ir.Constant) -> Emit:
    """A call of an LLVM intrinsic on all operands, then constants."""

    def emit(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
        if not extra:
            return call(builder, name, args)
        type = args[0].type
        full = f"llvm.{name}.{intrinsic_suffix(type)}"
        return call_function(builder, full, type, [*args, *extra])

    return emit


def library(name: str) -> Emit:
    """A call of the C library for each lane: `name` for doubles, `name`f for floats."""

    def emit(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
        type = args[0].type
        count = lanes(type)
        element = type.element if isinstance(type, ir.VectorType) else type
        full = name + ("f" if isinstance(element, ir.FloatType) else "")
        if count is None:
            return call_function(builder, full, type, args)
        result: ir.Value = ir.Constant(type, ir.Undefined)
        for lane in range(count):
            index = ir.Constant(ir.IntType(32), lane)
            scalars = [builder.extract_element(a, index) for a in args]
            value = call_function(builder, full, element, scalars)
            result = builder.insert_element(result, value, index)
        return result

    return emit


def conversion(method: str) -> Emit:
    """A cast to the operation's result type."""

    def emit(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
        target = widened(value_type(op.results[0].type), lanes(args[0].type))
        return getattr(builder, method)(args[0], target)

    return emit


def integer_to_float(method: str) -> Emit:
    """A number of an integer; to bfloat through single."""

    def emit(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
        target, count = value_type(op.results[0].type), lanes(args[0].type)
        if not isinstance(target, BFloatType):
            return getattr(builder, method)(args[0], widened(target, count))
        return to_bfloat(builder, getattr(builder, method)(args[0], widened(ir.FloatType(), count)))

    return emit


def to_bfloat(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Singles rounded to the nearest bfloat, ties to even.

    In integers, because what LLVM would call is not everywhere. A sum with half of the last bit
    that is kept, a little less where that bit is even, carries where the number is rounded up.
    """
    count = lanes(value.type)
    wide, narrow = widened(ir.IntType(32), count), widened(ir.IntType(16), count)
    bits = builder.bitcast(value, wide)
    last = builder.and_(builder.lshr(bits, filled(wide, 16)), filled(wide, 1))
    rounded = builder.add(bits, builder.add(last, filled(wide, 0x7FFF)))
    quiet = builder.or_(bits, filled(wide, 0x400000))
    kept = builder.select(builder.fcmp_unordered("uno", value, value), quiet, rounded)
    upper = builder.trunc(builder.lshr(kept, filled(wide, 16)), narrow)
    return builder.bitcast(upper, widened(BFloatType(), count))


def truncate_float(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
    """A float of fewer bits; from double to 16 bits through single, rounded to odd in between.

    Processors have no instruction for the direct way, and what LLVM would call is not everywhere.
    Rounded to odd (Boldo and Melquiond 2008, "Emulation of FMA and correctly rounded sums"), a
    single keeps what decides how the rest is rounded.
    """
    (value,) = args
    target = value_type(op.results[0].type)

    def narrow(value: ir.Value) -> ir.Value:
        if isinstance(target, BFloatType):
            return to_bfloat(builder, value)
        return builder.fptrunc(value, widened(target, lanes(value.type)))

    count = lanes(value.type)
    if not isinstance(scalar_type(value.type), ir.DoubleType):
        return narrow(value)
    if not isinstance(target, BFloatType | ir.HalfType):
        return builder.fptrunc(value, widened(target, count))
    single, integer = widened(ir.FloatType(), count), widened(ir.IntType(32), count)
    nearest = builder.fptrunc(value, single)
    back = builder.fpext(nearest, value.type)
    bits = builder.bitcast(nearest, integer)
    even = builder.icmp_unsigned("==", builder.and_(bits, filled(integer, 1)), filled(integer, 0))
    inexact = builder.and_(even, builder.fcmp_ordered("!=", back, value))
    below = builder.fcmp_ordered("<", call(builder, "fabs", [back]), call(builder, "fabs", [value]))
    step = builder.select(below, filled(integer, 1), filled(integer, -1))
    odd = builder.select(inexact, builder.add(bits, step), bits)
    return narrow(builder.bitcast(odd, single))


def index_cast(signed: bool) -> Emit:
    """A change of width between an integer and index, in the direction that it needs."""

    def emit(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
        scalar = value_type(op.results[0].type)
        assert isinstance(scalar, ir.IntType)
        source = args[0].type
        element = source.element if isinstance(source, ir.VectorType) else source
        assert isinstance(element, ir.IntType)
        width = element.width
        if scalar.width == width:
            return args[0]
        target = widened(scalar, lanes(source))
        if scalar.width < width:
            return builder.trunc(args[0], target)
        return builder.sext(args[0], target) if signed else builder.zext(args[0], target)

    return emit


_FLOAT_ORDERED = {1: "==", 2: ">", 3: ">=", 4: "<", 5: "<=", 6: "!=", 7: "ord"}
_FLOAT_UNORDERED = {8: "==", 9: ">", 10: ">=", 11: "<", 12: "<=", 13: "!=", 14: "uno"}
_INTEGER = {0: "==", 1: "!=", 2: "<", 3: "<=", 4: ">", 5: ">=", 6: "<", 7: "<=", 8: ">", 9: ">="}


def compare_floats(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
    assert isinstance(op, arith.CmpfOp)
    code = int(op.predicate.value.data)
    if code in _FLOAT_ORDERED:
        return builder.fcmp_ordered(_FLOAT_ORDERED[code], args[0], args[1])
    if code in _FLOAT_UNORDERED:
        return builder.fcmp_unordered(_FLOAT_UNORDERED[code], args[0], args[1])
    return filled(widened(ir.IntType(1), lanes(args[0].type)), int(code == 15))


def compare_integers(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
    assert isinstance(op, arith.CmpiOp)
    code = int(op.predicate.value.data)
    compare = builder.icmp_unsigned if code > 5 else builder.icmp_signed
    return compare(_INTEGER[code], args[0], args[1])


def reciprocal_root(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
    root = call(builder, "sqrt", args)
    return builder.fdiv(filled(root.type, 1.0), root)


def filled(type: ir.Type, value: float) -> ir.Constant:
    """A constant, the same in every lane."""
    if not isinstance(type, ir.VectorType):
        return ir.Constant(type, value)
    return ir.Constant(type, [ir.Constant(type.element, value)] * type.count)


def divisor(builder: ir.IRBuilder, left: ir.Value, right: ir.Value, signed: bool) -> ir.Value:
    """What an integer division divides by: 1 where the processor would trap.

    It traps at zero, which is also what the lanes beyond the end of an array hold, and where the
    quotient of the smallest number and -1 overflows (which wraps around to the smallest number).
    """
    type = right.type
    element = type.element if isinstance(type, ir.VectorType) else type
    assert isinstance(element, ir.IntType)
    one = filled(type, 1)
    traps = builder.icmp_unsigned("==", right, filled(type, 0))
    if signed:
        smallest = filled(left.type, -(1 << (element.width - 1)))
        overflows = builder.and_(
            builder.icmp_unsigned("==", left, smallest),
            builder.icmp_unsigned("==", right, filled(type, -1)),
        )
        traps = builder.or_(traps, overflows)
    return builder.select(traps, one, right)


def division(method: str, signed: bool) -> Emit:
    """An integer division or remainder that never traps."""

    def emit(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
        return getattr(builder, method)(args[0], divisor(builder, *args, signed=signed))

    return emit


def floor_division(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
    return rounded_division(builder, args, up=False)


def ceil_division(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
    return rounded_division(builder, args, up=True)


def rounded_division(builder: ir.IRBuilder, args: Sequence[ir.Value], up: bool) -> ir.Value:
    """Signed division that rounds down or up: the truncated quotient, corrected by one."""
    left, right = args[0], divisor(builder, args[0], args[1], signed=True)
    quotient = builder.sdiv(left, right)
    rest = builder.srem(left, right)
    zero = ir.Constant(left.type, None)
    inexact = builder.icmp_signed("!=", rest, zero)
    signs = builder.xor(left, right)
    wrong = builder.icmp_signed(">=" if up else "<", signs, zero)
    step = builder.zext(builder.and_(inexact, wrong), left.type)
    return builder.add(quotient, step) if up else builder.sub(quotient, step)


def select(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
    return builder.select(args[0], args[1], args[2])


def negate(builder: ir.IRBuilder, op: Operation, args: Sequence[ir.Value]) -> ir.Value:
    return builder.fneg(args[0])


_FALSE = ir.Constant(ir.IntType(1), 0)

TABLE: dict[type[Operation], Emit] = {
    arith.AddfOp: binary("fadd"),
    arith.AddiOp: binary("add"),
    arith.AndIOp: binary("and_"),
    arith.BitcastOp: conversion("bitcast"),
    arith.CeilDivSIOp: ceil_division,
    arith.CmpfOp: compare_floats,
    arith.CmpiOp: compare_integers,
    arith.DivfOp: binary("fdiv"),
    arith.DivSIOp: division("sdiv", signed=True),
    arith.DivUIOp: division("udiv", signed=False),
    arith.ExtFOp: conversion("fpext"),
    arith.ExtSIOp: conversion("sext"),
    arith.ExtUIOp: conversion("zext"),
    arith.FloorDivSIOp: floor_division,
    arith.FPToSIOp: conversion("fptosi"),
    arith.FPToUIOp: conversion("fptoui"),
    arith.IndexCastOp: index_cast(signed=True),
    arith.MaximumfOp: intrinsic("maximum"),
    arith.MaxnumfOp: intrinsic("maxnum"),
    arith.MaxSIOp: intrinsic("smax"),
    arith.MaxUIOp: intrinsic("umax"),
    arith.MinimumfOp: intrinsic("minimum"),
    arith.MinnumfOp: intrinsic("minnum"),
    arith.MinSIOp: intrinsic("smin"),
    arith.MinUIOp: intrinsic("umin"),
    arith.MulfOp: binary("fmul"),
    arith.MuliOp: binary("mul"),
    arith.NegfOp: negate,
    arith.OrIOp: binary("or_"),
    arith.RemSIOp: division("srem", signed=True),
    arith.RemUIOp: division("urem", signed=False),
    arith.SelectOp: select,
    arith.ShLIOp: binary("shl"),
    arith.ShRSIOp: binary("ashr"),
    arith.ShRUIOp: binary("lshr"),
    arith.SIToFPOp: integer_to_float("sitofp"),
    arith.SubfOp: binary("fsub"),
    arith.SubiOp: binary("sub"),
    arith.TruncFOp: truncate_float,
    arith.TruncIOp: conversion("trunc"),
    arith.UIToFPOp: integer_to_float("uitofp"),
    arith.XOrIOp: binary("xor"),
    math.AbsFOp: intrinsic("fabs"),
    math.AbsIOp: intrinsic("abs", _FALSE),
    math.AtanOp: library("atan"),
    math.Atan2Op: library("atan2"),
    math.CeilOp: intrinsic("ceil"),
    math.CopySignOp: intrinsic("copysign"),
    math.CosOp: intrinsic("cos"),
    math.ErfOp: library("erf"),
    math.Exp2Op: intrinsic("exp2"),
    math.ExpM1Op: library("expm1"),
    math.ExpOp: intrinsic("exp"),
    math.FloorOp: intrinsic("floor"),
    math.FmaOp: intrinsic("fma"),
    math.Log10Op: intrinsic("log10"),
    math.Log1pOp: library("log1p"),
    math.Log2Op: intrinsic("log2"),
    math.LogOp: intrinsic("log"),
    math.PowFOp: intrinsic("pow"),
    math.RoundEvenOp: intrinsic("roundeven"),
    math.RoundOp: intrinsic("round"),
    math.RsqrtOp: reciprocal_root,
    math.SinOp: intrinsic("sin"),
    math.SqrtOp: intrinsic("sqrt"),
    math.TanOp: library("tan"),
    math.TanhOp: library("tanh"),
    math.TruncOp: intrinsic("trunc"),
}


AS_THEY_ARE = (arith.BitcastOp, arith.ExtFOp, arith.SelectOp)
"""Operations that take bfloat as it is; all others compute in single."""


def emit_scalar(builder: ir.IRBuilder, op: Operation, operands: Sequence[ir.Value]) -> ir.Value:
    """Emit one operation; scalars are widened where another operand is a vector."""
    if isinstance(op, arith.ConstantOp):
        return constant(op)
    emit = TABLE.get(type(op))
    if emit is None:
        raise UnsupportedError(f"llvm: the emitter has no entry for {op.name}")
    counts = [lanes(operand.type) for operand in operands]
    count = next((c for c in counts if c is not None), None)
    args = [splat(builder, operand, count) for operand in operands]
    if isinstance(op, AS_THEY_ARE) or not any(is_bfloat(a) for a in args):
        return emit(builder, op, args)
    single = widened(ir.FloatType(), count)
    result = emit(builder, op, [builder.fpext(a, single) if is_bfloat(a) else a for a in args])
    narrow = value_type(op.results[0].type) == BFloatType()
    return to_bfloat(builder, result) if narrow else result


def is_bfloat(value: ir.Value) -> bool:
    """Whether a value, or each of its lanes, is a bfloat."""
    return isinstance(scalar_type(value.type), BFloatType)
