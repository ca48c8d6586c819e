"""What a value is beyond the way it is written: constants that are computed, numbers widened twice.

Tensor instructions are found by meaning (tensor_match), and front ends write the same in many ways.
"""

from xdsl.dialects import arith
from xdsl.ir import Operation, SSAValue

from backends.interpreter.scalars import Array, evaluate, has_meaning

WIDENING = (arith.ExtFOp, arith.ExtSIOp, arith.ExtUIOp)


def number_of(value: SSAValue) -> Array | None:
    """The number that a value always is, if it is computed from constants alone."""
    op = value.owner
    if not isinstance(op, Operation) or not has_meaning(op):
        return None
    operands: list[Array] = []
    for operand in op.operands:
        number = number_of(operand)
        if number is None:
            return None
        operands.append(number)
    return evaluate(op, operands)


def same_number(first: SSAValue, second: SSAValue) -> bool:
    """Whether two values are the same number, bit by bit."""
    one, other = number_of(first), number_of(second)
    return (
        one is not None
        and other is not None
        and first.type == second.type
        and one.tobytes() == other.tobytes()
    )


def widening(value: SSAValue) -> tuple[type[Operation], SSAValue] | None:
    """How a value is a narrower one, widened, and which; in several steps or in one.

    What has no sign keeps none, so widening it once more is the same with and without sign.
    """
    op = value.owner
    if not isinstance(op, WIDENING):
        return None
    inner = widening(op.operands[0])
    if inner is not None and inner[0] in (type(op), arith.ExtUIOp):
        return inner
    return type(op), op.operands[0]
