"""Tiles in the memories of a target with threads: who shares them, and whether they fit."""

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import SSAValue

from dialects import loop
from dialects.layout import physical_shape, scope_of
from dialects.target import Machine
from passes.loop.dma import machine_of
from passes.loop.primitive import Scope, accesses, block_of, loops_around
from passes.loop.threads import (
    is_group_axis,
    is_thread_loop,
    kernel_of,
    own_axes,
    threads_around,
)


def machine_with_threads(scope: Scope) -> Machine | None:
    """The machine that a function is for, if it has threads."""
    machine = machine_of(scope)
    return machine if machine is not None and machine.group_threads else None


def axes_sharing(scope: Scope, memory: str) -> tuple[str, ...]:
    """The axes whose threads share a memory."""
    machine = machine_with_threads(scope)
    return () if machine is None else machine.scope(memory).shared_by


def check_threads(scope: Scope, buffer: SSAValue, memory: str, at: loop.ForOp) -> None:
    """Refuse a tile below a loop that threads would share, but cannot, or would have to share."""
    if machine_with_threads(scope) is None or not (kernel_of(at) or _is_kernel_below(at)):
        return
    axes = axes_sharing(scope, memory)
    name, inside = f"%{buffer.name_hint}", f"loop '{at.loop_name.data}'"
    around = threads_around(at) | ({at.kind.data: at} if at.kind.data in loop.THREAD_AXES else {})
    if any(is_group_axis(axis) and axis in axes for axis in around):
        raise scope.error(
            f"{inside} is in a kernel, whose thread groups share {memory} and cannot wait for each "
            "other; choose a loop around the kernel, or another scope"
        )
    for axis in own_axes(buffer):
        if axis in axes:
            raise scope.error(
                f"each thread of {axis} has its own {name}, so they cannot share a tile of it "
                f"in {memory}; choose another scope"
            )
    for access in accesses(at, buffer):
        for op in loops_around(block_of(access)):
            below = op is not at and at in loops_around(op)
            if below and is_thread_loop(op) and op.kind.data not in (*axes, *around):
                raise scope.error(
                    f"the threads of {op.kind.data}, loop '{op.loop_name.data}' below {inside}, do "
                    f"not share {memory}; choose a loop inside of it, or another scope"
                )


def _is_kernel_below(at: loop.ForOp) -> bool:
    return any(is_thread_loop(op) for op in at.walk())


def size_of(type: MemRefType) -> int | None:
    """The bytes of a buffer, if they are known."""
    total = type.element_type.size  # pyright: ignore[reportAttributeAccessIssue]
    for extent in physical_shape(type):
        if not isinstance(extent, int):
            return None
        total *= extent
    return total


def check_room(scope: Scope, tile: loop.AllocOp, at: loop.ForOp) -> None:
    """Refuse a tile that does not fit into its memory beside the others of the kernel."""
    machine, root = machine_with_threads(scope), kernel_of(at)
    if machine is None or root is None:
        return
    type = tile.result.type
    assert isinstance(type, MemRefType)
    memory = machine.scope(scope_of(type))
    others = [
        op
        for op in root.walk()
        if isinstance(op, loop.AllocOp) and scope_of(op.result.type) == memory.name
    ]
    size = size_of(type) or 0
    taken = sum(size_of(op.result.type) or 0 for op in others)  # pyright: ignore[reportArgumentType]
    if memory.capacity is not None and size + taken > memory.capacity:
        beside = f" beside {taken} of {', '.join(f'%{o.result.name_hint}' for o in others)}"
        raise scope.error(
            f"%{tile.result.name_hint} needs {size} bytes of {memory.name}"
            f"{beside if others else ''}, which has {memory.capacity}; choose a loop further in, "
            "or smaller tiles"
        )
