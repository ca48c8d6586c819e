"""Small models as native code: element types, outputs that no kernel computes, odd shapes."""

import numpy as np
import pytest
from native_models import run_native
from onnx import TensorProto, helper
from onnx_models import assert_all_close, check_model, make_model

from analysis.errors import UnsupportedError

X = np.arange(-6, 6, dtype=np.float32).reshape(3, 4)


def check(nodes, inputs, outputs, constants=(), opset=21):
    return check_model(make_model(nodes, inputs, outputs, constants, opset), inputs)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def test_an_output_that_is_an_input():
    check([node("Identity", "x", "y"), node("Relu", "x", "z")], {"x": X}, ["y", "z"])


def test_an_output_that_is_a_constant():
    check([node("Relu", "x", "y")], {"x": X}, ["w", "y"], {"w": np.arange(5)})


def test_a_model_of_constants():
    check([node("Add", "w w", "y")], {}, ["y"], {"w": np.arange(5)})


def test_an_output_that_is_returned_twice_and_read_again():
    nodes = [node("Exp", "x", "a"), node("Identity", "a", "b"), node("ReduceSum", "a", "c")]
    check(nodes, {"x": X}, ["a", "b", "c"])


def test_a_kernel_with_several_results():
    nodes = [node("Split", "x", "a b", axis=1, num_outputs=2), node("Add", "a b", "c")]
    check(nodes, {"x": X}, ["a", "b", "c"])


def test_an_input_that_nobody_reads():
    check([node("Relu", "x", "y")], {"x": X, "unused": X}, ["y"])


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, np.int16, np.int32, np.int64])
def test_element_types(dtype):
    """A little of everything that moves, compares and adds."""
    generator = np.random.default_rng(0)
    x = generator.integers(0, 5, (3, 19)).astype(dtype)
    y = generator.integers(0, 5, (19,)).astype(dtype)
    nodes = [
        node("Add", "x y", "a"),
        node("Mul", "a x", "b"),
        node("Greater", "b y", "c"),
        node("Where", "c a b", "d"),
        node("Transpose", "d", "e"),
        node("ReduceMax", "e axis", "f", keepdims=0),
        node("ArgMax", "d", "g", axis=1, keepdims=0),
        node("Concat", "d x", "h", axis=0),
        node("Cast", "h", "i", to=TensorProto.FLOAT),
    ]
    outputs = ["c", "f", "g", "h", "i"]
    check(nodes, {"x": x, "y": y}, outputs, {"axis": np.array([1])})


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_unsigned_numbers_are_moved_and_converted(dtype):
    x = np.array([[0, 1, 200, 255], [128, 127, 3, 250]], dtype)
    nodes = [
        node("Transpose", "x", "a"),
        node("Cast", "a", "b", to=TensorProto.FLOAT),
        node("Cast", "x", "c", to=TensorProto.INT64),
        node("Cast", "b", "d", to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype))),
    ]
    check(nodes, {"x": x}, ["a", "b", "c", "d"])
    with pytest.raises(UnsupportedError, match=r"^lower-graph-to-te: graph\.add of tensor<2x4xui"):
        run_native(make_model([node("Add", "x x", "y")], {"x": x}, ["y"]), {"x": x})


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
def test_products(dtype):
    generator = np.random.default_rng(0)
    a, b = (generator.integers(-8, 9, s).astype(dtype) for s in ((2, 5, 37), (37, 23)))
    check([node("MatMul", "a b", "c"), node("Add", "c c", "d")], {"a": a, "b": b}, ["d"])


def test_truth_values():
    x = np.random.default_rng(0).integers(0, 2, (5, 7)).astype(bool)
    nodes = [
        node("Not", "x", "a"),
        node("And", "a x", "b"),
        node("Xor", "b a", "c"),
        node("Transpose", "c", "d"),
        node("Cast", "d", "e", to=TensorProto.INT64),
    ]
    check(nodes, {"x": x}, ["a", "d", "e"])


def test_scalars():
    x, y = np.float32(2.5).reshape(()), np.float32(-1).reshape(())
    nodes = [node("Add", "x y", "a"), node("Exp", "a", "b"), node("Unsqueeze", "b axis", "c")]
    check(nodes, {"x": x, "y": y}, ["a", "b", "c"], {"axis": np.array([0])})
    check([node("ReduceSum", "x", "y", keepdims=0)], {"x": X}, ["y"])


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4)])
def test_tensors_without_elements(shape):
    x = np.zeros(shape, np.float32)
    check([node("Relu", "x", "y"), node("Concat", "y x", "z", axis=0)], {"x": x}, ["y", "z"])


