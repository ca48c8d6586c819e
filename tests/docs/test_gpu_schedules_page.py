"""Every command of docs/gpu-schedules.md runs and prints what is shown, and so does its program."""

import re
from pathlib import Path

import numpy as np
from sessions import check, commands, in_this_process

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "gpu-schedules.md").read_text()


def test_commands_print_what_is_shown(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    executed = 0
    for text in re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S):
        for command, shown in commands(text):
            code, output = in_this_process(command, capsys)
            assert code == (1 if any(line.startswith("error:") for line in shown) else 0), output
            check(command, shown, output)
            executed += 1
    assert executed == 6


def test_the_program_runs():
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    names = {}
    exec(program, names)
    np.testing.assert_array_equal(names["b"], np.full((40, 8), 2))
