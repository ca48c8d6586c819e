"""Random sequences of primitives: what is accepted computes the same as NumPy.

A longer run: `ROUNDS` in the environment, say 1000.
"""

import os

import pytest
from random_schedules import check_schedule, random_schedule
from te_cases import ODD_CASES as CASES

ROUNDS = int(os.environ.get("ROUNDS", "1"))


@pytest.mark.parametrize("name", CASES)
def test_accepted_schedules_keep_results(name):
    case = CASES[name]
    for seed in range(ROUNDS):
        schedule = random_schedule(case, seed, 25)
        check_schedule(case, schedule, threads=1 + seed % 3)