def test_sums_of_nothing():
    x = np.zeros((3, 0), np.float32)
    check([node("ReduceSum", "x axis", "y")], {"x": x}, ["y"], {"axis": np.array([1])})
    a, b = np.zeros((2, 0), np.float32), np.zeros((0, 5), np.float32)
    check([node("MatMul", "a b", "y")], {"a": a, "b": b}, ["y"])


def test_a_division_by_zero_stays_in_its_element():
    """What it gives is not specified; the others are right, and the process goes on."""
    x, y = np.arange(1, 38, dtype=np.int32), np.arange(-18, 19, dtype=np.int32)
    smallest = np.iinfo(np.int32).min
    x[17] = smallest
    model = make_model([node("Div", "x y", "z")], {"x": x, "y": y}, ["z"])
    (z,) = run_native(model, {"x": x, "y": y})
    kept = np.abs(y) > 1
    np.testing.assert_array_equal(z[kept], np.trunc(x[kept] / y[kept]).astype(np.int32))
    np.testing.assert_array_equal(z[y == 1], x[y == 1])
    assert z[17] == smallest


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_kernels_of_several_statements_on_threads(threads):
    x = np.random.default_rng(0).normal(size=(7, 33)).astype(np.float32)
    nodes = [node("LayerNormalization", "x s", "a"), node("Softmax", "a", "b", axis=0)]
    model = make_model(nodes, {"x": x}, ["a", "b"], {"s": np.full(33, 2, np.float32)})
    a, b = run_native(model, {"x": x}, threads)
    centred = x - x.mean(axis=1, keepdims=True)
    normal = 2 * centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    powers = np.exp(normal - normal.max(axis=0))
    assert_all_close([a, b], [normal, powers / powers.sum(axis=0)])


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


PADS = {"pads": [1, 1, 1, 1]}


@pytest.mark.parametrize(
    ("groups", "channels", "filters"), [(1, 40, 24), (2, 40, 24), (40, 40, 40), (40, 40, 80)]
)
def test_convolutions_whose_channels_fill_vectors_in_part(groups, channels, filters):
    nodes = [node("Conv", "x w", "y", group=groups, **PADS), node("Conv", "y v", "z")]
    weights = {"w": normal(filters, channels // groups, 3, 3), "v": normal(3, filters, 1, 1)}
    check(nodes, {"x": normal(2, channels, 7, 5)}, ["z"], weights)


def test_a_convolution_whose_weights_are_an_input():
    inputs = {"x": normal(1, 32, 5, 6), "w": normal(32, 32, 3, 3)}
    check([node("Conv", "x w", "y", **PADS), node("Relu", "y", "z")], inputs, ["z"])


def test_channels_last_around_a_convolution():
    nodes = [
        node("Transpose", "x", "a", perm=[0, 3, 1, 2]),
        node("Conv", "a w", "b", **PADS),
        node("Transpose", "b", "c", perm=[0, 2, 3, 1]),
        node("Add", "c x", "z"),
    ]
    check(nodes, {"x": normal(1, 6, 7, 32)}, ["z"], {"w": normal(32, 32, 3, 3)})


def test_shuffled_channels():
    nodes = [
        node("Conv", "x w", "a"),
        node("Reshape", "a s", "b"),
        node("Transpose", "b", "c", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "c t", "d"),
        node("Conv", "d w", "y"),
    ]
    shapes = {"s": np.array([1, 4, 8, 5, 6]), "t": np.array([1, 32, 5, 6])}
    check(nodes, {"x": normal(1, 32, 5, 6)}, ["y"], {"w": normal(32, 32, 1, 1), **shapes})


@pytest.mark.parametrize(
    ("a", "b"),
    [((3, 1, 17, 19), (2, 19, 33)), ((3, 17, 19), (19,)), ((19,), (19,)), ((1, 65),) * 2],
)
def test_products_of_odd_sizes(a, b):
    x, y = normal(*a), normal(*b)
    check([node("MatMul", "x y", "z")], {"x": x, "y": y.T if a == b else y}, ["z"])


def test_products_with_a_weight_of_odd_size():
    weights = {"w": normal(33, 65), "b": normal(33)}
    check([node("Gemm", "x w b", "y", transB=1)], {"x": normal(1, 65)}, ["y"], weights)
