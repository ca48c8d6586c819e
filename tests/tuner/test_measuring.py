"""What devices measure: good candidates have a cost, and hostile ones are failures, no more.

These crash, hang, take all memory, compute something else, or harm those beside them.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import hostile_passes
import pytest
from tuning_tasks import SUMS, SYMBOLIC, cpu_task, vta_task
from xdsl.context import Context

from analysis.errors import UserError
from backends.vta.emission import program_of
from dovetail.pipelines import VTA_BACKEND
from passes.loop.schedule_kernels import ScheduleKernelsPass
from tuner.measuring.cpu import CpuDevice
from tuner.measuring.vta import VtaDevice
from vta.timing import PRESETS, time_stream

GOOD = 'split-loop{loop="y" factor=4}'
SUPPORT = Path(hostile_passes.__file__).parent
LIMITS = {"memory": 1 << 29, "compile_seconds": 3.0, "run_seconds": 2.0}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """An environment in which the hostile passes are installed."""
    folder = tmp_path_factory.mktemp("site")
    hostile_passes.install(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(hostile_passes.PARENT, str(os.getpid()))
        patch.setenv("PYTHONPATH", os.pathsep.join((str(folder), str(SUPPORT))))
        yield dict(os.environ)


@pytest.fixture(scope="module")
def device(hostile):
    with CpuDevice(**LIMITS) as found:
        yield found


@pytest.fixture(scope="module")
def accelerator(hostile):
    with VtaDevice(**LIMITS) as found:
        yield found


def is_there(pid):
    """Whether there is a process of that number, dead or alive."""
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("segfault", "crashed", "died of SIGSEGV while scheduling (segfault)"),
        ("read-far-away", "crashed", "died of SIGSEGV while running"),
        ("spin", "too slow", "took longer than 3 s while scheduling (spin)"),
        ("do-not-terminate", "too slow", "took longer than 2 s while running"),
        ("allocate-without-end", "too large", "took more memory than it may while scheduling"),
        ("wrong-sums", "wrong", "C[0, 0] was -31.0 and is -42.0"),
        ("write-beside", "wrong", "it wrote behind the memory of C"),
        ("raise-assertion", "not compiled",
         "AssertionError while scheduling: not thought of (hostile_passes.py:"),
        ("no-such-pass", "refused", "schedule:1:1: no pass is named 'no-such-pass'"),
        ("split-loop{loop=z factor=2}", "refused", "split-loop: no loop is named 'z'"),
    ],
)  # fmt: skip
def test_it_fails_and_the_next_one_does_not(device, name, kind, text):
    found, good = device.measure(cpu_task(), [name, GOOD])
    assert (found.cost, found.failure.kind) == (None, kind)
    assert found.failure.text.startswith(text)
    assert good.failure is None and good.cost > 0 and good.reference > 0


def test_what_is_printed_does_no_harm(device):
    found, good = device.measure(cpu_task(), ["print-much", GOOD])
    assert found.cost > 0 and good.cost > 0


def test_the_last_words_are_told(device):
    (found,) = device.measure(cpu_task(), ["print-much,segfault"])
    first, last = found.failure.text.split("\n")
    assert first == "died of SIGSEGV while scheduling (segfault)"
    assert last == "x" * 2000


def test_the_one_that_dies_of_another_is_found_innocent(device):
    """The pass lets the candidate die that is prepared after it."""
    found = device.measure(cpu_task(), ["die-at-next", GOOD])
    assert [outcome.failure for outcome in found] == [None, None]


def test_the_guilty_one_is_found_where_all_are_timed(device):
    """It takes whoever is timed first with it, which is the reference."""
    before, guilty, after = device.measure(cpu_task(), [GOOD, "die-when-timed", GOOD])
    assert guilty.failure.text == "died of SIGSEGV while running (timing)"
    assert before.cost > 0 and after.cost > 0


def test_a_race_survives_too(device):
    good, guilty = device.race(cpu_task(), [GOOD, "segfault"])
    assert good.cost > 0 and guilty.failure.kind == "crashed"


def test_the_accelerator(accelerator):
    """Programs that are equal are simulated once."""
    wrong, crashed, refused, good, equal = accelerator.measure(
        vta_task(),
        ["wrong-product,schedule-kernels", "segfault", "split-loop{loop=z factor=2}",
         "schedule-kernels", "do-nothing,schedule-kernels"],
    )  # fmt: skip
    assert len(accelerator.known) == 2
    assert wrong.failure.kind == "wrong" and wrong.failure.text.startswith("D[0, 0] was ")
    assert crashed.failure.text == "died of SIGSEGV while scheduling (segfault)"
    assert refused.failure.text.startswith("split-loop: no loop is named 'z'")
    assert good.cost == equal.cost > 0


@pytest.mark.parametrize("preset", [None, "pynq"])
def test_cycles_are_those_of_the_timing_model(accelerator, preset):
    task = vta_task(target="vta" if preset is None else f"vta -preset={preset}")
    module = task.module()
    for step in (ScheduleKernelsPass(), *VTA_BACKEND):
        step.apply(Context(), module)
    program = program_of(module)
    timing = time_stream(program.instructions, program.config, PRESETS[preset or "hls"])
    (outcome,) = accelerator.measure(task, ["schedule-kernels"])
    assert outcome.cost == timing.cycles and outcome.samples == ((timing.cycles,),)
    assert accelerator.race(task, ["schedule-kernels"]) == [outcome]


@pytest.mark.parametrize(
    "schedule",
    [
        "schedule-kernels",
        'transform-layout{buffer="B" map="(k, x) -> (x floordiv 16, k, x mod 16)"}',
        'transform-layout{buffer="C" map="(y, x) -> (x floordiv 16, y, x mod 16)"}',
        'transform-layout{buffer="A" map="(y, k) -> (k, y)"},split-loop{loop="k" factor=4}',
    ],
)
def test_kernels_in_any_layout(device, schedule):
    (outcome,) = device.measure(cpu_task(), [schedule])
    assert outcome.failure is None
    assert outcome.cost in [thread for _, thread in outcome.samples]


def test_several_results(device):
    (outcome,) = device.measure(cpu_task(SUMS), ["split-loop{loop=k factor=4}"])
    assert outcome.failure is None and outcome.cost > 0


def test_a_task_without_sizes_is_refused_and_the_next_one_is_not(device):
    with pytest.raises(UserError, match="@rows cannot be measured: its dimension n has no size"):
        device.measure(cpu_task(SYMBOLIC), [""])
    assert device.measure(cpu_task(), [""])[0].cost > 0


def test_an_interrupt_ends_the_child(device):
    """What it was asked for is not answered any more, and the device can be used again."""
    device.measure(cpu_task(), [GOOD])
    pid = device.child.pid
    with pytest.raises(KeyboardInterrupt):
        device.measure(cpu_task(), ["interrupt-parent"])
    assert not is_there(pid)
    assert device.measure(cpu_task(), [GOOD])[0].cost > 0


MEASURING = f"""
import os
import sys
os.environ["{hostile_passes.PARENT}"] = str(os.getpid())
from dialects.target import Target
from tuner.measuring.cpu import CpuDevice
from tuner.task import Task
name, hash, target, text = sys.argv[1:]
task = Task(name, hash, Target.parse(target), text)
with CpuDevice() as device:
    device.measure(task, [""])
    print(device.nursery.pid, device.child.pid, flush=True)
    device.measure(task, ["kill-parent"])
