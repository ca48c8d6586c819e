"""NVIDIA GPUs as a target: `nvptx -mcpu=sm_90 [-shared=BYTES]`.

What schedules ask for: the threads of a group, and the memories with the axes whose threads share
them. Code is made for other devices only: lower-threads-to-loops turns a schedule for a GPU into
loops that a CPU runs.
"""

from types import MappingProxyType

from analysis.errors import UserError, nearest
from dialects.loop import THREAD_AXES
from dialects.target import Device, Machine, Scope, Target

KIB = 1 << 10

SHARED = MappingProxyType(
    {
        "sm_70": 96 * KIB,
        "sm_75": 64 * KIB,
        "sm_80": 163 * KIB,
        "sm_86": 99 * KIB,
        "sm_87": 163 * KIB,
        "sm_89": 99 * KIB,
        "sm_90": 227 * KIB,
        "sm_100": 227 * KIB,
        "sm_120": 99 * KIB,
    }
)
"""The shared memory that a thread group can have, of the architectures that are known."""

GROUP_THREADS = 1024
REGISTERS = 255
"""Registers of 4 bytes that a thread can have."""

ITEM_AXES = tuple(axis for axis in THREAD_AXES if axis.startswith("threadIdx"))


def describe(target: Target) -> Machine:
    """The facts about the GPU `target`."""
    name = target.get("mcpu")
    if name is None:
        raise UserError(f"target '{target}' names no GPU: write nvptx -mcpu=sm_90")
    if name not in SHARED:
        raise UserError(f"target '{target}': no GPU is called '{name}': {nearest(name, SHARED)}")
    return Machine(
        device="nvptx",
        cpu=name,
        features=frozenset(),
        units=(),
        vector_bytes=16,
        vector_registers=0,
        scopes=(
            Scope("global", shared_by=THREAD_AXES),
            Scope("shared", target.number("shared") or SHARED[name], shared_by=ITEM_AXES),
            Scope("local"),
            Scope("register", REGISTERS * 4),
        ),
        l1_bytes=0,
        l2_bytes=0,
        l3_bytes=0,
        cores=1,
        bandwidths=(("dram", 1.0),),
        group_threads=GROUP_THREADS,
    )


DEVICE = Device(("mcpu", "shared"), describe, numbers=("shared",))
"""The entry point in `dovetail.targets`."""
