"""`dovetail bench suite`: its rows, and what it refuses."""

import json

import pytest

from analysis.errors import UserError
from dovetail.commands.suite import run


def test_a_row_of_the_suite(tmp_path, capsys):
    path = tmp_path / "rows.json"
    assert run(["squeezenet", "--rounds", "1", "--json", str(path)]) == 0
    assert "| squeezenet" in capsys.readouterr().out
    (row,) = json.loads(path.read_text())
    assert row["network"] == "squeezenet" and row["ours_ms"] > 0 and row["first_s"] > 0


def test_unknown_networks_are_refused():
    with pytest.raises(UserError, match=r"no network is called 'resnet5': did you mean resnet50\?"):
        run(["resnet5"])
