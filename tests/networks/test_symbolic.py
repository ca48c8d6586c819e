"""Models with symbolic dimensions compile once and run with several sizes."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from symbolic_models import check, symbolic_model


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
