"""Random programs under random schedules: what is accepted computes the same, and what is refused
for a dependence has a witness that enumerating all instances confirms.

`make property` runs more of them (SEQUENCES, SEED), and makes what fails small.
"""

import pytest
from random_schedules import EXCLUDED, OFTEN, primitives
from schedule_property import Tally, run_sequence

from dovetail.universe import PASSES, pass_name

SEQUENCES, PART = 800, 25


@pytest.mark.parametrize("start", range(0, SEQUENCES, PART))
def test_random_schedules(start):
    tally = Tally()
    for seed in range(start, start + PART):
        run_sequence(seed, tally, None)
    assert not tally.failures, "\n".join(tally.failures)
    assert sum(tally.accepted.values()) > PART


def test_what_is_not_drawn_exists():
    names = {pass_name(path) for path in PASSES}
    assert set(EXCLUDED) <= names
    assert set(OFTEN) <= set(primitives())
