"""The `dovetail` command: what it does, and that every mistake is one line and exit code 2."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import onnx
import pytest
from llvm_networks import add_rows, axpy, axpy_weight, failing, mirror
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console

from analysis import extensions
from analysis.errors import UserError
from dovetail import cli
from dovetail.commands import bench, compiling, peers
from dovetail.commands.progress import CompileProgress
from dovetail.runtime import load

X = np.random.default_rng(3).integers(-8, 8, 1000).astype(np.float32)


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with a model, its inputs, and a compiler that knows this one model."""
    monkeypatch.chdir(tmp_path)
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "w"], ["m"]),
            helper.make_node("Add", ["m", "x"], ["y"]),
        ],
        "axpy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1000])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1000])],
        [numpy_helper.from_array(axpy_weight(1000), "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=opset), "net.onnx")
    np.savez("x.npz", x=X)

    def compile_model(source, target, progress):
        progress(1, 1)
        if source.name != "net.onnx":
            raise UserError(f"{source}: it is not an ONNX file")
        return axpy()

    monkeypatch.setattr(compiling, "compile_model", compile_model)
    return tmp_path


def listed(*but: str) -> str:
    """The commands that there are, as errors list them, without some."""
    return ", ".join(name for name in cli.command_names() if name not in but)


def dovetail(*args: str) -> int:
    return cli.run(args)


def failure(capsys, *args: str) -> str:
    """What the command prints when it fails: one line on stderr, nothing on stdout."""
    assert dovetail(*args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1 and err.startswith("error: "), err
    return err.removeprefix("error: ").rstrip()


def expected() -> np.ndarray:
    return X * axpy_weight(1000) + X


def test_compile_then_run(here, capsys):
    assert dovetail("compile", "net.onnx", "-o", "net.dove") == 0
    assert capsys.readouterr().err.startswith("net.dove: 1 kernels, 1 calls, ")
    assert dovetail("run", "net.dove", "--input", "x.npz", "--output", "y.npz") == 0
    with np.load("y.npz") as outputs:
        assert outputs.files == ["y"]
        np.testing.assert_array_equal(outputs["y"], expected())
    assert sorted(p.name for p in here.iterdir()) == ["net.dove", "net.onnx", "x.npz", "y.npz"]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_run_compiles_models(here, threads):
    args = ("--input", "x.npz", "--output", "y.npz", "--threads", threads)
    assert dovetail("run", "net.onnx", *args) == 0
    with np.load("y.npz") as outputs:
        np.testing.assert_array_equal(outputs["y"], expected())


@pytest.mark.parametrize("threads", ["1", "2"])
def test_with_the_real_compiler(here, monkeypatch, threads):
    """From ONNX to native code and a file, without the stand-in that knows the model."""
    monkeypatch.undo()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    assert dovetail("compile", "net.onnx", "-o", "net.dove", "--threads", threads) == 0
    assert any((here / "cache" / "dovetail").iterdir())
    args = ("--input", "x.npz", "--output", "y.npz", "--threads", threads)
    for model in ("net.dove", "net.onnx"):
        assert dovetail("run", model, *args) == 0
        with np.load("y.npz") as outputs:
            np.testing.assert_array_equal(outputs["y"], expected())


def test_run_without_output_says_what_came_out(here, capsys):
    assert dovetail("run", "net.onnx", "--input", "x.npz") == 0
    low, high = expected().min(), expected().max()
    assert capsys.readouterr().out == f"y: float32[1000] from {low} to {high}\n"


def test_outputs_of_any_name(here, monkeypatch):
    """Names that are also parameters of numpy's own functions, or have slashes."""
    axpy(output="scope/file:0").save("named.dove")
    assert dovetail("run", "named.dove", "--input", "x.npz", "--output", "y.npz") == 0
    with np.load("y.npz") as outputs:
        np.testing.assert_array_equal(outputs["scope/file:0"], expected())


def test_target_and_threads_reach_the_compiler(here, monkeypatch):
    seen = []

    def compile_model(model, target, progress):
        seen.append(str(target))
        return axpy()

    monkeypatch.setattr(compiling, "compile_model", compile_model)
    target = "llvm -mcpu=x86-64-v3 -num-threads=4"
    assert dovetail("compile", "net.onnx", "-o", "a.dove", "--target", target) == 0
    more = ("--target", target, "--threads", "3")
    assert dovetail("compile", "net.onnx", "-o", "a.dove", *more) == 0
    assert dovetail("compile", "net.onnx", "-o", "a.dove", "--threads", "3") == 0
    assert seen[0] == target
    assert seen[1] == "llvm -mcpu=x86-64-v3 -num-threads=3"
    assert " -num-threads=3 " in seen[2]


def test_errors_about_arguments(here, capsys):
    assert failure(capsys, "rum") == (
        "dovetail has no command 'rum': did you mean run? there are: run, compile, "
        + listed("run", "compile")
    )
    assert failure(capsys, "x") == f"dovetail has no command 'x': there are: {listed()}"
    assert failure(capsys, "compile", "net.onnx") == (
        "dovetail compile: the following arguments are required: -o/--output "
        "(see dovetail compile --help)"
    )
    assert failure(capsys, "run", "net.onnx", "--threads", "0") == (
        "dovetail run: argument --threads: '0' is not a whole number from 1 "
        "(see dovetail run --help)"
    )
    assert failure(capsys, "run", "net.onnx", "--inptu", "x") == (
        "dovetail run: unrecognized arguments: --inptu x (see dovetail run --help)"
    )
    target = ("--target", "gpu -mcpu=x")
    assert failure(capsys, "run", "net.onnx", "--input", "x.npz", *target) == (
        "target 'gpu -mcpu=x': no device is called 'gpu': there are: llvm, nvptx, vdla, vta"
    )
    axpy().save("net.dove")
    target = ("--target", "llvm -mcpu=x86-64")
    assert failure(capsys, "run", "net.dove", "--input", "x.npz", *target) == (
        "net.dove: it is compiled already, --target is for models"
    )
    assert failure(capsys, "compile", "net.dove", "-o", "other.dove") == (
        "net.dove: it is compiled already"
    )


def test_errors_about_files(here, capsys):
    run = ("--input", "x.npz", "--output", "y.npz")
    assert failure(capsys, "run", "no.onnx", *run) == "no.onnx: there is no such file"
    assert failure(capsys, "run", "no.dove", *run) == "no.dove: there is no such file"
    assert failure(capsys, "run", ".", *run) == ".: cannot be read: Is a directory"
    Path("text.onnx").write_text("hello")
    assert failure(capsys, "run", "text.onnx", *run) == "text.onnx: it is not an ONNX file"
    Path("text.dove").write_text("hello")
    assert failure(capsys, "run", "text.dove", *run) == (
        "text.dove: it is not a .dove file, or it is truncated"
    )
    assert failure(capsys, "compile", "net.onnx", "-o", "no/net.dove") == (
        "cannot write no/net.dove: No such file or directory"
    )
    assert failure(capsys, "run", "net.onnx", "--input", "no.npz") == (
        "no.npz: there is no such file"
    )
    assert failure(capsys, "run", "net.onnx", "--input", "text.onnx") == (
        "text.onnx: it is not an .npz file of arrays: File is not a zip file"
    )
    np.savez("objects.npz", x=np.array([{}], dtype=object))
    assert failure(capsys, "run", "net.onnx", "--input", "objects.npz").startswith(
        "objects.npz: it is not an .npz file of arrays: Object arrays cannot be loaded"
    )
    assert failure(capsys, "run", "net.onnx", "--input", "x.npz", "--output", "no/y.npz") == (
        "cannot write no/y.npz: No such file or directory"
    )
    assert not Path("y.npz").exists()


def test_errors_about_inputs(here, capsys):
    assert failure(capsys, "run", "net.onnx") == (
        "net.onnx: input 'x' float32(1000) is missing; given: nothing"
    )
    np.savez("wrong.npz", z=X)
    assert failure(capsys, "run", "net.onnx", "--input", "wrong.npz") == (
        "net.onnx: no input is called 'z': there are: x"
    )
    np.savez("wrong.npz", x=X.astype(np.int32))
    assert failure(capsys, "run", "net.onnx", "--input", "wrong.npz") == (
        "net.onnx: input 'x' has dtype int32, expected float32"
    )
    np.savez("wrong.npz", x=X[:-1])
    output = ("--output", "y.npz")
    assert failure(capsys, "run", "net.onnx", "--input", "wrong.npz", *output) == (
        "net.onnx: input 'x' has shape (999), expected (1000)"
    )
    failing(4).save("failing.dove")
    assert failure(capsys, "run", "failing.dove", *output) == (
        "failing.dove: the run stopped with error 4"
    )
    assert not Path("y.npz").exists()


def test_help_and_version(capsys):
    assert dovetail("--help") == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in ("compile", "run", "bench"))
    assert dovetail("--version") == 0
    assert re.fullmatch(r"dovetail \d+\.\d+\S*\n", capsys.readouterr().out)
    with pytest.raises(SystemExit) as stopped:
        dovetail("bench", "--help")
    assert stopped.value.code == 0


def own_entry(args) -> int:
    """The subcommand and benchmark that the tests below register."""
    print("called with", *args)
    return 3


def test_commands_and_benchmarks_of_other_packages(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    here = sys.modules[own_entry.__module__]
    monkeypatch.setitem(sys.modules, "own_package", here)

    def entries(group: str) -> dict[str, EntryPoint]:
        return {"own": EntryPoint("own", "own_package:own_entry", group)}

    for module in (extensions, cli, bench):
        monkeypatch.setattr(module, "entries", entries)
    assert dovetail("own", "a", "--b") == 3
    assert capsys.readouterr().out == "called with a --b\n"
    assert dovetail("bench", "own", "--c") == 3
    assert capsys.readouterr().out == "called with --c\n"
    assert dovetail("--help") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["own", "(from", "own_package)"] in lines
    assert failure(capsys, "onw") == (
        f"dovetail has no command 'onw': did you mean own? there are: own, {listed('own')}"
    )
    assert failure(capsys, "bench", "onw") == (
        "onw: there is no such file, and no benchmark of that name: did you mean own? "
        "there are: own"
    )


def test_bench_writes_what_it_shows(here, capsys, monkeypatch):
    mirror().save("net.dove")
    args = ("--threads", "2", "--rounds", "2", "--json", "out.json")
    assert dovetail("bench", "net.dove", *args) == 0
    shown = capsys.readouterr().out
    data = json.loads(Path("out.json").read_text())
    assert data["model"] == "net.dove" and data["threads"] == 2 and data["peers"] == {}
    ours = data["latency_ms"]["dovetail"]
    assert 0 < data["ours_ms"] == ours["min"] <= ours["median"] <= ours["p99"]
    assert [k["name"] for k in data["kernels"]] == ["double", "mirrored"]
    assert "net.dove, 2 threads" in shown
    assert f"{ours['min']:.4g}" in shown and "mirrored" in shown


@pytest.mark.parametrize("peer", ["onnxruntime", "openvino"])
def test_bench_against_a_peer(here, peer):
    pytest.importorskip(peer)
    args = ("--against", peer, "--rounds", "2", "--json", "out.json", "--threads", "1")
    assert dovetail("bench", "net.onnx", *args) == 0
    data = json.loads(Path("out.json").read_text())
    assert list(data["peers"]) == [peer] and data["peers"][peer] > 0
    assert data["relative_difference"][peer] < 1e-6


def test_bench_shows_a_wrong_result(here, monkeypatch):
    monkeypatch.setattr(
        bench, "PEERS", {"onnxruntime": lambda *_: lambda: [np.full(1000, 1e9, np.float32)]}
    )
    monkeypatch.setattr(peers, "find_spec", lambda name: name)
    args = ("--against", "onnxruntime", "--rounds", "1", "--json", "out.json", "--threads", "1")
    assert dovetail("bench", "net.onnx", *args) == 0
    difference = json.loads(Path("out.json").read_text())["relative_difference"]["onnxruntime"]
    assert difference == pytest.approx(1.0, rel=1e-3)


def test_bench_of_symbolic_dimensions(here, capsys):
    add_rows().save("rows.dove")
    args = ("--rounds", "1", "--threads", "1")
    assert dovetail("bench", "rows.dove", "--dim", "n=7", *args) == 0
    inputs = bench.random_inputs(load("rows.dove"), {"n": 7})
    assert inputs["x"].shape == (7, 4) and inputs["b"].shape == (7,)
    capsys.readouterr()
    assert failure(capsys, "bench", "rows.dove", "--dim", "m=7") == (
        "--dim m: the program has no such symbolic dimension: there are: n"
    )
    assert "'n' is not of the form NAME=N" in failure(capsys, "bench", "rows.dove", "--dim", "n")


def test_bench_errors(here, capsys, monkeypatch):
    axpy().save("net.dove")
    assert failure(capsys, "bench", "net.onnx", "--against", "tensorflow") == (
        "--against tensorflow: no such peer: there are: onnxruntime, openvino"
    )
    pytest.importorskip("onnxruntime")
    assert failure(capsys, "bench", "net.dove", "--against", "onnxruntime") == (
        "net.dove: --against needs the model, this is a compiled program"
    )
    assert failure(capsys, "bench", "net.dove", "--rounds", "1", "--json", "no/x.json") == (
        "cannot write no/x.json: No such file or directory"
    )
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    assert failure(capsys, "bench", "net.onnx", "--against", "openvino") == (
        "--against openvino: it is not installed: python -m pip install 'dovetail[bench]'"
    )


def shown_progress(patience: float) -> str:
    screen = io.StringIO()
    with CompileProgress("compiling net", patience) as progress:
        progress._bar.live.console = Console(file=screen, width=100)
        for done in range(4):
            time.sleep(0.05)
            progress(done, 3)
    return screen.getvalue()


def test_progress_is_shown_to_those_who_wait():
    assert re.search("compiling net .* 3/3 kernels", shown_progress(0.05))
    assert shown_progress(60) == ""


def test_progress_goes_to_stderr(capsys):
    with CompileProgress("compiling net", 0.0) as progress:
        progress(2, 5)
        time.sleep(0.1)
    out, err = capsys.readouterr()
    assert out == "" and "2/5 kernels" in err


def test_interrupt(monkeypatch, capsys):
    def command(args):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    monkeypatch.setattr(cli, "find_command", lambda name: command)
    assert dovetail("run") == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_the_installed_command(tmp_path):
    axpy().save(tmp_path / "net.dove")
    np.savez(tmp_path / "x.npz", x=X)
    command = [str(Path(sys.executable).with_name("dovetail")), "run", "net.dove"]
    command += ["--input", "x.npz", "--output", "y.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with np.load(tmp_path / "y.npz") as outputs:
        np.testing.assert_array_equal(outputs["y"], expected())


def test_running_a_compiled_program_needs_no_compiler(here):
    """Not even a part of it is imported."""
    axpy().save("net.dove")
    script = """
import sys
from dovetail.cli import run
code = run(["run", "net.dove", "--input", "x.npz", "--output", "y.npz"])
print(code, sorted({"xdsl", "llvmlite", "onnx", "islpy", "rich"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    linked = load("net.dove")._library.__class__.__name__ == "SharedLibrary"
    assert done.stdout == ("0 []\n" if linked else "0 ['llvmlite']\n")
