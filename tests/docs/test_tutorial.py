"""docs/tutorial.md runs: its files are written, its commands executed, its output is what it says.

In an environment of its own, because the tutorial installs a package: it sees the packages of this
one and has the same commands. The block that installs Dovetail is not run. Output must hold the
lines shown, in order, where `...` stands for any; a block marked `measured` only has to work.
Plain commands run in this process as long as they need nothing that the tutorial installed.
"""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from sessions import check, commands, in_this_process

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"(?:`([\w./]+)`:\n\n)?^```(\w+)( measured)?\n(.*?)^```$", re.M | re.S)
BLOCKS = BLOCK.findall(TUTORIAL.read_text())
TOOLS = ("dovetail", "dovetail-opt", "filecheck", "xdsl-opt")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder of the tutorial, and the variables of its environment."""
    folder = tmp_path_factory.mktemp("tutorial")
    venv.create(folder / "venv", symlinks=True)
    packages = sysconfig.get_path("purelib", vars={"base": folder / "venv"})
    here = sysconfig.get_path("purelib")
    Path(packages, "here.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    for tool in TOOLS:
        _, _, script = (Path(sys.executable).parent / tool).read_text().partition("\n")
        (folder / "venv" / "bin" / tool).write_text(f"#!{folder}/venv/bin/python\n{script}")
        (folder / "venv" / "bin" / tool).chmod(0o755)
    work = folder / "tutorial"
    work.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return work, {
        **kept,
        "PATH": f"{folder}/venv/bin:{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this one backwards
        "PIP_NO_INDEX": "1",
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CACHE_HOME": f"{folder}/cache",
    }


def in_a_shell(command, work, environment):
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def test_the_tutorial_works_as_printed(place, capsys, monkeypatch):
    work, environment = place
    monkeypatch.chdir(work)
    executed, installed = 0, False
    for name, language, measured, text in BLOCKS:
        if name:
            (work / name).parent.mkdir(exist_ok=True)
            (work / name).write_text(text)
            continue
        assert language in ("console", "sh"), f"a block without a name: {text}"
        if language == "sh":
            assert "pip install -e '.[dev]'" in text
            continue
        for command, shown in commands(text):
            if command.startswith("dovetail bench"):
                command += " --rounds 1"
            installed |= "pip install" in command
            if installed or not re.fullmatch(r"dovetail(-opt)? [^|<>&$]*", command):
                code, output = in_a_shell(command, work, environment)
            else:
                code, output = in_this_process(command, capsys)
            fails = any(re.search(r"^error: |\d failed", line) for line in shown)
            assert (code != 0) == fails, f"$ {command}\n{output}"
            assert "Traceback" not in output
            if not measured:
                check(command, shown, output)
            executed += 1
    assert executed >= 15
