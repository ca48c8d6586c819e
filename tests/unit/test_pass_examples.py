"""Every pass has an example beside it, and the driver prints what the example says.

`pytest tests/unit/test_pass_examples.py --update-examples` rewrites what comes out.
"""

import dataclasses

import pytest

from dovetail.opt import run
from dovetail.pass_help import Example, example_path
from dovetail.universe import PASSES, pass_class


@pytest.mark.parametrize("path", PASSES)
def test_example(path, request, tmp_path, capsys):
    cls = pass_class(path)
    file = example_path(cls)
    assert file.exists(), f"{cls.name} has no example {file}"
    example = Example.read(file)
    assert cls.name in example.pipeline
    source = tmp_path / "before.mlir"
    source.write_text(example.before)
    code = run([str(source), "-p", example.pipeline, "--no-locations"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    if request.config.getoption("--update-examples"):
        file.write_text(dataclasses.replace(example, after=f"{printed.out.rstrip()}\n").text)
    else:
        assert printed.out.rstrip() == example.after.rstrip()
