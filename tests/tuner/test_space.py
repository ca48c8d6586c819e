"""Spaces: what is enumerated is what all combinations of choices give that meet the conditions."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.space import Condition, Hole, Space, TooLargeError, encoded, optional

NAMES = ("a", "b", "c", "d")


def space_of(holes, conditions):
    return Space("s", holes, conditions, lambda c: (), lambda c: float(sum(map(len, map(str, c)))))


@st.composite
def spaces(draw):
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    holes = tuple(Hole(NAMES[i], tuple(range(n)), "factor") for i, n in enumerate(sizes))
    conditions = []
    for modulus in draw(st.lists(st.integers(2, 3), max_size=2)):
        over = tuple(draw(st.permutations([h.name for h in holes])))[: draw(st.integers(1, 3))]
        conditions.append(Condition("made up", over, lambda *v, m=modulus: sum(v) % m != 1))
    return space_of(holes, tuple(conditions))


def brute(space):
    rows = product(*(range(len(hole.choices)) for hole in space.holes))
    return [row for row in rows if space.broken(space.configuration(row)) is None]


@given(spaces())
@settings(max_examples=60, deadline=None)
def test_feasible_rows_are_those_of_brute_force(space):
    candidates = space.candidates()
    assert list(map(tuple, candidates.points.tolist())) == brute(space)
    assert candidates.share == len(brute(space)) / space.size


@given(spaces())
@settings(max_examples=15, deadline=None)
def test_a_sample_is_feasible_and_its_share_is_near(space):
    rows, share = space.sample(0, 10_000, draws=4096)
    assert set(rows) <= set(brute(space))
    assert abs(share - len(brute(space)) / space.size) < 0.05


@given(spaces())
@settings(max_examples=60, deadline=None)
def test_neighbours_differ_in_one_hole(space):
    candidates = space.candidates()
    points = candidates.points
    for i in range(len(candidates)):
        apart = (points != points[i]).sum(axis=1)
        assert sorted(candidates.neighbours(i)) == np.flatnonzero(apart == 1).tolist()
        assert candidates.index(points[i]) == i


def test_too_large_a_space_is_sampled():
    holes = tuple(Hole(f"h{i}", tuple(range(10)), "factor") for i in range(9))
    even = Condition("even", ("h8",), lambda value: value % 2 == 0)
    space = space_of(holes, (even,))
    with pytest.raises(TooLargeError):
        list(space.feasible(most=1000))
    rows, share = space.sample(0, 500)
    assert len(rows) == len(set(rows)) == 500 and abs(share - 0.5) < 0.05
    assert rows == space.sample(0, 500)[0] != space.sample(1, 500)[0]


def test_more_candidates_than_wanted_are_drawn():
    space = space_of((Hole("a", tuple(range(40)), "factor"), optional("b")), ())
    some = space.candidates(seed=3, largest=10)
    assert len(some) == 10 and some.share == 1
    assert np.array_equal(some.points, space.candidates(seed=3, largest=10).points)
    assert len(space.candidates(largest=80)) == 80


def test_a_part_of_a_space():
    space = space_of((Hole("a", (1, 2, 4), "factor"), Hole("b", ("p", "q"))), ())
    part = space.restricted(a=(2, 4), b=("q",))
    assert [part.configuration(row) for row in part.feasible()] == [
        {"a": 2, "b": "q"},
        {"a": 4, "b": "q"},
    ]


def test_features_of_holes():
    assert encoded(Hole("f", (1, 3, 7), "factor"), 7) == [3]
    assert encoded(optional("o"), True) == [1]
    assert encoded(Hole("w", ("p", "q", "r")), "q") == [0, 1, 0]
    orders = Hole("o", tuple(permutations(("x", "y", "z"))), "order")
    assert encoded(orders, ("y", "x", "z")) == [0, 1, 1]
    assert len({tuple(encoded(orders, value)) for value in orders.choices}) == 6
    space = space_of((Hole("f", (1, 3), "factor"), optional("o")), ())
    assert np.array_equal(space.candidates().features[:, 1:], [[1, 0], [1, 1], [2, 0], [2, 1]])
