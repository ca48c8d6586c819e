"""Lanes that do not lie side by side: strides, rows that a fused loop crosses, computed indices."""

import numpy as np
import pytest
from native import run, small

PROGRAM = """
func.func @main(%A: tensor<7x5xf32>, %I: tensor<5xi64>) -> tensor<7x5xf32> {
  %half = arith.constant 0.5 : f32
  %B = te.compute "B" (%p = 0 to 7, %q = 0 to 5) {
    %a = te.read %A[%p, %q] : tensor<7x5xf32>
    %b = te.read %A[%p, %q - 1] where (%q >= 1) else %half : tensor<7x5xf32>
    %c = arith.addf %a, %b : f32
    te.yield %c : f32
  } : tensor<7x5xf32>
  %C = te.compute "C" (%y = 0 to 7, %x = 0 to 5) {
    %i = te.read %I[%x] : tensor<5xi64>
    %j = arith.index_cast %i : i64 to index
    %b = te.read %B[%y, %j] : tensor<7x5xf32>
    %n = arith.index_cast %x : index to i64
    %f = arith.sitofp %n : i64 to f32
    %c = arith.addf %b, %f : f32
    te.yield %c : f32
  } : tensor<7x5xf32>
  func.return %C : tensor<7x5xf32>
}
"""
FUSED = 'fuse-loops{loops="p","q"},fuse-loops{loops="y","x"}'
SCHEDULES = {
    "rows below each other": ['vectorize-loop{loop="p"},vectorize-loop{loop="y"}'],
    "indices that a body computes": ['vectorize-loop{loop="x"},vectorize-loop{loop="q"}'],
    "a loop over rows and columns": [
        *(FUSED, 'split-loop{loop="p_q_f" factor=8},split-loop{loop="y_x_f" factor=4}'),
        'vectorize-loop{loop="p_q_f_i"},vectorize-loop{loop="y_x_f_i"}',
    ],
    "all of it": [FUSED, 'vectorize-loop{loop="p_q_f"},vectorize-loop{loop="y_x_f"}'],
    "blocks of a layout": [
        'transform-layout{buffer="B" map="(p, q) -> (q floordiv 2, p, q mod 2)"}',
        'split-loop{loop="q" factor=3},vectorize-loop{loop="q_i"}',
        'split-loop{loop="x" factor=3},vectorize-loop{loop="x_i"}',
    ],
    "in a tile": [
        'split-loop{loop="p" factor=4},promote-memory-scope{buffer="B" scope="register" at="p_o"}',
        'vectorize-loop{loop="p_i"},vectorize-loop{loop="B_register_out_p_i"}',
    ],
}


@pytest.mark.parametrize("what", SCHEDULES)
def test_results_are_kept(what):
    rng = np.random.default_rng(0)
    a, i = small(rng, 7, 5), np.array([4, 0, 2, 2, 1])
    (got,) = run(PROGRAM, ",".join(["lower-te-to-loop", *SCHEDULES[what]]), a, i)
    b = a + np.pad(a, ((0, 0), (1, 0)), constant_values=0.5)[:, :-1]
    np.testing.assert_array_equal(got, b[:, i] + np.arange(5, dtype="float32"))
