"""te.compute and te.scatter against plain NumPy."""

import numpy as np
import pytest
from parse import parse_function

from analysis.errors import UnsupportedError, UserError
from backends.interpreter import arrays, te
from backends.interpreter.te import run_te

MATMUL = """
func.func @matmul(%A: tensor<7x5x{t}>, %B: tensor<5x9x{t}>) -> tensor<7x9x{t}> {{
  %C = te.compute "C" (%y = 0 to 7, %x = 0 to 9) sum (%k = 0 to 5) {{
    %a = te.read %A[%y, %k] : tensor<7x5x{t}>
    %b = te.read %B[%k, %x] : tensor<5x9x{t}>
    %p = arith.mul{s} %a, %b : {t}
    te.yield %p : {t}
  }} : tensor<7x9x{t}>
  func.return %C : tensor<7x9x{t}>
}}
"""


@pytest.fixture(params=[1 << 23, 16], ids=["whole", "chunked"])
def limit(request, monkeypatch):
    """Runs a test twice: in one chunk, and in many."""
    monkeypatch.setattr(te, "LIMIT", request.param)


def small(generator, shape, dtype):
    return generator.integers(-8, 9, shape).astype(dtype)


@pytest.mark.usefixtures("limit")
@pytest.mark.parametrize("type", ["f32", "f64", "f16", "i32", "i64"])
def test_matmul_of_small_integers_is_exact(type):
    generator = np.random.default_rng(1)
    dtype = {"f": "float", "i": "int"}[type[0]] + type[1:]
    a, b = small(generator, (7, 5), dtype), small(generator, (5, 9), dtype)
    (c,) = run_te(parse_function(MATMUL.format(t=type, s=type[0])), [a, b])
    assert c.dtype == a.dtype
    assert np.array_equal(c, a.astype(np.int64) @ b.astype(np.int64))


def test_integer_sums_wrap_in_the_element_type():
    generator = np.random.default_rng(2)
    for bits in (8, 64):
        info = np.iinfo(f"int{bits}")
        a = generator.integers(info.min, info.max, (7, 5), info.dtype)
        b = generator.integers(info.min, info.max, (5, 9), info.dtype)
        (c,) = run_te(parse_function(MATMUL.format(t=f"i{bits}", s="i")), [a, b])
        exact = a.astype(object) @ b.astype(object)
        wrapped = (exact + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))
        assert c.dtype == info.dtype
        assert np.array_equal(c, wrapped)


def test_a_sum_is_rounded_once():
    text = """
    func.func @sum(%A: tensor<3000xf32>) -> tensor<f32> {
      %C = te.compute "C" () sum (%k = 0 to 3000) {
        %a = te.read %A[%k] : tensor<3000xf32>
        te.yield %a : f32
      } : tensor<f32>
      func.return %C : tensor<f32>
    }"""
    x = np.full(3000, 2.0**-24, np.float32)
    x[0] = 1
    (found,) = run_te(parse_function(text), [x])
    assert found == np.float32(1 + 2999 * 2.0**-24)


CONVOLUTION = """
func.func @conv(%X: tensor<3x9x8xf32>, %W: tensor<4x3x3x3xf32>) -> tensor<4x5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %O = te.compute "O" (%o = 0 to 4, %y = 0 to 5, %x = 0 to 4)
      sum (%i = 0 to 3, %v = 0 to 3, %u = 0 to 3) {
    %a = te.read %X[%i, %y * 2 + %v - 1, %x * 2 + %u - 1]
      where (%y * 2 + %v >= 1, %y * 2 + %v < 10, %x * 2 + %u >= 1, %x * 2 + %u < 9)
      else %zero : tensor<3x9x8xf32>
    %w = te.read %W[%o, %i, %v, %u] : tensor<4x3x3x3xf32>
    %p = arith.mulf %a, %w : f32
    te.yield %p : f32
  } : tensor<4x5x4xf32>
  func.return %O : tensor<4x5x4xf32>
}
"""


