"""Schedules with tensor instructions, moves and steps in place compute what the te function does.

A longer run: `ROUNDS` in the environment, say 20.
"""

import os
import random

import pytest
from tensor_cases import CONFIGS, Layer, Schedule, check, program, random_case

from analysis.errors import ScheduleError

ROUNDS = int(os.environ.get("ROUNDS", "1"))


@pytest.mark.parametrize("group", range(4))
def test_random_schedules_keep_results(group):
    for seed in range(group, 12 * ROUNDS, 4):
        config, text, pipeline = random_case(seed)
        module = check(config, text, pipeline)
        assert str(module).count("loop.intrinsic") > 1


ONE = Layer(1, 16, 16, 1, 1, 1, 1, 1, (0, 0, 0, 0))
CORNERS = {
    "one instruction": (ONE, []),
    "padding larger than the image": (Layer(1, 16, 16, 1, 2, 3, 3, 1, (2, 1, 2, 2)), ["shr_imm"]),
    "a step that reads the accumulator twice over": (ONE, ["mul", "add", "mul"]),
    "a stride that leaves rows out": (Layer(1, 16, 32, 5, 4, 1, 2, 2, (0, 0, 1, 0)), ["add"]),
}


@pytest.mark.parametrize("what", CORNERS)
def test_corners(what):
    layer, steps = CORNERS[what]
    schedule = Schedule(random.Random(1), layer, steps, 1, 16, False)
    check("1x16_i8w8a32_15_15_18_17", program(layer, steps), ",".join(schedule.text()))


@pytest.mark.parametrize(
    ("n", "ic", "oc", "message"),
    [
        (2, 8, 12, "has 12 elements along dimension [01], no multiple of the 8"),
        (2, 12, 8, "has 12 elements along dimension 1, no multiple of the 8"),
        (3, 8, 8, "has 3 elements along dimension 0, no multiple of the 2"),
    ],
)
def test_sizes_that_are_no_whole_elements_are_refused(n, ic, oc, message):
    config = "2x8_i8w8a32_12_13_14_15"
    layer = Layer(n, ic, oc, 3, 3, 1, 1, 1, (0, 0, 0, 0))
    schedule = Schedule(random.Random(0), layer, [], *CONFIGS[config], False)
    with pytest.raises(ScheduleError, match=message):
        check(config, program(layer, []), ",".join(schedule.text()))
