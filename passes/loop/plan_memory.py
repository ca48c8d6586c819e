"""plan-memory: every buffer of the network gets its place in one arena.

    %t = loop.alloc : memref<64xf32>   ->   %t = loop.alloc {offset = 128 : i64} : memref<64xf32>

Two buffers that are live at the same time never overlap; a buffer is live from the first call that
uses it to the last. Buffers are placed from the largest to the smallest, each at the lowest offset
that is free while it is live (Sekiyama et al. 2018, "Profile-guided memory optimization for deep
neural networks", call this best fit for offline dynamic storage allocation). A buffer with a halo
keeps its place to itself, because only the run's zeroed memory fills its halo. Buffers of symbolic
size are left to the run.

Takes and leaves a network of `func.call`.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    FixedBitwidthType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    NoneAttr,
    i64,
)
from xdsl.passes import ModulePass

from dialects import loop
from dialects.layout import layout_of, physical_shape

ALIGNMENT = 64
OFFSET = "offset"


@dataclass
class Slot:
    """A buffer, its bytes, and the calls between which it is live."""

    op: loop.AllocOp
    size: int
    first: int
    last: int
    offset: int = -1

    def meets(self, other: "Slot") -> bool:
        """Whether both are live at some time."""
        return self.first <= other.last and other.first <= self.last


def bytes_of(type: MemRefType) -> int | None:
    """The aligned size of a buffer; None where it is symbolic."""
    element = type.element_type
    size = element.size if isinstance(element, FixedBitwidthType) else 8
    for extent in physical_shape(type):
        if not isinstance(extent, int):
            return None
        size *= extent
    return -(-size // ALIGNMENT) * ALIGNMENT


def slots_of(function: func.FuncOp) -> list[Slot]:
    """The buffers of constant size, with their lives."""
    calls = [op for op in function.body.block.ops if isinstance(op, func.CallOp)]
    number = {op: i for i, op in enumerate(calls)}
    slots: list[Slot] = []
    for op in function.body.block.ops:
        if not isinstance(op, loop.AllocOp):
            continue
        assert isinstance(op.result.type, MemRefType)
        size = bytes_of(op.result.type)
        users = [number[use.operation] for use in op.result.uses if use.operation in number]  # pyright: ignore[reportArgumentType]
        if size is None or not users:
            continue
        slot = Slot(op, size, min(users), max(users))
        layout = layout_of(op.result.type)
        if layout is not None and not isinstance(layout.pad, NoneAttr):
            slot.first, slot.last = 0, len(calls)
        slots.append(slot)
    return slots


def place(slots: list[Slot]) -> None:
    """Give every slot its offset."""
    placed: list[Slot] = []
    for slot in sorted(slots, key=lambda s: (-s.size, s.first)):
        taken = sorted((o.offset, o.offset + o.size) for o in placed if o.meets(slot))
        offset = 0
        for begin, end in taken:
            if offset + slot.size <= begin:
                break
            offset = max(offset, end)
        slot.offset = offset
        placed.append(slot)


@dataclass(frozen=True)
class PlanMemoryPass(ModulePass):
    """Give every buffer of the network its place in one arena."""

    name = "plan-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.ops:
            if isinstance(function, func.FuncOp) and function.body.blocks:
                slots = slots_of(function)
                place(slots)
                for slot in slots:
                    slot.op.attributes[OFFSET] = IntegerAttr(slot.offset, i64)
