"""Configurations and streams of VTA for the tests of `vta/`."""

from vta.config import Config

CONFIGS = tuple(
    Config.from_name(name)
    for name in (
        "1x16_i8w8a32_15_15_18_17",
        "2x16_i8w8a32_13_14_17_16",
        "4x16_i8w8a32_12_13_16_15",
        "1x8_i8w8a32_14_14_16_16",
        "2x8_i8w8a32_10_11_12_13",
        "4x8_i8w8a32_9_12_11_13",
        "1x32_i8w8a32_12_12_16_14",
        "2x32_i8w8a32_11_12_15_14",
    )
)
"""Batches of 1, 2 and 4, blocks of 8, 16 and 32, and other buffers than the usual ones."""