"""


def test_no_child_outlives_a_parent_that_is_killed(hostile):
    task = cpu_task()
    arguments = (task.name, task.hash, str(task.target), task.text)
    done = subprocess.run(
        [sys.executable, "-c", MEASURING, *arguments],
        stdout=subprocess.PIPE,
        env=hostile,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL
    children = [int(word) for word in done.stdout.split()]
    assert len(children) == 2
    until = time.monotonic() + 20
    while any(map(is_alive, children)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(map(is_alive, children))


def is_alive(pid):
    """Whether a process runs; one that nobody waits for here is the system's to bury."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_children_end_and_are_replaced(device, monkeypatch):
    """When they die, when they have served long, and when the device is closed."""
    monkeypatch.setattr(device, "candidates", 2)
    device.end_child()
    pids = []
    for _ in range(3):
        assert device.measure(cpu_task(), [GOOD])[0].cost > 0
        pids.append(device.child.pid)
    assert pids[0] == pids[1] != pids[2]
    nursery = device.nursery.pid
    assert [is_there(pid) for pid in (nursery, *pids[1:])] == [True, False, True]
    assert device.measure(cpu_task(), ["segfault"])[0].failure.kind == "crashed"
    assert not is_there(pids[2])
    device.close()
    assert not is_there(nursery)
