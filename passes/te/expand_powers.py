"""expand-powers: powers with simple constant exponents become products and square roots.

    math.powf %x, 2.0     ->  x * x
    math.powf %x, 0.75    ->  sqrt(x) * sqrt(sqrt(x))
    math.powf %x, -0.5    ->  1 / sqrt(x)

Exponents are multiples of a quarter from -4 to 4. Products and square roots run on vectors, a
power is a call for each element. Each step rounds, so results differ from the power's by a few
units in the last place; the square root of -0 is -0 and of -inf no number, where the power is 0
and inf.

Takes and leaves functions of te or loops; in a pipeline it stands before the schedules, which see
what a value costs.
"""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import AnyFloat, FloatAttr, ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint

LIMIT = 4


def quarters_of(op: math.PowFOp) -> int | None:
    """The exponent in quarters, if it is a constant that is expanded."""
    exponent = op.rhs.owner
    if not isinstance(exponent, arith.ConstantOp) or not isinstance(exponent.value, FloatAttr):
        return None
    quarters = exponent.value.value.data * 4
    if quarters == 0 or quarters != int(quarters) or abs(quarters) > 4 * LIMIT:
        return None
    return int(quarters)


def expand(op: math.PowFOp, quarters: int) -> None:
    """Replace a power by products of roots."""
    builder = Builder(InsertPoint.before(op))

    def emit(new: Operation) -> SSAValue:
        new.location = op.location
        return builder.insert(new).results[0]

    factors = [op.lhs] * (abs(quarters) // 4)
    rest = abs(quarters) % 4
    if rest:
        root = emit(math.SqrtOp(op.lhs))
        factors += [root] * (rest // 2)
        factors += [emit(math.SqrtOp(root))] * (rest % 2)
    result = factors[0]
    for factor in factors[1:]:
        result = emit(arith.MulfOp(result, factor))
    if quarters < 0:
        assert isinstance(op.result.type, AnyFloat)
        one = emit(arith.ConstantOp(FloatAttr(1.0, op.result.type)))
        result = emit(arith.DivfOp(one, result))
    op.result.replace_all_uses_with(result)
    op.detach()
    op.erase()


@dataclass(frozen=True)
class ExpandPowersPass(ModulePass):
    """Make powers with simple constant exponents products and square roots."""

    name = "expand-powers"
    reassociates: ClassVar = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in list(op.walk()):
            if isinstance(inner, math.PowFOp) and (quarters := quarters_of(inner)) is not None:
                expand(inner, quarters)
