"""Reductions, choices and functions of values: what `t.sum`, `t.max`, `t.exp` and the others are.

Some have the names of Python's builtins, which this module therefore does not use.
"""

from collections.abc import Callable, Sequence

from analysis.errors import UserError
from dovetail.te.expressions import (
    BOOL,
    FUNCTIONS,
    Axis,
    Binary,
    Expr,
    Index,
    Number,
    Reduce,
    Select,
    conditions,
    joined,
    lift,
    matched,
    unary,
)
from dovetail.te.names import settle


def reduction(reducer: str) -> Callable[..., Expr]:
    """The function that reduces with that reducer."""

    def apply(expr: Expr | Number, axis: Axis | Sequence[Axis]) -> Expr:
        value = lift(expr)
        axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
        if not axes or len(set(axes)) != len(axes):
            raise UserError(f"{reducer} reduces over one or more axes, each once")
        for given in axes:
            if not isinstance(given, Axis) or not given.reduce:
                raise UserError(f"axis={given}: {reducer} reduces over a t.reduce_axis")
            settle(given)
        if isinstance(value, Index) or value.dtype == BOOL:
            raise UserError(f"{reducer}({value}): convert it with .astype('int32')")
        return Reduce(reducer, value, tuple(a for a in axes if isinstance(a, Axis)), value.dtype)

    apply.__name__ = apply.__qualname__ = reducer
    apply.__doc__ = f"The {reducer} of an expression over one or more reduced axes."
    return apply


sum = reduction("sum")
prod = reduction("prod")


def extreme(reducer: str) -> Callable[..., Expr]:
    """The reduction with that name, which also takes two values without an axis."""
    reduce = reduction(reducer)

    def apply(
        expr: Expr | Number,
        other: Expr | Number | None = None,
        *,
        axis: Axis | Sequence[Axis] | None = None,
    ) -> Expr:
        if (other is None) == (axis is None):
            raise UserError(f"{reducer} takes one expression and axis=, or two expressions")
        if axis is not None:
            return reduce(expr, axis)
        left, right = matched(reducer, expr, other)
        return Binary(reducer, left, right, left.dtype)

    apply.__name__ = apply.__qualname__ = reducer
    apply.__doc__ = f"The {reducer} of an expression over reduced axes, or of two values."
    return apply


max = extreme("max")
min = extreme("min")


def all(*given: Expr | bool) -> Expr:
    """That every condition holds."""
    return joined("&", given)


def any(*given: Expr | bool) -> Expr:
    """That at least one condition holds."""
    return joined("|", given)


def if_then_else(condition: Expr, then: Expr | Number, otherwise: Expr | Number) -> Expr:
    """`then` where the condition holds; what it reads may lie outside where it does not."""
    (test,) = conditions([condition])
    first, second = matched("or", then, otherwise)
    if isinstance(first, Index):
        raise UserError(f"{first} is an index: as a value, convert it with .astype('int32')")
    return Select(test, first, second, first.dtype)


abs, ceil, erf, exp, floor, log, sqrt, tanh = (unary(name) for name in FUNCTIONS)
