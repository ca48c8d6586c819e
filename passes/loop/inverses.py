"""The point of a block that touches an element, as forms of the element's coordinates.

A block that touches an element at `[v + 1, 8 * y + x]`, x being less than 8, does so at the point
`v = d0 - 1, y = d1 / 8, x = d1 mod 8`. inline-compute asks it of a store, to compute what is stored
wherever it is read, reverse-inline of a load.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

from xdsl.ir import BlockArgument

from analysis.affine import Affine, Quotient
from analysis.integer_sets import Names
from dialects import loop
from passes.loop.forms import forms_of


def dim(i: int) -> Affine:
    """The coordinate of the buffer in a dimension, as a variable."""
    return Affine.variable(("dim", i))


def digits_of(place: Affine, coordinate: Affine) -> Iterator[tuple[Hashable, Affine]]:
    """The variables that a coordinate has as digits, with the largest step first, as forms of it.

    Whether they are digits, so that each is less than the step of the next one, is not asked here.
    """
    if any(isinstance(atom, Quotient) for atom in place.terms):
        return
    if list(place.terms.values()) == [-1]:
        yield next(iter(place.terms)), coordinate * -1 + place.const
        return
    steps = sorted(((c, v) for v, c in place.terms.items()), key=lambda term: -term[0])
    larger: int | None = None
    for step, variable in steps:
        if step < 1:
            return
        value = (coordinate - place.const).floordiv(step, {})
        yield variable, value if larger is None else value.mod(max(1, larger // step), {})
        larger = step


def number_of(places: Sequence[Affine], variable: Hashable) -> Affine | None:
    """A variable of which coordinates are the digits, as a form of them; None if they are not."""
    for i, place in enumerate(places):
        if place.coefficient(variable) != 1:
            continue
        total, form = place, dim(i)
        for _ in places:
            quotients = [(a, c) for a, c in total.terms.items() if isinstance(a, Quotient)]
            if not quotients:
                break
            atom, step = quotients[0]
            other = next((j for j, p in enumerate(places) if p.terms.get(atom) == 1), None)
            if other is None:
                break
            total, form = total - places[other] * step, form - dim(other) * step
        if total - total.const == Affine.variable(variable):
            return form - total.const
    return None


def inverse_of(
    block: loop.BlockOp, places: Sequence[Affine], wanted: Collection[Hashable]
) -> dict[Hashable, Affine] | BlockArgument:
    """The `wanted` variables of a block as forms of the coordinates `places`, which are forms of
    the variables; or a variable that does not follow from them."""
    digits: dict[Hashable, Affine] = {}
    for i, place in enumerate(places):
        for variable, form in digits_of(place, dim(i)):
            digits.setdefault(variable, form)
    found: dict[Hashable, Affine] = {}
    for variable, domain in zip(block.variables, forms_of(block, "domains"), strict=True):
        if variable not in wanted:
            continue
        if variable in digits:
            found[variable] = digits[variable]
        elif domain == Affine({}, 1):
            found[variable] = Affine({})
        else:
            form = number_of(places, variable)
            if form is None:
                return variable
            found[variable] = form
    lost = [v for v in block.variables if v in found and not gives_back(block, places, v, found)]
    return lost[0] if lost else found


def gives_back(
    block: loop.BlockOp,
    places: Sequence[Affine],
    variable: Hashable,
    found: Mapping[Hashable, Affine],
) -> bool:
    """Whether a form of the coordinates is the variable, at all points of the block's domains."""
    at: dict[Hashable, Affine] = {("dim", i): place for i, place in enumerate(places)}
    back = found[variable].substitute(at, {}) - Affine.variable(variable)
    if back == Affine({}):
        return True
    inside: list[Affine] = []
    for other, domain in zip(block.variables, forms_of(block, "domains"), strict=True):
        value = Affine.variable(other)
        inside += [value, domain - value - 1]
    used = {v for form in inside for v in form.variables()}
    names = Names()
    return all(
        names.points([], [*inside, apart], used).is_empty() for apart in (back - 1, back * -1 - 1)
    )
