"""Tiles that threads share and fill ahead: one barrier a step, and a race without it."""

import pytest

from backends.interpreter.races import RaceError
from dialects import loop
from dovetail.primitives import demonstrations

(AHEAD,) = (d for d in demonstrations() if (d.machine, d.name) == ("gpu", "ahead"))


def barriers(module):
    return [op for op in module.walk() if isinstance(op, loop.BarrierOp)]


def test_there_is_one_barrier_in_the_loop_and_one_before_it():
    found = barriers(AHEAD.scheduled())
    assert [op.parent_op().loop_name.data for op in found] == ["tx", "k"]


@pytest.mark.parametrize("number", range(2))
def test_without_a_barrier_there_is_a_race(number, monkeypatch):
    whole = type(AHEAD).scheduled

    def without(self):
        module = whole(self)
        op = barriers(module)[number]
        op.detach()
        op.erase()
        return module

    monkeypatch.setattr(type(AHEAD), "scheduled", without)
    with pytest.raises(RaceError, match="thread"):
        AHEAD.execute()
