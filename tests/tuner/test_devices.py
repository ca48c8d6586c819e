"""What a device measures: results in any layout, the same cycles as the timing model, messages."""

import ml_dtypes
import numpy as np
import pytest
from tuning_tasks import cpu_task, vta_task
from xdsl.context import Context

from analysis.errors import UserError
from backends.vta.emission import program_of
from dialects.target import Target
from dovetail.pipelines import VTA_BACKEND
from passes.loop.schedule_kernels import ScheduleKernelsPass
from tuner.measuring.cpu import CpuDevice
from tuner.measuring.expected import Expected, expect
from tuner.measuring.messages import BrokenFrameError, Frame, FrameReader
from tuner.measuring.open_device import open_device
from tuner.measuring.vta import VtaDevice
from vta.timing import PRESETS, time_stream

LAYOUTS = (
    "schedule-kernels",
    'transform-layout{buffer="B" map="(k, x) -> (x floordiv 16, k, x mod 16)"}',
    'transform-layout{buffer="C" map="(y, x) -> (x floordiv 16, y, x mod 16)"}',
    'transform-layout{buffer="A" map="(y, k) -> (k, y)"},split-loop{loop="k" factor=4}',
)

SEQUENCE = """
func.func @sums(%A: tensor<9x7xf32>) -> (tensor<9xf32>, tensor<9xf32>) {
  %S = te.compute "S" (%y = 0 to 9) sum (%k = 0 to 7) {
    %a = te.read %A[%y, %k] : tensor<9x7xf32>
    te.yield %a : f32
  } : tensor<9xf32>
  %T = te.compute "T" (%y = 0 to 9) {
    %s = te.read %S[%y] : tensor<9xf32>
    %t = math.exp %s : f32
    te.yield %t : f32
  } : tensor<9xf32>
  func.return %S, %T : tensor<9xf32>, tensor<9xf32>
}
"""

SYMBOLIC = """
func.func @rows(%A: tensor<?xf32, #loop.layout<["n"]>>) -> tensor<?xf32, #loop.layout<["n"]>> {
  %n = te.dim "n"
  %C = te.compute "C" (%y = 0 to %n) {
    %a = te.read %A[%y] : tensor<?xf32, #loop.layout<["n"]>>
    te.yield %a : f32
  } : tensor<?xf32, #loop.layout<["n"]>>
  func.return %C : tensor<?xf32, #loop.layout<["n"]>>
}
"""


def test_kernels_in_any_layout():
    with CpuDevice() as device:
        found = device.measure(cpu_task(), LAYOUTS)
        assert [outcome.failure for outcome in found] == [None] * len(LAYOUTS)
        for outcome in found:
            assert outcome.cost in [thread for _, thread in outcome.samples]
        (several,) = device.measure(cpu_task(SEQUENCE), ["split-loop{loop=k factor=4}"])
        assert several.failure is None
        raced = device.race(cpu_task(), LAYOUTS[:2])
        assert all(outcome.cost > 0 and outcome.reference > 0 for outcome in raced)
        with pytest.raises(UserError, match="@rows cannot be measured: its dimension n has no"):
            device.measure(cpu_task(SYMBOLIC), [""])
        (again,) = device.measure(cpu_task(), [""])
        assert again.failure is None


@pytest.mark.parametrize("preset", [None, "pynq"])
def test_cycles_are_those_of_the_timing_model(preset):
    task = vta_task(target="vta" if preset is None else f"vta -preset={preset}")
    module = task.module()
    for step in (ScheduleKernelsPass(), *VTA_BACKEND):
        step.apply(Context(), module)
    program = program_of(module)
    timing = time_stream(program.instructions, program.config, PRESETS[preset or "hls"])
    with VtaDevice() as device:
        (outcome,) = device.measure(task, ["schedule-kernels"])
    assert outcome.cost == timing.cycles and outcome.samples == ((timing.cycles,),)


def test_presets_are_checked_where_a_target_is_described():
    with pytest.raises(UserError, match="vta: no timing is called 'fast'"):
        _ = Target.parse("vta -preset=fast").machine


def test_devices_of_targets():
    assert open_device(Target.parse("vta")).unit == "cycles"
    assert open_device(cpu_task().target).unit == "s"
    with pytest.raises(UserError, match="target 'nvptx -mcpu=sm_90': its kernels cannot be"):
        open_device(Target.parse("nvptx -mcpu=sm_90"))


def test_expected_results_are_a_message():
    """Of two results, one is read for the other; nothing is lost on the way."""
    task = cpu_task(SEQUENCE)
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
