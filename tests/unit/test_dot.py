"""What `-t svg` makes of `-t dot`, and what it says where Graphviz is missing."""

import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from dovetail.opt import run

NETWORK = Path(__file__).parents[1] / "filecheck" / "targets" / "dot.mlir"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("passes", ["", "fuse-operators"])
def test_graphviz_draws_the_picture(tmp_path, passes):
    output = tmp_path / "a.svg"
    assert run([str(NETWORK), "-p", passes, "-t", "svg", "-o", str(output)]) == 0
    drawn = ElementTree.parse(output).getroot()
    classes = [group.get("class") for group in drawn.iter(f"{SVG}g")]
    assert classes.count("node") == 6 and classes.count("edge") == 6
    assert classes.count("cluster") == (2 if passes else 0)


def test_without_graphviz_it_says_what_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    output = tmp_path / "a.svg"
    assert run([str(NETWORK), "-t", "svg", "-o", str(output)]) == 1
    assert not output.exists()
    assert capsys.readouterr().err == (
        "error: -t svg draws with the program 'dot', which is not installed: install the package "
        "graphviz, or print -t dot and draw it elsewhere\n"
    )
