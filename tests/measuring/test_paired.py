"""The share of the limit, from times that are made up."""

from dataclasses import dataclass, field

import pytest
from xdsl.dialects.builtin import f32

from dovetail.measuring.paired import Limit, measure
from dovetail.measuring.work import Work


@dataclass
class Clock:
    """A repeated function whose calls take what is said, in turn; the last time stays."""

    seconds: list[float]
    runs: list[int] = field(default_factory=list)

    def run(self, count):
        self.runs.append(count)
        index = min(len(self.runs) - 1, len(self.seconds) - 1)
        return count * self.seconds[index]

    def count_for(self, seconds):
        return 10


def limits(fma, copy):
    return [Limit("fma", Clock(fma), 100), Limit("copy", Clock(copy), 50)]


def test_the_longer_limit_counts():
    work = Work(1000, 1000, f32)
    slow_copy = measure(Clock([4.0]), work, limits([0.1], [0.1]), rounds=5)
    assert (slow_copy.limit, slow_copy.limit_seconds) == ("copy", pytest.approx(2.0))
    assert slow_copy.limit_share == pytest.approx(0.5)
    assert slow_copy.seconds == pytest.approx(4.0)
    slow_adds = measure(Clock([4.0]), work, limits([0.3], [0.1]), rounds=5)
    assert (slow_adds.limit, slow_adds.limit_share) == ("fma", pytest.approx(0.75))


def test_rounds_in_which_the_machine_changed_do_not_count():
    """The clock changes within the first round and within the second, then it stays."""
    fma = [0.1] * 3 + [0.2] * 3 + [0.1] * 3 + [0.2]
    found = measure(Clock([4.0]), Work(1000, 0, f32), limits(fma, [0.1]), rounds=3)
    assert (found.rounds, found.rounds_that_count) == (3, 1)
    assert found.limit_share == pytest.approx(0.5)
    assert found.limit_seconds == pytest.approx(1.0)


def test_a_machine_that_never_rests_is_told():
    jumping = [0.1] * 3 + [0.2] * 3
    found = measure(Clock([4.0]), Work(1000, 0, f32), limits(jumping * 9, [0.1]), rounds=3)
    assert found.rounds_that_count == 0
    assert found.limit_share == pytest.approx(1.5 / 4)
