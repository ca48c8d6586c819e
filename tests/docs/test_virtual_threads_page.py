"""Every command of docs/virtual-threads.md runs and prints what is shown."""

import re
from pathlib import Path

from sessions import check, commands, in_this_process

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "virtual-threads.md").read_text()


def test_the_stages_are_as_shown(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    executed = 0
    for text in re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S):
        for command, shown in commands(text):
            code, output = in_this_process(command, capsys)
            assert code == 0, output
            check(command, shown, output)
            executed += 1
    assert executed == 3
