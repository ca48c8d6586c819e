"""Graph passes execute before and after, on a network with every shape of fusion in it."""

import numpy as np
import pytest
from onnx import helper
from onnx_models import assert_close, main_function, make_model
from xdsl.context import Context
from xdsl.dialects.builtin import UnknownLoc
from xdsl.dialects.func import FuncOp

from backends.interpreter.graph import run_graph
from dialects.graph.base import GraphOp
from dialects.graph.structure import CallOp
from dovetail.frontend.onnx import import_model
from dovetail.universe import PASSES, pass_class, pass_name


def network(seed: int):
    """Two branches of conv, batch norm and relu that meet, then a dense layer."""
    generator = np.random.default_rng(seed)

    def he(*shape):
        array = generator.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        return array.astype(np.float32)

    def vector(size):
        return generator.uniform(0.5, 1.5, size).astype(np.float32)

    known = {"w1": he(6, 3, 3, 3), "w2": he(6, 3, 1, 1), "b2": vector(6), "fc": he(5, 6)}
    known |= {f"{p}{i}": vector(5 if i == 3 else 6) for i in (1, 2, 3) for p in "somv"}
    known["scalar"] = np.array([[0.5]], np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c1", "s1", "o1", "m1", "v1"], ["n1"]),
        helper.make_node("Conv", ["x", "w2", "b2"], ["c2"]),
        helper.make_node("BatchNormalization", ["c2", "s2", "o2", "m2", "v2"], ["n2"]),
        helper.make_node("Add", ["n1", "n2"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Exp", ["scalar"], ["factor"]),
        helper.make_node("Mul", ["f", "factor"], ["h"]),
        helper.make_node("Gemm", ["h", "fc"], ["l"], transB=1, alpha=0.5),
        helper.make_node("BatchNormalization", ["l", "s3", "o3", "m3", "v3"], ["n3"]),
        helper.make_node("Softmax", ["n3"], ["y"]),
    ]
    x = generator.normal(size=(2, 3, 7, 5)).astype(np.float32)
    return make_model(nodes, {"x": x}, ["y", "r"], known), x


GRAPH_PASSES = ["fold-constants", "fold-batch-norm", "fuse-operators"]


@pytest.mark.parametrize(
    "pipeline", [*((name,) for name in GRAPH_PASSES), tuple(GRAPH_PASSES)], ids="-then-".join
)
def test_results_stay(pipeline):
    model, x = network(3)
    module = import_model(model)
    before = run_graph(main_function(module), [x])
    classes = {pass_name(path): pass_class(path) for path in PASSES}
    for name in pipeline:
        classes[name]().apply(Context(), module)
        module.verify()
    after = run_graph(main_function(module), [x])
    for a, b in zip(after, before, strict=True):
        assert_close(a, b)
    for op in module.walk():
        if isinstance(op, GraphOp | CallOp):
            assert not isinstance(op.location, UnknownLoc), op


def test_after_all_passes_no_batch_norm_is_left():
    model, _ = network(4)
    module = import_model(model)
    classes = {pass_name(path): pass_class(path) for path in PASSES}
    for name in GRAPH_PASSES:
        classes[name]().apply(Context(), module)
    names = [op.sym_name.data for op in module.ops if isinstance(op, FuncOp)]
    assert names == [
        "main", "conv_add_relu", "conv", "reduce_mean", "reshape_mul", "gemm", "softmax",
    ]  # fmt: skip
