"""A small network that every graph pass has something to do in."""

import numpy as np
from onnx import helper
from onnx_models import make_model

NODES = ("conv", "bn", "relu", "pool", "skip", "add", "flatten", "gemm", "softmax")


def small_network():
    """Two branches of an image, added, classified."""
    random = np.random.default_rng(7)

    def weight(*shape):
        return random.standard_normal(shape).astype(np.float32)

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"], "bn"),
        helper.make_node("Relu", ["n"], ["r"], "relu"),
        helper.make_node("MaxPool", ["r"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["x", "w2"], ["q"], "skip", strides=[2, 2]),
        helper.make_node("Add", ["p", "q"], ["a"], "add"),
        helper.make_node("Flatten", ["a"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "g", "h"], ["l"], "gemm"),
        helper.make_node("Softmax", ["l"], ["y"], "softmax"),
    ]
    constants = {"w": weight(16, 3, 3, 3), "w2": weight(16, 3, 1, 1), "h": weight(10)}
    constants |= {"g": weight(256, 10), "v": np.ones(16, np.float32)}
    constants |= {name: weight(16) for name in "sbm"}
    return make_model(nodes, {"x": weight(1, 3, 8, 8)}, ["y"], constants)
