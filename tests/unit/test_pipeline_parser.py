"""Pipelines as people write them, and where their mistakes are shown."""

import pytest

from analysis.errors import UserError
from dovetail.pipeline_parser import Source, parse_passes, parse_steps
from dovetail.universe import DOVETAIL_UNIVERSE

PASSES = DOVETAIL_UNIVERSE.all_passes
SPLIT = 'split-loop{loop="y" factor=6}'


def parsed(text):
    return [str(one) for one in parse_passes(Source("-p", text), PASSES)]


def refusal(text):
    with pytest.raises(UserError) as caught:
        parse_passes(Source("-p", text), PASSES)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "lower-te-to-loop,split-loop{loop=y factor=6}",
        " lower-te-to-loop ,\n\n split-loop { factor = 6\n loop = y },\n",
        "builtin.module(lower-te-to-loop,split-loop{loop=y factor=6})",
        "// first\nlower-te-to-loop, # then\nsplit-loop{loop=y // the rows\n factor=6}",
    ],
)
def test_one_pipeline_in_many_forms(text):
    assert parsed(text) == ["lower-te-to-loop", SPLIT]


def test_quotes_protect_their_text():
    text = 'transform-layout{buffer="B" map="(c, h) -> (h) // #, f(x)"}'
    assert parsed(text) == [text]


def test_nothing_is_a_pipeline():
    assert parsed("") == parsed(" # only a comment") == parsed("builtin.module()") == []


def test_options_of_mlir_opt_are_xdsl_s():
    (step,) = parse_steps(Source("-p", "mlir-opt[cse, canonicalize]"))
    arguments = step.spec.parameters["arguments"]
    assert arguments[-1] == "builtin.module(cse, canonicalize)"


def test_files_name_the_line(tmp_path):
    path = tmp_path / "a.pipeline"
    path.write_text("# schedule\nlower-te-to-loop,\n  split-lop{loop=y factor=6}\n")
    with pytest.raises(UserError) as caught:
        parse_passes(Source.of("-p", f"@{path}"), PASSES)
    first, *details = str(caught.value).splitlines()
    assert first.startswith(f"{path}:3:3: no pass is named 'split-lop': did you mean split-loop?")
    assert details == ["    split-lop{loop=y factor=6}", "    ^^^^^^^^^"]


def test_long_lines_are_cut_around_the_mistake():
    text = ",".join(["peel-loop{loop=y}"] * 20 + ["peel-lop"] + ["peel-loop{loop=y}"] * 20)
    first, line, marks = refusal(text)
    assert first.startswith("-p:1:361: no pass is named 'peel-lop'")
    assert line[2:5] == line[-3:] == "..." and len(line) < 100
    assert line[marks.index("^") : marks.index("^") + marks.count("^")] == "peel-lop"


@pytest.mark.parametrize("name, reason", [("none", "No such file"), ("", "Is a directory")])
def test_unreadable_files(tmp_path, name, reason):
    with pytest.raises(UserError, match=f"cannot read the pipeline file .*: {reason}"):
        Source.of("-p", f"@{tmp_path / name}")


@pytest.mark.parametrize(
    "text, mark, message",
    [
        (
            "split-loop{loop=y factor=}",
            "                         ^",
            "a value is expected for the option 'factor': a number, a word, or a text in quotes",
        ),
        (
            "peel-loop{loop=y},split-loop{loop=y}",
            "                  ^^^^^^^^^^",
            "pass 'split-loop' needs the option 'factor' of type int",
        ),
        (
            "split-loop{loop=y factor=six}",
            "                  ^^^^^^^^^^",
            "option 'factor' of pass 'split-loop' is of type int, but has \"six\"",
        ),
        (
            "split-loop{loop=y factor=true}",
            "                  ^^^^^^^^^^^",
            "option 'factor' of pass 'split-loop' is of type int, but has true",
        ),
        (
            "split-loop{loop factor=2}",
            "           ^^^^",
            "option 'loop' of pass 'split-loop' is of type str, but has no value",
        ),
        (
            "split-loop{loop=y factr=2}",
            "                  ^^^^^^^",
            "pass 'split-loop' has no option 'factr': did you mean factor? there are: factor, "
            "loop, names, function",
        ),
        (
            "split-loop{loop=y loop=x}",
            "                  ^^^^^^",
            "pass 'split-loop' has option 'loop' twice",
        ),
        (
            "split-loop{loop=y factor=2",
            "                          ^",
            "the name of an option of 'split-loop', or a closing brace, is expected; a shell "
            "passes on blanks only in quotes: -p 'a,b{x=1 y=2}'",
        ),
        (
            "split-loop{loop=y,factor=2}",
            "                        ^",
            "the options of 'split-loop' have blanks between them, not commas",
        ),
        (
            "cse,split-loop(loop=y)",
            "    ^^^^^^^^^^",
            "options of 'split-loop' are in braces: split-loop{x=1 y=2}",
        ),
        ("peel-loop peel-loop", "          ^", "a comma is expected between two passes"),
        (",peel-loop", "^", "the name of a pass is expected"),
        (
            "peel-loop{loop=y;}",
            "                ^",
            "this character is not of a pipeline; texts with odd ones go in quotes",
        ),
        ('peel-loop{loop="y}', "               ^", "a text in quotes does not end in its line"),
        (
            "builtin.module(func.func(cse))",
            "               ^^^^^^^^^",
            "passes run on whole modules, not on each func.func: name the passes without it, or "
            "in builtin.module( )",
        ),
        ("builtin.module(cse", "^", "builtin.module( is not closed at the end"),
        (
            "split-loop[cse]",
            "^",
            "options of 'split-loop' are in braces; only mlir-opt takes brackets",
        ),
    ],
)
def test_mistakes_are_underlined(text, mark, message):
    first, line, marks = refusal(text)
    assert first == f"-p:1:{mark.index('^') + 1}: {message}"
    assert line == f"  {text}"
    assert marks.startswith(f"  {mark}")
    assert mark.count("^") == 1 or marks == f"  {mark}"
