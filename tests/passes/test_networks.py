"""What the passes of whole networks refuse, and which kernels are the same to them."""

import pytest
from parse import parse_function, parse_module
from xdsl.context import Context

from analysis.errors import UnsupportedError
from passes.graph.lower_graph_to_loop import LowerGraphToLoopPass
from passes.structural_hash import structural_hash

NETWORK = """
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  BODY
}
func.func private @k(%x: memref<4xf32>, %y: memref<4xf32>) {
  func.return
}
"""
CALL = '%y = graph.call @k(%x) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>\n'
RELU = "%r = graph.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>\n"
RETURN = "func.return {} : tensor<4xf32>, tensor<4xf32>"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (CALL + RETURN.format("%y, %y"), "@main returns one tensor twice; run copy-outputs first"),
        (CALL + RETURN.format("%y, %x"), "@main returns a tensor that no kernel computes; run "),
        (CALL + RELU + RETURN.format("%y, %r"), "graph.relu is not in a kernel; run fuse-operat"),
    ],
)
def test_networks_that_are_not_ready_for_buffers(body, reason):
    module = parse_module(NETWORK.replace("BODY", body))
    with pytest.raises(UnsupportedError) as caught:
        LowerGraphToLoopPass().apply(Context(), module)
    assert str(caught.value).startswith(f"lower-graph-to-loop: {reason}")


KERNEL = """
func.func @double(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = te.compute "y" (%i = 0 to 4, %j = 0 to 8) {
    %two = arith.constant 2.0 : f32
    %a = te.read %x[%i, %j] : tensor<4x8xf32>
    %b = arith.mulf %a, %two : f32
    te.yield %b : f32
  } : tensor<4x8xf32>
  func.return %y : tensor<4x8xf32>
}
"""
LAYOUT = "tensor<4x8xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [8, 4]>>"


def hash_of(text: str) -> str:
    return structural_hash(parse_function(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@double", "@twice"),
        ('"y"', '"i"'),  # a computation may be called like an axis
        ("%i", "%row"),
        ("%x", "%source"),
        ("%b", "%doubled"),
        ("= te.read %x[%i, %j] : tensor<4x8xf32>",
         '= te.read %x[%i, %j] : tensor<4x8xf32> loc("m.onnx":1:2)'),
    ],
)  # fmt: skip
def test_names_and_places_do_not_matter_to_the_hash(old, new):
    assert old in KERNEL
    assert hash_of(KERNEL.replace(old, new)) == hash_of(KERNEL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2.0", "3.0"),
        ("mulf", "addf"),
        ("%a, %two", "%two, %a"),
        ("%x: tensor<4x8xf32>", "%x: tensor<4x8xf32> {dovetail.weight}"),
        ("f32", "f64"),
        ("4", "5"),
        ("%x[%i, %j] : tensor<4x8xf32>", f"%x[%i, %j] : {LAYOUT}"),
        ("%x[%i, %j]", "%x[%i, 7 - %j]"),
    ],
)
def test_what_is_computed_matters_to_the_hash(old, new):
    assert old in KERNEL
    text = KERNEL.replace(old, new)
    if LAYOUT in text:
        text = text.replace("%x: tensor<4x8xf32>", f"%x: {LAYOUT}")
    assert hash_of(text) != hash_of(KERNEL)
