"""double-buffer keeps what is computed, on CPUs and on an accelerator, where it saves cycles."""

import numpy as np
import pytest
from native import Machine, apply, parse, run, small, transformed
from vta_programs import check
from xdsl.dialects import func

import dovetail as t
from backends.interpreter.loop import run_loop
from backends.vta.launch import Stats

PROGRAM = """
func.func @main(%A: tensor<17x13xf32>, %B: tensor<13x9xf32>) -> tensor<17x9xf32> {
  %D = te.compute "D" (%i = 0 to 13, %j = 0 to 9) {
    %b = te.read %B[%i, %j] : tensor<13x9xf32>
    %d = arith.addf %b, %b : f32
    te.yield %d : f32
  } : tensor<13x9xf32>
  %C = te.compute "C" (%y = 0 to 17, %x = 0 to 9) sum (%k = 0 to 13) {
    %a = te.read %A[%y, %k] : tensor<17x13xf32>
    %d = te.read %D[%k, %x] : tensor<13x9xf32>
    %p = arith.mulf %a, %d : f32
    te.yield %p : f32
  } : tensor<17x9xf32>
  func.return %C : tensor<17x9xf32>
}
"""
TILES = (
    'split-loop{loop="k" factor=4},reorder-loops{loops="k_o","y","x","k_i"},'
    'promote-memory-scope{buffer="A" scope="local" at="k_o"},'
    'compute-at{block="D" at="k_o"},promote-memory-scope{buffer="D" scope="local" at="k_o"}'
)


def double(*tiles, copies=2, loop="k_o"):
    names = ",".join(f'"{tile}"' for tile in tiles)
    return f'double-buffer{{buffer={names} loop="{loop}" copies={copies}}}'


SCHEDULES = {
    "one tile": [TILES, double("A_local")],
    "two tiles": [TILES, double("A_local", "D_local", copies=3)],
    "one after the other": [TILES, double("A_local"), double("D_local", copies=3)],
    "more tiles than iterations": [TILES, double("A_local", copies=9)],
    "in a loop that goes on": [
        *(TILES, double("A_local"), 'split-loop{loop="k_o" factor=3}'),
        *('unroll-loop{loop="k_o_i"}', 'vectorize-loop{loop="A_local_in_d1"}'),
    ],
    "peeled": [TILES, double("A_local", "D_local"), 'peel-loop{loop="k_o"}'],
    "a tile of the tile": [
        *(TILES, double("A_local")),
        'promote-memory-scope{buffer="A_local" scope="register" at="y"}',
    ],
    "rows, by threads": [
        'split-loop{loop="y" factor=5},split-loop{loop="k" factor=4}',
        'reorder-loops{loops="y_o","k_o","y_i","x","k_i"}',
        'pack-buffer{buffer="A" map="(y, k) -> (k, y)" at="k_o"}',
        double("A_packed"),
        'parallelize-loop{loop="y_o"}',
    ],
}


@pytest.mark.parametrize("what", SCHEDULES)
def test_results_are_kept(what):
    pipeline = ",".join(["lower-te-to-loop", *SCHEDULES[what]])
    rng = np.random.default_rng(0)
    a, b = small(rng, 17, 13), small(rng, 13, 9)
    (got,) = run(PROGRAM, pipeline, a, b, threads=2)
    np.testing.assert_array_equal(got, a @ (2 * b))
    module = apply(parse(PROGRAM), pipeline)
    function = next(op for op in module.ops if isinstance(op, func.FuncOp))
    result = np.full((17, 9), np.nan, "float32")
    run_loop(function, [a, b, result])
    np.testing.assert_array_equal(result, a @ (2 * b))


SYMBOLIC = """
func.func @main(%A: memref<?xf32, #loop.layout<["s"]>>, %O: memref<?xf32, #loop.layout<["s"]>>) {
  %s = loop.dim "s"
  loop.for %q = 0 to %s {
    %Q = loop.alloc : memref<f32, "local">
    loop.block "Q" (%v < %s = %q) {
      %a = loop.load %A[%v] : memref<?xf32, #loop.layout<["s"]>>
      loop.store %a, %Q[] : memref<f32, "local">
    }
    loop.block "O" (%v < %s = %q) {
      %a = loop.load %Q[] : memref<f32, "local">
      loop.store %a, %O[%v] : memref<?xf32, #loop.layout<["s"]>>
    }
  }
  func.return
}
"""


def test_sizes_that_are_only_known_at_run_time():
    machine = Machine(transformed(SYMBOLIC, double("Q", loop="q", copies=3)))
    for size in (1, 2, 3, 7):
        a = small(np.random.default_rng(0), size)
        _, got = machine.call(a, np.full(size, np.nan, "float32"), dims={"s": size})
        np.testing.assert_array_equal(got, a)
        got = np.full(size, np.nan, "float32")
        run_loop(machine.function(), [a, got])
        np.testing.assert_array_equal(got, a)


