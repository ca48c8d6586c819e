"""`dovetail space` and `dovetail tune`: what they print and write, a kill, mistakes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backends.llvm.host import host_target
from dovetail import cli
from dovetail.measuring.matmuls import Matmul
from dovetail.measuring.matmuls import program as product
from dovetail.measuring.rows import MatmulRow
from dovetail.records import read
from tuner.explorers.explorer import next_trials
from tuner.explorers.simple import Random
from tuner.history import Trial
from tuner.tasks import space_of, tasks_of

HOST = host_target(1)
KERNEL = MatmulRow("m", size=16).text(HOST.machine)


@pytest.fixture
def kernel(tmp_path):
    path = tmp_path / "kernel.mlir"
    path.write_text(KERNEL)
    return path


def test_space_counts_what_is_feasible(kernel, tmp_path, capsys):
    assert cli.run(["space", str(kernel), "--threads", "1", "--json", str(tmp_path / "a")]) == 0
    (entry,) = json.loads((tmp_path / "a").read_text())
    (task,) = tasks_of(kernel, HOST, {})
    space = space_of(task)
    assert entry["kernel"] == "matmul" and entry["space"] == "matmul"
    assert entry["size"] == space.size
    assert entry["feasible_share"] == len(space.candidates()) / space.size
    assert f"{space.size:,}" in capsys.readouterr().out


def tune(kernel, folder, *more):
    entry = "from dovetail.cli import main; main()"
    command = [sys.executable, "-c", entry, "tune", str(kernel), "-o", str(folder), *more]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def children_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in found.stdout.split()]


def is_running(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are looked up in /proc")
def test_a_killed_run_goes_on_with_the_same_trials(kernel, tmp_path):
    folder = tmp_path / "records"
    arguments = ["--threads", "1", "--explorer", "random", "--seed", "5"]
    first = tune(kernel, folder, "--trials", "400", *arguments)
    (path,) = wait_for(lambda: list(folder.glob("*.jsonl")) if folder.exists() else [])
    wait_for(lambda: path.read_bytes().count(b"\n") >= 8)
    children = children_of(first.pid)
    assert children
    first.kill()
    first.communicate()
    wait_for(lambda: not any(is_running(pid) for pid in children))
    before = [record.configuration for record in read(path)]
    trials = len(before) + 8
    again = tune(kernel, folder, "--trials", str(trials), *arguments)
    out, errors = again.communicate()
    assert again.returncode == 0, errors
    assert "tuned kernels" in out and f"{len(before)} from records" in errors
    records = [record for record in read(path) if not record.raced]
    assert [record.trial for record in records] == list(range(trials))
    assert [record.configuration for record in records[: len(before)]] == before
    assert [record.configuration for record in records] == expected(kernel, trials)


def wait_for(done, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := done():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def expected(kernel, trials):
    """The configurations that the explorer proposes, in the form of JSON."""
    (task,) = tasks_of(kernel, HOST, {})
    space = space_of(task)
    candidates = space.candidates()
    history = []
    while len(history) < trials:
        history += [Trial(i, None) for i in next_trials(Random(5), candidates, history)]
    rows = [space.configuration(candidates.points[t.candidate]) for t in history[:trials]]
    return [json.loads(json.dumps(row)) for row in rows]


def test_interrupting_keeps_records(kernel, tmp_path):
    folder = tmp_path / "records"
    run = tune(kernel, folder, "--trials", "400", "--threads", "1", "--explorer", "random")
    (path,) = wait_for(lambda: list(folder.glob("*.jsonl")) if folder.exists() else [])
    wait_for(lambda: path.read_bytes().count(b"\n") >= 8)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate()
    assert run.returncode == 130
    assert "the same command goes on" in errors and "Traceback" not in errors
    assert len(list(read(path))) >= 8


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--kernel", "conv"], "--kernel conv: no kernel's name matches; there are matmul"),
        (["--kernel", "("], "--kernel (: no regular expression"),
        (["--explorer", "lerned"], "no explorer is called 'lerned': did you mean learned?"),
        (["--target", "gpu"], "target 'gpu': no device is called 'gpu'"),
    ],
)
def test_mistakes_are_one_line(kernel, tmp_path, capsys, arguments, reason):
    assert cli.run(["tune", str(kernel), "-o", str(tmp_path / "r"), *arguments]) == 2
    first, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith(f"error: {reason}")


def test_an_output_that_is_a_file_is_named(kernel, capsys):
    assert cli.run(["tune", str(kernel), "-o", str(kernel)]) == 2
    assert f"-o {kernel}: cannot be made a folder" in capsys.readouterr().err


def test_networks_are_for_cpus(tmp_path, capsys):
    path = tmp_path / "net.mlir"
    path.write_text(
        "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
        "  %y = graph.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>\n"
        "  func.return %y : tensor<4xf32>\n}\n"
    )
    assert cli.run(["space", str(path), "--target", "vta"]) == 2
    assert "networks are tuned for CPUs; for vta give kernels of te" in capsys.readouterr().err


def test_a_kernel_for_the_accelerator_has_a_space(tmp_path, capsys):
    path = tmp_path / "kernel.mlir"
    path.write_text(product(Matmul(2, 32, 32)))
    assert cli.run(["space", str(path), "--target", "vta", "--holes"]) == 0
    assert "the tiles of all threads fit the memories" in capsys.readouterr().out
