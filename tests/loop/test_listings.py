"""The listing of a kernel says what the kernel does: run as Python, it computes the same.

A longer run: `ROUNDS` in the environment, say 100.
"""

import os

import pytest
from native import apply, parse
from random_schedules import random_schedule
from run_listing import run_expressions, run_listing
from te_cases import (
    chain,
    conv,
    depthwise,
    extreme,
    gather,
    matmul,
    padded_conv,
    pool,
    scatter,
    softmax,
    symbolic_case,
)

CASES = {
    "matmul": matmul(7, 11, 9),
    "conv": conv(3, 5, 6),
    "dilated": conv(2, 3, 7, 2, 2, 2),
    "padded": padded_conv(2, 3, 5),
    "depthwise": depthwise(5, 6),
    "pool": pool(3, 6),
    "softmax": softmax(5, 7),
    "chain": chain(6, 5),
    "argmax": extreme(5, 9, "argmax"),
    "gather": gather(9, 5, 7),
    "scatter": scatter(17, 11),
    "symbolic": symbolic_case(5, 7),
    "bytes": matmul(5, 6, 7, "i8"),
}
ROUNDS = int(os.environ.get("ROUNDS", "1"))


def check(case, schedule):
    module = apply(parse(case.text), ",".join(["lower-te-to-loop", *schedule]))
    compare(case, run_listing, module)


def compare(case, run, module):
    inputs = case.inputs()
    outputs, text = run(module, inputs)
    try:
        case.check(inputs, outputs)
    except AssertionError:
        print(text)
        raise


@pytest.mark.parametrize("name", CASES)
def test_expressions_run(name):
    compare(CASES[name], run_expressions, parse(CASES[name].text))


@pytest.mark.parametrize("name", CASES)
def test_naive_listings_run(name):
    check(CASES[name], [])


@pytest.mark.parametrize("name", CASES)
def test_scheduled_listings_run(name):
    for seed in range(ROUNDS):
        check(CASES[name], random_schedule(CASES[name], 1000 + seed, 15))
