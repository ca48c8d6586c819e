"""Every command and program of docs/vta.md runs and prints what is shown."""

import re
from pathlib import Path

from sessions import check, commands, in_this_process

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "vta.md").read_text()


def test_the_commands_print_what_is_shown(tmp_path, monkeypatch, capsys):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    executed = 0
    for text in re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S):
        for command, shown in commands(text):
            code, output = in_this_process(command, capsys)
            assert code == 0, output
            check(command, shown, output)
            executed += 1
    assert executed == 6
    assert Path("conv.svg").stat().st_size > 10_000


def test_the_program_prints_what_is_shown(capsys):
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    exec(compile(program, "docs/vta.md", "exec"), {"__name__": "page"})
    (shown,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.M | re.S)
    assert capsys.readouterr().out == shown