@pytest.mark.usefixtures("limit")
def test_padded_strided_convolution():
    generator = np.random.default_rng(3)
    x, w = small(generator, (3, 9, 8), np.float32), small(generator, (4, 3, 3, 3), np.float32)
    (found,) = run_te(parse_function(CONVOLUTION), [x, w])
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    expected = np.zeros((4, 5, 4))
    for v in range(3):
        for u in range(3):
            window = padded[:, v : v + 9 : 2, u : u + 7 : 2]
            expected += np.einsum("iyx,oi->oyx", window, w[:, :, v, u])
    assert np.array_equal(found, expected)


def test_a_guarded_read_touches_nothing_where_the_guard_fails():
    text = """
    func.func @f(%A: tensor<4xf32>) -> tensor<9xf32> {
      %C = te.compute "C" (%i = 0 to 9) {
        %seven = arith.constant 7.0 : f32
        %a = te.read %A[%i * 100 - 300] where (%i >= 3, %i < 4) else %seven : tensor<4xf32>
        te.yield %a : f32
      } : tensor<9xf32>
      func.return %C : tensor<9xf32>
    }"""
    (found,) = run_te(parse_function(text), [np.arange(4, dtype=np.float32)])
    assert found.tolist() == [7, 7, 7, 0, 7, 7, 7, 7, 7]


def test_a_read_outside_is_an_error_that_names_the_point():
    text = """
    func.func @f(%A: tensor<4xf32>) -> tensor<2x5xf32> {
      %z = arith.constant 0.0 : f32
      %C = te.compute "C" (%i = 0 to 2, %j = 0 to 5) {
        %a = te.read %A[%i * 3 + %j - 1] where (%j >= 1) else %z : tensor<4xf32>
        te.yield %a : f32
      } : tensor<2x5xf32>
      func.return %C : tensor<2x5xf32>
    }"""
    with pytest.raises(UserError) as caught:
        run_te(parse_function(text), [np.zeros(4, np.float32)])
    assert str(caught.value) == (
        'te.compute "C": reads %A[4] at i = 1, j = 2, outside tensor<4xf32>'
    )


SIMPLE = """
func.func @reduce(%A: tensor<5x4x3x{t}>) -> tensor<4x{t}> {{
  %C = te.compute "C" (%y = 0 to 4) {r} (%k = 0 to 5, %l = 0 to 3) {{
    %a = te.read %A[%k, %y, %l] : tensor<5x4x3x{t}>
    te.yield %a : {t}
  }} : tensor<4x{t}>
  func.return %C : tensor<4x{t}>
}}
"""


@pytest.mark.usefixtures("limit")
@pytest.mark.parametrize("reducer", ["sum", "prod", "max", "min"])
@pytest.mark.parametrize("type", ["f32", "i32", "i8"])
def test_reducers(reducer, type):
    generator = np.random.default_rng(4)
    dtype = {"f32": np.float32, "i32": np.int32, "i8": np.int8}[type]
    a = generator.integers(-2, 3, (5, 4, 3)).astype(dtype)
    (found,) = run_te(parse_function(SIMPLE.format(t=type, r=reducer)), [a])
    keep = {} if reducer in ("max", "min") else {"dtype": dtype}
    assert np.array_equal(found, getattr(np, reducer)(a, axis=(0, 2), **keep))


def test_maximum_keeps_nan():
    a = np.zeros((5, 4, 3), np.float32)
    a[2, 1, 0] = np.nan
    (found,) = run_te(parse_function(SIMPLE.format(t="f32", r="max")), [a])
    assert np.isnan(found).tolist() == [False, True, False, False]


ARG = """
func.func @arg(%A: tensor<5x9xf32>) -> (tensor<5xf32>, tensor<5xi32>) {{
  %V, %N = te.compute "M" (%y = 0 to 5) {r} (%k = 0 to 9) {{
    %v = te.read %A[%y, %k] : tensor<5x9xf32>
    %n = arith.index_cast %k : index to i32
    te.yield %v, %n : f32, i32
  }} : tensor<5xf32>, tensor<5xi32>
  func.return %V, %N : tensor<5xf32>, tensor<5xi32>
}}
"""


