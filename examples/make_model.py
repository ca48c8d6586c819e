"""Writes a small network, model.onnx, and an input for it, x.npz, into the current folder."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 33
generator = np.random.default_rng(0)


def weight(name: str, *shape: int) -> TensorProto:
    array = generator.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
    return numpy_helper.from_array(array.astype(np.float32), name)


nodes = [
    helper.make_node("Conv", ["x", "w", "b"], ["c"], "conv", pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["c"], ["r"], "relu"),
    helper.make_node("MaxPool", ["r"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("GlobalAveragePool", ["p"], ["g"], "mean"),
    helper.make_node("Flatten", ["g"], ["f"], "flatten"),
    helper.make_node("Softmax", ["f"], ["y"], "softmax"),
]
bias = numpy_helper.from_array(np.zeros(CHANNELS, np.float32), "b")
graph = helper.make_graph(
    nodes,
    "small",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 64, 64])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CHANNELS])],
    [weight("w", CHANNELS, 16, 3, 3), bias],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), "model.onnx")
np.savez("x.npz", x=generator.standard_normal((1, 16, 64, 64)).astype(np.float32))
