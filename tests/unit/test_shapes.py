"""The shape rules against NumPy, which knows the shapes of what it computes."""

import itertools

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from analysis import shapes
from analysis.shapes import ShapeError


@pytest.mark.parametrize(
    "operands", [((2, 1, 4), (3, 1)), ((), (2,)), ((1,), (5, 0)), ((4, 1), (1, 4), (4, 4))]
)
def test_broadcast(operands):
    assert shapes.broadcast(*operands) == np.broadcast_shapes(*operands)


def test_symbols_broadcast_with_themselves_and_one():
    assert shapes.broadcast(("n", 1), ("n", 4)) == ("n", 4)
    assert shapes.broadcast(("n",), (1,)) == ("n",)
    with pytest.raises(ShapeError, match="n and 3 do not broadcast"):
        shapes.broadcast(("n",), (3,))


def test_windows_are_what_slides():
    for extent, kernel, stride, dilation, low, high in itertools.product(
        (7, 8), (1, 3), (1, 2, 3), (1, 2), (0, 2), (0, 1)
    ):
        padded = np.zeros(extent + low + high)
        view = sliding_window_view(padded, dilation * (kernel - 1) + 1)[::stride]
        assert shapes.window(extent, kernel, stride, dilation, (low, high)) == len(view)


def test_same_padding_keeps_the_extent_over_the_stride():
    for extent, kernel, stride, dilation in itertools.product((7, 8), (1, 2, 3), (1, 2), (1, 2)):
        low, high = shapes.auto_pads("SAME_UPPER", [extent], [kernel], [stride], [dilation])
        places = shapes.window(extent, kernel, stride, dilation, (low, high))
        assert places == -(-extent // stride) and 0 <= high - low <= 1


def test_ceil_mode_has_no_window_in_the_padding_alone():
    assert shapes.window(5, 2, 2) == 2
    assert shapes.window(5, 2, 2, ceil_mode=True) == 3
    assert shapes.window(4, 1, 3, pads=(0, 1), ceil_mode=True) == 2


def test_slices_are_pythons():
    for extent, start, end, step in itertools.product(
        (1, 5), (-9, -2, 0, 3, 9), (-9, -1, 0, 2, 9), (-2, -1, 1, 3)
    ):
        if step < 0 and start < -extent:
            continue  # ONNX clamps such a start to 0, Python to nothing
        expected = list(range(extent))[start:end:step]
        first, count = shapes.clamp_slice(extent, start, end, step)
        assert [first + i * step for i in range(count)] == expected


@pytest.mark.parametrize(
    ("a", "b"), [((3, 4), (4, 5)), ((4,), (4,)), ((2, 1, 3, 4), (7, 4, 5)), ((4,), (2, 4, 5))]
)
def test_matmul(a, b):
    assert shapes.matmul(a, b) == np.matmul(np.zeros(a), np.zeros(b)).shape


def test_reshape():
    assert shapes.resolve_reshape((2, 3, 4), (0, -1)) == (2, 12)
    assert shapes.resolve_reshape(("n", 3, 4), (0, -1)) == ("n", 12)
    assert shapes.resolve_reshape(("n", 3, 4), (-1, 12)) == ("n", 12)
    with pytest.raises(ShapeError, match="2x3 does not divide into 4"):
        shapes.resolve_reshape((2, 3), (4, -1))
    with pytest.raises(ShapeError, match="more than one -1"):
        shapes.resolve_reshape((2, 3), (-1, -1))


def test_axes():
    x = np.zeros((2, 1, 3, 1))
    assert shapes.squeeze(x.shape, (1, -1)) == np.squeeze(x, (1, 3)).shape
    assert shapes.squeeze(x.shape, None) == np.squeeze(x).shape
    assert shapes.unsqueeze(x.shape, (0, -1)) == np.expand_dims(x, (0, -1)).shape
    assert shapes.reduce(x.shape, (0, -2), True) == x.sum((0, 2), keepdims=True).shape
    assert shapes.transpose(("n", 3), (1, 0)) == (3, "n")
    with pytest.raises(ShapeError, match="axis 4 is out of range for rank 4"):
        shapes.reduce(x.shape, (4,), True)
    with pytest.raises(ShapeError, match="name an axis twice"):
        shapes.reduce(x.shape, (0, -4), True)
    with pytest.raises(ShapeError, match="dimension 0 of 2x1x3x1 is not 1"):
        shapes.squeeze(x.shape, (0,))
