"""Single operators and small graphs against ONNX's reference evaluator."""

import numpy as np
import pytest
from onnx import helper
from onnx_models import assert_close, check_model, main_function, make_model

from backends.interpreter.graph import run_graph
from dovetail.frontend.onnx import import_model


def randoms(*shapes, seed=0, dtype=np.float32, low=-3, high=3):
    generator = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iu":
        return [
            generator.integers(low, high, shape, endpoint=True).astype(dtype) for shape in shapes
        ]
    return [generator.uniform(low, high, shape).astype(dtype) for shape in shapes]


def check(op, *arrays, constants=(), outputs=1, opset=21, te=True, **attributes):
    """One node whose inputs are `arrays`, then `constants` that the importer knows."""
    inputs = {f"x{i}": array for i, array in enumerate(arrays)}
    known = {f"c{i}": array for i, array in enumerate(constants) if array is not None}
    names = [*inputs, *(f"c{i}" if a is not None else "" for i, a in enumerate(constants))]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, **attributes)
    return check_model(make_model([node], inputs, results, known, opset), inputs, te)


def ints(*numbers):
    return np.array(numbers, np.int64)


UNARY = [
    "Abs", "Ceil", "Cos", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish",
    "Identity", "LeakyRelu", "Mish", "Neg", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin",
    "Softplus", "Softsign", "Tanh",
]  # fmt: skip


@pytest.mark.parametrize("op", UNARY)
def test_unary(op):
    check(op, *randoms((2, 3, 5)))


@pytest.mark.parametrize("op", ["Log", "Sqrt", "Reciprocal"])
def test_unary_of_positive_numbers(op):
    check(op, *randoms((2, 3, 5), low=0.1))


@pytest.mark.parametrize("op", ["Abs", "Neg", "Sign", "Relu"])
@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
def test_unary_of_integers(op, dtype):
    check(op, *randoms((7,), dtype=dtype))


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_binary_broadcasts(op, dtype):
    x, y = randoms((2, 1, 5), (3, 1), dtype=dtype)
    check(op, x, np.where(y == 0, 2, y).astype(dtype))


@pytest.mark.parametrize("op", ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
def test_comparisons(op):
    check(op, *randoms((4, 5), (5,), dtype=np.int32))


@pytest.mark.parametrize("op", ["And", "Or", "Xor"])
def test_logical(op):
    x, y = randoms((4, 5), (4, 1), dtype=np.int32, low=0, high=1)
    check(op, x.astype(bool), y.astype(bool))


def test_not_and_where():
    condition = randoms((4, 5), dtype=np.int32, low=0, high=1)[0].astype(bool)
    check("Not", condition)
    check("Where", condition, *randoms((5,), (4, 1)))


@pytest.mark.parametrize("exponent", [np.float32(2.5), np.int32(3)])
def test_pow(exponent):
    check("Pow", *randoms((3, 4), low=0.5), np.full((4,), exponent))


@pytest.mark.parametrize("fmod", [0, 1])
def test_mod(fmod):
    x, y = randoms((30,), (30,), dtype=np.int32, low=-9, high=9)
    check("Mod", x, np.where(y == 0, 4, y).astype(np.int32), fmod=fmod)


@pytest.mark.parametrize("op", ["Sum", "Mean", "Max", "Min"])
def test_variadic(op):
    check(op, *randoms((3, 4), (4,), (3, 1)))


def test_prelu_and_gelu_tanh():
    check("PRelu", *randoms((2, 3, 4), (3, 1)))
    check("Gelu", *randoms((2, 3, 4)), approximate="tanh")


@pytest.mark.parametrize("to", [np.float64, np.float16, np.int32, np.uint8, np.bool_])
def test_cast(to):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(to))
    check("Cast", *randoms((3, 4), low=0), to=kind)


def test_clip():
    (x,) = randoms((3, 4))
    low, high = np.float32(-1), np.float32(1.5)
    check("Clip", x, constants=[low, high])
    check("Clip", x, constants=[None, high])
    check("Clip", x, low.reshape(()), high.reshape(()))
    check("Clip", x, opset=6, min=-1.0, max=1.5)


