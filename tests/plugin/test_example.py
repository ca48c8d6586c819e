"""The package in examples/plugin extends an installed Dovetail, and passes its own tests."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin"
COMMANDS = re.findall(r"^\$ (.*)$", (PLUGIN / "README.md").read_text(), re.M)


def call(command, site):
    search = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": search, "PYTHONPATH": str(site)}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    return subprocess.run(
        ["bash", "-c", command], cwd=PLUGIN, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder in which the package is installed."""
    folder = tmp_path_factory.mktemp("site")
    options = "-q --no-deps --no-index --no-build-isolation --disable-pip-version-check"
    done = call(f"python -m pip install {options} --target {folder} .", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_its_readme_works_as_printed(site):
    """Its last command runs its tests."""
    install, *commands, tests = COMMANDS
    assert install.startswith("python -m pip install") and tests == "python -m pytest tests"
    for command in commands:
        done = call(command, site)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    done = call(tests, site)
    assert done.returncode == 0 and re.search(r"[1-9][0-9]* passed", done.stdout), done.stdout


def test_a_name_that_is_taken(tmp_path):
    """A package that adds a pass of our name is refused by the driver, with both named."""
    (tmp_path / "other.py").write_text(
        "from dovetail.universe import universe_of\n"
        'UNIVERSE = universe_of({}, {"split-loop": "other:SplitLoopPass"}, {})\n'
    )
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xdsl.universe]\nother-package = other:UNIVERSE\n")
    done = call("dovetail-opt tests/filecheck/glu.mlir", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: the installed packages do not fit together: "
        "Duplicate definition of split-loop in ['dovetail', 'othe"
    )
