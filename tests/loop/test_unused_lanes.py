"""Lanes that a guard leaves out compute nothing that shows, and stop nothing."""

import numpy as np
from native import run

DIVIDE = """
func.func @divide(%A: tensor<5x21xi64>, %B: tensor<21xi64>) -> tensor<5x21xi64> {
  %C = te.compute "C" (%y = 0 to 5, %x = 0 to 21) {
    %a = te.read %A[%y, %x] : tensor<5x21xi64>
    %b = te.read %B[%x] : tensor<21xi64>
    %q = arith.divsi %a, %b : i64
    te.yield %q : i64
  } : tensor<5x21xi64>
  func.return %C : tensor<5x21xi64>
}
"""

SUM = """
func.func @sum(%A: tensor<3x7xf32>, %B: tensor<7x21xf32>) -> tensor<3x21xf32> {
  %C = te.compute "C" (%y = 0 to 3, %x = 0 to 21) sum (%k = 0 to 7) {
    %a = te.read %A[%y, %k] : tensor<3x7xf32>
    %b = te.read %B[%k, %x] : tensor<7x21xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<3x21xf32>
  func.return %C : tensor<3x21xf32>
}
"""


def test_unused_lanes_never_divide_by_zero():
    rng = np.random.default_rng(0)
    a = rng.integers(-50, 50, (5, 21), np.int64)
    b = rng.integers(1, 9, 21, np.int64)
    (c,) = run(
        DIVIDE, "lower-te-to-loop,split-loop{loop=x factor=8},vectorize-loop{loop=x_i}", a, b
    )
    assert np.array_equal(c, np.trunc(a / b).astype(np.int64))


def test_register_tiles_hold_lanes_without_an_element():
    pipeline = (
        'lower-te-to-loop,transform-layout{buffer=B map="(k, x) -> (x floordiv 32, k, x mod 32)"},'
        "split-loop{loop=x factor=32},split-loop{loop=x_i factor=16 names=x_r,x_v},"
        "reorder-loops{loops=x_o,k,y,x_r,x_v},unroll-loop{loop=y},unroll-loop{loop=x_r},"
        "vectorize-loop{loop=x_v},decompose-reduction{block=C loop=k},"
        "promote-memory-scope{buffer=C scope=register at=x_o}"
    )
    rng = np.random.default_rng(1)
    a = rng.integers(-8, 8, (3, 7)).astype(np.float32)
    b = rng.integers(-8, 8, (7, 21)).astype(np.float32)
    (c,) = run(SUM, pipeline, a, b)
    assert np.array_equal(c, a @ b)
