"""Random sequences of primitives: what is accepted computes the same as NumPy.

A longer run: `ROUNDS` in the environment, say 1000.
"""

import os

import pytest
from random_schedules import check_schedule, random_schedule
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


@pytest.mark.parametrize("name", CASES)
def test_accepted_schedules_keep_results(name):
    case = CASES[name]
    for seed in range(ROUNDS):
        schedule = random_schedule(case, seed, 25)
        check_schedule(case, schedule, threads=1 + seed % 3)
