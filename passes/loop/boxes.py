"""What an access touches in each dimension while some loops stand still: a moving box."""

from collections.abc import Hashable
from dataclasses import dataclass

from analysis.affine import Affine, Interval, Quotient
from passes.loop.forms import ranges_of
from passes.loop.instances import Access, place_of
from passes.loop.primitive import block_of, loops_around


@dataclass(frozen=True)
class Span:
    """The coordinates from `base + low` to `base + high`; None where no constant bounds them."""

    base: Affine
    low: int | None
    high: int | None


def fixed_part(form: Affine, fixed: set[Hashable]) -> Affine:
    """The terms of a form that only depend on the loops `fixed`."""
    terms = form.terms.items()
    return Affine({a: c for a, c in terms if Affine({a: c}).variables() <= fixed})


def divided(form: Affine) -> set[Hashable]:
    """The variables in the quotients of a form."""
    quotients = (atom for atom in form.terms if isinstance(atom, Quotient))
    return {v for atom in quotients for v in atom.numerator.variables()}


def is_narrower(first: Interval, second: Interval) -> bool:
    """Whether an interval has bounds and holds fewer numbers than another one."""
    if first[0] is None or first[1] is None:
        return False
    return second[0] is None or second[1] is None or first[1] - first[0] < second[1] - second[0]


def spans_of(access: Access, fixed: set[Hashable]) -> list[Span]:
    """For each dimension the part that only the `fixed` loops move, and the rest's interval.

    A remainder of fixed and other loops is kept together where that bounds it better.
    """
    ranges = ranges_of(loops_around(block_of(access)))
    spans: list[Span] = []
    for form in place_of(access):
        base = fixed_part(form, fixed)
        ends = (form - base).interval(ranges)
        apart = fixed_part(form, fixed - divided(form - base))
        together = (form - apart).interval(ranges)
        if is_narrower(together, ends):
            base, ends = apart, together
        spans.append(Span(base, *ends))
    return spans
