"""What a task computes, and what goes to children and back."""

import ml_dtypes
import numpy as np
import pytest
from tuning_tasks import SUMS, cpu_task

from analysis.errors import UserError
from dialects.target import Target
from tuner.measuring.expected import Expected, expect
from tuner.measuring.messages import BrokenFrameError, Frame, FrameReader


def test_presets_are_checked_where_a_target_is_described():
    with pytest.raises(UserError, match="vta: no timing is called 'fast'"):
        _ = Target.parse("vta -preset=fast").machine


def test_expected_results_are_a_message():
    """Of two results, one is read for the other; nothing is lost on the way."""
    task = cpu_task(SUMS)
    expected = expect(task.function(task.module()))
    assert expected.reads_outputs and not expected.inputs.exact
    again = Expected.of(read(b"".join(expected.frame().parts())))
    assert again.names == ("S", "T") and again.starts[0] == again.starts[1] == again.inputs.start
    for before, after in zip(expected.results, again.results, strict=True):
        assert np.array_equal(before, after)
    results = [array.copy() for array in again.results]
    assert again.wrong(results) is None
    results[1][3] += 1
    assert again.wrong(results).startswith("T[3] was ")


def test_the_second_run_begins_with_poison():
    """Unless the first content counts."""
    task = cpu_task()
    expected = expect(task.function(task.module()))
    assert expected.inputs.exact and not expected.reads_outputs
    seeded, poisoned = expected.starts
    assert not np.isnan(seeded[0]).any() and np.isnan(poisoned[0]).all()


def read(data, piece=5):
    reader = FrameReader()
    at = 0
    while reader.frame is None:
        size = min(piece, reader.missing)
        reader.feed(data[at : at + size])
        at += size
    assert at == len(data)
    return reader.frame


def test_frames_keep_arrays_of_any_type():
    arrays = [
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.array(1.5, ml_dtypes.bfloat16),
        np.zeros((0, 4), np.float32),
        np.array([[True], [False]]),
    ]
    frame = read(b"".join(Frame({"a": [1, "x"]}, arrays).parts()))
    assert frame.header["a"] == [1, "x"]
    for before, after in zip(arrays, frame.arrays, strict=True):
        assert before.dtype == after.dtype and before.shape == after.shape
        assert (before == after).all()


@pytest.mark.parametrize(
    "data", [b"\xff" * 8, b"\0" * 8, b"\3" + b"\0" * 7 + b"{x}", b"\2" + b"\0" * 7 + b"[]"]
)
def test_what_is_no_frame(data):
    with pytest.raises(BrokenFrameError):
        read(data)
