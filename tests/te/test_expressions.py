"""Tensor expressions in Python: what they compute, and what is said of those that cannot be."""

import traceback

import numpy as np
import pytest
from xdsl.dialects.func import FuncOp

import dovetail as t
from analysis.errors import UserError
from backends.interpreter.te import run_te

rng = np.random.default_rng(3)


def integers(*shape, dtype="float32"):
    return rng.integers(-8, 9, shape).astype(dtype)


def evaluate(args, *arrays):
    """The tensors that `args` compute, by the interpreter."""
    (function,) = (op for op in t.module(args).ops if isinstance(op, FuncOp))
    return run_te(function, arrays)


def test_names_come_from_the_axes_and_the_variables():
    A = t.placeholder((4, 6))
    B = t.placeholder((4,), name="bias")
    k = t.reduce_axis((0, 6))
    C = t.compute((4,), lambda row: t.sum(A[row, k], axis=k))
    D = t.compute((4,), lambda *i: C[i] + B[i])
    text = str(t.module([A, B, D]))
    assert "@main(%A: tensor<4x6xf32>, %bias: tensor<4xf32>) -> tensor<4xf32>" in text
    assert '%C = te.compute "C" (%row = 0 to 4) sum (%k = 0 to 6)' in text
    assert '%D = te.compute "D" (%i0 = 0 to 4)' in text


def test_padded_and_strided_convolution_with_symbolic_sizes():
    h = t.var("h")
    X = t.placeholder((3, h), dtype="int8")
    W = t.placeholder((5, 3, 4), dtype="int8")
    c, r = t.reduce_axis((0, 3)), t.reduce_axis((1, 5))

    def point(o, y):
        inside = t.all(y + r - 3 >= 0, y + r - 3 < h)
        x = t.if_then_else(inside, X[c, y + r - 3].astype("int32"), 0)
        return t.sum(x * W[o, c, r - 1].astype("int32"), axis=[c, r])

    Y = t.compute((5, h), point)
    text = str(t.module([X, W, Y]))
    assert "where (%y + %r - 2 >= 0, -%y - %r + %h + 1 >= 0) else" in text
    assert "select" not in text  # the guard of the read says it all
    x, w = integers(3, 7, dtype="int8"), integers(5, 3, 4, dtype="int8")
    (found,) = evaluate([X, W, Y], x, w)
    padded = np.pad(x.astype("int32"), ((0, 0), (2, 2)))
    expected = sum(np.einsum("oc,ch->oh", w[:, :, i], padded[:, i : i + 7]) for i in range(4))
    assert found.dtype == np.int32
    assert np.array_equal(found, expected)


