"""docs/tensor-expressions.md runs: each block, in order, prints what stands below it."""

import contextlib
import io
import re
import runpy
from pathlib import Path

from sessions import commands, in_this_process

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tensor-expressions.md").read_text()
BLOCKS = re.findall(
    r"^```(python|console)\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", PAGE, re.M | re.S
)


def test_the_page_prints_what_it_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples" / "make_model.py"), run_name="__main__")
    names = {"__name__": "__main__"}
    assert len(BLOCKS) > 12
    for language, text, shown in BLOCKS:
        if language == "console":
            for command, _ in commands(text):
                code, output = in_this_process(command, capsys)
                assert code == 0, output
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, "page.py", "exec"), names)
        lines = [line.rstrip() for line in printed.getvalue().strip().splitlines()]
        assert lines == shown.splitlines(), text
