"""From tensor expressions to instructions: results equal NumPy's on every implementation, and the
verifier proves each stream."""

import numpy as np
import pytest
from vta_cases import CONFIGS
from vta_programs import check, lowered

from backends.vta.emission import program_of
from dovetail.measuring.convolutions import Convolution, program, random_inputs, reference

INSTRUCTIONS = "insert-dependence-tokens,lower-virtual-threads,allocate-sram,lower-loop-to-vta"
DEFAULT = f"import-intrinsics{{library=vta}},lower-te-to-loop,schedule-kernels,{INSTRUCTIONS}"

SHAPES = (
    Convolution("pads", 9, 2, 3, 3, 1),
    Convolution("strided", 11, 1, 2, 3, 2),
    Convolution("pointwise", 7, 3, 1, 1, 1),
    Convolution("large taps", 13, 1, 1, 5, 1),
)
"""Channels are counted in blocks."""


def layer_of(shape, block):
    """The layer for a configuration."""
    name, kernel = shape.name, shape.kernel
    return Convolution(name, shape.size, shape.ic * block, shape.oc * block, kernel, shape.stride)


@pytest.mark.parametrize("number", range(len(CONFIGS)), ids=lambda i: CONFIGS[i].name)
def test_convolutions(number):
    config = CONFIGS[number]
    layer = layer_of(SHAPES[(number + number // 4) % 4], config.block)
    arrays = random_inputs(layer, config.batch, seed=number)
    text, target = program(layer, config.batch), f"vta -config={config.name}"
    check(text, DEFAULT, [*arrays, None], reference(layer, *arrays), target)


def matmul(rows, depth, width):
    """The text of a product with an epilogue of all kinds of operations."""
    x, w, b = f"tensor<{rows}x{depth}xi8>", f"tensor<{width}x{depth}xi8>", f"tensor<{rows}x{width}"
    axes = f"(%n = 0 to {rows}, %o = 0 to {width})"
    return f"""
func.func @matmul(%X: {x}, %W: {w}, %B: {b}xi32>) -> {b}xi8> {{
  %C = te.compute "C" {axes} sum (%k = 0 to {depth}) {{
    %a = te.read %X[%n, %k] : {x}
    %b = te.read %W[%o, %k] : {w}
    %a32 = arith.extsi %a : i8 to i32
    %b32 = arith.extsi %b : i8 to i32
    %p = arith.muli %a32, %b32 : i32
    te.yield %p : i32
  }} : {b}xi32>
  %A = te.compute "A" {axes} {{
    %c = te.read %C[%n, %o] : {b}xi32>
    %d = te.read %B[%n, %o] : {b}xi32>
    %s = arith.addi %c, %d : i32
    te.yield %s : i32
  }} : {b}xi32>
  %S = te.compute "S" {axes} {{
    %c = te.read %A[%n, %o] : {b}xi32>
    %k = arith.constant 3 : i32
    %s = arith.shrsi %c, %k : i32
    te.yield %s : i32
  }} : {b}xi32>
  %O = te.compute "O" {axes} {{
    %c = te.read %S[%n, %o] : {b}xi32>
    %low = arith.constant -128 : i32
    %high = arith.constant 127 : i32
    %l = arith.maxsi %c, %low : i32
    %h = arith.minsi %l, %high : i32
    %s = arith.trunci %h : i32 to i8
    te.yield %s : i8
  }} : {b}xi8>
  func.return %O : {b}xi8>
}}
"""


def tiled(batch, block, rows, columns, order="n_i_o,o_i_o"):
    """A schedule with tiles of `rows` x `columns` blocks, whose loops come in some order."""
    matrix = f'"(n,k)->(n floordiv {batch}, k floordiv {block}, n mod {batch}, k mod {block})"'
    weights = f'"(n,k)->(n floordiv {block}, k floordiv {block}, n mod {block}, k mod {block})"'
    tiles = (
        ("C", "acc", "o_o"),
        ("B", "acc", "o_o"),
        ("O", "out", "o_o"),
        ("X", "inp", "k_o"),
        ("W", "wgt", "k_o"),
    )
    calls = {"C_init": "gemm", "C": "gemm", "A": "add", "S": "shr_imm", "O": "cast_saturate"}
    return ",".join(
        [
            "import-intrinsics{library=vta},lower-te-to-loop",
            *(f"transform-layout{{buffer={b} map={matrix}}}" for b in "XBCASO"),
            f"transform-layout{{buffer=W map={weights}}}",
            f"split-loop{{loop=n factor={rows * batch}}},split-loop{{loop=n_i factor={batch}}}",
            f"split-loop{{loop=o factor={columns * block}}},split-loop{{loop=o_i factor={block}}}",
            f"split-loop{{loop=k factor={block}}}",
            f"reorder-loops{{loops=n_o,o_o,k_o,{order},n_i_i,o_i_i,k_i}}",
            "decompose-reduction{block=C loop=k_o}",
            *(f"reverse-compute-at{{block={b} at=o_o}}" for b in "ASO"),
            *(f"compute-in-place{{block={b}}}" for b in "AS"),
            *(f"promote-memory-scope{{buffer={b} scope={s} at={at}}}" for b, s, at in tiles),
            *(f"tensorize{{block={b} intrinsic={i}}}" for b, i in calls.items()),
            INSTRUCTIONS,
        ]
    )


def product_of(rows, depth, width):
    """Inputs, and the result by NumPy."""
    rng = np.random.default_rng(rows)
    x = rng.integers(-128, 128, (rows, depth)).astype(np.int8)
    w = rng.integers(-8, 8, (width, depth)).astype(np.int8)
    b = rng.integers(-500, 500, (rows, width)).astype(np.int32)
    sums = x.astype(np.int64) @ w.T.astype(np.int64) + b
    return [x, w, b, None], np.clip(sums >> 3, -128, 127).astype(np.int8)


@pytest.mark.parametrize(
    ("config", "rows", "columns"),
    [
        ("1x16_i8w8a32_15_15_18_17", 3, 2),
        ("2x8_i8w8a32_10_11_12_13", 2, 3),
        ("1x32_i8w8a32_12_12_16_14", 1, 1),  # one accumulator: spare ones are written
        ("4x8_i8w8a32_9_12_11_13", 1, 2),
    ],
)
def test_a_product_in_tiles_that_do_not_fit(config, rows, columns):
    batch, block = (int(n) for n in config.split("_")[0].split("x"))
    sizes = 7 * batch, 3 * block, 5 * block
    arrays, expected = product_of(*sizes)
    pipeline = tiled(batch, block, rows, columns)
    check(matmul(*sizes), pipeline, arrays, expected, f"vta -config={config}")


def test_permuted_loops_give_the_same_instructions():
    orders = ("n_i_o,o_i_o", "o_i_o,n_i_o")
    pipelines = (tiled(1, 16, 3, 2, order) for order in orders)
    first, second = (program_of(lowered(matmul(7, 48, 80), p)) for p in pipelines)
    assert first.instructions == second.instructions
    assert first.uops == second.uops
