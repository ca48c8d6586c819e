"""A search: recorded trial by trial, resumed from any prefix of its records as if never stopped."""

import math
import zlib
from functools import partial

import numpy as np
import pytest

from dialects.target import Target
from dovetail.records import append, read
from passes.loop.split_loop import SplitLoopPass
from passes.loop.unroll_loop import UnrollLoopPass
from tuner.search import Search
from tuner.space import Condition, Hole, Space, optional
from tuner.task import Failure, Outcome
from tuner.tasks import tasks_of

TEXT = """func.func @f(%A: tensor<64xf32>) -> tensor<64xf32> {
  %B = te.compute "B" (%x = 0 to 64) {
    %a = te.read %A[%x] : tensor<64xf32>
    te.yield %a : f32
  } : tensor<64xf32>
  func.return %B : tensor<64xf32>
}
"""


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    path = tmp_path_factory.mktemp("task") / "f.mlir"
    path.write_text(TEXT)
    (found,) = tasks_of(path, Target.parse("llvm -mcpu=skylake-avx512 -num-threads=1"), {})
    return found


def space():
    def steps(configuration):
        split = SplitLoopPass("x", configuration["factor"])
        return (split, UnrollLoopPass("x_i")) if configuration["unrolled"] else (split,)

    holes = (Hole("factor", tuple(range(2, 34)), "factor"), optional("unrolled"))
    conditions = (Condition("short", ("factor", "unrolled"), lambda f, u: not u or f < 20),)
    return Space("made up", holes, conditions, steps, lambda c: float(c["factor"]))


class Made:
    """A device whose costs follow from the text of a schedule; some fail."""

    unit = "cycles"

    def __init__(self):
        self.measured = []
        self.races = []

    def outcome(self, schedule):
        number = zlib.crc32(schedule.encode())
        if number % 7 == 0:
            return Outcome(None, failure=Failure("crashed", "signal 11"))
        cost = 100 + number % 1000
        return Outcome(float(cost), ((float(cost),),))

    def measure(self, task, schedules):
        self.measured += schedules
        return [self.outcome(schedule) for schedule in schedules]

    def race(self, task, schedules):
        self.races.append(list(schedules))
        return [self.outcome(schedule) for schedule in schedules]


@pytest.fixture
def search(task):
    def make(path, explorer="learned", seed=3):
        found, device = space(), Made()
        record = partial(append, path)
        return Search(task, found, found.candidates(), device, record, explorer, seed)

    return make


def sequence(path):
    return [(r.trial, dict(r.configuration), r.cost) for r in read(path) if not r.raced]


def go(found, trials=32):
    found.go(trials, math.inf, lambda: None)


@pytest.mark.parametrize("explorer", ["learned", "random", "exhaustive"])
def test_a_killed_search_goes_on_with_the_same_sequence(tmp_path, search, explorer):
    whole = tmp_path / "whole.jsonl"
    go(search(whole, explorer))
    expected, data = sequence(whole), whole.read_bytes()
    assert len(expected) == 32
    ends = np.random.default_rng(0).integers(0, len(data), 5)
    for number, end in enumerate([0, *ends.tolist(), len(data)]):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(data[:end])
        again = search(path, explorer)
        again.resume(read(path))
        assert again.resumed == data[:end].count(b"\n")
        go(again)
        assert sequence(path) == expected
        assert len(again.device.measured) == 32 - again.resumed


def test_records_of_other_searches_are_not_taken_up(tmp_path, search):
    path = tmp_path / "a.jsonl"
    go(search(path, seed=3), 8)
    other = search(path, seed=4)
    other.resume(read(path))
    assert other.resumed == 0


def test_records_of_other_candidates_are_not_taken_up(tmp_path, search):
    path = tmp_path / "a.jsonl"
    first = search(path)
    go(first, 8)
    fewer = first.space.candidates(largest=len(first.candidates) // 2)
    other = Search(first.task, first.space, fewer, Made(), first.record, "learned", 3)
    other.resume(read(path))
    assert other.resumed == 0


def test_all_candidates_at_exact_costs_prove_the_optimum(tmp_path, search):
    path = tmp_path / "a.jsonl"
    found = search(path, "exhaustive")
    go(found, 1000)
    assert found.is_exhausted and found.proved
    costs = [record.cost for record in read(path) if record.cost is not None]
    assert found.best.trial.cost == min(costs)
    assert len(costs) < len(list(read(path))) == len(found.candidates)


def test_failures_are_recorded_with_their_text(tmp_path, search):
    path = tmp_path / "a.jsonl"
    go(search(path, "exhaustive"), 1000)
    failed = [record for record in read(path) if record.cost is None]
    assert failed and all(r.error == {"kind": "crashed", "text": "signal 11"} for r in failed)


def test_the_best_race_with_the_default_and_none_is_worse(tmp_path, search):
    path = tmp_path / "a.jsonl"
    found = search(path)
    go(found)
    found.finish()
    (racing,) = found.device.races
    assert racing[0] == found.default and len(set(racing)) == len(racing) <= 9
    assert found.raced[found.winner] <= found.raced.get(found.default, math.inf)
    raced = [record for record in read(path) if record.raced]
    assert [record.schedule for record in raced] == racing
    assert raced[0].trial == -1


def test_a_deadline_ends_a_search(tmp_path, search):
    found = search(tmp_path / "a.jsonl")
    found.go(32, 0.0, lambda: None)
    assert found.attempts == []
