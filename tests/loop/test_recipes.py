"""Recipes by hand on odd sizes: the compiled kernels compute what the interpreter does."""

from dataclasses import replace

import pytest

from backends.llvm.host import host_target
from dovetail.measuring.kernels import compile_kernel
from dovetail.measuring.row_figures import check, parse
from dovetail.measuring.rows import ConvolutionRow, MatmulRow
from passes.loop.elide_halo_guards import ElideHaloGuardsPass
from passes.loop.library.cuts import Loop
from passes.loop.library.recipes import (
    Held,
    Nest,
    depthwise,
    direct_convolution,
    matmul,
    reduction,
    streaming_convolution,
)
from passes.loop.library.tile_model import Tile
from passes.loop.prefetch_buffer import PrefetchBufferPass
from passes.loop.transform_layout import TransformLayoutPass
from passes.te.lower_te_to_loop import LowerTeToLoopPass

TARGET = host_target(1)
LANES = TARGET.machine.vector_bytes // 4
BLOCKED = f"(n, c, h, w) -> (n, c floordiv {LANES}, h, w, c mod {LANES})"


def layout(*order):
    """Weights as a tile of two vectors of output channels reads them."""
    inner = ", ".join(order)
    return f"(o, i, h, w) -> (o floordiv {2 * LANES}, {inner}, o mod {2 * LANES})"


def convolution(row):
    """The nest of a row: see its text."""
    height, width = row.out
    channels = 1 if row.depthwise else row.ic
    return Nest(
        block="S",
        results=("S",),
        lanes=Loop("oc", row.oc),
        points=(Loop("n", 1), Loop("oh", height), Loop("ow", width)),
        reduction=(Loop("ic", channels, LANES), Loop("kh", row.kernel), Loop("kw", row.kernel)),
        width=LANES,
        consumers=("O",),
    )


def run(row, layouts, steps):
    lay_out = [TransformLayoutPass(buffer, map) for buffer, map in layouts.items()]
    module, context = parse(row, TARGET)
    passes = [LowerTeToLoopPass(), ElideHaloGuardsPass(), *lay_out, *steps]
    check(row, compile_kernel(module, None, passes, TARGET, {}, context))


ROW = ConvolutionRow("R", height=7, width=15, ic=2 * LANES + 3, oc=3 * LANES + 5, kernel=3)
PACKED = layout(f"i floordiv {LANES}", "h", "w", f"i mod {LANES}")


@pytest.mark.parametrize("order", [("oc", "oh", "ow"), ("oh", "ow", "oc")], ids="-".join)
def test_direct_convolution(order):
    steps = direct_convolution(convolution(ROW), Tile(2, 4, 2), order)
    run(ROW, {"S": BLOCKED, "W": PACKED}, steps)


@pytest.mark.parametrize("early", ["X", "W"])
def test_prefetched_operands(early):
    row = replace(ROW, kernel=1)
    steps = direct_convolution(convolution(row), Tile(1, 4, 2), ("oc", "oh", "ow"), early=early)
    (prefetch,) = [step for step in steps if isinstance(step, PrefetchBufferPass)]
    assert (prefetch.buffer, prefetch.ahead) == (early, "ic_o")
    run(row, {"S": BLOCKED, "W": PACKED}, steps)


@pytest.mark.parametrize("tile", [Tile(2, 4, 2), Tile(1, 15, 2)], ids=str)
def test_streaming_convolution(tile):
    steps = streaming_convolution(convolution(ROW), tile, "W")
    run(ROW, {"S": BLOCKED, "W": PACKED}, steps)


@pytest.mark.parametrize("held", [(), (Held("W", 4, 0),)], ids=["loaded", "held"])
def test_depthwise(held):
    row = replace(ROW, ic=37, oc=37, depthwise=True, stride=2)
    steps = depthwise(convolution(row), Tile(1, 3, 1), ("oc", "oh", "ow"), held)
    packed = f"(o, i, h, w) -> (o floordiv {LANES}, i, h, w, o mod {LANES})"
    run(row, {"S": BLOCKED, "W": packed}, steps)


@pytest.mark.parametrize("order", [("x", "y"), ("y", "x")], ids="-".join)
@pytest.mark.parametrize("size", [37, 6])
def test_matmul(order, size):
    nest = Nest("C", ("C",), Loop("x", size), (Loop("y", size),), (Loop("k", size),), LANES)
    run(MatmulRow("m", size=size), {}, matmul(nest, Tile(1, 5, 2), order))


def test_reduction():
    run(MatmulRow("m", size=11), {}, reduction("C", ("C",), ("y", "x"), ("k",)))