def test_arithmetic_is_that_of_numpy():
    A, B = t.placeholder((9, 9), dtype="int32"), t.placeholder((9, 9), dtype="int32")
    a, b = integers(9, 9, dtype="int32"), np.abs(integers(9, 9, dtype="int32")) + 1
    cases = [
        (lambda x, y: x + 2 * y - 1, lambda x, y: x + 2 * y - 1),
        (lambda x, y: x // y, lambda x, y: x // y),
        (lambda x, y: x % y, lambda x, y: x % y),
        (lambda x, y: (x >> 1) ^ (y << 2) & 7 | 1, lambda x, y: (x >> 1) ^ (y << 2) & 7 | 1),
        (lambda x, y: t.max(x, -y), lambda x, y: np.maximum(x, -y)),
        (lambda x, y: t.min(abs(x), 3), lambda x, y: np.minimum(abs(x), 3)),
        (
            lambda x, y: t.if_then_else(t.any(x > y, t.all(x != 0, y == 2)), x, 7),
            lambda x, y: np.where((x > y) | ((x != 0) & (y == 2)), x, 7),
        ),
    ]
    for ours, theirs in cases:
        C = t.compute((9, 9), lambda i, j, ours=ours: ours(A[i, j], B[i, j]))
        (found,) = evaluate([A, B, C], a, b)
        assert np.array_equal(found, theirs(a, b))


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh", "floor", "ceil", "abs"])
def test_functions(name):
    A = t.placeholder((7,), dtype="float64")
    C = t.compute((7,), lambda i: getattr(t, name)(A[i] + 0.25))
    a = np.abs(rng.standard_normal(7))
    np.testing.assert_allclose(evaluate([A, C], a)[0], getattr(np, name)(a + 0.25))


@pytest.mark.parametrize("old", ["float32", "float64", "int8", "int64", "bool"])
@pytest.mark.parametrize("new", ["float32", "float16", "int32", "int8", "bool"])
def test_conversions(old, new):
    A = t.placeholder((40,), dtype=old)
    C = t.compute((40,), lambda i: A[i], dtype=new)
    a = integers(40).astype(old)
    (found,) = evaluate([A, C], a)
    assert found.dtype == np.dtype(new)
    assert np.array_equal(found, a.astype(new))


def test_positions_and_data_as_indices():
    T, N = t.placeholder((10, 3)), t.placeholder((6,), dtype="int64")
    C = t.compute((6, 3), lambda i, j: T[N[i], j] + (i * 2 - j // 2 % 3).astype("float32"))
    table, rows = integers(10, 3), rng.integers(0, 10, 6)
    i, j = np.indices((6, 3))
    assert np.array_equal(evaluate([T, N, C], table, rows)[0], table[rows] + i * 2 - j // 2 % 3)


def test_reductions_and_what_both_sides_of_a_choice_may_read():
    A = t.placeholder((5, 8))
    k = t.reduce_axis((0, 8))
    C = t.compute((5,), lambda i: t.max(A[i, k], axis=k))
    D = t.compute((5,), lambda i: t.min(A[i, k], axis=k))
    E = t.compute((5,), lambda i: t.prod(A[i, k], axis=[k]))
    F = t.compute((5,), lambda i: t.if_then_else(i < 1, C[i] + D[i], C[i - 1] * 2))
    a = integers(5, 8)
    c, d, e, f = evaluate([A, C, D, E, F], a)
    assert np.array_equal(c, a.max(1)) and np.array_equal(d, a.min(1))
    assert np.array_equal(e, a.prod(1))
    assert np.array_equal(f, [c[0] + d[0], *(2 * c[:-1])])


A = t.placeholder((8, 4))
M, N, H = t.var("m"), t.var("n"), t.var("h")
X = t.placeholder((M, H), name="A")
K = t.reduce_axis((0, H), name="k")
Q = t.placeholder((8,), dtype="int8")

MISTAKES = {
    "A[k, y]: cannot prove k < m (k ranges to h)": lambda: t.compute(
        (M, N), lambda y, x: t.sum(X[K, y], axis=K)
    ),
    "A[i + 1, 0]: cannot prove i + 1 < 8 (i ranges to 8)": lambda: t.compute(
        (8,), lambda i: A[i + 1, 0]
    ),
    "A[i - 1, j*2]: cannot prove i - 1 >= 0 (i ranges to 8)": lambda: t.compute(
        (8, 2), lambda i, j: A[i - 1, j * 2]
    ),
    "A[i, 4]: cannot prove 4 < 4": lambda: t.compute((8,), lambda i: A[i, 4]),
    "A[y]: 1 index for A: float32[8, 4], which has 2 dimensions": lambda: t.compute(
        (8,), lambda y: A[y]
    ),
    "dtype 'float33': did you mean float32? there are: float32, float64, float16": lambda: (
        t.placeholder((8,), dtype="float33")
    ),
    "A[i, 0] + Q[i]: the dtypes are float32 and int8; convert one with": lambda: t.compute(
        (8,), lambda i: A[i, 0] + Q[i]
    ),
    "A[i, 0] * i: the dtypes are float32 and index; write (i).astype('float32')": lambda: t.compute(
        (8,), lambda i: A[i, 0] * i
    ),
    "0.5 is no int8: convert the other side with .astype('float32')": lambda: t.compute(
        (8,), lambda i: Q[i] * 0.5
    ),
    "200 is out of the range of int8": lambda: t.compute((8,), lambda i: Q[i] + 200),
    "Q[i] / Q[i]: integers are divided with //; or convert with .astype": lambda: t.compute(
        (8,), lambda i: Q[i] / Q[i]
    ),
    "(i) * (j) is not affine: compute it with .astype('int32') on both sides": lambda: t.compute(
        (8, 2), lambda i, j: A[i * j, 0]
    ),
    "A[i, 0] > 0 has no truth value before it is computed": lambda: t.compute(
        (8,), lambda i: A[i, 0] if A[i, 0] > 0 else 0
    ),
    "the function takes i for the axes of a shape of 2 dimensions": lambda: t.compute(
        (8, 2), lambda i: A[i, 0]
    ),
    "sum(A[0, k], axis=k) is a part of an expression: a reduction is a tensor of its own": lambda: (
        t.compute((M,), lambda i: t.sum(X[0, K], axis=K) + 1)
    ),
    "k is no axis of this tensor: reduce over it: t.sum(..., axis=k)": lambda: t.compute(
        (M,), lambda i: X[i, K]
    ),
    "a size is a whole number or a t.var, not 2.5": lambda: t.placeholder((2.5,)),
    "name='a b': a name is made of letters, digits and _": lambda: t.var("a b"),
    "A[i, 0]: an index is an integer, not float32": lambda: t.compute(
        (8,), lambda i: A[A[i, 0], 0]
    ),
    "sum reduces over one or more axes, each once": lambda: t.sum(X[0, K], axis=[K, K]),
    "axis=m: sum reduces over a t.reduce_axis": lambda: t.sum(X[0, K], axis=M),
    "max takes one expression and axis=, or two expressions": lambda: t.compute(
        (8,), lambda i: t.max(A[i, 0])
    ),
    "two symbolic sizes are named 'm': give one another name=": lambda: t.module(
        [Q, t.placeholder((t.var("m"),)), t.compute((M,), lambda i: 0.0)]
    ),
    "what is computed comes after what is given: [A, ": lambda: t.module(
        [t.compute((8,), lambda i: A[i, 0]), A]
    ),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes_are_told_at_the_users_line(message):
    with pytest.raises(UserError) as caught:
        MISTAKES[message]()
    first = str(caught.value).splitlines()[0]
    assert first.startswith(message) or first.endswith(message), first
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert any(frame.filename == __file__ and "lambda" in frame.name for frame in frames)


def test_a_read_that_may_be_outside_is_shown_with_its_line():
    def point(i):
        return A[i + 2, 0]

    with pytest.raises(UserError) as caught:
        t.compute((8,), point)
    line = point.__code__.co_firstlineno + 1
    assert f"at {__file__}:{line}" in str(caught.value)
