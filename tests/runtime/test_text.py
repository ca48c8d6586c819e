"""`dovetail run net.mlir`: a network as text compiles and runs as a model does."""

import numpy as np
import pytest

from dovetail import cli

NETWORK = """
func.func @main(%x: tensor<2x3xf32> {dovetail.name = "x"})
    -> (tensor<2x3xf32> {dovetail.name = "y"}) {
  %w = graph.weight @w splat(2.0) : tensor<3xf32>
  %p = graph.mul(%x, %w) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %y = graph.relu(%p) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "net.mlir").write_text(NETWORK)
    return tmp_path


def test_run(here):
    x = np.arange(-3, 3, dtype=np.float32).reshape(2, 3)
    np.savez("x.npz", x=x)
    assert cli.run(["run", "net.mlir", "--input", "x.npz", "--output", "y.npz"]) == 0
    assert np.array_equal(np.load("y.npz")["y"], np.maximum(2 * x, 0))


@pytest.mark.parametrize(
    ("text", "arguments", "error"),
    [
        (NETWORK, ["--dim", "n=1"], "net.mlir: --dim is for ONNX models; the types of a text"),
        ("func.func @f() {", [], "net.mlir:1:17: the text ends in block definition"),
        (
            NETWORK.replace("%x, %w)", "%x, %x)"),
            [],
            "net.mlir:5:22: operand is used with type tensor<3xf32>",
        ),
        (
            "func.func @f() { func.return }",
            [],
            "net.mlir: it holds no network: no operation computes on whole tensors",
        ),
    ],
)
def test_errors(here, capsys, text, arguments, error):
    (here / "net.mlir").write_text(text)
    assert cli.run(["run", "net.mlir", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"error: {error}")
