"""What the additions compute: compiled code and the interpreter against NumPy."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.parser import Parser
from xdsl.passes import PassPipeline
from xdsl.universe import Universe

from backends.interpreter.graph import run_graph
from backends.interpreter.loop import run_loop
from dialects.target import Target, target_of
from dovetail.compiler import compile_model

UNIVERSE = Universe.get_multiverse()
FILES = Path(__file__).parent / "filecheck"

NETWORK = """
func.func @main(%x: tensor<3x4x10xf32>) -> tensor<3x2x5xf32> {
  %y = sample.glu(%x) axis = 2 : (tensor<3x4x10xf32>) -> tensor<3x4x5xf32>
  %z = sample.glu(%y) axis = 1 : (tensor<3x4x5xf32>) -> tensor<3x2x5xf32>
  func.return %z : tensor<3x2x5xf32>
}
"""

DIFFERENCES = """
func.func @differences(%x: memref<9xi32>, %y: memref<8xi32>) {
  loop.for %i = 0 to 8 {
    loop.block "d" (%v < 8 = %i) {
      %a = loop.load %x[%v] : memref<9xi32>
      %b = loop.load %x[%v + 1] : memref<9xi32>
      %d = arith.subi %b, %a : i32
      loop.store %d, %y[%v] : memref<8xi32>
    }
  }
  func.return
}
"""


def parse(text: str) -> ModuleOp:
    context = Context()
    for name, factory in UNIVERSE.all_dialects.items():
        context.register_dialect(name, factory)
    module = Parser(context, text).parse_module()
    module.verify()
    return module


def transformed(text: str, pipeline: str) -> FuncOp:
    """The function of `text` after a pipeline."""
    module = parse(text)
    PassPipeline.parse_spec(UNIVERSE.all_passes, pipeline).apply(Context(), module)
    module.verify()
    (function,) = (op for op in module.ops if isinstance(op, FuncOp))
    return function


def gated(x: np.ndarray, axis: int) -> np.ndarray:
    a, b = np.split(x.astype(np.float64), 2, axis)
    return a / (1 + np.exp(-b))


def test_glu_is_compiled():
    x = np.random.default_rng(0).standard_normal((3, 4, 10)).astype(np.float32)
    expected = gated(gated(x, 2), 1)
    (interpreted,) = run_graph(transformed(NETWORK, ""), [x])
    (compiled,) = compile_model(parse(NETWORK)).program().run({"input0": x}).values()
    np.testing.assert_allclose(interpreted, expected, rtol=1e-5)
    np.testing.assert_allclose(compiled, expected, rtol=1e-5)


def test_glu_is_imported(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("GLU", ["x"], ["y"], domain="org.example", axis=-1)],
        "gated",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 2])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("org.example", 1)]
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=opsets), tmp_path / "m.onnx")
    x = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    y = compile_model(tmp_path / "m.onnx").program().run({"x": x})["y"]
    np.testing.assert_allclose(y, gated(x, 1), rtol=1e-5)


def test_a_reversed_loop_computes_the_same():
    x = np.random.default_rng(0).integers(-8, 9, 9).astype(np.int32)
    y = np.zeros(8, np.int32)
    run_loop(transformed(DIFFERENCES, "reverse-loop{loop=i}"), [x, y])
    assert np.array_equal(y, np.diff(x))


def test_the_instruction_multiplies_tiles():
    text = (FILES / "gemm8x8_rows.mlir").read_text()
    generator = np.random.default_rng(0)
    a, b = (generator.integers(-8, 9, (n, 32)).astype(np.float32) for n in (16, 24))
    c = np.zeros((16, 24), np.float32)
    run_loop(transformed(text, "import-intrinsics{library=sample}"), [a, b, c])
    assert np.array_equal(c, a @ b.T)


def test_the_device_has_memories():
    target = target_of(parse((FILES / "gemm8x8_rows.mlir").read_text()))
    assert target == Target.parse("sample -tiles=4")
    assert target.machine.scope("acc_buffer").capacity == 4 * 256
