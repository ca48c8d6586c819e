"""The settings in docs/editor.md understand what dovetail-opt prints."""

import json
import re
from pathlib import Path

import pytest

from dovetail.opt import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "editor.md").read_text()
MATMUL = (ROOT / "examples" / "matmul.mlir").read_text()


@pytest.mark.parametrize(
    "wrong, line, column, message",
    [
        (
            MATMUL.replace("te.yield", "te.yeld"),
            7,
            5,
            "no operation is named te.yeld: did you mean te.yield? there are: ",
        ),
        (
            MATMUL.replace("%k = 0", "%k = 1"),
            3,
            66,
            "te.compute: an axis begins at 0",
        ),
        (MATMUL.replace("te.yield %p", "te.yield %q"), 7, 14, "values used but not defined: [%q]"),
    ],
)
def test_the_task_finds_the_place_of_an_error(tmp_path, capsys, wrong, line, column, message):
    (text,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.M | re.S)
    (task,) = json.loads(text)["tasks"]
    assert task["command"].endswith("/dovetail-opt")
    path = tmp_path / "wrong.mlir"
    path.write_text(wrong)
    arguments = [argument.replace("${file}", str(path)) for argument in task["args"]]
    assert run(arguments) == 1
    lines = capsys.readouterr().err.splitlines()
    found = {}
    for pattern, printed in zip(task["problemMatcher"]["pattern"], lines, strict=False):
        match = re.search(pattern.pop("regexp"), printed)
        assert match, printed
        found.update((what, match[group]) for what, group in pattern.items())
    assert found.pop("message").startswith(message)
    assert found == {"file": str(path), "line": str(line), "column": str(column)}


def test_coloured_text_is_the_text(tmp_path, capsys):
    path = tmp_path / "matmul.mlir"
    path.write_text(MATMUL)
    assert run([str(path)]) == 0
    plain = capsys.readouterr().out
    assert run([str(path), "--syntax-highlight"]) == 0
    coloured = capsys.readouterr().out
    assert re.sub(r"\x1b\[\d*m", "", coloured) == plain != coloured