@pytest.mark.usefixtures("limit")
@pytest.mark.parametrize("reducer", ["argmax", "argmin"])
def test_the_first_of_equal_values_wins(reducer):
    a = np.random.default_rng(5).integers(0, 3, (5, 9)).astype(np.float32)
    a[4, 6] = np.nan
    values, indices = run_te(parse_function(ARG.format(r=reducer)), [a])
    assert indices.tolist() == getattr(np, reducer)(a, axis=1).tolist()
    assert np.array_equal(values, a[np.arange(5), indices], equal_nan=True)


@pytest.mark.usefixtures("limit")
def test_a_combiner_of_the_users_own_folds_in_order():
    # composition of x -> a x + b: associative, not commutative
    text = """
    func.func @scan(%A: tensor<3x4xi32>, %B: tensor<3x4xi32>) -> (tensor<3xi32>, tensor<3xi32>) {
      %one = arith.constant 1 : i32
      %zero = arith.constant 0 : i32
      %P, %Q = te.compute "P" (%y = 0 to 3) reduce (%k = 0 to 4) from (%one : i32, %zero : i32)
          combine (%a, %b, %c, %d) {
        %m = arith.muli %a, %c : i32
        %n = arith.muli %c, %b : i32
        %o = arith.addi %n, %d : i32
        te.yield %m, %o : i32, i32
      } {
        %u = te.read %A[%y, %k] : tensor<3x4xi32>
        %v = te.read %B[%y, %k] : tensor<3x4xi32>
        te.yield %u, %v : i32, i32
      } : tensor<3xi32>, tensor<3xi32>
      func.return %P, %Q : tensor<3xi32>, tensor<3xi32>
    }"""
    a, b = np.random.default_rng(6).integers(-4, 5, (2, 3, 4)).astype(np.int32)
    p, q = run_te(parse_function(text), [a, b])
    x = np.zeros(3, np.int64)
    for k in range(4):
        x = a[:, k] * x + b[:, k]
    assert np.array_equal(q, x)
    assert np.array_equal(p, a.prod(axis=1))


GATHER = """
func.func @gather(%T: tensor<10x4xf32>, %I: tensor<7xi64>) -> tensor<7x4xf32> {
  %G = te.compute "G" (%y = 0 to 7, %x = 0 to 4) {
    %i = te.read %I[%y] : tensor<7xi64>
    %j = arith.index_cast %i : i64 to index
    %v = te.read %T[%j, %x] : tensor<10x4xf32>
    te.yield %v : f32
  } : tensor<7x4xf32>
  func.return %G : tensor<7x4xf32>
}
"""


def test_gather():
    table = np.random.default_rng(7).normal(size=(10, 4)).astype(np.float32)
    index = np.array([3, 3, 0, 9, 1, 2, 9])
    (found,) = run_te(parse_function(GATHER), [table, index])
    assert np.array_equal(found, table[index])
    index[4] = -1
    with pytest.raises(UserError, match=r'"G": reads %T\[-1, 0\] at y = 4, x = 0, outside'):
        run_te(parse_function(GATHER), [table, index])


SCATTER = """
func.func @scatter(%T: tensor<6xi8>, %I: tensor<7xi64>, %V: tensor<7xi8>) -> tensor<6xi8> {{
  %out = te.scatter "out" (%i = 0 to 7) {r} into %T {{
    %n = te.read %I[%i] : tensor<7xi64>
    %j = arith.index_cast %n : i64 to index
    %v = te.read %V[%i] : tensor<7xi8>
    te.yield %v, %j : i8, index
  }} : tensor<6xi8>
  func.return %out : tensor<6xi8>
}}
"""


