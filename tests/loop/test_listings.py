"""The listing of a kernel says what the kernel does: run as Python, it computes the same.

A longer run: `ROUNDS` in the environment, say 100.
"""

import os

import pytest
from native import apply, parse
from random_schedules import random_schedule
from run_listing import run_expressions, run_listing
from te_cases import ODD_CASES as CASES

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
