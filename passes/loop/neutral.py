"""Whether an instance of a block leaves what it accumulates as it is, by evaluating its body.

What is known of a value is a number, that it is what a cell held before, or nothing. An operation
on numbers gives a number; one with a neutral operand gives its other operand; one with an absorbing
operand gives that. A comparison with a number is decided where every number gives the same answer.
So `max(old, -inf)` is `old`, as is `old + 0 * 0`, and `old + 0 * x` for an integer x; for a float x
it is not, since x may be infinite.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import AnyFloat, FloatAttr, IndexType, IntegerAttr, IntegerType
from xdsl.ir import Attribute, Operation, SSAValue

from analysis.errors import UserError
from backends.interpreter.scalars import Array, dtype_of, evaluate, has_meaning, is_float
from dialects import loop
from passes.loop.forms import coordinates

Number = FloatAttr | IntegerAttr


@dataclass(frozen=True)
class Old:
    """What the cell of a store held before."""

    store: loop.StoreOp


Value = Array | Old | None
"""What is known of a value: a number (of rank 0), the old content of a cell, nothing."""

LEFT_AND_RIGHT: dict[type[Operation], float] = {
    arith.AddiOp: 0,
    arith.AddfOp: 0,
    arith.OrIOp: 0,
    arith.XOrIOp: 0,
    arith.AndIOp: -1,
    arith.MuliOp: 1,
    arith.MulfOp: 1,
    arith.MaximumfOp: -np.inf,
    arith.MinimumfOp: np.inf,
}
"""The operand that makes an operation give the other one. A sum begins at 0 and not at -0, so a
zero of either sign is neutral in it."""

RIGHT: dict[type[Operation], float] = {
    arith.SubiOp: 0,
    arith.SubfOp: 0,
    arith.ShLIOp: 0,
    arith.ShRSIOp: 0,
    arith.ShRUIOp: 0,
    arith.DivSIOp: 1,
    arith.DivUIOp: 1,
    arith.DivfOp: 1,
}
"""The same, as the second operand."""

DIVISIONS = (
    arith.DivSIOp,
    arith.DivUIOp,
    arith.RemSIOp,
    arith.RemUIOp,
    arith.FloorDivSIOp,
    arith.CeilDivSIOp,
    arith.CeilDivUIOp,
)
"""The operations that stop a program if their second operand is zero."""


def limits(type: Attribute) -> tuple[Any, Any]:
    """The least and the largest value of an element type."""
    dtype = dtype_of(type)
    if is_float(dtype):
        return -np.inf, np.inf
    if dtype == np.bool_:
        return 0, 1
    return np.iinfo(dtype).min, np.iinfo(dtype).max


def number(type: Attribute, value: Any) -> Array:
    """A number of an element type."""
    return np.asarray(value).astype(dtype_of(type))


def attribute_of(type: Attribute, value: float) -> Number:
    """A number as the attribute of a constant."""
    if isinstance(type, IntegerType | IndexType):
        return IntegerAttr(int(value), type)
    assert isinstance(type, AnyFloat)
    return FloatAttr(float(value), type)


def neutral_of(op: Operation) -> Any:
    """The operand that makes an operation give its other one; None if there is none."""
    type = op.results[0].type
    match op:
        case arith.MaxSIOp():
            return limits(type)[0]
        case arith.MinSIOp():
            return limits(type)[1]
        case arith.AndIOp() if dtype_of(type) == np.bool_:
            return 1
        case _:
            return LEFT_AND_RIGHT.get(type_of(op))


def absorbing_of(op: Operation) -> Any:
    """The operand that decides what an operation gives; None if there is none."""
    type = op.results[0].type
    match op:
        case arith.MuliOp() | arith.AndIOp():
            return 0
        case arith.MaxSIOp():
            return limits(type)[1]
        case arith.MinSIOp():
            return limits(type)[0]
        case arith.OrIOp():
            return 1 if dtype_of(type) == np.bool_ else -1
        case _:
            return None


def type_of(op: Operation) -> type[Operation]:
    return op.__class__


def compare(op: arith.CmpfOp | arith.CmpiOp, values: list[Value]) -> Value:
    """A comparison of which one side is a number: decided if no value of the other matters."""
    (side,) = (i for i, v in enumerate(values) if isinstance(v, np.ndarray))
    known = values[side]
    operand = op.operands[1 - side].type
    samples = [*limits(operand), known]
    if isinstance(op, arith.CmpfOp):
        samples.append(np.nan)
    answers: list[Array] = []
    for sample in samples:
        pair: list[Any] = [known, known]
        pair[1 - side] = number(operand, sample)
        answers.append(np.asarray(evaluate(op, pair)))
    return answers[0] if all(a == answers[0] for a in answers) else None


def select(values: list[Value]) -> Value:
    """A choice between two values."""
    condition, first, second = values
    if isinstance(condition, np.ndarray):
        return first if condition else second
    if isinstance(first, Old) and first == second:
        return first
    same = isinstance(first, np.ndarray) and isinstance(second, np.ndarray) and first == second
    return first if same else None


def fold(op: Operation, values: list[Value]) -> Value:
    """What is known of the result of an operation."""
    if isinstance(op, arith.SelectOp):
        return select(values)
    numbers = [v for v in values if isinstance(v, np.ndarray)]
    if len(numbers) == len(values):
        try:
            return np.asarray(evaluate(op, numbers)) if has_meaning(op) else None
        except UserError:
            return None
    if len(values) != 2 or not numbers:
        return None
    if isinstance(op, arith.CmpfOp | arith.CmpiOp):
        return compare(op, values)
    type = op.results[0].type
    for i, other in ((0, values[1]), (1, values[0])):
        value = values[i]
        if not isinstance(value, np.ndarray):
            continue
        absorbing, neutral = absorbing_of(op), neutral_of(op)
        if absorbing is not None and value == number(type, absorbing):
            return value
        if neutral is None and i == 1:
            neutral = RIGHT.get(type_of(op))
        if neutral is not None and value == number(type, neutral):
            return other
    return None


def value_of(attribute: Number) -> Array:
    """The number that an attribute is."""
    return number(attribute.type, attribute.value.data)


def constant_number(value: SSAValue) -> Number | None:
    """The number that an operation says a value is."""
    match value.owner:
        case arith.ConstantOp(value=FloatAttr() | IntegerAttr() as number):
            return number
        case _:
            return None


def known_values(
    block: loop.BlockOp, known: Mapping[loop.LoadOp, Number | None]
) -> dict[SSAValue, Value]:
    """What is known of the values in the body of a block.

    `known` are the loads whose value is known; one that reads what the block accumulates is told
    by its coordinates.
    """
    ops = list(block.body.block.ops)
    stores = [op for op in ops if isinstance(op, loop.StoreOp)]
    values: dict[SSAValue, Value] = {}
    for op in ops:
        if isinstance(op, loop.LoadOp):
            found = known.get(op)
            values[op.result] = held(op, stores) if found is None else value_of(found)
        elif len(op.results) == 1:
            values[op.results[0]] = fold(op, [values.get(v) for v in op.operands])
    return values


def changed_store(
    block: loop.BlockOp, known: Mapping[loop.LoadOp, Number | None]
) -> loop.StoreOp | None:
    """The first store of a block that may change its cell; None if the block changes nothing."""
    values = known_values(block, known)
    stores = (op for op in block.body.block.ops if isinstance(op, loop.StoreOp))
    return next((op for op in stores if values.get(op.value) != Old(op)), None)


def held(load: loop.LoadOp, stores: list[loop.StoreOp]) -> Old | None:
    """The store whose old value a load reads."""
    for store in stores:
        if store.memref is load.memref and coordinates(store) == coordinates(load):
            return None if load.otherwise is not None else Old(store)
    return None