@pytest.mark.usefixtures("limit")
@pytest.mark.parametrize("reducer", ["sum", "prod", "max", "min"])
def test_scatter_into_repeated_cells(reducer):
    generator = np.random.default_rng(8)
    init, values = (generator.integers(-128, 128, n).astype(np.int8) for n in (6, 7))
    index = np.array([1, 1, 1, 0, 5, 5, 1])
    (found,) = run_te(parse_function(SCATTER.format(r=reducer)), [init, index, values])
    expected = [int(x) for x in init]
    for i, v in zip(index, values, strict=True):
        expected[i] = {
            "sum": lambda a, b: a + b,
            "prod": lambda a, b: a * b,
            "max": max,
            "min": min,
        }[reducer](expected[i], int(v))
    assert found.dtype == np.int8
    assert found.tolist() == [(x + 128) % 256 - 128 for x in expected]


def test_scatter_outside_is_an_error():
    arguments = [np.zeros(6, np.int8), np.array([0, 1, 6, 0, 0, 0, 0]), np.zeros(7, np.int8)]
    with pytest.raises(UserError) as caught:
        run_te(parse_function(SCATTER.format(r="sum")), arguments)
    assert str(caught.value) == ('te.scatter "out": writes %out[6] at i = 2, outside tensor<6xi8>')


SYMBOLIC = """
!a = tensor<?x4xf32, #loop.layout<["m", 4]>>
!c = tensor<?x?xf32, #loop.layout<["m", "m"]>>
func.func @gram(%A: !a, %B: !a) -> !c {
  %m = te.dim "m"
  %C = te.compute "C" (%y = 0 to %m, %x = 0 to %m) sum (%k = 0 to 4) {
    %a = te.read %A[%y, %k] : !a
    %b = te.read %B[%x, %k] : !a
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : !c
  func.return %C : !c
}
"""


def test_symbolic_dimensions_come_from_the_inputs():
    for m in (0, 1, 5):
        a, b = np.random.default_rng(m).integers(-8, 9, (2, m, 4)).astype(np.float32)
        (found,) = run_te(parse_function(SYMBOLIC), [a, b])
        assert np.array_equal(found, a @ b.T)


@pytest.mark.parametrize(
    ("shapes", "dims", "text"),
    [
        ([(5, 4), (6, 4)], None, "@gram: the dimension 'm' is 5 in %A but 6 in %B"),
        ([(5, 4), (5, 4)], {"m": 7}, "@gram: the dimension 'm' is 5 in %A but was given as 7"),
        ([(5, 3), (5, 4)], None, "@gram: %A has the shape mx4, not 5x3"),
        ([(5, 4)], None, "@gram takes 2 arrays, not 1"),
    ],
)
def test_arrays_that_do_not_fit(shapes, dims, text):
    with pytest.raises(UserError) as caught:
        run_te(parse_function(SYMBOLIC), [np.zeros(s, np.float32) for s in shapes], dims)
    assert str(caught.value) == text


def test_arrays_of_another_type():
    with pytest.raises(UserError) as caught:
        run_te(parse_function(SYMBOLIC), [np.zeros((5, 4))] * 2)
    assert str(caught.value) == "@gram: %A is an array of float32, not float64"


def test_a_dimension_that_nothing_has():
    text = """
    func.func @iota() -> tensor<?xi64, #loop.layout<["n"]>> {
      %n = te.dim "n"
      %C = te.compute "C" (%i = 0 to %n) {
        %v = arith.index_cast %i : index to i64
        te.yield %v : i64
      } : tensor<?xi64, #loop.layout<["n"]>>
      func.return %C : tensor<?xi64, #loop.layout<["n"]>>
    }"""
    assert run_te(parse_function(text), [], {"n": 3})[0].tolist() == [0, 1, 2]
    with pytest.raises(UserError, match="nothing gives the dimension 'n' a size"):
        run_te(parse_function(text), [])


def test_layouts_do_not_change_values():
    layout = "#loop.layout<affine_map<(d0) -> (d0 floordiv 4, d0 mod 4)>, [2, 4], pad 0.0 : f32>"
    text = f"""
    !p = tensor<7xf32, {layout}>
    func.func @negate(%A: !p) -> !p {{
      %C = te.compute "C" (%i = 0 to 7) {{
        %a = te.read %A[%i] : !p
        %b = arith.negf %a : f32
        te.yield %b : f32
      }} : !p
      func.return %C : !p
    }}"""
    a = np.arange(7, dtype=np.float32)
    assert np.array_equal(run_te(parse_function(text), [a])[0], -a)


