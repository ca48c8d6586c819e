"""A network whose kernel multiplies bytes: it calls the processor's instruction for that."""

import numpy as np
import pytest

from backends.llvm.host import host_target
from dovetail import cli
from dovetail.runtime import load

NETWORK = """
func.func @main(%x: tensor<13x24xi8> {dovetail.name = "x"})
    -> (tensor<13x48xi32> {dovetail.name = "z"}) {
  %w = graph.weight @w random(1, -5, 5) : tensor<24x48xi8>
  %y = graph.call @product(%x, %w) on "cpu"
    : (tensor<13x24xi8>, tensor<24x48xi8>) -> tensor<13x48xi32>
  %z = graph.add(%y, %y) : (tensor<13x48xi32>, tensor<13x48xi32>) -> tensor<13x48xi32>
  func.return %z : tensor<13x48xi32>
}
func.func private @product(%A: tensor<13x24xi8>, %B: tensor<24x48xi8> {dovetail.weight})
    -> tensor<13x48xi32> {
  %C = te.compute "C" (%y = 0 to 13, %x = 0 to 48) sum (%k = 0 to 24) {
    %a = te.read %A[%y, %k] : tensor<13x24xi8>
    %b = te.read %B[%k, %x] : tensor<24x48xi8>
    %aw = arith.extui %a : i8 to i32
    %bw = arith.extsi %b : i8 to i32
    %p = arith.muli %aw, %bw : i32
    te.yield %p : i32
  } : tensor<13x48xi32>
  func.return %C : tensor<13x48xi32>
}
"""


@pytest.fixture
def network(tmp_path):
    if "avx512vnni" not in host_target().machine.features:
        pytest.skip("this machine has no avx512vnni")
    path = tmp_path / "net.mlir"
    path.write_text(NETWORK)
    return path


def test_compiled(network):
    """With the identity as input the rows of the result are those of the weights, twice."""
    compiled = network.with_suffix(".dove")
    assert cli.run(["compile", str(network), "-o", str(compiled)]) == 0
    program = load(compiled)
    assert "avx512vnni" in program.manifest.features
    x = np.zeros((13, 24), np.int8)
    x[:12, 12:] = np.eye(12, dtype=np.int8)
    low = program.run({"x": x})["z"]
    x[:12] = np.roll(x[:12], 12, 1)
    high = program.run({"x": x})["z"]
    assert (low[12] == 0).all() and (low % 2 == 0).all()
    weights = np.concatenate([high[:12], low[:12]]) // 2
    assert weights.min() == -5 and weights.max() == 5
    x = np.random.default_rng(0).integers(-128, 128, (13, 24)).astype(np.int8)
    expected = 2 * (x.view(np.uint8).astype(np.int32) @ weights)
    np.testing.assert_array_equal(program.run({"x": x})["z"], expected)


def test_explained(network):
    page = network.with_suffix(".html")
    assert cli.run(["explain", str(network), "--html", str(page)]) == 0
    assert page.exists()
