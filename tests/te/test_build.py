"""Functions that t.build makes: arrays that they take, and those that they refuse in one line."""

import numpy as np
import pytest

import dovetail as t
from analysis.errors import UserError

n, m = t.var("n"), t.var("m")
A = t.placeholder((n, m), name="A")
B = t.placeholder((m,), name="B")
C = t.compute((n, m), lambda i, j: A[i, j] + B[j], name="C")


@pytest.fixture(scope="module")
def add():
    s = t.create_schedule(C.op)
    s[C].parallel(C.op.axis[0])
    return t.build(s, [A, B, C], name="add")


def arrays(rows=3, columns=5):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((rows, columns)), rng.standard_normal(columns)
    return a.astype("float32"), b.astype("float32"), np.empty((rows, columns), "float32")


@pytest.mark.parametrize(("rows", "columns"), [(3, 5), (1, 1), (64, 33), (0, 4)])
def test_sizes_are_those_of_the_arrays(add, rows, columns):
    a, b, c = arrays(rows, columns)
    add(a, b, c)
    assert np.array_equal(c, a + b)


def test_a_function_says_what_it_takes(add):
    assert repr(add) == "add('A' float32(n, m), 'B' float32(m), 'C' float32(n, m))"


def test_arrays_at_odd_addresses(add):
    a, b, c = arrays()
    memory = np.empty(4 * 15 + 4, np.uint8)
    c = memory[4:].view("float32").reshape(3, 5)
    add(a, b, c)
    assert np.array_equal(c, a + b)


def wrong(**changes):
    """The arrays of a call, some of them changed."""
    given = dict(zip("abc", arrays(), strict=True))
    return [changes[name](array) if name in changes else array for name, array in given.items()]


def read_only(array):
    array = array.copy()
    array.setflags(write=False)
    return array


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (wrong()[:2], "add takes 3 arrays, not 2: "),
        (wrong(a=lambda x: x.astype("float64")), "add: A has the dtype float64, not float32"),
        (wrong(a=lambda x: x[0]), "add: A has the shape (5), not (n, m)"),
        (wrong(b=lambda x: x[:4]), "add: dimension 'm' is 5 in axis 1 of input 'A' but 4 in axis"),
        (wrong(a=lambda x: x[:, ::-1]), "add: A is not contiguous: give np.ascontiguousarray"),
        (wrong(c=lambda x: x.tolist()), "add: C is a list, not a NumPy array"),
        (wrong(c=read_only), "add: C is written, but the array is read-only"),
    ],
)
def test_arrays_that_do_not_fit(add, given, message):
    with pytest.raises(UserError) as caught:
        add(*given)
    assert caught.value.message.startswith(message), caught.value.message


def test_an_output_shares_no_memory(add):
    a, b, _ = arrays()
    with pytest.raises(UserError, match="add: C is written, and shares memory with A"):
        add(a, b, a)


def test_other_dtypes_and_a_named_target():
    X = t.placeholder((7,), dtype="int8", name="X")
    Y = t.compute((7,), lambda i: (X[i].astype("int32") * 3 + 4) >> 1)
    f = t.build(t.create_schedule(Y.op), [X, Y], target=t.target.llvm())
    x, y = np.arange(-3, 4, dtype="int8"), np.empty(7, "int32")
    f(x, y)
    assert np.array_equal(y, (x.astype("int32") * 3 + 4) >> 1)


def test_conversions_in_machine_code():
    from_, to = ("float64", "float16", "int8", "int64", "bool"), ("float16", "float32", "int32")
    rng = np.random.default_rng(3)
    for old in from_:
        X = t.placeholder((300,), dtype=old, name="X")
        results = [
            t.compute((300,), lambda i, X=X: X[i], dtype=new, name=f"to_{new}")
            for new in to
            if new != old
        ]
        x = rng.standard_normal(300) * 10.0 ** rng.integers(-8, 6, 300)
        x[:4] = [1 + 2.0**-11 + 2.0**-40, 1 + 2.0**-11 - 2.0**-40, 65519.999, 2.0**-25 + 2.0**-60]
        if old not in ("float64", "float16"):
            x = rng.integers(-100, 100, 300)
        with np.errstate(over="ignore"):
            x = x.astype(old)
        arrays = [np.empty(300, r.dtype) for r in results]
        t.build(t.create_schedule([r.op for r in results]), [X, *results])(x, *arrays)
        for array in arrays:
            small = (
                np.abs(x.astype("float64")) < 1e9 if array.dtype.kind == "i" else np.full(300, True)
            )
            with np.errstate(over="ignore", invalid="ignore"):
                expected = x.astype(array.dtype)
            assert np.array_equal(array[small], expected[small]), (old, array.dtype)
