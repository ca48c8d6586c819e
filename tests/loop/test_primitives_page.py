"""docs/primitives.md: its program runs under each of its pipelines; its table names what exists."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from native import run, small

from dovetail.universe import PASSES, pass_class, pass_name
from passes.loop.primitive import Primitive

PAGE = (Path(__file__).parents[2] / "docs" / "primitives.md").read_text()
(PROGRAM,) = re.findall(r"```mlir\n(.*?)```", PAGE, re.DOTALL)
PIPELINES = re.findall(r"```pipeline\n(.*?)```", PAGE, re.DOTALL)
ROWS = dict(re.findall(r"^\| `([a-z-]+)` \| `([a-z ]+)` \|", PAGE, re.MULTILINE))


@pytest.mark.parametrize("number", range(len(PIPELINES)))
@pytest.mark.parametrize("threads", [1, 2])
def test_pipelines_run(number, threads):
    rng = np.random.default_rng(0)
    a, b = small(rng, 13, 17), small(rng, 17, 35)
    (got,) = run(PROGRAM, PIPELINES[number], a, b, threads=threads)
    np.testing.assert_array_equal(got, a @ b)


def test_the_table_lists_every_primitive_and_its_options():
    primitives = {pass_name(p): pass_class(p) for p in PASSES if p.startswith("loop.")}
    options = {
        name: {f.name for f in dataclasses.fields(cls)} - {"name", "function"}
        for name, cls in primitives.items()
        if issubclass(cls, Primitive)
    }
    assert {name: set(text.split()) for name, text in ROWS.items()} == options
