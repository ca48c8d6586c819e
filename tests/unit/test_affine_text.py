"""Forms as text: what Python makes of the text is what the form is."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from analysis.affine import Affine
from dovetail.printing.expressions import affine, atom, conditions

RANGES = {"x": (0, 11), "y": (0, 5)}
numbers = st.integers(-5, 5)


@st.composite
def forms(draw):
    """A sum of variables, quotients and remainders."""
    x, y = Affine.variable("x"), Affine.variable("y")
    inner = x * draw(numbers) + y * draw(numbers) + draw(numbers)
    divisor = draw(st.sampled_from([2, 3, 4]))
    found = x * draw(numbers) + y * draw(numbers) + draw(numbers)
    found = found + inner.floordiv(divisor, RANGES) * draw(numbers)
    return found + inner.mod(divisor, RANGES) * draw(numbers)


def points():
    return [dict(zip("xy", point, strict=True)) for point in product(range(12), range(6))]


@given(forms(), st.booleans())
def test_the_text_of_a_form_is_its_value(form, tight):
    text = affine(form, lambda name: atom(str(name)), tight).text
    assert not (tight and " " in text)
    for point in points():
        assert eval(text, {}, dict(point)) == form.evaluate(point), text


@given(st.lists(forms(), min_size=1, max_size=3))
def test_the_text_of_conditions_holds_where_no_form_is_negative(found):
    text = conditions(found, lambda name: atom(str(name)), RANGES).text
    for point in points():
        assert eval(text, {}, dict(point)) == all(f.evaluate(point) >= 0 for f in found), text
