"""The text of a pass reads back as the same pass."""

import dataclasses
import typing

import pytest
from xdsl.passes import PassPipeline

from dovetail.universe import DOVETAIL_UNIVERSE, PASSES, pass_class

TEXTS = ["y_o", "(c, h) -> (c floordiv 16, h, c mod 16)", "a-b"]
VALUES = {
    str: TEXTS,
    int: [0, 3, -1],
    bool: [True, False],
    tuple[str, ...]: [("y",), ("y", "x_i")],
    tuple[int, ...]: [(4,), (4, 56, 56, 16)],
}


def choices(hint: object) -> list[object]:
    """Values that an option of this type can have."""
    if type(None) in typing.get_args(hint):
        inner = next(t for t in typing.get_args(hint) if t is not type(None))
        return [*VALUES[inner], None]
    return VALUES[hint]


@pytest.mark.parametrize("path", PASSES)
def test_canonical_text_reads_back(path):
    cls = pass_class(path)
    hints = typing.get_type_hints(cls)
    options = {f.name: choices(hints[f.name]) for f in dataclasses.fields(cls) if f.name != "name"}
    for number in range(max([len(v) for v in options.values()], default=1)):
        one = cls(**{name: values[number % len(values)] for name, values in options.items()})
        text = str(one.spec())
        (back,) = PassPipeline.parse_spec(DOVETAIL_UNIVERSE.all_passes, text).passes
        assert back == one, text
        assert str(back.spec()) == text
