"""compute-at keeps what is computed: tiles with halos and tails, chains, windows, reductions.

The program is a chain: squares, a guarded stencil over three rows, maxima of windows of 3 x 3 with
stride 2. No tile fits its sizes.
"""

import numpy as np
import pytest
from native import check_both, run, small
from te_cases import symbolic_case

PROGRAM = """
func.func @main(%A: tensor<17x13xf32>) -> tensor<8x6xf32> {
  %zero = arith.constant 0.0 : f32
  %B = te.compute "B" (%y = 0 to 17, %x = 0 to 13) {
    %a = te.read %A[%y, %x] : tensor<17x13xf32>
    %b = arith.mulf %a, %a : f32
    te.yield %b : f32
  } : tensor<17x13xf32>
  %S = te.compute "S" (%p = 0 to 17, %q = 0 to 13) sum (%r = 0 to 3) {
    %b = te.read %B[%p + %r - 1, %q] where (%p + %r >= 1, 17 - %p - %r >= 0) else %zero : tensor<17x13xf32>
    te.yield %b : f32
  } : tensor<17x13xf32>
  %M = te.compute "M" (%i = 0 to 8, %j = 0 to 6) max (%h = 0 to 3, %w = 0 to 3) {
    %s = te.read %S[%i * 2 + %h, %j * 2 + %w] : tensor<17x13xf32>
    te.yield %s : f32
  } : tensor<8x6xf32>
  func.return %M : tensor<8x6xf32>
}
"""  # noqa: E501
SPLIT = 'split-loop{loop="i" factor=3}'
TILES = f'{SPLIT},split-loop{{loop="j" factor=4}},reorder-loops{{loops="i_o","j_o","i_i","j_i"}}'


def at(block, loop):
    return f'compute-at{{block="{block}" at="{loop}"}}'


def promote(buffer, loop):
    return f'promote-memory-scope{{buffer="{buffer}" scope="local" at="{loop}"}}'


SCHEDULES = {
    "the stencil by rows of squares": [at("B", "p")],
    "windows in bands with a tail": [SPLIT, at("S", "i_o")],
    "windows in tiles with tails": [TILES, at("S", "j_o")],
    "a chain in one loop": [TILES, at("S", "j_o"), at("B", "j_o")],
    "a chain in two loops": [TILES, at("S", "j_o"), at("B", "i_o")],
    "a chain from its front": [at("B", "q"), TILES],
    "a chain one after the other": [TILES, at("S", "j_o"), at("B", "S_p")],
    "one window": [at("S", "j"), at("B", "S_r")],
    "a part of a window": [at("S", "h")],
    "a second time": [TILES, at("S", "i_o"), at("S", "j_o")],
    "tiles of their own, in threads": [
        TILES,
        *(at("S", "j_o"), promote("S", "j_o"), at("B", "j_o"), promote("B", "j_o")),
        'parallelize-loop{loop="i_o"}',
    ],
    "tiled afterwards": [at("S", "j"), "tile-loops{loops=i,j sizes=3,4}"],
    "a chain tiled afterwards": [
        *(at("S", "j"), at("B", "j"), 'split-loop{loop="S_q" factor=2}'),
        "tile-loops{loops=i,j sizes=3,4},reorder-loops{loops=j_i,j_o}",
    ],
    "a tile of what is recomputed": [
        *(at("S", "j"), at("B", "j"), promote("B", "j"), "reorder-loops{loops=j,i}"),
    ],
    "loops that were split and reordered": [
        'split-loop{loop="p" factor=5},split-loop{loop="p_i" factor=3}',
        'split-loop{loop="r" factor=2},reorder-loops{loops="r_i","p_o"}',
        *(SPLIT, at("S", "i_o")),
    ],
    "new loops of other kinds": [
        *(SPLIT, at("S", "i_o"), 'vectorize-loop{loop="S_q"}', 'unroll-loop{loop="S_r"}'),
    ],
}


def expected(a):
    rows = np.pad(a * a, ((1, 1), (0, 0)))
    sums = rows[:-2] + rows[1:-1] + rows[2:]
    windows = np.lib.stride_tricks.sliding_window_view(sums, (3, 3))[::2, ::2]
    return windows.max(axis=(2, 3))


@pytest.mark.parametrize("what", SCHEDULES)
def test_results_are_kept(what):
    pipeline = ",".join(["lower-te-to-loop", *SCHEDULES[what]])
    a = small(np.random.default_rng(0), 17, 13)
    check_both(PROGRAM, pipeline, [a], expected(a))


def test_sizes_that_are_only_known_at_run_time():
    case = symbolic_case(5, 7)
    inputs = case.inputs()
    pipeline = 'lower-te-to-loop,compute-at{block="C" at="R_y"}'
    case.check(inputs, run(case.text, pipeline, *inputs))
