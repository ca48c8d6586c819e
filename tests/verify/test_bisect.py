"""dovetail bisect finds the step that changes a result; dovetail reduce makes failures small."""

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from broken_passes import BROKEN, DIFFERENCE, LARGE, NETWORK
from native import parse
from onnx import helper
from onnx_models import make_model

from analysis.errors import UserError
from dovetail import cli, opt
from dovetail.commands import bisect, reduce
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.reducing import bisecting
from dovetail.reducing.case import Case, chunks
from dovetail.reducing.command import Run, Symptom, kind_of_message
from dovetail.reducing.extents import numbers_of, rewritten
from dovetail.reducing.strategies import fewer_results


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def with_broken_passes(monkeypatch):
    """The broken passes are there like any others."""

    def parse(source, known):
        return parse_passes(source, {**known, **{n: lambda c=c: c for n, c in BROKEN.items()}})

    monkeypatch.setattr(bisect, "parse_passes", parse)


def test_a_right_pipeline_is_right(capsys):
    Path("f.mlir").write_text(DIFFERENCE)
    assert cli.run(["bisect", "f.mlir"]) == 0
    assert capsys.readouterr().out == "f.mlir: no step changes a result\n"


@pytest.mark.parametrize(
    ("text", "pipeline", "culprit", "gone"),
    [
        (LARGE, 'lower-te-to-loop,split-loop{loop="y" factor=4},short-tail,canonicalize',
         "short-tail", "160"),
        (NETWORK, "fold-constants,drop-relu,fuse-operators", "drop-relu", "graph.conv"),
    ],
)  # fmt: skip
def test_the_pass_becomes_a_test(text, pipeline, culprit, gone, with_broken_passes, capsys):
    Path("f.mlir").write_text(text)
    assert cli.run(["bisect", "f.mlir", "-p", pipeline, "-o", "t.mlir"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"pass '{culprit}' changed the result of @")
    assert out.endswith("as a test: t.mlir\n")
    test = Path("t.mlir").read_text()
    first = (
        f"// RUN: dovetail-opt %s -p '{culprit}' --verify-each='run{{reduced=\"\"}}' | filecheck"
    )
    assert test.startswith(first)
    assert gone not in test and "target" not in test
    assert re.search(r"// CHECK: @(f|main)$", test, re.MULTILINE)


def test_a_wrong_import_is_found_by_node(monkeypatch, capsys):
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], "rectify"),
        helper.make_node("Sub", ["r", "c"], ["s"], "subtract"),
        helper.make_node("Neg", ["s"], ["y"], "negate"),
    ]
    model = make_model(nodes, {"x": np.zeros((3, 4), np.float32)}, ["y"], {"c": np.ones(4, "f")})
    onnx.save(model, "m.onnx")
    assert cli.run(["bisect", "m.onnx", "--against", "onnx", "-p", "fold-constants"]) == 0
    assert "import: as ONNX's reference implementation" in capsys.readouterr().err
    right = bisecting.import_model

    def wrong(source, **options):
        swapped = onnx.ModelProto()
        swapped.CopyFrom(source)
        for node in swapped.graph.node:
            if node.op_type == "Sub":
                node.input[0], node.input[1] = node.input[1], node.input[0]
        return right(swapped, **options)

    monkeypatch.setattr(bisecting, "import_model", wrong)
    assert cli.run(["bisect", "m.onnx", "--against", "onnx", "-o", "n.mlir"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("the import changes the result of node 'subtract': s[0, 0] is ")
    found = onnx.load("n.onnx")
    assert [node.op_type for node in found.graph.node] == ["Sub"]
    with np.load("n.npz") as arrays:
        assert {name: arrays[name].shape for name in arrays} == {"r": (1, 1), "c": (1,)}


def test_operators_of_old_opsets_are_judged_by_what_they_meant(capsys):
    values = [helper.make_tensor_value_info(n, 1, (1, 4, 2, 1)) for n in "xy"]
    nodes = [helper.make_node("Softmax", ["x"], ["y"], "flattens", axis=1)]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=8)
    onnx.save(model, "m.onnx")
    assert cli.run(["bisect", "m.onnx", "--against", "onnx", "-p", "fold-constants"]) == 0
    assert "import: as ONNX's reference implementation" in capsys.readouterr().err


def test_a_wrong_emitter_is_found(monkeypatch, capsys):
    Path("f.mlir").write_text(DIFFERENCE)
    right = bisecting.MachineCode

    class Wrong(right):
        def run(self, arrays, dims):
            super().run(arrays, dims)
            arrays[-1].reshape(-1)[-1] += 1

    monkeypatch.setattr(bisecting, "MachineCode", Wrong)
    assert cli.run(["bisect", "f.mlir", "-p", "lower-te-to-loop"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("the emitter changes the result of @f: %C[12] was ")
    test = Path("bisect.mlir").read_text()
    assert test.startswith("// RUN: dovetail bisect %s -p '' | filecheck %s\n")
    assert "memref<1xf32>" in test


def test_what_did_not_run_is_told(capsys):
    Path("f.mlir").write_text(DIFFERENCE.replace("%A[%y]", "%A[%y + 1]"))
    assert cli.run(["bisect", "f.mlir"]) == 3
    printed = capsys.readouterr()
    assert printed.out == "f.mlir: no step that ran changes a result\n"
    assert "not everything ran" in printed.err
    assert "not run: @f: te.compute" in printed.err


def test_reduce_needs_a_folder_to_write_to(capsys):
    assert cli.run(["reduce", "-o", "none/r", "--", "dovetail-opt", "f.mlir"]) == 2
    assert capsys.readouterr().err == "error: reduce: -o none/r: there is no folder none\n"


def test_against_onnx_needs_a_model(capsys):
    Path("f.mlir").write_text(DIFFERENCE)
    assert cli.run(["bisect", "f.mlir", "--against", "onnx"]) == 2
    assert "f.mlir: --against onnx judges the import of an .onnx file" in capsys.readouterr().err


OPT = [sys.executable, "-m", "dovetail.opt"]


def in_process(words, limit):
    """A run of dovetail-opt in this process: a hundred times faster."""
    found = io_of(words[len(OPT) :])
    return Run(*found, 0.0)


def io_of(args):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = opt.run(args)
    return code, err.getvalue() + out.getvalue()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(reduce, "execute", in_process)
    monkeypatch.setattr("dovetail.reducing.command.execute", in_process)


def test_a_refused_command_becomes_small(quick, capsys):
    Path("f.mlir").write_text(DIFFERENCE.replace("@f", "@g") + LARGE)
    pipeline = "expand-powers,lower-te-to-loop,split-loop{loop=k factor=4},vectorize-loop{loop=k_o}"
    command = [*OPT, "f.mlir", "-p", pipeline, "-t", "asm"]
    assert cli.run(["reduce", "-o", "small", "--", *command]) == 0
    words = shlex.split(capsys.readouterr().out)
    given = 'lower-te-to-loop,split-loop{loop="k" factor=4},vectorize-loop{loop="k_o"}'
    assert words == [*OPT, "small.mlir", "-p", given, "-t", "asm"]
    small = Path("small.mlir").read_text()
    assert "@g" not in small and "160" not in small
    assert kind_of_message(in_process(words, 1)) == kind_of_message(in_process(command, 1))


def test_text_that_does_not_parse_is_reduced_by_lines(quick, capsys):
    Path("f.mlir").write_text(NETWORK.replace("graph.relu", "graph.rulu"))
    assert cli.run(["reduce", "-o", "small", "--", *OPT, "f.mlir"]) == 0
    assert len(Path("small.mlir").read_text().splitlines()) <= 6


def test_what_does_not_fail_is_refused(quick, capsys):
    Path("f.mlir").write_text(DIFFERENCE)
    assert cli.run(["reduce", "--", *OPT, "f.mlir"]) == 2
    assert "the command does not fail (exit code 0); --message REGEX" in capsys.readouterr().err
    assert cli.run(["reduce", "--", *OPT]) == 2
    assert "names one .mlir file that exists; here it names none" in capsys.readouterr().err
    assert cli.run(["reduce"]) == 2
    assert "give the command after --" in capsys.readouterr().err


def test_symptoms():
    crash = "Traceback (most recent call last):\n  File \"a/b.py\", line 3, in f\nKeyError: 'x'\n"
    moved = crash.replace("line 3", "line 8").replace("'x'", "'y'")
    assert kind_of_message(Run(1, crash, 0)) == kind_of_message(Run(1, moved, 0))
    assert kind_of_message(Run(1, crash, 0)) == "KeyError in b.py:f"
    other = Run(1, crash.replace("in f", "in g"), 0)
    assert not Symptom.of(Run(1, crash, 0), None, None).shows(other)
    slow = Symptom.of(Run(0, "", 3.0), None, 2.0)
    assert slow.shows(Run(None, "", 60)) and not slow.shows(Run(1, "", 1.0))
    with pytest.raises(UserError, match="takes 1 s, less than --slower-than 2"):
        Symptom.of(Run(0, "", 1.0), None, 2.0)
    killed = Symptom.of(Run(-11, "", 0), None, None)
    assert killed.shows(Run(-11, "other", 0)) is False and killed.shows(Run(-11, "", 0))


def test_numbers_of_a_text_change_together():
    text = '%c4 = f "16x" : tensor<16x?x16xf32> at 16 + 3.5e+16, i16, @k16, affine_map<(d16) -> ()>'
    assert numbers_of(text) == [16]
    assert rewritten(text, lambda n: 7) == text.replace("16x?x16xf", "7x?x7xf").replace(
        "at 16", "at 7"
    )


def test_a_function_that_returns_its_argument_has_no_smaller_results():
    text = "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> { func.return %x : tensor<4xf32> }"
    assert list(fewer_results(Case(parse(text)))) == []


def test_chunks_leave_each_part_out():
    assert [list(part) for part in chunks(3)] == [[0, 1, 2], [1, 2], [0], [2], [1], [0]]


def test_source_of_a_pipeline_is_the_flag():
    assert Source.of("-p", "a").name == "-p"
