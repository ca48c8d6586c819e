"""Every command of docs/dovetail-opt.md runs, and prints the lines that are shown below it."""

import re
import shlex
from pathlib import Path

import pytest

from dovetail.opt import run

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "dovetail-opt.md").read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.M | re.S)


def sessions():
    """Each command with the lines that are shown below it."""
    for block in BLOCKS:
        for session in block.split("$ ")[1:]:
            command, *shown = session.splitlines()
            yield command, shown


def test_commands_print_what_is_shown(tmp_path, monkeypatch, capsys):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for command, shown in sessions():
        name, *arguments = shlex.split(command)
        assert name == "dovetail-opt"
        code = run(arguments)
        printed = "".join(capsys.readouterr())
        assert code == any(line.startswith("error") for line in shown), printed
        lines = iter(printed.splitlines())
        assert all(line in lines for line in shown), f"{command}\n{printed}"


def test_every_flag_of_the_page_is_in_the_help(capsys):
    with pytest.raises(SystemExit):
        run(["--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    used = set(re.findall(r"--[a-z][a-z-]+", TEXT))
    assert len(used) >= 12 and used <= known
