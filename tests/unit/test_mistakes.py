"""What dovetail-opt says to words it does not understand, to texts that do not parse, to Ctrl-C."""

import pytest
from xdsl.passes import ModulePass

from analysis.errors import UserError
from dovetail import opt, universe
from dovetail.opt import DovetailOptMain, run

MODULE = """func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = graph.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
"""


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.mlir").write_text(MODULE)
    (tmp_path / "f.txt").write_text(MODULE)
    (tmp_path / "s.pipeline").write_text("cse")
    (tmp_path / "bytes.mlir").write_bytes(b"\x00\xff")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("f.mlir -t asmm", "-t takes no 'asmm': did you mean asm? there are: asm, "),
        ("f.mlir --weights=keeep", "--weights takes no 'keeep': did you mean keep? there are: "),
        ("f.mlir -t pseudo{x=1}", "-t pseudo{x=1}: Provided arguments"),
        ("f.mlir -p", "argument -p/--passes: expected one argument (see dovetail-opt --help)"),
        ("f.mlir --cse", "--cse: passes have no flags of their own: -p cse"),
        ("f.mlir --mlir-timings", "--mlir-timings: there is no such flag: did you mean --mlir-t"),
        ("f.mlir -p cse split-loop{x=1}", "split-loop{x=1}: passes stand behind -p with commas"),
        ("f.mlir -p split-loop{loop=y factor=6}", "factor=6}: the shell cut a pipeline at its"),
        ("f.mlir --verify-each run", "run: an equals sign stands in between: --verify-each=run"),
        ("f.mlir s.pipeline", "s.pipeline: a file with a pipeline stands behind -p: -p @s"),
        ("f.mlir f.mlir", "f.mlir: one FILE is read at a time"),
        ("s.pipeline", "s.pipeline is no module; a file with a pipeline stands behind -p: -p @s"),
        ("f.txt", "f.txt: nothing reads files that end in '.txt': rename it to end in .mlir or "),
        ("bytes.mlir", "bytes.mlir: it is no text"),
        ("f.mlir -p @s.pipeline,cse", "cannot read the pipeline file s.pipeline,cse: No such "),
        ("f.mlir -p split-loop{loop=y,factor=6}", "-p:1:25: the options of 'split-loop' have "),
        ("none.mlir", "cannot open none.mlir: No such file or directory"),
    ],
)  # fmt: skip
def test_first_line(words, message, capsys):
    assert run(words.split()) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"error: {message}")
    assert printed.out == ""


@pytest.mark.parametrize(
    ("old", "new", "message", "marked"),
    [
        ("relu", "rulu", "2:8: no operation is named graph.rulu: did you mean graph.relu? there "
         "are: graph.relu, ", "graph.rulu"),
        ("graph.relu(", '"graph.rulu"(', "2:9: no operation is named graph.rulu: did you mean "
         "graph.relu?", "graph.rulu"),
        ("graph.r", "grph.r", "2:8: no operation is named grph.relu: no dialect is named grph: did "
         "you mean graph? ", "grph.relu"),
        ("graph.relu", "relu", "2:8: no operation is named relu: its dialect stands ", "relu"),
        ("(%x)", "(%xx)", "2:19: values used but not defined: [%xx]", "%xx"),
        ("%x: tensor", "%x: !grapf.t, %z: tensor", "1:19: no attribute or type is named grapf.t: "
         "no dialect is named grapf: did you mean graph?", "grapf.t"),
        ("}\n", "", "4:1: the text ends in block definition", None),
        (MODULE, "// nothing\n", "2:1: there is no IR in it", None),
        (MODULE, " \n", "2:1: there is no IR in it", None),
    ],
)  # fmt: skip
def test_texts_that_do_not_parse(old, new, message, marked, tmp_path, capsys):
    text = MODULE.replace(old, new, 1)
    (tmp_path / "f.mlir").write_text(text)
    assert run(["f.mlir"]) == 1
    first, *details = capsys.readouterr().err.splitlines()
    assert first.startswith(f"error: f.mlir:{message}")
    if marked is None:
        assert details == []
        return
    line, marks = details
    begin = marks.index("^")
    assert line[begin : len(marks)] == marked


def test_places_in_split_input(tmp_path, capsys):
    (tmp_path / "f.mlir").write_text(MODULE + "// -----\n" + MODULE.replace("relu", "rulu"))
    assert run(["f.mlir", "--split-input-file"]) == 1
    assert "error: f.mlir:7:8: no operation is named graph.rulu" in capsys.readouterr().err


class RaisingPass(ModulePass):
    """Raises what it is told to."""

    name = "raising"
    error: BaseException = AssertionError("wrong")

    def apply(self, ctx, op):
        raise self.error


@pytest.fixture
def raising(monkeypatch):
    original = DovetailOptMain.register_all_passes

    def register(self):
        original(self)
        self.register_pass("raising", lambda: RaisingPass)

    monkeypatch.setattr(DovetailOptMain, "register_all_passes", register)

    def set_error(error):
        monkeypatch.setattr(RaisingPass, "error", error)

    return set_error


@pytest.mark.parametrize("error", [AssertionError("wrong"), ValueError("wrong")])
def test_a_crash_names_its_pass(error, raising):
    raising(error)
    with pytest.raises(type(error)) as caught:
        run(["f.mlir", "-p", "cse,raising"])
    (note,) = caught.value.__notes__
    assert note.startswith("  in pass 'raising'; `dovetail reduce -- COMMAND`")


def test_a_pass_that_fails_is_named(raising, capsys):
    raising(opt.PassFailedException("too long"))
    assert run(["f.mlir", "-p", "cse,raising"]) == 1
    assert capsys.readouterr().err == "error: pass 'raising' failed: too long\n"


def test_ctrl_c(raising, tmp_path, capsys):
    raising(KeyboardInterrupt())
    assert run(["f.mlir", "-p", "raising", "-o", "out.mlir"]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert not (tmp_path / "out.mlir").exists()


def test_a_universe_that_names_what_is_not_there():
    own = universe.universe_of({}, {"lost": "dovetail.universe:LostPass"}, {})
    with pytest.raises(UserError) as caught:
        own.all_passes["lost"]()
    assert caught.value.message == (
        "a universe names dovetail.universe:LostPass, which cannot be loaded: "
        "module 'dovetail.universe' has no attribute 'LostPass'"
    )
