"""A table of a whole space: what its device says of each candidate, also after an interruption."""

from contextlib import nullcontext

import numpy as np
import pytest
import te_cases

from analysis.errors import UserError
from passes.loop.split_loop import SplitLoopPass
from tuner.space import Hole, Space
from tuner.table import Table
from tuner.tables import collect
from tuner.task import Failure, Outcome

SPACE = Space(
    "made-up",
    (Hole("rows", (1, 2, 4), "factor"), Hole("columns", (2, 4, 8, 16), "factor")),
    (),
    lambda c: (SplitLoopPass("y", c["rows"]), SplitLoopPass("x", c["columns"])),
    lambda c: float(c["rows"] * c["columns"]),
)


class Device:
    """Costs are the lengths of schedules; some fail."""

    unit = "s"

    def __init__(self, batches):
        self.batches = batches

    def measure(self, task, schedules):
        if not self.batches:
            raise KeyboardInterrupt
        self.batches -= 1
        return [
            Outcome(None, failure=Failure("wrong", "C[0, 0] is 1, not 2"))
            if "factor=8" in schedule
            else Outcome(len(schedule))
            for schedule in schedules
        ]


@pytest.fixture
def collected(tmp_path, monkeypatch):
    kernel = tmp_path / "f.mlir"
    kernel.write_text(te_cases.matmul(8, 64, 16).text)

    def run(name, *only, batches=100):
        monkeypatch.setattr(collect, "device_for", lambda target: nullcontext(Device(batches)))
        monkeypatch.setattr(collect, "space_of", lambda task: SPACE)
        output = tmp_path / f"{name}.json.gz"
        records = ["--records", str(tmp_path / f"{name}.jsonl")]
        target = ["--target", "llvm -mcpu=skylake-avx512"]
        collect.main([str(kernel), *target, *records, "-o", str(output), *only])
        return Table.read(output)

    return run


def test_a_collection_that_was_interrupted_is_the_same(collected):
    whole = collected("whole")
    with pytest.raises(KeyboardInterrupt):
        collected("parts", batches=1)
    parts = collected("parts")
    assert len(whole.candidates) == 12
    assert np.array_equal(whole.candidates.points, parts.candidates.points)
    assert set(whole.failures) == set(np.flatnonzero(np.isnan(whole.costs)))
    assert whole.failures == parts.failures
    assert set(whole.failures.values()) <= {"wrong: C[0, 0] is 1, not 2"}
    assert np.array_equal(whole.costs, parts.costs, equal_nan=True)


def test_at_most_so_many_tiles():
    holes = (Hole("a", (1, 2, 4), "factor"), Hole("b", (2, 8), "factor"), Hole("c", (0,), "factor"))
    space = Space("s", holes, (), lambda c: (), lambda c: 1.0)
    rows = [tuple(row) for row in collect.part_of(space, ["a=1,4"], 4).feasible()]
    assert rows == [(0, 1, 0), (1, 0, 0), (1, 1, 0)]


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("wide=1", "no hole is called 'wide'; there are rows, columns"),
        ("columns=1,77", "the choices of 'columns' are 2,4,8,16"),
    ],
)
def test_mistakes(collected, only, message):
    with pytest.raises(UserError, match=message):
        collected("x", "--only", only)
