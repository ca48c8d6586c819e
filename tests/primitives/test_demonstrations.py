"""Every tick of `dovetail primitives` is an execution on the machine that it stands for."""

import json

import numpy as np
import pytest

from dovetail.cli import run
from dovetail.primitives import FAMILIES, MACHINES, WrongResultError, demonstrations, table
from dovetail.universe import PASSES, pass_class, pass_name
from passes.loop.primitive import Primitive

FOUND = list(demonstrations())


@pytest.mark.parametrize("demonstration", FOUND, ids=lambda d: f"{d.machine}-{d.name}")
def test_it_computes_what_the_tensor_expressions_say(demonstration):
    assert demonstration.execute() == 0


def test_every_primitive_is_shown_somewhere():
    primitives = {pass_name(p) for p in PASSES if issubclass(pass_class(p), Primitive)}
    listed = [name for names in FAMILIES.values() for name in names]
    assert len(set(listed)) == len(listed)
    assert primitives <= set(listed)
    assert [row.primitive for row in table(FOUND) if not any(row.shown.values())] == []


def test_the_families_of_the_table_are_shown_where_they_belong():
    shown = {
        (row.family, machine) for row in table(FOUND) for machine in MACHINES if row.shown[machine]
    }
    assert shown >= {(family, "accelerator") for family in FAMILIES if family != "thread binding"}
    assert shown >= {(family, "cpu") for family in FAMILIES}
    assert ("thread binding", "gpu") in shown


def test_a_wrong_result_is_noticed(monkeypatch):
    demonstration = next(d for d in FOUND if d.name == "quantise")
    monkeypatch.setattr(
        "dovetail.primitives.MachineCode.run", lambda self, arrays, dims: arrays[-1].fill(77)
    )
    with pytest.raises(WrongResultError, match="is off by"):
        demonstration.execute()


def test_the_table_and_its_json(capsys, tmp_path):
    file = tmp_path / "table.json"
    assert run(["primitives", "--json", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = (line.split() for line in lines if line.strip().startswith("bind-virtual-thread"))
    assert row == ["bind-virtual-thread", "✓"]
    rows = json.loads(file.read_text())["primitives"]
    assert {"primitive": "bind-virtual-thread", "family": "latency hiding", "cpu": [], "gpu": [],
            "accelerator": ["product"]} in rows  # fmt: skip
    assert [r["primitive"] for r in rows] == [n for names in FAMILIES.values() for n in names]


def test_one_primitive_is_run(capsys, tmp_path):
    file = tmp_path / "runs.json"
    assert run(["primitives", "compute-in-place", "--run", "--json", str(file)]) == 0
    assert "quantise" in capsys.readouterr().out
    errors = json.loads(file.read_text())["errors"]
    assert {"cpu/quantise", "accelerator/product"} <= set(errors)
    assert np.all(np.array(list(errors.values())) == 0)


def test_a_primitive_that_is_not_there(capsys):
    assert run(["primitives", "split-lop"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: no primitive is named 'split-lop': did you mean split-loop?")
