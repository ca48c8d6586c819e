"""Models with symbolic dimensions compile once and run with several sizes."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx_models import assert_all_close

from analysis.errors import UnsupportedError
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
    """One program gives what ONNX's evaluator does, for each choice of sizes, on two threads."""
    compiled = compile_model(import_model(model))
    evaluator = ReferenceEvaluator(model)
    programs = [compiled.program(threads) for threads in (1, 2)]
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


def weight(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(0, 0.3, shape).astype(np.float32)


BATCHES = [{"n": n} for n in (1, 2, 5, 16, 33)]


def test_a_classifier_of_any_batch():
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2]),
        helper.make_node("Conv", ["m", "v"], ["d"], group=3),
        helper.make_node("GlobalAveragePool", ["d"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "u", "a"], ["l"]),
        helper.make_node("Softmax", ["l"], ["y"]),
    ]
    constants = {
        "w": weight(18, 3, 3, 3), "b": weight(18), "v": weight(6, 6, 2, 2), "u": weight(6, 10),
        "a": weight(10),
    }  # fmt: skip
    check(symbolic_model(nodes, {"x": ["n", 3, 9, 7]}, ["y", "l"], constants), *BATCHES)


def test_a_transformer_layer_of_any_batch_and_length():
    nodes = [
        helper.make_node("LayerNormalization", ["x", "scale"], ["h"]),
        helper.make_node("MatMul", ["h", "wq"], ["q"]),
        helper.make_node("MatMul", ["h", "wk"], ["k"]),
        helper.make_node("MatMul", ["h", "wv"], ["v"]),
        helper.make_node("Transpose", ["k"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "t"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"]),
        helper.make_node("MatMul", ["p", "v"], ["o"]),
        helper.make_node("Add", ["o", "x"], ["y"]),
        helper.make_node("ReduceMean", ["y", "axis"], ["z"], keepdims=0),
    ]
    constants = {name: weight(12, 12) for name in ("wq", "wk", "wv")}
    constants |= {"scale": weight(12), "axis": np.array([1])}
    model = symbolic_model(nodes, {"x": ["n", "sequence length", 12]}, ["y", "z"], constants)
    check(model, *({"n": n, "sequence length": m} for n, m in ((1, 1), (2, 7), (1, 19), (3, 16))))


ELEMENTWISE = [helper.make_node("Add", ["x", "z"], ["s"]), helper.make_node("Exp", ["s"], ["y"])]


@pytest.mark.parametrize("other", [["n", 5], [5], ["n", 1], [1, 1]])
def test_broadcasting(other):
    check(symbolic_model(ELEMENTWISE, {"x": ["n", 5], "z": other}, ["y"]), *BATCHES, {"n": 0})


@pytest.mark.parametrize(
    "nodes",
    [
        [helper.make_node("Reshape", ["x", "shape"], ["y"])],
        [helper.make_node("Transpose", ["x"], ["y"])],
        [helper.make_node("Concat", ["x", "x"], ["y"], axis=1)],
        [helper.make_node("Slice", ["x", "one", "two", "one"], ["y"])],
        [helper.make_node("Unsqueeze", ["x", "one"], ["y"])],
        [helper.make_node("ReduceSum", ["x", "zero"], ["y"])],
        [helper.make_node("ReduceMax", ["x", "one"], ["y"])],
        [helper.make_node("ArgMax", ["x"], ["y"], axis=1)],
        [helper.make_node("Gather", ["x", "two"], ["y"], axis=1)],
        [helper.make_node("Pad", ["x", "pads"], ["y"])],
        [helper.make_node("Identity", ["x"], ["y"])],
        [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.DOUBLE)],
        [helper.make_node("BatchNormalization", ["x", "s", "s", "s", "s"], ["y"])],
    ],
    ids=lambda nodes: nodes[0].op_type,
)
def test_operators(nodes):
    constants = {
        "shape": np.array([0, 12]), "zero": np.array([0]), "one": np.array([1]),
        "two": np.array([2]), "pads": np.array([0, 1, 0, 0, 0, 2]), "s": np.ones(3, np.float32),
    }  # fmt: skip
    used = {name: constants[name] for node in nodes for name in node.input if name in constants}
    check(symbolic_model(nodes, {"x": ["n", 3, 4]}, ["y"], used), *BATCHES, {"n": 0})


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (
            helper.make_node("Concat", ["x", "x"], ["y"], axis=0),
            "test has 1 node that cannot be imported: Concat\n  Concat, node 'y' (ai.onnx 21) of "
            '(tensor<?x3xf32, #loop.layout<["n", 3]>>, tensor<?x3xf32, #loop.layout<["n", 3]>>): '
            "extent 'n' is symbolic, but a number is needed here",
        ),
        (
            helper.make_node("Conv", ["i", "w"], ["y"]),
            "lower-graph-to-te: graph.conv needs a number where its operand or result has the "
            "symbolic dimension 'height'",
        ),
    ],
)
def test_what_needs_a_number_says_so(node, reason):
    inputs = {"x": ["n", 3], "i": [1, 2, "height", 5]}
    used = {name: shape for name, shape in inputs.items() if name in node.input}
    model = symbolic_model([node], used, ["y"], {"w": weight(2, 2, 1, 1)})
    with pytest.raises(UnsupportedError) as caught:
        compile_model(import_model(model))
    assert str(caught.value).startswith(reason)
