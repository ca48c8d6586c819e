"""Dumps, timing and checks between passes."""

import json
import re

import numpy as np
import pytest
from parse import parse_module
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline

from dialects.graph import weights
from dovetail.instruments import timing
from dovetail.instruments.fingerprint import Fingerprints
from dovetail.instruments.instrument import Instrument, Instruments
from dovetail.opt import DovetailOptMain, run

FOLDS = """
func.func @f(%x: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %y = arith.addi %x, %zero : i32
  func.return %y : i32
}
"""
SAME = "func.func @g() {\n  func.return\n}\n"
APPLY = "memref-stream-tile-outer-loops{target_rank=4}"
HEADER = re.compile(r"^// -----// IR Dump (.*) //----- //$", re.M)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.mlir"
    path.write_text(FOLDS)
    return str(path)


def dumps(capsys, *arguments):
    """The titles of the dumps on stderr, and their modules."""
    assert run(list(arguments)) == 0
    _, *parts = HEADER.split(capsys.readouterr().err)
    return parts[::2], [parse_module(text) for text in parts[1::2]]


def test_dump_after_all(capsys, source):
    titles, modules = dumps(
        capsys, source, "-p", "cse,canonicalize,dce", "--mlir-print-ir-after-all"
    )
    assert titles == ["After cse", "After canonicalize", "After dce"]
    assert [str(module).count("arith.addi") for module in modules] == [1, 0, 0]


def test_dump_after_change(capsys, source):
    titles, _ = dumps(capsys, source, "-p", "cse,canonicalize,dce", "--mlir-print-ir-after-change")
    assert titles == ["After canonicalize"]


def test_dump_around_named_passes(capsys, source):
    arguments = ["--mlir-print-ir-before=dce", "--mlir-print-ir-after=cse"]
    arguments += ["--mlir-print-ir-before=canonicalize"]
    titles, _ = dumps(capsys, source, "-p", "cse,canonicalize,dce", *arguments)
    assert titles == ["After cse", "Before canonicalize", "Before dce"]


def test_dumps_show_options_and_every_module(capsys, tmp_path):
    path = tmp_path / "a.mlir"
    path.write_text(f"{FOLDS}// -----\n{SAME}")
    titles, _ = dumps(
        capsys, str(path), "--split-input-file", "-p", APPLY, "--mlir-print-ir-before-all"
    )
    assert titles == [f"Before {APPLY}"] * 2


def test_names_that_the_pipeline_lacks(capsys, source):
    assert run([source, "-p", "cse,dce", "--mlir-print-ir-after=canonicalize"]) == 1
    assert capsys.readouterr().err == (
        "error: --mlir-print-ir-after=canonicalize: the pipeline has no pass 'canonicalize': "
        "there are: cse, dce\n"
    )


def test_tree_of_dumps(tmp_path, source):
    folder = tmp_path / "dumps" / "run"
    assert run([source, "-p", "cse,canonicalize", f"--mlir-print-ir-tree-dir={folder}"]) == 0
    assert [path.name for path in sorted(folder.iterdir())] == [
        "00_input.mlir",
        "01_cse.mlir",
        "02_canonicalize.mlir",
    ]
    counts = [
        str(parse_module(path.read_text())).count("arith.addi") for path in sorted(folder.iterdir())
    ]
    assert counts == [1, 1, 0]


def test_tree_of_several_modules_with_locations(tmp_path):
    path = tmp_path / "a.mlir"
    path.write_text('func.func @f() {\n  func.return loc("here")\n}\n// -----\n' + SAME)
    folder = tmp_path / "dumps"
    arguments = ["--split-input-file", "-p", "cse", f"--mlir-print-ir-tree-dir={folder}"]
    assert run([str(path), *arguments]) == 0
    first, second = ((folder / n / "01_cse.mlir").read_text() for n in "12")
    assert 'loc("here")' in first and "loc(" not in second
    assert run([str(path), *arguments, "--no-locations"]) == 0
    assert "loc(" not in (folder / "1" / "01_cse.mlir").read_text()


def test_tree_finds_weights_from_its_folder(tmp_path):
    (tmp_path / "net").mkdir()
    path = tmp_path / "net" / "a.mlir"
    np.savez(tmp_path / "net" / "w.npz", w=np.arange(4, dtype=np.float32))
    sha = weights.content_hash(np.arange(4, dtype=np.float32))
    path.write_text(
        "func.func @f() -> tensor<4xf32> {\n"
        f'  %w = graph.weight @w file("w.npz", "w", "{sha}") : tensor<4xf32>\n'
        "  func.return %w : tensor<4xf32>\n}\n"
    )
    folder = tmp_path / "dumps"
    assert run([str(path), "-p", "cse", f"--mlir-print-ir-tree-dir={folder}"]) == 0
    assert 'file("../net/w.npz", "w"' in (folder / "01_cse.mlir").read_text()


