"""The image of DRAM that the blocked convolution works on, and what must come out.

    python examples/vta/blocked_conv.py make conv.img
    python examples/vta/blocked_conv.py check after.img

A convolution in two groups of channels, each with its own input and weights, on two tiles: 5 x 5
pixels of 16 channels become, with 3 x 3 weights and stride 2, 2 x 2 pixels of 8 x 16 channels.
The sums begin at what is in the accumulators' part of the image, are shifted right by 6, the
largest of the 4 pixels is taken, and clipped to 0 to 127.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vta import isa
from vta.config import Config
from vta.isa import MicroOp

CONFIG = Config()
TILES, GROUPS = 4, 2
ACTIVATIONS = 4096
"""Where things begin, in bytes: the activations, then weights, partial sums, and results."""
PARAMETERS = 8192
SUMS = 65536
RESULTS = 81920
INSTRUCTIONS = 90112
IMAGE_BYTES = 98304

Array = npt.NDArray[np.int64]


def micro_ops() -> list[MicroOp]:
    """For each of two contexts: the convolution, the maximum of four pixels, and one step each.

    An accumulator is pixel * 8 + block; the loops over the four pixels are the instruction's.
    """
    uops: list[MicroOp] = []
    for context in range(2):
        acc, act = context * 32, context * 25
        uops += [
            MicroOp(acc + block, act + y * 5 + x, (y * 3 + x) * 8 + block)
            for y in range(3)
            for x in range(3)
            for block in range(8)
        ]
    for first in (8, 0):
        for context in range(2):
            acc = context * 32
            uops += [MicroOp(acc + block, acc + block + first) for block in range(8)]
    return uops


def make_image(seed: int = 0) -> npt.NDArray[np.uint8]:
    """The image: micro-ops at byte 0, small random numbers, and room for results and a stream."""
    rng = np.random.default_rng(seed)
    image = np.zeros(IMAGE_BYTES, np.uint8)
    uops = b"".join(isa.encode_uop(uop, CONFIG) for uop in micro_ops())
    image[: len(uops)] = np.frombuffer(uops, np.uint8)
    activations = rng.integers(-16, 17, TILES * 25 * 16).astype(np.int8)
    parameters = rng.integers(-8, 9, GROUPS * 72 * 256).astype(np.int8)
    sums = rng.integers(-500, 501, TILES * 32 * 16).astype("<i4")
    for first, array in ((ACTIVATIONS, activations), (PARAMETERS, parameters), (SUMS, sums)):
        image[first : first + array.nbytes] = array.view(np.uint8)
    return image


def _read(image: npt.NDArray[np.uint8], first: int, dtype: str, *shape: int) -> Array:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return image[first : first + size].view(dtype).reshape(shape).astype(np.int64)


def expected_results(image: npt.NDArray[np.uint8]) -> Array:
    """What the stream stores, [tile, block, channel], by NumPy."""
    activations = _read(image, ACTIVATIONS, "i1", TILES, 5, 5, 16)
    parameters = _read(image, PARAMETERS, "i1", GROUPS, 3, 3, 8, 16, 16)
    sums = _read(image, SUMS, "<i4", TILES, 2, 2, 8, 16)
    windows = np.lib.stride_tricks.sliding_window_view(activations, (3, 3), (1, 2))[:, ::2, ::2]
    for tile in range(TILES):
        taps = parameters[tile * GROUPS // TILES]
        sums[tile] += np.einsum("yxcij,ijboc->yxbo", windows[tile], taps)
    return np.clip((sums >> 6).max(axis=(1, 2)), 0, 127)


def results(image: npt.NDArray[np.uint8]) -> Array:
    """What is in the image where the stream stores."""
    return _read(image, RESULTS, "i1", TILES, 8, 16)


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
