"""The image of DRAM that micro_coded.vta works on, and what must come out.

    python examples/vta/micro_coded.py make coded.img
    python examples/vta/micro_coded.py check after.img

A program for registers: each of its nests runs over (y, x), and each index of its body is an affine
function a*y + b*x + c. The factors a and b are the instruction's, c is the micro-op's. Registers
are accumulators of 16 lanes; GEVM is a vector times a matrix.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vta import isa
from vta.config import Config
from vta.isa import MicroOp

CONFIG = Config()
BLOCKS, ROWS, COLUMNS, TAPS = 3, 4, 6, 3
WIDTH = COLUMNS + TAPS - 1
"""Inputs of a row."""
POOLED = COLUMNS // 2
SUMS = BLOCKS * ROWS * COLUMNS
"""Registers of the sums; then come those of the pooled ones, four of each block, and a zero."""
OPERANDS = SUMS + BLOCKS * ROWS * POOLED
ZERO = OPERANDS + 4 * BLOCKS
ACTIVATIONS, PARAMETERS, REGISTERS, RESULTS, INSTRUCTIONS = 1024, 2048, 8192, 16384, 20480
"""Where things begin, in bytes."""
IMAGE_BYTES = 24576

Array = npt.NDArray[np.int64]


def micro_ops() -> list[MicroOp]:
    """The constants of each nest; a line of the body is a micro-op for each block of channels."""
    sums = [block * ROWS * COLUMNS for block in range(BLOCKS)]
    pooled = [SUMS + block * ROWS * POOLED for block in range(BLOCKS)]
    gevm = [
        MicroOp(sums[block], tap, block * TAPS + tap)
        for tap in range(TAPS)
        for block in range(BLOCKS)
    ]
    pool = [
        MicroOp(pooled[block], sums[block] + side) for side in range(2) for block in range(BLOCKS)
    ]
    normalise = [
        MicroOp(pooled[block], OPERANDS + operand * BLOCKS + block)
        for operand in range(4)
        for block in range(BLOCKS)
    ]
    relu = [MicroOp(pooled[block], ZERO) for block in range(BLOCKS)]
    return [*gevm, *pool, *normalise, *relu]


def make_image(seed: int = 0) -> npt.NDArray[np.uint8]:
    """The image: micro-ops at byte 0, small random numbers, room for results and a stream."""
    rng = np.random.default_rng(seed)
    image = np.zeros(IMAGE_BYTES, np.uint8)
    uops = b"".join(isa.encode_uop(uop, CONFIG) for uop in micro_ops())
    image[: len(uops)] = np.frombuffer(uops, np.uint8)
    activations = rng.integers(-2, 3, ROWS * WIDTH * 16).astype(np.int8)
    parameters = rng.integers(-2, 3, BLOCKS * TAPS * 256).astype(np.int8)
    lowest = np.full((BLOCKS * ROWS * POOLED, 16), -(1 << 31))
    operands = rng.integers(-2, 3, (4 * BLOCKS, 16))
    registers = np.concatenate([lowest, operands, np.zeros((1, 16))]).astype("<i4").reshape(-1)
    for first, array in (
        (ACTIVATIONS, activations),
        (PARAMETERS, parameters),
        (REGISTERS, registers),
    ):
        image[first : first + array.nbytes] = array.view(np.uint8)
    return image


def _read(image: npt.NDArray[np.uint8], first: int, dtype: str, *shape: int) -> Array:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return image[first : first + size].view(dtype).reshape(shape).astype(np.int64)


def expected_results(image: npt.NDArray[np.uint8]) -> Array:
    """What the stream stores, [block, row, column, lane], by NumPy."""
    activations = _read(image, ACTIVATIONS, "i1", ROWS, WIDTH, 16)
    parameters = _read(image, PARAMETERS, "i1", BLOCKS, TAPS, 16, 16)
    registers = _read(image, REGISTERS, "<i4", ZERO - SUMS + 1, 16)
    operands = registers[OPERANDS - SUMS : ZERO - SUMS].reshape(4, BLOCKS, 1, 1, 16)
    windows = np.lib.stride_tricks.sliding_window_view(activations, TAPS, 1)
    sums = np.einsum("yxik,bkoi->byxo", windows, parameters)
    pooled = sums.reshape(BLOCKS, ROWS, POOLED, 2, 16).max(axis=3)
    scale, shift, scale_again, shift_again = operands
    normalised = (pooled * scale + shift) * scale_again + shift_again
    return np.maximum(normalised, 0).astype(np.int8).astype(np.int64)


def results(image: npt.NDArray[np.uint8]) -> Array:
    """What is in the image where the stream stores."""
    return _read(image, RESULTS, "i1", BLOCKS, ROWS, POOLED, 16)


def main(command: str, file: str) -> None:
    path = Path(file)
    if command == "make":
        path.write_bytes(make_image().tobytes())
        return
    image = np.frombuffer(path.read_bytes(), np.uint8)
    equal = np.array_equal(results(image), expected_results(image))
    print("equal to NumPy" if equal else "not what NumPy computes")


if __name__ == "__main__":
    main(*sys.argv[1:])
