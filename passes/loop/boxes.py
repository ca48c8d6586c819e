"""What an access touches in each dimension while some loops stand still: a moving box."""

from collections.abc import Hashable
from dataclasses import dataclass

from analysis.affine import Affine, Quotient
from passes.loop.forms import ranges_of
from passes.loop.instances import Access, place_of
from passes.loop.primitive import block_of, loops_around


@dataclass(frozen=True)
class Span:
    """The coordinates from `base + low` to `base + high`; None where no constant bounds them."""

    base: Affine
    low: int | None
    high: int | None


def spans_of(access: Access, fixed: set[Hashable]) -> list[Span]:
    """For each dimension the part that only the `fixed` loops move, and the rest's interval."""
    ranges = ranges_of(loops_around(block_of(access)))
    spans: list[Span] = []
    for form in place_of(access):
        base, rest = Affine({}), Affine({}, form.const)
        for atom, coefficient in form.terms.items():
            part = Affine({atom: coefficient})
            inside = atom.numerator.variables() if isinstance(atom, Quotient) else {atom}
            if inside <= fixed:
                base = base + part
            else:
                rest = rest + part
        spans.append(Span(base, *rest.interval(ranges)))
    return spans