CONVOLUTIONS = [
    ((1, 3, 8, 8), (4, 3, 3, 3), {}),
    ((2, 3, 9, 7), (4, 3, 3, 3), {"strides": [2, 1], "pads": [1, 0, 2, 1]}),
    ((1, 4, 9, 9), (6, 2, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    ((1, 5, 9, 9), (5, 1, 3, 3), {"group": 5, "strides": [2, 2]}),
    ((1, 2, 11, 11), (3, 2, 3, 2), {"dilations": [2, 3]}),
    ((1, 3, 11), (4, 3, 5), {"auto_pad": "SAME_UPPER", "strides": [2]}),
    ((1, 3, 8, 8), (4, 3, 2, 2), {"auto_pad": "SAME_LOWER"}),
    ((1, 2, 4, 5, 6), (3, 2, 2, 2, 3), {}),
]


@pytest.mark.parametrize(("x", "w", "attributes"), CONVOLUTIONS)
def test_conv(x, w, attributes):
    check("Conv", *randoms(x, w, (w[0],)), **attributes)
    check("Conv", *randoms(x, w), **attributes)


@pytest.mark.parametrize(
    ("a", "b"), [((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (4, 5))]
)
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_matmul(a, b, dtype):
    check("MatMul", *randoms(a, b, dtype=dtype))


def test_gemm():
    check("Gemm", *randoms((3, 4), (4, 5), (5,)))
    check("Gemm", *randoms((4, 3), (5, 4), (3, 1)), transA=1, transB=1, alpha=0.5, beta=2.0)
    check("Gemm", *randoms((3, 4), (4, 5)))


POOLS = [
    {"kernel_shape": [2, 2]},
    {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [2, 2], "dilations": [2, 3]},
]


@pytest.mark.parametrize("attributes", POOLS)
def test_max_pool(attributes):
    check("MaxPool", *randoms((2, 3, 10, 9)), **attributes)


@pytest.mark.parametrize("attributes", POOLS)
@pytest.mark.parametrize("count", [0, 1])
def test_average_pool(attributes, count):
    check("AveragePool", *randoms((2, 3, 10, 9)), count_include_pad=count, **attributes)


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
def test_global_pool(op):
    check(op, *randoms((2, 3, 5, 4)))


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_softmax(op):
    check(op, *randoms((2, 3, 4)), axis=1)
    check(op, *randoms((2, 3, 4)))


def test_softmax_before_opset_13_flattens():
    x = randoms((2, 3, 4))[0]
    node = helper.make_node("Softmax", ["x"], ["y"], axis=1)
    module = check_softmax_11(make_model([node], {"x": x}, ["y"], opset=11), x)
    assert "graph.reshape" in str(module)


def check_softmax_11(model, x):
    """The evaluator has no old softmax: one over the flattened rows says what it is."""

    module = import_model(model)
    rows = np.exp(x.reshape(2, 12))
    expected = (rows / rows.sum(axis=1, keepdims=True)).reshape(x.shape)
    assert_close(run_graph(main_function(module), [x])[0], expected)
    return module


def test_normalisations():
    x, scale, bias, mean = randoms((2, 4, 5, 3), (4,), (4,), (4,))
    variance = np.abs(scale) + np.float32(0.5)
    check("BatchNormalization", x, scale, bias, mean, variance, epsilon=1e-3)
    check("InstanceNormalization", x, scale, bias)
    check("GroupNormalization", x, scale, bias, num_groups=2)
    # The evaluator computes as many channels as there are samples.
    check("LRN", randoms((4, 4, 5, 3))[0], size=3, alpha=0.01, beta=0.6, bias=1.5)
    check("LayerNormalization", x, *randoms((5, 3), (5, 3), seed=1), axis=2)
    check("LayerNormalization", x, *randoms((3,), seed=1))


@pytest.mark.parametrize(
    "op",
    ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
     "ReduceSumSquare"],
)  # fmt: skip
def test_reductions(op):
    (x,) = randoms((2, 3, 4))
    check(op, x, constants=[ints(1)])
    check(op, x, constants=[ints(-1, 0)], keepdims=0)
    check(op, x)
    old = 11 if op == "ReduceSum" else 13
    check(op, x, opset=old, axes=[0, 2], keepdims=0)


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
def test_arg_reductions(op, last):
    (x,) = randoms((3, 9, 4), dtype=np.int32, low=0, high=3)
    check(op, x, axis=1, select_last_index=last, keepdims=0)
    check(op, x, axis=-1, select_last_index=last)


def test_cum_sum():
    (x,) = randoms((3, 5))
    for exclusive in (0, 1):
        for reverse in (0, 1):
            check(
                "CumSum",
                x,
                constants=[np.int64(1).reshape(())],
                exclusive=exclusive,
                reverse=reverse,
            )


def test_reshapes():
    (x,) = randoms((2, 3, 4))
    check("Reshape", x, constants=[ints(0, -1)])
    check("Reshape", x, constants=[ints(4, 3, 2)])
    check("Flatten", x, axis=2)
    check("Flatten", x, axis=-1)
    check("Transpose", x, perm=[2, 0, 1])
    check("Transpose", x)
    check("Squeeze", *randoms((1, 3, 1)), constants=[ints(0, -1)])
    check("Squeeze", *randoms((1, 3, 1)))
    check("Unsqueeze", x, constants=[ints(1, -1)])
    check("Unsqueeze", x, opset=11, axes=[0, 3])


def test_concat_and_split():
    check("Concat", *randoms((2, 3), (2, 1), (2, 4)), axis=1)
    check("Split", *randoms((2, 7)), outputs=3, axis=1, num_outputs=3)
    check("Split", *randoms((2, 7)), constants=[ints(4, 1, 2)], outputs=3, axis=-1)
    check("Split", *randoms((6, 2)), outputs=2, opset=11, axis=0)


SLICES = [
    ([0], [2], None, None),
    ([1, 0], [-1, 1000], [1, 2], [2, 1]),
    ([-1], [-1000], [0], [-1]),
    ([5, 3], [0, 1], [1, 2], [-2, -1]),
    ([3], [3], [2], None),
]


@pytest.mark.parametrize(("starts", "ends", "axes", "steps"), SLICES)
def test_slice(starts, ends, axes, steps):
    (x,) = randoms((4, 6, 5))
    extra = [None if part is None else ints(*part) for part in (axes, steps)]
    while extra and extra[-1] is None:
        extra.pop()
    check("Slice", x, constants=[ints(*starts), ints(*ends), *extra])


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_pad(mode):
    (x,) = randoms((3, 4, 5))
    check("Pad", x, constants=[ints(0, 1, 2, 0, 2, 1)], mode=mode)


def test_pad_with_several_turns():
    (x,) = randoms((2, 3))
    for mode in ("reflect", "wrap"):
        check("Pad", x, constants=[ints(0, 7, 0, 5)], mode=mode)


def test_what_has_no_tensor_expression_is_refused():
    x, y = randoms((6,), (6,), low=1)
    check("Mod", x, y, fmod=1, te=False)
    check("Pow", *randoms((6,), (6,), dtype=np.int32, low=0), te=False)


def test_pad_some_axes_with_a_value():
    (x,) = randoms((3, 4))
    check("Pad", x, constants=[ints(1, 2), np.float32(2.5), ints(-1)])


def test_gather_expand_tile():
    (x,) = randoms((3, 4))
    check("Gather", x, constants=[np.array([[0, -1], [2, 1]])], axis=1)
    check("Gather", x, np.array([2, 0]))
    check("Expand", x, constants=[ints(2, 1, 4)])
    check("Tile", x, constants=[ints(2, 3)])
    check("Trilu", x, constants=[ints(1)])
    check("Trilu", x, upper=0)


def test_depth_and_space():
    (x,) = randoms((2, 8, 2, 3))
    check("DepthToSpace", x, blocksize=2)
    check("DepthToSpace", x, blocksize=2, mode="CRD")
    check("SpaceToDepth", randoms((2, 3, 4, 6))[0], blocksize=2)


def test_gather_elements():
    (x,) = randoms((3, 4, 2))
    check("GatherElements", x, randoms((3, 7, 2), dtype=np.int64, low=-4, high=3)[0], axis=1)
    check("GatherElements", x, constants=[randoms((2, 4, 2), dtype=np.int64, low=0, high=2)[0]])


def test_dropout_is_the_identity():
    text = check("Dropout", *randoms((3, 4)))
    assert "graph." not in text


def test_shapes_are_computed_on_import():
    """x.reshape(x.shape[0], -1), the way exporters write it."""
    (x,) = randoms((2, 3, 4))
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axes"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]
    known = {"zero": np.int64(0).reshape(()), "axes": ints(0), "rest": ints(-1)}
    text = check_model(make_model(nodes, {"x": x}, ["y"], known), {"x": x})
    assert text.count("graph.") == 1 and "graph.reshape" in text


def test_operators_with_a_function_body_are_inlined():
    check("MeanVarianceNormalization", *randoms((2, 3, 4, 4)), axes=[0, 2])
    check("MeanVarianceNormalization", *randoms((2, 3, 4, 4)))


def test_a_small_network():
    x, w, b = randoms((1, 3, 8, 8), (4, 3, 3, 3), (4,))
    scale, mean, fc = randoms((4,), (4,), (4, 10), seed=1)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "s", "m", "m", "v"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("MatMul", ["f", "fc"], ["l"]),
        helper.make_node("Softmax", ["l"], ["y"]),
    ]
    known = {"w": w, "b": b, "s": scale, "m": mean, "v": np.abs(mean) + 1, "fc": fc}
    check_model(make_model(nodes, {"x": x}, ["y"], known), {"x": x})


def test_models_of_opset_6_name_the_broadcast_axis():
    x, y = randoms((2, 3, 4), (3,))
    node = helper.make_node("Add", ["x", "y"], ["z"], broadcast=1, axis=1)
    model = make_model([node], {"x": x, "y": y}, ["z"], opset=6)

    (z,) = run_graph(main_function(import_model(model)), [x, y])
    np.testing.assert_array_equal(z, x + y[:, None])
