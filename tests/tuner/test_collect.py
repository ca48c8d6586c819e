"""A table of a whole space: what its device says of each candidate, also after an interruption."""

from contextlib import nullcontext

import numpy as np
import pytest
import te_cases

from analysis.errors import UserError
from tuner.space import Hole, Space
from tuner.table import Table
from tuner.tables import collect
from tuner.task import Failure, Outcome

ONLY = ["--only", "rows=1", "--only", "columns=1,2,4", "--only", "unroll=1"]


class Device:
    """Costs are the lengths of schedules, beside a reference that drifts; some fail."""

    unit = "s"

    def __init__(self, batches):
        self.batches = batches

    def measure(self, task, schedules):
        if not self.batches:
            raise KeyboardInterrupt
        self.batches -= 1
        drift = 1 + self.batches / 100
        return [
            Outcome(None, failure=Failure("wrong", "C[0, 0] is 1, not 2"))
            if "unroll-loop" not in schedule
            else Outcome(len(schedule) * drift, reference=drift)
            for schedule in schedules
        ]


@pytest.fixture
def collected(tmp_path, monkeypatch):
    kernel = tmp_path / "f.mlir"
    kernel.write_text(te_cases.matmul(8, 64, 16).text)

    def run(name, *only, batches=100):
        monkeypatch.setattr(collect, "device_for", lambda target: nullcontext(Device(batches)))
        output = tmp_path / f"{name}.json.gz"
        records = ["--records", str(tmp_path / f"{name}.jsonl")]
        target = ["--target", "llvm -mcpu=skylake-avx512"]
        collect.main([str(kernel), *target, *records, "-o", str(output), *only])
        return Table.read(output)

    return run


def test_a_collection_that_was_interrupted_is_the_same(collected):
    whole = collected("whole", *ONLY)
    with pytest.raises(KeyboardInterrupt):
        collected("parts", *ONLY, batches=1)
    parts = collected("parts", *ONLY)
    assert len(whole.candidates) > 12
    assert np.array_equal(whole.candidates.points, parts.candidates.points)
    assert set(whole.failures) == set(np.flatnonzero(np.isnan(whole.costs)))
    assert whole.failures == parts.failures
    assert set(whole.failures.values()) <= {"wrong: C[0, 0] is 1, not 2"}
    ratio = whole.costs / parts.costs
    assert np.nanmax(ratio) / np.nanmin(ratio) == pytest.approx(1, rel=1e-4)


def test_at_most_so_many_tiles():
    holes = (Hole("a", (1, 2, 4), "factor"), Hole("b", (2, 8), "factor"), Hole("c", (0,), "factor"))
    space = Space("s", holes, (), lambda c: (), lambda c: 1.0)
    rows = [tuple(row) for row in collect.part_of(space, ["a=1,4"], 4).feasible()]
    assert rows == [(0, 1, 0), (1, 0, 0), (1, 1, 0)]


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("wide=1", "no hole is called 'wide'; there are rows"),
        ("columns=1,77", "the choices of 'columns' are 1,"),
    ],
)
def test_mistakes(collected, only, message):
    with pytest.raises(UserError, match=message):
        collected("x", "--only", only)
