"""The window: our passes are offered and applied; what is asked wrongly is one line."""

import asyncio
from importlib.util import find_spec
from pathlib import Path

import pytest

from analysis.errors import UserError
from dovetail import gui
from dovetail.universe import DOVETAIL_UNIVERSE

MATMUL = Path(__file__).parents[2] / "examples" / "matmul.mlir"
needs_textual = pytest.mark.skipif(
    find_spec("textual") is None or find_spec("pyclip") is None,
    reason="the extra 'gui' is not installed",
)


OURS = DOVETAIL_UNIVERSE.all_passes


async def output_after(app, name):
    """What the window shows after a pass is chosen from the list."""
    async with app.run_test() as pilot:
        await pilot.pause()
        tree = app.passes_tree
        (node,) = (n for n in tree.root.children if str(n.label) == name)
        tree.post_message(tree.NodeSelected(node))
        await pilot.pause()
        await pilot.pause()
        return app.output_text_area.text


@needs_textual
def test_our_passes_are_offered_and_applied():
    app = gui.application(str(MATMUL))
    offered = [name for name, _ in app.all_passes]
    assert set(offered[: len(OURS)]) == set(OURS)
    assert "canonicalize" in offered
    shown = asyncio.run(output_after(app, "lower-te-to-loop"))
    assert "loop.for %y = 0 to 500" in shown and "te.compute" not in shown


@needs_textual
def test_a_refusal_stands_where_the_ir_would_be():
    passes = 'lower-te-to-loop, split-loop{loop="z" factor=8}'

    async def first_output():
        app = gui.application(str(MATMUL), passes)
        async with app.run_test() as pilot:
            await pilot.pause()
            return app.output_text_area.text

    assert "no loop is named 'z'" in asyncio.run(first_output())


@needs_textual
@pytest.mark.parametrize(
    "arguments, message",
    [
        (["none.mlir"], "cannot read none.mlir: No such file or directory"),
        (
            ["-p", "split-lop{loop=y}"],
            "-p:1:1: no pass is named 'split-lop': did you mean",
        ),
        (["-p", "split-loop{loops=y}"], "-p:1:12: pass 'split-loop' has no option 'loops'"),
        (["-p", "split-loop{"], "-p:1:12: the name of an option"),
        ([], "dovetail-gui needs a terminal"),
    ],
)
def test_mistakes_are_one_line(arguments, message, capsys):
    assert gui.run(arguments) == 1
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_a_model_is_no_text(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(
        UserError, match=r"dovetail-opt .*m\.onnx -o FILE\.mlir makes one of a model"
    ):
        gui.read(str(path))


def test_without_the_extra_it_is_named(monkeypatch, capsys):
    monkeypatch.setattr(gui, "find_spec", lambda name: None)
    assert gui.run([]) == 1
    assert capsys.readouterr().err == f"error: {gui.MISSING}\n"
    assert "'.[gui]'" in gui.MISSING
