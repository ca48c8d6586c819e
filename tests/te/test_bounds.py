"""What is proven about reads is what enumeration finds, on random reads; more rounds: `ROUNDS`."""

import itertools
import os
import random

import pytest

import dovetail as t
from analysis.errors import UserError

ROUNDS = 60 * int(os.environ.get("ROUNDS", "1"))


def random_form(rng, axes):
    """An affine expression of axes, and a function that evaluates it."""
    factors = [rng.choice([-2, -1, 0, 0, 1, 1, 2, 3]) for _ in axes]
    const = rng.randrange(-3, 6)
    divisor, modulus = rng.choice([1, 1, 1, 2, 3]), rng.choice([0, 0, 0, 2, 4])

    def evaluate(values):
        found = const + sum(f * v for f, v in zip(factors, values, strict=True))
        return found // divisor % modulus if modulus else found // divisor

    form = const + axes[0] * 0
    for factor, axis in zip(factors, axes, strict=True):
        form = form + factor * axis
    form = form // divisor
    return (form % modulus if modulus else form), evaluate


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_proofs_agree_with_enumeration(seed):
    rng = random.Random(seed)
    extents = [rng.randrange(1, 7) for _ in range(2)]
    low = rng.randrange(-2, 3)
    axis = t.reduce_axis((low, low + rng.randrange(1, 5)), name="k")
    size = rng.randrange(1, 12)
    A = t.placeholder((size,), name="A")
    guarded = rng.random() < 0.6
    evaluate, guard = [], []

    def body(i, j):
        axes = [i, j, axis]
        index, value = random_form(rng, axes)
        evaluate.append(value)
        if not guarded:
            return t.sum(A[index], axis=axis)
        left, where = random_form(rng, axes)
        guard.append(where)
        return t.sum(t.if_then_else(t.all(left >= 0, index < size + 1), A[index], 0), axis=axis)

    try:
        t.compute(tuple(extents), body)
        accepted = True
    except UserError as error:
        assert "cannot prove" in error.message
        accepted = False
    ranges = [*map(range, extents), range(low, axis.upper.const)]
    inside = all(
        0 <= evaluate[0](point) < size
        for point in itertools.product(*ranges)
        if not guarded or (guard[0](point) >= 0 and evaluate[0](point) < size + 1)
    )
    assert accepted == inside
