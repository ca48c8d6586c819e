"""Micro-op kernels do what their nests say, in any order of loops, and keep out of the pipeline's
way; the oracle runs the loops one step after the other."""

import itertools
import random
from collections import Counter

import pytest

from passes.vta.micro_ops import Axis, plan

ZERO = ((0, 0, 0),)


def nest(axes, points=ZERO):
    """All steps of nested loops."""
    return [
        tuple(
            p + sum(a.steps[k] * i for a, i in zip(axes, at, strict=True))
            for k, p in enumerate(point)
        )
        for at in itertools.product(*(range(a.count) for a in axes))
        for point in points
    ]


def steps(kernel):
    """All steps of an instruction, as the accelerator runs it; None for a spare accumulator."""
    found = []
    for outer in range(kernel.counts[0]):
        for inner in range(kernel.counts[1]):
            for position, uop in enumerate(kernel.uops):
                moved = [
                    u + b + outer * o + inner * i
                    for u, b, o, i in zip(uop, kernel.base, *kernel.factors, strict=True)
                ]
                spare = position in kernel.dummies
                found.append(("spare", uop[0]) if spare else tuple(moved))
    return found


def check(axes, points=ZERO, distance=2, limit=2048):
    kernels = plan(axes, points, distance, limit)
    executed = [step for kernel in kernels for step in steps(kernel)]
    assert Counter(s for s in executed if s[0] != "spare") == Counter(nest(axes, points))
    for kernel in kernels:
        assert len(kernel.uops) <= limit
        assert min(min(uop) for uop in kernel.uops) >= 0
        assert min(min(f) for f in kernel.factors) >= 0
        written = [s if s[0] == "spare" else s[0] for s in steps(kernel)]
        for i, accumulator in enumerate(written):
            assert accumulator not in written[i + 1 : i + 1 + distance]
    return kernels


CONV = (
    Axis((98, 0, 9), 2),  # output channels
    Axis((14, 16, 0), 7),  # rows
    Axis((1, 1, 0), 14),  # columns
    Axis((0, 144, 18), 4),  # input channels
    Axis((0, 16, 3), 3),  # rows of taps
    Axis((0, 1, 1), 3),  # columns of taps
)


def test_a_convolution_has_few_micro_ops():
    (kernel,) = check(CONV)
    assert len(kernel.uops) <= 2 * 7 * 9
    assert not kernel.dummies


def test_the_order_of_loops_does_not_matter():
    expected = plan(CONV, ZERO, 2, 2048)
    for seed in range(20):
        axes = random.Random(seed).sample(CONV, len(CONV))
        assert plan(axes, ZERO, 2, 2048) == expected


def test_loops_that_go_on_are_one():
    rows = [Axis((14, 14, 0), 7), Axis((1, 1, 0), 14), Axis((98, 98, 0), 3)]
    (kernel,) = check(rows, distance=1)
    assert (kernel.uops, kernel.counts) == (ZERO, (1, 294))


def test_a_split_loop_is_the_loop():
    whole = plan([Axis((1, 1, 0), 12), Axis((0, 12, 1), 5)], ZERO, 2, 2048)
    parts = [Axis((1, 1, 0), 4), Axis((4, 4, 0), 3), Axis((0, 12, 1), 5)]
    assert plan(parts, ZERO, 2, 2048) == whole


@pytest.mark.parametrize(("accumulators", "spare"), [(1, 2), (2, 1), (3, 0), (4, 0)])
def test_spare_accumulators_stand_in_for_missing_ones(accumulators, spare):
    axes = [Axis((1, 4, 0), accumulators), Axis((0, 1, 1), 4), Axis((0, 8, 4), 9)]
    (kernel,) = check(axes)
    assert kernel.spare == spare


def test_an_alu_needs_one_spare_accumulator():
    (kernel,) = check([Axis((0, 1), 5)], ((0, 0),), distance=1)
    assert kernel.spare == 1


def test_loops_that_count_down():
    (kernel,) = check([Axis((-1, -2, 0), 6), Axis((0, 1, 1), 2)], ((5, 10, 0),))
    assert len(kernel.uops) == 1
    check([Axis((-1, 2, 0), 6), Axis((0, 1, 1), 2)], ((5, 0, 0),))


def test_a_kernel_that_is_too_long_is_several():
    points = tuple((i * i, i, 0) for i in range(10))
    kernels = check([Axis((200, 0, 0), 3)], points, limit=4)
    assert len(kernels) == 3


def test_a_loop_longer_than_an_instruction_runs():
    kernels = check([Axis((1, 1, 0), 20000)], limit=2048)
    assert all(max(kernel.counts) < 1 << 14 for kernel in kernels)


@pytest.mark.parametrize("seed", range(60))
def test_random_nests(seed):
    rng = random.Random(seed)
    axes = [
        Axis(tuple(rng.choice((0, 0, 1, 2, 3, 7, -1)) for _ in range(3)), rng.randint(1, 4))
        for _ in range(rng.randint(1, 4))
    ]
    points = tuple(
        tuple(rng.randint(0, 9) for _ in range(3)) for _ in range(rng.choice((1, 1, 1, 3)))
    )
    check(axes, points, distance=rng.choice((1, 2)), limit=rng.choice((8, 2048)))
