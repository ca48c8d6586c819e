"""Models with symbolic dimensions, compiled once and run with several sizes."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx_models import assert_all_close

from dovetail.compiler import compile_model
from dovetail.frontend.onnx import import_model


def symbolic_model(nodes, inputs, outputs, constants=()) -> onnx.ModelProto:
    """A model whose `inputs` have the shapes given, a string for each symbolic dimension."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in outputs],
        [numpy_helper.from_array(array, name) for name, array in dict(constants).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def check(model: onnx.ModelProto, *sizes: dict[str, int]) -> None:
    """One program gives what ONNX's evaluator does, for each choice of sizes, on 1 to 3 threads."""
    compiled = compile_model(import_model(model))
    evaluator = ReferenceEvaluator(model)
    programs = [compiled.program(threads) for threads in (1, 2, 3)]
    generator = np.random.default_rng(0)
    for size in sizes:
        inputs = {
            tensor.name: generator.normal(size=[size.get(e, e) for e in tensor.shape]).astype(
                np.float32
            )
            for tensor in compiled.inputs
        }
        expected = evaluator.run(None, inputs)
        for program in programs:
            assert_all_close(list(program.run(inputs).values()), expected)