def test_a_folder_that_cannot_be(tmp_path, capsys, source):
    assert run([source, "-p", "cse", f"--mlir-print-ir-tree-dir={source}/x"]) == 1
    assert "--mlir-print-ir-tree-dir: cannot write" in capsys.readouterr().err


def test_timing(tmp_path, capsys, source):
    report = tmp_path / "t.json"
    arguments = ["-p", "cse,canonicalize", "--mlir-timing", f"--mlir-timing-json={report}"]
    assert run([source, *arguments]) == 0
    table = capsys.readouterr().err
    assert re.search(r"^ *[\d.]+ +[\d.]+% +cse +5 -> 5 \(unchanged\) *$", table, re.M)
    assert re.search(r"^ *[\d.]+ +[\d.]+% +canonicalize +5 -> 3 *$", table, re.M)
    passes = json.loads(report.read_text())["passes"]
    assert [(row["name"], row["changed"]) for row in passes] == [
        ("cse", False),
        ("canonicalize", True),
    ]
    assert sum(row["share"] for row in passes) == pytest.approx(1)


def test_timing_adds_up_the_modules(tmp_path):
    path, report = tmp_path / "a.mlir", tmp_path / "t.json"
    path.write_text(f"{FOLDS}// -----\n{SAME}")
    arguments = ["--split-input-file", "-p", "canonicalize", f"--mlir-timing-json={report}"]
    assert run([str(path), *arguments]) == 0
    (row,) = json.loads(report.read_text())["passes"]
    assert (row["operations_before"], row["operations_after"], row["changed"]) == (8, 6, True)


class Clock:
    """A clock that only those move who are said to take time."""

    now = 0.0

    def take(self, seconds):
        self.now += seconds


def test_only_passes_are_timed(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "perf_counter", lambda: clock.now)

    class Slow(Instrument):
        def __call__(self, previous, module, following):
            clock.take(100)

    class TakesOne(ModulePass):
        name = "takes-one"

        def apply(self, ctx, op):
            clock.take(1)

    timed = timing.Timing(False, None)
    watching = Instruments((timed, Slow()))
    PassPipeline((TakesOne(), TakesOne()), watching).apply(Context(), ModuleOp([]))
    assert [row.seconds for row in timed.rows] == [1, 1]


NETWORK = """
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %w = graph.weight @w dense<[1.0, 2.0]> : tensor<2xf32>
  %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  func.return %w : tensor<2xf32>
}
"""


def test_fingerprints_see_values_names_and_locations():
    texts = [
        NETWORK,
        NETWORK.replace("@w dense<[1.0", "@w dense<[3.0"),
        NETWORK.replace("constant dense<[1.0", "constant dense<[3.0"),
        NETWORK.replace("%w", "%v"),
        NETWORK.replace("return %w : tensor<2xf32>", 'return %w : tensor<2xf32> loc("a")'),
    ]
    fingerprints = Fingerprints()
    assert len({fingerprints.of(parse_module(text)) for text in texts}) == len(texts)
    assert fingerprints.of(parse_module(NETWORK)) == fingerprints.of(parse_module(NETWORK))


def test_weights_are_hashed_once(monkeypatch):
    calls = []
    original = weights.content_hash
    monkeypatch.setattr(weights, "content_hash", lambda a: calls.append(1) or original(a))
    module, fingerprints = parse_module(NETWORK), Fingerprints()
    assert fingerprints.of(module) == fingerprints.of(module.clone())
    assert len(calls) == 1


class BreaksPass(ModulePass):
    name = "breaks"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        add = next(inner for inner in op.walk() if inner.name == "arith.addi")
        add.operands = [add.operands[0]]


def test_invalid_ir_names_pass_function_and_operation(monkeypatch, capsys, source):
    original = DovetailOptMain.register_all_passes

    def register(self):
        original(self)
        self.register_pass("breaks", lambda: BreaksPass)

    monkeypatch.setattr(DovetailOptMain, "register_all_passes", register)
    assert run([source, "-p", "cse,breaks"]) == 1
    assert capsys.readouterr().err == (
        "error: invalid IR in @f after breaks: arith.addi: Expected 2 operands, but got 1\n"
    )
    assert run([source, "-p", "breaks", "--disable-verify", "--print-op-generic"]) == 0
