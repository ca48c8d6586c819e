"""blockize: tiles that are scheduled as one instance compute what their loops did."""

import numpy as np
import pytest
from native import apply, parse, run, small
from xdsl.dialects import func

import dovetail as t
from backends.interpreter.loop import run_loop

PROGRAM = """
func.func @main(%X: tensor<3x8x9xf32>, %W: tensor<4x3x3x2xf32>) -> tensor<4x6x8xf32> {
  %C = te.compute "C" (%o = 0 to 4, %y = 0 to 6, %x = 0 to 8) sum (%c = 0 to 3, %h = 0 to 3, %w = 0 to 2) {
    %a = te.read %X[%c, %y + %h, %x + %w] : tensor<3x8x9xf32>
    %b = te.read %W[%o, %c, %h, %w] : tensor<4x3x3x2xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<4x6x8xf32>
  %R = te.compute "R" (%o = 0 to 4, %y = 0 to 6, %x = 0 to 8) {
    %zero = arith.constant 0.0 : f32
    %c = te.read %C[%o, %y, %x] : tensor<4x6x8xf32>
    %r = arith.maximumf %c, %zero : f32
    te.yield %r : f32
  } : tensor<4x6x8xf32>
  func.return %R : tensor<4x6x8xf32>
}
"""  # noqa: E501
TILES = (
    'split-loop{loop="x" factor=4},'
    'reorder-loops{loops="y","x_o","h","w","o","x_i","c"},blockize{loop="o"}'
)
SCHEDULES = {
    "tiles of channels and columns": [TILES],
    "in another order": [TILES, 'reorder-loops{loops="w","x_o","h","y"}'],
    "split and by threads": [
        TILES,
        'split-loop{loop="y" factor=4},parallelize-loop{loop="y_o"},blockize{loop="R_x"}',
    ],
    "with the nest that begins it": [
        TILES.replace("blockize", 'decompose-reduction{block="C" loop="c"},blockize'),
        'reorder-loops{loops="w","x_o","h","y"}',
    ],
    "whole tiles and a tail": [
        TILES.replace("factor=4", "factor=3").replace("blockize", "peel-loop{loop=x_o},blockize"),
        "parallelize-loop{loop=y}",
    ],
    "loops again": [TILES, 'expand-intrinsics,vectorize-loop{loop="C_x_i"}'],
}


@pytest.mark.parametrize("what", SCHEDULES)
def test_results_are_kept(what):
    pipeline = ",".join(["lower-te-to-loop", *SCHEDULES[what]])
    rng = np.random.default_rng(0)
    x, w = small(rng, 3, 8, 9), small(rng, 4, 3, 3, 2)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 2), (1, 2))
    expected = np.maximum(np.einsum("cyxhw,ochw->oyx", windows, w), 0)
    (got,) = run(PROGRAM, f"{pipeline},expand-intrinsics", x, w, threads=2)
    np.testing.assert_array_equal(got, expected)
    module = apply(parse(PROGRAM), pipeline)
    function = next(op for op in module.ops if isinstance(op, func.FuncOp))
    result = np.full((4, 6, 8), np.nan, "float32")
    run_loop(function, [x, w, result])
    np.testing.assert_array_equal(result, expected)


def test_a_schedule_in_python():
    a, b = t.placeholder((6, 8), name="A"), t.placeholder((8, 9), name="B")
    k = t.reduce_axis((0, 8), name="k")
    c = t.compute((6, 9), lambda y, x: t.sum(a[y, k] * b[k, x], axis=k), name="C")
    s = t.create_schedule(c.op)
    yo, xo, ko, yi, *_ = s[c].tile(*c.op.axis, k, 2, 3, 4)
    s[c].blockize(yi)
    s[c].reorder(ko, xo, yo)
    rng = np.random.default_rng(0)
    x, y, z = small(rng, 6, 8), small(rng, 8, 9), np.empty((6, 9), "float32")
    t.build(s, [a, b, c])(x, y, z)
    np.testing.assert_array_equal(z, x @ y)