def test_several_computes_and_calls():
    text = """
    func.func @softmax(%A: tensor<5x9xf32>) -> tensor<5x9xf32> {
      %M = te.compute "M" (%y = 0 to 5) max (%k = 0 to 9) {
        %a = te.read %A[%y, %k] : tensor<5x9xf32>
        te.yield %a : f32
      } : tensor<5xf32>
      %E = func.call @exp(%A, %M) : (tensor<5x9xf32>, tensor<5xf32>) -> tensor<5x9xf32>
      %S = te.compute "S" (%y = 0 to 5) sum (%k = 0 to 9) {
        %e = te.read %E[%y, %k] : tensor<5x9xf32>
        te.yield %e : f32
      } : tensor<5xf32>
      %O = te.compute "O" (%y = 0 to 5, %x = 0 to 9) {
        %e = te.read %E[%y, %x] : tensor<5x9xf32>
        %s = te.read %S[%y] : tensor<5xf32>
        %o = arith.divf %e, %s : f32
        te.yield %o : f32
      } : tensor<5x9xf32>
      func.return %O : tensor<5x9xf32>
    }
    func.func @exp(%A: tensor<5x9xf32>, %M: tensor<5xf32>) -> tensor<5x9xf32> {
      %E = te.compute "E" (%y = 0 to 5, %x = 0 to 9) {
        %a = te.read %A[%y, %x] : tensor<5x9xf32>
        %m = te.read %M[%y] : tensor<5xf32>
        %d = arith.subf %a, %m : f32
        %e = math.exp %d : f32
        te.yield %e : f32
      } : tensor<5x9xf32>
      func.return %E : tensor<5x9xf32>
    }"""
    a = np.random.default_rng(9).normal(size=(5, 9)).astype(np.float32)
    (found,) = run_te(parse_function(text, "softmax"), [a])
    e = np.exp(a.astype(np.float64))
    assert found == pytest.approx(e / e.sum(axis=1, keepdims=True), rel=1e-6)


def test_three_factors_and_a_repeated_term():
    # r is read by nothing: each term counts three times
    text = """
    func.func @f(%A: tensor<4x5xf64>, %B: tensor<5x6xf64>, %C: tensor<6xf64>) -> tensor<4xf64> {
      %D = te.compute "D" (%y = 0 to 4) sum (%k = 0 to 5, %l = 0 to 6, %r = 0 to 3) {
        %a = te.read %A[%y, %k] : tensor<4x5xf64>
        %b = te.read %B[%k, %l] : tensor<5x6xf64>
        %c = te.read %C[%l] : tensor<6xf64>
        %p = arith.mulf %a, %b : f64
        %q = arith.mulf %p, %c : f64
        te.yield %q : f64
      } : tensor<4xf64>
      func.return %D : tensor<4xf64>
    }"""
    generator = np.random.default_rng(10)
    a, b, c = (small(generator, s, np.float64) for s in ((4, 5), (5, 6), (6,)))
    assert np.array_equal(run_te(parse_function(text), [a, b, c])[0], 3 * (a @ b @ c))


def test_a_function_that_is_no_te():
    text = "func.func @f() { loop.barrier func.return }"
    with pytest.raises(UnsupportedError, match=r"te has no meaning for loop\.barrier"):
        run_te(parse_function(text), [])


def test_chunks_halve_the_outermost_axis_of_the_largest_array():
    everything, small_part = frozenset({0, 1, 2}), frozenset({1})
    assert arrays.chunk_shape([8, 6, 10], [everything, small_part], 1000) == [8, 6, 10]
    assert arrays.chunk_shape([8, 6, 10], [everything], 130) == [2, 6, 10]
    assert arrays.chunk_shape([8, 6, 10], [everything], 7) == [1, 1, 5]
    assert arrays.chunk_shape([8, 6, 10], [small_part], 3) == [8, 3, 10]
