"""Every command and every Python block of README works as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\$ (.*)$", TEXT, re.M)
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the examples, as a clone has them."""
    path = tmp_path_factory.mktemp("readme")
    (path / "examples").symlink_to(ROOT / "examples")
    return path


def call(command, folder):
    search = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": search, "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_readme_works_as_printed(folder):
    assert len(COMMANDS) >= 8 and PROGRAMS
    for command in COMMANDS:
        done = call(["bash", "-c", command], folder)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert "Traceback" not in done.stderr
    for program in PROGRAMS:
        done = call([sys.executable, "-c", program], folder)
        assert done.returncode == 0, f"{program}\n{done.stderr}"


def test_matmul_of_the_readme_is_the_file():
    (shown,) = re.findall(r"^```mlir\n(.*?)^```$", TEXT, re.M | re.S)
    assert shown in (ROOT / "examples" / "matmul.mlir").read_text()


def test_listing_of_the_readme_is_what_is_printed(folder):
    (command, shown) = re.search(r"^\$ (.* -t pseudo .*)\n((?:[^`].*\n)+)", TEXT, re.M).groups()
    assert call(["bash", "-c", command], folder).stdout == shown
