"""`dovetail bench kernel.mlir`: what is shown and written, and what is refused."""

import json

import pytest

from dovetail import cli

KERNEL = """
func.func @matmul(%A: tensor<16x8xf32>, %B: tensor<8x20xf32>) -> tensor<16x20xf32> {
  %C = te.compute "C" (%y = 0 to 16, %x = 0 to 20) sum (%k = 0 to 8) {
    %a = te.read %A[%y, %k] : tensor<16x8xf32>
    %b = te.read %B[%k, %x] : tensor<8x20xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<16x20xf32>
  func.return %C : tensor<16x20xf32>
}
"""

ROWS = """
func.func @rows(%A: tensor<?xf32, #loop.layout<["n"]>>) -> tensor<?xf32, #loop.layout<["n"]>> {
  %n = te.dim "n"
  %C = te.compute "C" (%y = 0 to %n) {
    %a = te.read %A[%y] : tensor<?xf32, #loop.layout<["n"]>>
    te.yield %a : f32
  } : tensor<?xf32, #loop.layout<["n"]>>
  func.return %C : tensor<?xf32, #loop.layout<["n"]>>
}
"""

NETWORK = """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = graph.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "k.mlir").write_text(KERNEL)
    (tmp_path / "two.mlir").write_text(KERNEL + ROWS)
    (tmp_path / "net.mlir").write_text(NETWORK)
    (tmp_path / "steps").write_text("lower-te-to-loop,\n  split-loop{loop=x factor=4}\n")
    return tmp_path


def bench(*arguments):
    return cli.run(["bench", *arguments, "--rounds", "1", "--json", "found.json"])


@pytest.mark.parametrize(
    ("options", "pipeline"),
    [
        ([], "expand-powers,lower-te-to-loop,elide-halo-guards,"
             'import-intrinsics{library="amx+vnni+avx512bf16" fitting=true},schedule-kernels'),
        (["-p", "@steps"], 'lower-te-to-loop,split-loop{loop="x" factor=4}'),
        (["-p", "lower-te-to-loop,parallelize-loop{loop=y}", "--threads", "2"],
         'lower-te-to-loop,parallelize-loop{loop="y"}'),
    ],
)  # fmt: skip
def test_figures(here, capsys, options, pipeline):
    assert bench("k.mlir", *options) == 0
    found = json.loads((here / "found.json").read_text())
    assert (found["function"], found["pipeline"]) == ("matmul", pipeline)
    assert (found["operations"], found["bytes"]) == (5120, 4 * (128 + 160 + 320))
    assert found["threads"] == (2 if "--threads" in options else found["threads"])
    assert found["limit"] in ("fma", "copy") and found["ms"] > 0 and found["limit_share"] > 0
    assert "@matmul" in capsys.readouterr().out


def test_a_function_with_a_named_size(here):
    assert bench("two.mlir", "--function", "rows", "--dim", "n=100", "--threads", "1") == 0
    found = json.loads((here / "found.json").read_text())
    assert (found["bytes"], found["limit"]) == (800, "copy")


def test_a_network_is_no_kernel(here, capsys):
    assert bench("net.mlir") == 0
    assert "kernels, one by one" in capsys.readouterr().out
    assert bench("net.mlir", "-p", "cse") == 2
    assert capsys.readouterr().err == (
        "error: net.mlir: --passes is for kernels, .mlir files of te or loops\n"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["two.mlir"], "two.mlir: it has 2 functions of te or loops; say which one with "
         "--function: matmul, rows"),
        (["two.mlir", "--function", "row"], "two.mlir: no function of te or loops is named 'row': "
         "did you mean rows? there are: rows, matmul"),
        (["two.mlir", "--function", "rows"], "two.mlir: the dimension 'n' has no size: "
         "give --dim n=SIZE"),
        (["k.mlir", "-p", "split"], "-p:1:1: no pass is named 'split': did you mean split-loop?"),
        (["k.mlir", "-p", "split-loop{loop=z}"],
         "-p:1:1: pass 'split-loop' needs the option 'factor' of type int"),
        (["k.mlir", "-p", "lower-te-to-loop,split-loop{loop=z factor=2}"],
         "k.mlir: split-loop: no loop is named 'z': there are: y, x, k"),
        (["k.mlir", "-p", "cse"], "k.mlir: @matmul has no loops after the pipeline: it lacks "
         "lower-te-to-loop"),
        (["k.mlir", "--against", "onnxruntime"], "k.mlir: --against is for ONNX models"),
        (["k.mlir", "--target", "vta"], "k.mlir: target 'vta' names no CPU: write llvm -mcpu=NAME"),
    ],
)  # fmt: skip
def test_refusals(here, capsys, arguments, error):
    assert bench(*arguments) == 2
    assert capsys.readouterr().err.startswith(f"error: {error}")
    assert not (here / "found.json").exists()
