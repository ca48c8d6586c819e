"""Affine forms against brute force over all points."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st
from xdsl.ir.affine import AffineExpr

from analysis.affine import Affine, from_expression, to_expression

RANGES = {"a": (0, 5), "b": (-3, 4), "c": (2, 9)}
POINTS = [
    dict(zip(RANGES, point, strict=True))
    for point in itertools.product(*(range(lo, hi + 1) for lo, hi in RANGES.values()))
]
NAMES = list(RANGES)


def random_expression(rng: random.Random, depth: int) -> AffineExpr:
    if depth == 0:
        if rng.random() < 0.3:
            return AffineExpr.constant(rng.randint(-7, 7))
        return AffineExpr.dimension(rng.randrange(3))
    left = random_expression(rng, depth - 1)
    match rng.randrange(5):
        case 0:
            return left // rng.randint(1, 6)
        case 1:
            return left % rng.randint(1, 6)
        case 2:
            return left.ceil_div(rng.randint(1, 6))
        case 3:
            return left * rng.randint(-4, 4)
        case _:
            return left + random_expression(rng, depth - 1)


@given(st.integers(0, 10**6))
def test_composition_simplification_and_intervals_are_exact_or_safe(seed):
    rng = random.Random(seed)
    expr = random_expression(rng, rng.randint(1, 4))
    dims = [Affine.variable(name) for name in NAMES]
    form = from_expression(expr, dims, RANGES)
    low, high = form.interval(RANGES)
    back = to_expression(form, NAMES.index)
    for point in POINTS[:: rng.randint(1, 7)]:
        value = expr.eval(list(point.values()), [])
        assert form.evaluate(point) == value
        assert back.eval(list(point.values()), []) == value
        assert low <= value <= high


def test_blocked_layout_needs_no_division():
    ranges = {"c_o": (0, 3), "c_i": (0, 15)}
    channel = Affine.variable("c_o") * 16 + Affine.variable("c_i")
    assert channel.floordiv(16, ranges) == Affine.variable("c_o")
    assert channel.mod(16, ranges) == Affine.variable("c_i")


def test_substitution():
    ranges = {"x": (0, 63), "o": (0, 7), "i": (0, 7)}
    form = Affine.variable("x").floordiv(8, ranges)
    split = {"x": Affine.variable("o") * 8 + Affine.variable("i")}
    assert form.substitute(split, ranges) == Affine.variable("o")


def test_lanes_within_a_group_stay_in_it():
    ranges = {"o": (0, 23), "lane": (0, 15)}
    channel = Affine.variable("o") * 16 + Affine.variable("lane")
    assert channel.floordiv(48, ranges) == Affine.variable("o").floordiv(3, ranges)


def test_a_remainder_is_printed_as_one():
    shown = to_expression(Affine.variable("a").mod(16, {}) * 4 + 3, NAMES.index)
    assert shown == AffineExpr.dimension(0) % 16 * 4 + 3
    shifted = (Affine.variable("a") + Affine.variable("b") * 3 + 5).mod(8, {})
    shown = to_expression(shifted + Affine.variable("c"), NAMES.index)
    assert "mod" in str(shown) and "floordiv" not in str(shown)


def test_a_digit_in_the_middle_is_a_remainder():
    """The quotient of a quotient is one quotient, and still the two make a remainder."""
    digit = Affine.variable("a").floordiv(7, {}).mod(5, {})
    assert digit.interval({"a": (0, 104)}) == (0, 4)
    assert to_expression(digit, NAMES.index) == AffineExpr.dimension(0) // 7 % 5


@given(st.integers(0, 10**6))
def test_what_is_printed_reads_back_as_the_same_form(seed):
    rng = random.Random(seed)
    dims = [Affine.variable(name) for name in NAMES]
    form = from_expression(random_expression(rng, rng.randint(1, 4)), dims, {})
    back = from_expression(to_expression(form, NAMES.index), dims, {})
    assert back == form
