"""vdla, an accelerator made up for examples, as a target: `vdla`.

It has two memories and three units: `ld` moves boxes into `inp_buffer`, `ex` computes on tiles of
8x8 elements, `st` moves boxes out of `acc_buffer`. The units wait for each other by tokens. Its
moves take the rows of a tile from wherever they lie, so tensors keep their layouts.
"""

from dialects.target import Device, Machine, Scope, Target

KIB = 1 << 10


def describe(target: Target) -> Machine:
    """The facts about the accelerator."""
    return Machine(
        device="vdla",
        cpu="vdla",
        features=frozenset(),
        units=("ld", "ex", "st"),
        vector_bytes=8 * 4,
        vector_registers=0,
        scopes=(
            Scope("global"),
            Scope("inp_buffer", 256 * KIB, fill="ld"),
            Scope("acc_buffer", 128 * KIB, drain="st"),
        ),
        l1_bytes=0,
        l2_bytes=0,
        l3_bytes=0,
        cores=1,
        bandwidths=(("dram", 1.0),),
        queues=(("ld", "ex"), ("ex", "ld"), ("ex", "st"), ("st", "ex")),
    )


DEVICE = Device((), describe)
"""The entry point in `dovetail.targets`."""
