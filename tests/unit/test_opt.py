from xdsl.ir import Attribute

from dovetail.instruments.instrument import Instrument
from dovetail.opt import DovetailOptMain, pipeline_text, run


def test_white_space_in_pipelines():
    assert pipeline_text('a,\n  b{x=1  y="p q"}, c ') == 'a,b{x=1 y="p q"},c'


MODULE = "func.func @f() {\n  func.return\n}\n"


def test_the_output_may_be_the_input(tmp_path):
    path = tmp_path / "a.mlir"
    path.write_text(MODULE)
    assert run([str(path), "-o", str(path)]) == 0
    assert "func.func @f()" in path.read_text()


def test_a_failed_run_leaves_the_output_as_it_was(tmp_path, capsys):
    source, output = tmp_path / "a.mlir", tmp_path / "b.mlir"
    source.write_text(MODULE)
    output.write_text("kept")
    assert run([str(source), "-p", "split-loop{loop=x factor=2}", "-o", str(output)]) == 1
    assert output.read_text() == "kept"
    assert run([str(source), "-o", str(tmp_path / "none" / "b.mlir")]) == 1
    assert "error: cannot write" in capsys.readouterr().err


class Reports(Instrument):
    def __init__(self, code):
        self.code, self.seen = code, []

    def __call__(self, previous, module, following):
        self.seen.append((str(previous), str(following)))

    def finish(self):
        self.seen.append("finish")
        return self.code


def test_instruments_see_every_step_and_decide_the_exit_code(tmp_path, monkeypatch):
    path, output = tmp_path / "a.mlir", tmp_path / "b.mlir"
    path.write_text(MODULE)
    watching = [Reports(0), Reports(3), Reports(4)]
    monkeypatch.setattr(DovetailOptMain, "make_instruments", lambda self: tuple(watching))
    assert run([str(path), "-p", "canonicalize,cse", "-o", str(output)]) == 3
    steps = [("None", "canonicalize"), ("canonicalize", "cse"), ("cse", "None"), "finish"]
    assert [instrument.seen for instrument in watching] == [steps] * 3
    assert not output.exists()


def test_verify_each_takes_run_or_nothing(tmp_path, capsys):
    path = tmp_path / "a.mlir"
    path.write_text(MODULE)
    assert run(["--verify-each", str(path)]) == 0
    for text in ("ran", "run{sed=1}", "run{seed=x}", "run{seed=true}"):
        assert run([f"--verify-each={text}", str(path)]) == 1
        assert "there are --verify-each and --verify-each=run{seed=N" in capsys.readouterr().err


def test_disabled_verification_does_not_outlive_the_run(tmp_path):
    path = tmp_path / "a.mlir"
    path.write_text(MODULE)
    before = Attribute.__post_init__
    assert run(["--disable-verify", str(path)]) == 0
    assert Attribute.__post_init__ is before


def test_set_target_and_pipeline(tmp_path, capsys):
    path = tmp_path / "a.mlir"
    path.write_text(MODULE)
    arguments = ["--set-target", "llvm -mcpu=x86-64-v3", "--pipeline", "cpu-kernel"]
    assert run([str(path), *arguments]) == 0
    assert 'target = #target.target<"llvm -mcpu=x86-64-v3">' in capsys.readouterr().out
    assert run([str(path), "--set-target", "host"]) == 0
    assert 'target = #target.target<"llvm -mcpu=' in capsys.readouterr().out
    assert run([str(path), "--pipeline", "gpu"]) == 1
    assert (
        "no pipeline is named 'gpu': did you mean cpu? there are: cpu, cpu-kernel"
        in capsys.readouterr().err
    )
    assert run([str(path), "--pipeline", "cpu", "-p", "cse"]) == 1
    assert "-p and --pipeline are the same: give one of them" in capsys.readouterr().err


UNKNOWN = """func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  %d = tensor.cast %c : tensor<?xf32> to tensor<4xf32>
  func.return %d : tensor<4xf32>
}"""


def test_what_verify_each_cannot_run_makes_the_exit_code_3(tmp_path, capsys):
    path = tmp_path / "a.mlir"
    path.write_text(UNKNOWN)
    assert run([str(path), "-p", "cse", "--verify-each=run"]) == 3
    said = capsys.readouterr()
    assert "not run: @f: the interpreter of te has no meaning for tensor.cast" in said.err
    assert "func.func @f" in said.out
