"""Every command of docs/vta.md runs and prints what is shown, and so does its Python."""

import re
from pathlib import Path

from parse import parse_module
from sessions import check, commands, in_this_process
from xdsl.context import Context

from dovetail.pipelines import VTA_KERNEL

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "vta.md").read_text()


def test_the_page_works_as_printed(tmp_path, monkeypatch, capsys):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    executed = 0
    for text in re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S):
        for command, shown in commands(text):
            code, output = in_this_process(command, capsys)
            assert code == 0, output
            check(command, shown, output)
            executed += 1
    assert executed == 8


def test_the_python_of_the_page():
    module = parse_module((ROOT / "examples/vta/product.mlir").read_text())
    for step in VTA_KERNEL:
        step.apply(Context(), module)
    (text,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    names = {"module": module}
    exec(text, names)
    assert (names["o"] == 5 * 3 * 32 >> 6).all()