PRODUCT = """
func.func @product(%X: tensor<8x{k}xi8>, %W: tensor<64x{k}xi8>) -> tensor<8x64xi8> {{
  %C = te.compute "C" (%n = 0 to 8, %o = 0 to 64) sum (%k = 0 to {k}) {{
    %x = te.read %X[%n, %k] : tensor<8x{k}xi8>
    %w = te.read %W[%o, %k] : tensor<64x{k}xi8>
    %x32 = arith.extsi %x : i8 to i32
    %w32 = arith.extsi %w : i8 to i32
    %p = arith.muli %x32, %w32 : i32
    te.yield %p : i32
  }} : tensor<8x64xi32>
  %O = te.compute "O" (%n = 0 to 8, %o = 0 to 64) {{
    %c = te.read %C[%n, %o] : tensor<8x64xi32>
    %r = arith.trunci %c : i32 to i8
    te.yield %r : i8
  }} : tensor<8x64xi8>
  func.return %O : tensor<8x64xi8>
}}
"""
ROWS = "(d0, d1) -> (d0, d1 floordiv 16, 0, d1 mod 16)"
BLOCKS = "(d0, d1) -> (d0 floordiv 16, d1 floordiv 16, d0 mod 16, d1 mod 16)"
TENSORIZED = ",".join(
    [
        "import-intrinsics{library=vta},lower-te-to-loop",
        *(f'transform-layout{{buffer="{name}" map="{ROWS}"}}' for name in "CXO"),
        f'transform-layout{{buffer="W" map="{BLOCKS}"}}',
        'split-loop{loop="n" factor=8}',
        'split-loop{loop="o" factor=16 names="o_b","o_e"},split-loop{loop="k" factor=16}',
        'reorder-loops{loops="n_o","k_o","n_i","o_b","o_e","k_i"}',
        'reverse-compute-at{block="O" at="n_o"}',
        'promote-memory-scope{buffer="C" scope="acc" at="n_o"}',
        'promote-memory-scope{buffer="O" scope="out" at="n_o"}',
        'promote-memory-scope{buffer="X" scope="inp" at="k_o"}',
        'promote-memory-scope{buffer="W" scope="wgt" at="k_o"}',
        'decompose-reduction{block="C" loop="k_o"}',
        'tensorize{block="C_init" intrinsic="gemm"},tensorize{block="C" intrinsic="gemm"}',
        'tensorize{block="O" intrinsic="cast"}',
    ]
)
INSTRUCTIONS = "insert-dependence-tokens,allocate-sram,lower-loop-to-vta"


def on_the_accelerator(k, *steps):
    """The program of a product, with steps between tiles and tokens, checked."""
    pipeline = ",".join([TENSORIZED, *steps, INSTRUCTIONS])
    rng = np.random.default_rng(0)
    x, w = rng.integers(-9, 9, (8, k), np.int8), rng.integers(-9, 9, (64, k), np.int8)
    expected = (x.astype(np.int32) @ w.T.astype(np.int32)).astype(np.int8)
    return check(PRODUCT.format(k=k), pipeline, [x, w, None], expected)


@pytest.mark.parametrize(
    ("blocks", "copies"), [(1, 2), (2, 2), (6, 2), (7, 2), (7, 3)], ids=lambda n: str(n)
)
def test_an_accelerator_computes_the_same_in_fewer_cycles(blocks, copies):
    plain = on_the_accelerator(16 * blocks)
    ahead = on_the_accelerator(16 * blocks, double("X_inp", "W_wgt", copies=copies))
    if blocks > 2:
        assert Stats.of(ahead).cycles() < 0.9 * Stats.of(plain).cycles()


def test_a_schedule_in_python():
    a, b = t.placeholder((5, 7), name="A"), t.placeholder((7, 9), name="B")
    k = t.reduce_axis((0, 7), name="k")
    c = t.compute((5, 9), lambda y, x: t.sum(a[y, k] * b[k, x], axis=k), name="C")
    s = t.create_schedule(c.op)
    ko, ki = s[c].split(k, 3)
    s[c].reorder(ko, *c.op.axis, ki)
    tile = s.cache_read(a, "local")
    s[tile].compute_at(s[c], ko)
    s[c].double_buffer(ko, tile)
    rng = np.random.default_rng(0)
    x, y, z = small(rng, 5, 7), small(rng, 7, 9), np.empty((5, 9), "float32")
    t.build(s, [a, b, c])(x, y, z)
    np.testing.assert_array_equal(z, x @ y)
