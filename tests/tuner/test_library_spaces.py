"""Spaces of the schedule library: the default is one of them, and whatever is feasible works."""

import numpy as np
import pytest

from analysis.errors import UserError
from backends.llvm.host import host_target
from dialects.target import Target
from dovetail.measuring.convolutions import Convolution
from dovetail.measuring.convolutions import program as convolution
from dovetail.measuring.matmuls import Matmul
from dovetail.measuring.matmuls import program as product
from dovetail.measuring.rows import ConvolutionRow, MatmulRow
from tuner.device import device_for
from tuner.search import default_schedule_of, schedule_text
from tuner.task import Failure
from tuner.tasks import space_of, tasks_of

HOST = host_target(1)
SERVER = Target.parse("llvm -mcpu=skylake-avx512 -num-threads=1")
VTA = Target.parse("vta")

ROWS = {
    "matmul": MatmulRow("m", size=19),
    "convolution": ConvolutionRow("c", height=5, width=7, ic=20, oc=24, kernel=3, stride=2),
    "depthwise": ConvolutionRow(
        "d", height=5, width=7, ic=24, oc=24, kernel=3, stride=1, depthwise=True
    ),
}
KERNELS = {
    "matmul": product(Matmul(2, 32, 32)),
    "convolution": convolution(Convolution("v", 4, 16, 32, 1, 1)),
}


def task_of(text, target, folder):
    path = folder / "kernel.mlir"
    path.write_text(text)
    (found,) = tasks_of(path, target, {})
    return found


def draw(space, candidates, count, seed=0):
    """Schedules of random candidates that no primitive refuses, each once."""
    rows = np.random.default_rng(seed).permutation(len(candidates))
    found = {}
    for row in rows[: 2 * count]:
        text = schedule_text(space, candidates.points[row])
        if not isinstance(text, Failure):
            found.setdefault(text)
    assert found, "every candidate is refused"
    return list(found)[:count]


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("target", [HOST, SERVER], ids=["host", "server"])
def test_the_default_schedule_is_in_the_space_of_a_cpu(name, target, tmp_path):
    task = task_of(ROWS[name].text(target.machine), target, tmp_path)
    space = space_of(task)
    assert space.name == name and space.default is not None
    assert space.broken(space.default) is None
    steps = ",".join(str(step) for step in space.steps(space.default))
    assert steps == default_schedule_of(task)


@pytest.mark.parametrize("name", KERNELS)
def test_the_default_schedule_is_in_the_space_of_an_accelerator(name, tmp_path):
    task = task_of(KERNELS[name], VTA, tmp_path)
    space = space_of(task)
    assert space.name == name and space.default is not None
    assert space.broken(space.default) is None


@pytest.mark.parametrize("name", ROWS)
def test_random_schedules_of_a_cpu_compute_the_same(name, tmp_path):
    task = task_of(ROWS[name].text(HOST.machine), HOST, tmp_path)
    space = space_of(task)
    schedules = draw(space, space.candidates(largest=500), 3)
    with device_for(task.target) as device:
        for outcome in device.measure(task, schedules):
            assert outcome.failure is None


@pytest.mark.parametrize("name", KERNELS)
def test_random_schedules_of_an_accelerator_compute_the_same(name, tmp_path):
    task = task_of(KERNELS[name], VTA, tmp_path)
    space = space_of(task)
    schedules = draw(space, space.candidates(), 1)
    with device_for(task.target) as device:
        for outcome in device.measure(task, schedules):
            assert outcome.failure is None and outcome.cost is not None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("te.yield %a : f32", "@f has no space: it reduces nothing"),
        ("", "@f has no space: block 'B' has extents that are known at run time only"),
    ],
    ids=["nothing to reduce", "symbolic"],
)
def test_what_has_no_space_says_why(text, reason, tmp_path):
    if text:
        source = """func.func @f(%A: tensor<64xf32>) -> tensor<64xf32> {
  %B = te.compute "B" (%x = 0 to 64) {
    %a = te.read %A[%x] : tensor<64xf32>
    te.yield %a : f32
  } : tensor<64xf32>
  func.return %B : tensor<64xf32>
}
"""
    else:
        symbolic = '#loop.layout<affine_map<(d0, d1) -> (d0, d1)>, ["n", 64]>'
        source = f"""func.func @f(%A: tensor<?x64xf32, {symbolic}>) -> tensor<64xf32> {{
  %n = te.dim "n"
  %B = te.compute "B" (%x = 0 to 64) sum (%k = 0 to %n) {{
    %a = te.read %A[%k, %x] : tensor<?x64xf32, {symbolic}>
    te.yield %a : f32
  }} : tensor<64xf32>
  func.return %B : tensor<64xf32>
}}
"""
    task = task_of(source, SERVER, tmp_path)
    with pytest.raises(UserError) as error:
        space_of(task)
    assert reason in error.value.message
