"""Small products and convolutions on every configuration: proven, exact, in every implementation.

Extents are odd, so that tiles that do not divide them leave tails.
"""

import pytest
from vta_cases import CONFIGS
from vta_kernels import Kernel

from analysis.errors import ScheduleError
from dovetail.measuring.convolutions import Convolution
from dovetail.measuring.epilogues import Epilogue, Step
from dovetail.measuring.matmuls import Matmul
from dovetail.measuring.vta_layers import compile_program, cycles, loops_of
from passes.loop.library.accelerator import Tiling, default_problem, default_tiling
from vta.config import Config
from vta.isa import Alu
from vta.timing import PRESETS

NAMES = [config.name for config in CONFIGS]
KERNELS = ((3, 1), (1, 2), (3, 2), (1, 1))


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
def test_a_product(config):
    rows = 3 * config.batch
    shape = Matmul(rows, 5 * config.block, 3 * config.block, 1 if config.batch == 1 else rows)
    Kernel(shape, config).check()


@pytest.mark.parametrize("number", range(len(CONFIGS)), ids=NAMES)
def test_a_convolution(number):
    """Both sizes of a kernel, both strides, one element's rows of images and two."""
    config = CONFIGS[number]
    kernel, stride = KERNELS[number % len(KERNELS)]
    images = config.batch * (1 + (number % 3 == 0))
    layer = Convolution("odd", 9 - 2 * (number % 2), config.block, 3 * config.block, kernel, stride)
    Kernel(layer, config, images).check()


@pytest.mark.parametrize("number", range(len(CONFIGS)), ids=NAMES)
def test_extents_that_are_no_whole_elements(number):
    """The last elements of operands and results are padded."""
    config = CONFIGS[number]
    n, k = config.block + 3, config.block * 2 - 1
    if number % 2:
        kernel = Kernel(Convolution("odd", 5, k, n, 3, 1), config, config.batch + 1)
    else:
        rows = config.batch * 2 + 1
        kernel = Kernel(Matmul(rows, n, k, 1 if config.batch == 1 else rows), config)
    kernel.check()


def test_padded_operands_are_cut_into_whole_tiles():
    """23 blocks of weights, of which the last one is partial: a load of weights has no pads."""
    Kernel(Matmul(2, 23 * 16 - 3, 64), Config()).check()


def test_tiles_beside_padded_operands_have_tails():
    """The last block of weights is partial, and rows of images, which they do not move, are cut."""
    kernel = Kernel(Convolution("prime", 7, 32, 20, 3, 1), Config(), tiling=Tiling({"oh": 4}))
    padded = default_problem(loops_of(kernel.text, kernel.config)[1]).padded
    assert "oc" in padded and "oh" not in padded
    kernel.check()


CONV = Convolution("tiled", 7, 32, 64, 3, 1)
CONV_TILES = (
    Tiling({"oh": 4}),
    Tiling({"oh": 2, "ow": 3, "oc": 48, "ic": 16}),
    Tiling({"oh": 4, "ic": 16}, "oh"),
    Tiling({"oh": 3, "ow": 2, "oc": 32}, "ow", order=("oc", "oh", "ow")),
    Tiling({"oh": 7, "ow": 7, "oc": 16, "ic": 16}, "oc"),
    Tiling({"oh": 7, "oc": 32, "kh": 3}, "n"),
)


@pytest.mark.parametrize("tiling", CONV_TILES, ids=str)
def test_tiles_of_a_convolution(tiling):
    images = 2 if tiling.thread == "n" else 1
    Kernel(CONV, Config(), images, tiling=tiling).check()


PRODUCT = Matmul(7, 64, 32, bias_rows=7)
PRODUCT_TILES = (
    Tiling({"y": 3, "x": 48, "k": 16}),
    Tiling({"y": 1, "x": 32}, "y", threads=7),
    Tiling({"y": 2, "x": 16, "k": 16}, "x", threads=3, order=("x", "y")),
    Tiling({"y": 1, "x": 16, "k": 16}, "x", threads=4),  # one call is a tile
)


@pytest.mark.parametrize("tiling", PRODUCT_TILES, ids=str)
def test_tiles_of_a_product(tiling):
    Kernel(PRODUCT, Config(), tiling=tiling).check()


def test_prime_extents_are_cut_into_tiles_with_tails():
    """23 elements of rows: what divides is one of them, or all."""
    kernel = Kernel(Matmul(92, 7 * 16, 11 * 16, 92), CONFIGS[2])
    tiling = default_tiling(loops_of(kernel.text, kernel.config)[1])
    assert 92 % tiling.sizes["y"]
    program = kernel.check()
    whole = compile_program(kernel.text, kernel.config, Tiling({"y": 92, "x": 16, "k": 16}))
    assert cycles(program, PRESETS["hls"]) < 0.8 * cycles(whole, PRESETS["hls"])


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (
            Kernel(Convolution("large", 14, 8, 8, 7, 1), CONFIGS[5], 4),
            "fit the memories of the target vta: wgt holds 32 elements, and they have 49",
        ),
        (
            Kernel(
                Convolution("taps", 3, 16, 16, 3, 1), Config(), tiling=Tiling({"oh": 1, "kh": 1})
            ),
            "the copy between %X and %X_inp: the whole tile is padding",
        ),
        (
            Kernel(Matmul(1, 2048, 2048), Config(), tiling=Tiling({})),
            "the tile of %B has 4194304 bytes, and wgt holds 262144",
        ),
        (
            Kernel(Matmul(3, 16, 16), Config(), epilogue=Epilogue((Step("addi", 1 << 15),))),
            "the immediate 32768 of @add_imm is outside -32768 to 32767",
        ),
    ],
)
def test_what_the_accelerator_cannot_do_is_refused(kernel, reason):
    with pytest.raises(ScheduleError, match=reason):
        compile_program(kernel.text, kernel.config, kernel.tiling)


def test_the_steps_of_an_epilogue_come_in_any_order():
    steps = (
        Step("muli", 4),
        Step("maxsi", -30000),
        Step("addi"),
        Step("shrsi", 7),
        Step("addi", 5),
    )
    kernel = Kernel(Matmul(2, 16, 32), Config(), epilogue=Epilogue(steps, saturating=True))
    found = [op.alu_opcode.name for op in kernel.check().instructions if isinstance(op, Alu)]
    assert found == ["SHR", "MAX", "ADD", "SHR", "ADD", "MAX", "MIN"]
    assert {-128, 127} < set(kernel.expected.ravel())
