"""Every command of docs/vta-tools.md runs and prints what is shown, on the files of the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sessions import check, commands, in_this_process

from dovetail.commands.vta.command import COMMANDS
from vta.timing import Cause

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "vta-tools.md").read_text()
FILES = re.findall(r"`(\w+\.\w+)`[^`]*:\n\n```(?:text|python)\n(.*?)^```$", PAGE, re.M | re.S)
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the page's files and the examples, as a clone has them."""
    for name, text in FILES:
        (tmp_path / name).write_text(text)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    search = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    monkeypatch.setenv("PATH", search)
    monkeypatch.chdir(tmp_path)


def in_a_shell(command):
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_page_works_as_printed(folder, capsys):
    used = set()
    for text in BLOCKS:
        for command, shown in commands(text):
            plain = command.startswith("dovetail ")
            code, output = in_this_process(command, capsys) if plain else in_a_shell(command)
            fails = {"error": 2, "first.vta: not proven": 3}
            expected = {code for start, code in fails.items() if shown[:1] and start in shown[0]}
            assert {code} == (expected or {0}), f"$ {command}\n{output}"
            check(command, shown, output)
            used |= {command.split()[2]} if plain else set()
    assert used == set(COMMANDS)
    assert Path("conv.svg").stat().st_size > 10_000
    assert not Path("stuck.bin").exists()


def test_the_tables_have_all_commands_and_causes():
    shown = set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.M))
    assert {name.split()[0] for name in shown if name.split()[0] in COMMANDS} == set(COMMANDS)
    causes = {"token of U" if cause.startswith("token of") else str(cause) for cause in Cause}
    assert causes <= shown
