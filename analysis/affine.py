"""Affine forms over arbitrary variables, simplified by what is known of the variables' ranges.

A form is a constant plus coefficients of atoms; an atom is a variable (any hashable value) or a
quotient `floor(form / integer)`. `mod` is written with a quotient. Division is simplified when it
is made: multiples of the divisor come out, and a remainder whose interval lies inside one period
vanishes. So composing loop bindings, block variables and a layout gives the physical address in
terms of the loops, and most divisions of blocked layouts are gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
)

Interval = tuple[int | None, int | None]
"""Inclusive bounds; None where there is none."""

Ranges = Mapping[Hashable, Interval]
"""What is known of the variables; one that is missing is unbounded."""


@dataclass(frozen=True)
class Quotient:
    """The atom `floor(numerator / divisor)`, divisor > 1."""

    numerator: Affine
    divisor: int


@dataclass(frozen=True, eq=False)
class Affine:
    """`const + sum(coefficient * atom)`; no coefficient is zero."""

    terms: Mapping[Hashable, int]
    const: int = 0

    @staticmethod
    def constant(value: int) -> Affine:
        return Affine({}, value)

    @staticmethod
    def variable(atom: Hashable) -> Affine:
        return Affine({atom: 1}, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Affine) and self.const == other.const and self.terms == other.terms

    def __hash__(self) -> int:
        return hash((self.const, frozenset(self.terms.items())))

    @property
    def is_constant(self) -> bool:
        return not self.terms

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.terms, self.const + other) if other else self
        if not other.terms:
            return Affine(self.terms, self.const + other.const)
        terms = dict(self.terms)
        for atom, coefficient in other.terms.items():
            total = terms.get(atom, 0) + coefficient
            if total:
                terms[atom] = total
            else:
                del terms[atom]
        return Affine(terms, self.const + other.const)

    def __sub__(self, other: Affine | int) -> Affine:
        return self + (-other if isinstance(other, int) else other * -1)

    def __mul__(self, factor: int) -> Affine:
        if factor == 0:
            return Affine({}, 0)
        if factor == 1:
            return self
        return Affine({a: c * factor for a, c in self.terms.items()}, self.const * factor)

    def variables(self) -> set[Hashable]:
        """The variables, those inside quotients too."""
        found: set[Hashable] = set()
        for atom in self.terms:
            if isinstance(atom, Quotient):
                found |= atom.numerator.variables()
            else:
                found.add(atom)
        return found

    def coefficient(self, variable: Hashable) -> int:
        """The factor of a variable; it must not stand inside a quotient too."""
        return self.terms.get(variable, 0)

    def interval(self, ranges: Ranges) -> Interval:
        """Bounds of the form; exact for a plain sum of independent variables."""
        low, high = self._plain_interval(ranges)
        for remainder, count, rest in _remainders(self):
            if len(rest.terms) >= len(self.terms):
                continue
            # c * (n - d * floor(n / d)) lies between 0 and c * (d - 1)
            span = count * (remainder.divisor - 1)
            rest_low, rest_high = rest.interval(ranges)
            low = _tighter(low, _plus(rest_low, min(0, span)), max)
            high = _tighter(high, _plus(rest_high, max(0, span)), min)
        return low, high

    def _plain_interval(self, ranges: Ranges) -> Interval:
        low: int | None = self.const
        high: int | None = self.const
        for atom, coefficient in self.terms.items():
            if isinstance(atom, Quotient):
                bottom, top = atom.numerator.interval(ranges)
                bottom = None if bottom is None else bottom // atom.divisor
                top = None if top is None else top // atom.divisor
            else:
                bottom, top = ranges.get(atom, (None, None))
            if coefficient < 0:
                bottom, top = top, bottom
            low = None if low is None or bottom is None else low + coefficient * bottom
            high = None if high is None or top is None else high + coefficient * top
        return low, high

    def floordiv(self, divisor: int, ranges: Ranges) -> Affine:
        """`floor(self / divisor)`, divisor > 0."""
        assert divisor > 0, f"division by {divisor}"
        if divisor == 1:
            return self
        whole = {a: c // divisor for a, c in self.terms.items() if c % divisor == 0}
        rest = {a: c for a, c in self.terms.items() if c % divisor}
        quotient, const = divmod(self.const, divisor)
        outside = Affine(whole, quotient)
        if not rest:
            return outside
        # a step smaller than the common factor of the rest and the divisor changes nothing
        common = math.gcd(divisor, *rest.values())
        if common > 1:
            inner = Affine({a: c // common for a, c in rest.items()}, const // common)
            return outside + inner.floordiv(divisor // common, ranges)
        remainder = Affine(rest, const)
        low, high = remainder.interval(ranges)
        if low is not None and high is not None and low // divisor == high // divisor:
            return outside + low // divisor
        # what never leaves one step of the other terms' common factor changes nothing either
        for factor in {math.gcd(c, divisor) for c in rest.values()} - {1}:
            fine = Affine({a: c for a, c in rest.items() if c % factor}, const)
            low, high = fine.interval(ranges)
            if low is not None and high is not None and low // factor == high // factor:
                coarse = Affine({a: c // factor for a, c in rest.items() if c % factor == 0})
                inner = coarse + low // factor
                return outside + inner.floordiv(divisor // factor, ranges)
        if len(rest) == 1 and const == 0:
            ((atom, coefficient),) = rest.items()
            if coefficient == 1 and isinstance(atom, Quotient):
                return outside + atom.numerator.floordiv(atom.divisor * divisor, ranges)
        return outside + Affine({Quotient(remainder, divisor): 1})

    def mod(self, divisor: int, ranges: Ranges) -> Affine:
        """`self - divisor * floor(self / divisor)`."""
        return self - self.floordiv(divisor, ranges) * divisor

    def substitute(self, values: Mapping[Hashable, Affine], ranges: Ranges) -> Affine:
        """The form with forms in the place of variables."""
        return self.rewrite(values.get, ranges)

    def rewrite(self, value: Callable[[Hashable], Affine | None], ranges: Ranges) -> Affine:
        """The form with `value(variable)` in the place of each variable it is not None for."""
        result = Affine({}, self.const)
        for atom, coefficient in self.terms.items():
            if isinstance(atom, Quotient):
                part = atom.numerator.rewrite(value, ranges).floordiv(atom.divisor, ranges)
            else:
                part = value(atom) or Affine({atom: 1})
            result = result + part * coefficient
        return result

    def evaluate(self, values: Mapping[Hashable, int]) -> int:
        """The number that the form is where every variable has a value."""
        total = self.const
        for atom, coefficient in self.terms.items():
            if isinstance(atom, Quotient):
                total += coefficient * (atom.numerator.evaluate(values) // atom.divisor)
            else:
                total += coefficient * values[atom]
        return total


@dataclass(frozen=True)
class Remainder:
    """The atom `numerator mod divisor`, which forms hold as a difference."""

    numerator: Affine
    divisor: int


def with_remainders(form: Affine) -> Affine:
    """The form with `n - d * floor(n / d)` written as `n mod d`; for text only."""
    for remainder, count, rest in _remainders(form):
        if len(rest.terms) == len(form.terms) - 1 - len(remainder.numerator.terms):
            return with_remainders(rest) + Affine({remainder: count})
    return form


def _remainders(form: Affine) -> Iterator[tuple[Remainder, int, Affine]]:
    """The ways to write a form as `count * (n mod d) + rest`, one or more for each quotient.

    A quotient `floor(n / (e * d))` is also `floor(floor(n / e) / d)`, which matters where the form
    has `floor(n / e)`.
    """
    for atom, coefficient in form.terms.items():
        if not isinstance(atom, Quotient):
            continue
        readings = [Remainder(atom.numerator, atom.divisor)]
        for finer in form.terms:
            if (
                isinstance(finer, Quotient)
                and finer.divisor < atom.divisor
                and atom.divisor % finer.divisor == 0
                and finer.numerator == atom.numerator
            ):
                readings.append(Remainder(Affine({finer: 1}), atom.divisor // finer.divisor))
        for reading in readings:
            if coefficient % reading.divisor == 0:
                count = -coefficient // reading.divisor
                rest = form - Affine({atom: coefficient}) - reading.numerator * count
                yield reading, count, rest


def _plus(bound: int | None, step: int) -> int | None:
    return None if bound is None else bound + step


def _tighter(
    first: int | None, second: int | None, choose: Callable[[int, int], int]
) -> int | None:
    if first is None:
        return second
    return first if second is None else choose(first, second)


def from_expression(expr: AffineExpr, dims: Sequence[Affine], ranges: Ranges) -> Affine:
    """The form of an xDSL expression whose dimensions stand for the forms `dims`."""
    if isinstance(expr, AffineConstantExpr):
        return Affine({}, expr.value)
    if isinstance(expr, AffineDimExpr):
        return dims[expr.position]
    assert isinstance(expr, AffineBinaryOpExpr), f"{expr} has a symbol"
    left = from_expression(expr.lhs, dims, ranges)
    right = from_expression(expr.rhs, dims, ranges)
    match expr.kind:
        case AffineBinaryOpKind.Add:
            return left + right
        case AffineBinaryOpKind.Mul:
            if left.is_constant:
                left, right = right, left
            assert right.is_constant, f"{expr} is not affine"
            return left * right.const
        case _:
            assert right.is_constant, f"{expr} is not affine"
            divisor = right.const
            if expr.kind is AffineBinaryOpKind.Mod:
                return left.mod(divisor, ranges)
            if expr.kind is AffineBinaryOpKind.CeilDiv:
                left = left + (divisor - 1)
            return left.floordiv(divisor, ranges)


def to_expression(form: Affine, position: Callable[[Hashable], int]) -> AffineExpr:
    """The xDSL expression of a form; `position(variable)` is the dimension of a variable."""
    result: AffineExpr | None = None
    form = with_remainders(form)
    for atom, coefficient in form.terms.items():
        if isinstance(atom, Quotient):
            part = to_expression(atom.numerator, position) // atom.divisor
        elif isinstance(atom, Remainder):
            part = to_expression(atom.numerator, position) % atom.divisor
        else:
            part = AffineExpr.dimension(position(atom))
        part = part if coefficient == 1 else part * coefficient
        result = part if result is None else result + part
    if result is None:
        return AffineExpr.constant(form.const)
    return result if form.const == 0 else result + form.const
