"""docs/search.md: its commands run, and its explorer explores."""

import re
from pathlib import Path

import pytest
from replay_tables import made_up

from analysis.extensions import entries
from dovetail.cli import run
from tuner.explorers.explorer import GROUP
from tuner.replay import search

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "search.md").read_text()
COMMANDS = re.findall(r"^\$ dovetail (.*)$", TEXT, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_run(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert run(command.split()) == 0


def test_its_explorer_explores():
    (program,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)
    names = {}
    exec(program, names)
    table = made_up()
    history = search(table, names["Spread"](0), 200)
    assert len({trial.candidate for trial in history}) == 200


def test_it_has_every_explorer():
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.M)) == set(entries(GROUP))
