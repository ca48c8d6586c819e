"""The device `sample`: `--target 'sample -tiles=64'` is one with 64 tiles in each memory.

Its two memories hold tiles of 8x8 floats. Sizes are in bytes; it has no caches and no vectors.
"""

from dialects.target import Device, Machine, Scope, Target

DEFAULT_TILES = 16
TILE = ((8, 8), "f32")
TILE_BYTES = 8 * 8 * 4


def describe(target: Target) -> Machine:
    """The facts that passes ask for."""
    capacity = (target.number("tiles") or DEFAULT_TILES) * TILE_BYTES
    return Machine(
        device="sample",
        cpu="",
        features=frozenset(),
        units=("ld", "ex", "st"),
        vector_bytes=4,
        vector_registers=1,
        scopes=(
            Scope("global"),
            Scope("inp_buffer", capacity, TILE),
            Scope("acc_buffer", capacity, TILE),
        ),
        l1_bytes=0,
        l2_bytes=0,
        l3_bytes=0,
        cores=1,
        bandwidths=(("dram", 1.0),),
    )


SAMPLE = Device(options=("tiles",), machine=describe, numbers=("tiles",))
