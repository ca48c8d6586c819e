"""Every command of docs/debugging.md runs and prints what is shown, in a folder with its files.

Instead of installing the package of wrong passes, the test puts it and its entry point on the path.
"""

import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from sessions import check, commands, in_this_process

from dovetail import universe
from dovetail.instruments.verify_run import RunOptions

PAGE = (Path(__file__).parents[2] / "docs" / "debugging.md").read_text()
PLAIN = re.compile(r"dovetail(-opt)? [^|<>&$]*")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the page's files, and its passes as if they were installed."""
    site = tmp_path / "site"
    info = site / "wrong_passes-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wrong-passes\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[xdsl.universe]\nwrong = wrong_passes:UNIVERSE\n")
    (site / "wrong_passes.py").write_text(blocks("python")[0])
    (tmp_path / "sums.mlir").write_text(blocks("mlir")[0])
    search = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    monkeypatch.setenv("PATH", search)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(tmp_path)
    universe.installed.cache_clear()
    yield tmp_path
    universe.installed.cache_clear()
    sys.modules.pop("wrong_passes", None)


def in_a_shell(command):
    done = subprocess.run(
        ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def with_traceback(command, capsys):
    """What the command prints and returns; a bug of a pass is printed as Python prints it."""
    try:
        return in_this_process(command, capsys)
    except AssertionError as error:
        return 1, "".join(traceback.format_exception(error))


def test_the_page_works_as_printed(folder, capsys):
    executed = 0
    for text in blocks("console"):
        for command, shown in commands(text):
            if "reduce" in command.split("--")[0]:
                command = command.replace("reduce", "reduce --trials 6", 1)
            code, output = (
                with_traceback(command, capsys) if PLAIN.fullmatch(command) else in_a_shell(command)
            )
            fails = any(re.match(r"error: |pass '|AssertionError", line) for line in shown)
            assert code == int(fails), f"$ {command}\n{output}"
            check(command, shown, output)
            executed += 1
    assert executed >= 8


def test_the_options_are_those_there_are():
    section = PAGE.partition("| option in the braces |")[2].partition("\n\n")[0]
    shown = re.findall(r"^\| `([\w-]+)=([^`]*)` \|", section, re.M)
    options = vars(RunOptions())
    assert {name.replace("-", "_") for name, _ in shown} == set(options)
    defaults = {name.replace("-", "_"): value.strip('"') for name, value in shown}
    for name, value in options.items():
        assert value is None or str(value) == defaults[name]
