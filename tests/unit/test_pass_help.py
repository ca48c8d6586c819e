"""What `dovetail-opt` tells about itself."""

import argparse
import importlib
import re

import pytest
from xdsl.xdsl_opt_main import xDSLOptMain

from dovetail.opt import DovetailOptMain, run
from dovetail.pass_help import help_pass, list_passes
from dovetail.universe import PASSES, pass_name


def printed(capsys, *arguments):
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


def flags(driver):
    parser = argparse.ArgumentParser()
    driver.register_all_arguments(parser)
    return {flag for action in parser._actions for flag in action.option_strings}


def test_every_flag_of_xdsl_opt_is_there():
    ours = DovetailOptMain(args=[])
    assert flags(xDSLOptMain(args=[])) <= flags(ours)


def test_help_is_short(capsys):
    with pytest.raises(SystemExit):
        run(["--help"])
    text = capsys.readouterr().out
    assert "--list-passes" in text and "a,b{x=1" in text
    assert "split-loop," not in text and text.count("\n") < 100


def test_passes_are_listed_by_dialect(capsys):
    text = printed(capsys, "--list-passes")
    groups = re.findall(r"^(\S.*):$", text, re.M)
    assert groups[:3] == ["graph", "te", "loop"] and groups[-1] == "of the package xdsl"
    lines = dict(re.findall(r"^  ([\w-]+) +(.*)$", text, re.M))
    assert all(lines[pass_name(path)] for path in PASSES)
    assert lines["canonicalize"] == "Applies all canonicalization patterns."
    assert max(map(len, text.splitlines())) < 180


def test_help_on_a_pass(capsys):
    text = printed(capsys, "--help-pass", "split-loop")
    assert text.startswith("split-loop: one loop becomes two")
    assert re.search(r"^  factor +int +required +at least 1$", text, re.M)
    assert re.search(r"^  names +tuple\[str, ...\]\|None +default: none +two$", text, re.M)
    assert re.search(r"^  function .* needed where several functions have the names$", text, re.M)
    assert "$ dovetail-opt -p 'split-loop{loop=i factor=4}'" in text
    assert "(%v < 13 = %i_o * 4 + %i_i)" in text.partition("becomes")[2]


def test_help_on_a_pass_of_xdsl(capsys):
    text = printed(capsys, "--help-pass", "memref-stream-tile-outer-loops")
    assert "Materializes loops around memref_stream.generic operations" in text
    assert re.search(r"^  target_rank +int +required$", text, re.M)
    assert "Example" not in text
    assert printed(capsys, "--help-pass", "cse") == "cse\n"


def test_help_on_no_pass(capsys):
    assert run(["--help-pass", "split-lop"]) == 1
    assert (
        "error: no pass is named 'split-lop': did you mean split-loop?" in capsys.readouterr().err
    )


def test_targets_are_listed(capsys):
    assert {"asm", "llvm-ir", "mlir"} <= set(printed(capsys, "--list-targets").split())


PLUGIN = """
from dataclasses import dataclass
from xdsl.passes import ModulePass

@dataclass(frozen=True)
class TurnPass(ModulePass):
    name = "turn"
    times: int = 2

    def apply(self, ctx, op):
        pass
"""


def test_passes_of_other_packages(tmp_path, monkeypatch):
    """They are listed under their package, and their examples are found beside their modules."""
    package = tmp_path / "acme_passes"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "turn.py").write_text(f'"""turn: around. And more."""\n{PLUGIN}')
    (package / "turn.mlir").write_text(
        "// dovetail-opt -p 'turn{times=1}'\nbefore\n// -----\nafter\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    passes = {"turn": lambda: importlib.import_module("acme_passes.turn").TurnPass}
    assert list_passes(passes).startswith(
        "of the package acme_passes:\n  turn  around.\n\ndovetail-opt"
    )
    assert help_pass("turn", passes) == (
        "turn: around. And more.\n\nOptions:\n  times  int  default: 2\n\nExample:\n\n"
        "  $ dovetail-opt -p 'turn{times=1}'\n\n  before\n\n  becomes\n\n  after\n"
    )
