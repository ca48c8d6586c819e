"""plan-memory: every buffer of the network gets its place in an arena.

    %t = loop.alloc : memref<64xf32>   ->   %t = loop.alloc {offset = 128 : i64} : memref<64xf32>

A buffer is live from the first call that uses it to the last; two buffers that are live at the
same time never overlap, but for one case: where a call reads a buffer for the last time and its
kernel may write a result over that operand (passes/loop/in_place.py), both have one place. Places
are given from the largest to the smallest, each at the lowest offset that is free while it is live
(Sekiyama et al. 2018, "Profile-guided memory optimization for deep neural networks", call this best
fit for offline dynamic storage allocation). Only the run's zeroed memory fills a halo, so a place
with a halo is shared with nothing but buffers of the same type, whose halo is where its own is.

Buffers whose sizes are multiples of the same product of symbolic dimensions have an arena of their
own: their offsets and sizes are multiples of that product too, so one plan serves all sizes.

Takes and leaves a network of `func.call`; it stands at the end, because only scheduled kernels show
in what order they read and write.
"""

from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    FixedBitwidthType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.traits import SymbolTable

from dialects import loop
from dialects.layout import pad_of, physical_shape, symbolic_extents
from passes.loop.in_place import shared_arguments

ALIGNMENT = 64
OFFSET = "offset"


@dataclass
class Slot:
    """Buffers that share a place, their bytes, and the calls between which they are live.

    `size` and `offset` count products of `symbols`, the symbolic dimensions of their arena.
    """

    ops: list[loop.AllocOp]
    size: int
    first: int
    last: int
    symbols: tuple[str, ...] = ()
    offset: int = -1

    def meets(self, other: "Slot") -> bool:
        """Whether both are live at some time in one arena."""
        alive = self.first <= other.last and other.first <= self.last
        return alive and self.symbols == other.symbols


def bytes_of(type: MemRefType) -> int:
    """The aligned size of a buffer, in products of its symbolic dimensions."""
    element = type.element_type
    size = max(1, element.size) if isinstance(element, FixedBitwidthType) else 8
    size *= prod(extent for extent in physical_shape(type) if isinstance(extent, int))
    return -(-size // ALIGNMENT) * ALIGNMENT


def slots_of(function: func.FuncOp) -> list[Slot]:
    """The buffers, each with its life."""
    calls = [op for op in function.body.block.ops if isinstance(op, func.CallOp)]
    users: dict[SSAValue, list[int]] = {}
    for i, call in enumerate(calls):
        for value in call.arguments:
            users.setdefault(value, []).append(i)
    slots: list[Slot] = []
    for op in function.body.block.ops:
        if not isinstance(op, loop.AllocOp) or op.result not in users:
            continue
        assert isinstance(op.result.type, MemRefType)
        type, numbers = op.result.type, users[op.result]
        symbols = symbolic_extents(type)
        slots.append(Slot([op], bytes_of(type), min(numbers), max(numbers), symbols))
    return slots


class InPlace:
    """Lets the results of calls take over the places of operands."""

    def __init__(self, function: func.FuncOp, slots: list[Slot]) -> None:
        self.function = function
        self.slots: dict[SSAValue, Slot] = {slot.ops[0].result: slot for slot in slots}
        self.calls = [op for op in function.body.block.ops if isinstance(op, func.CallOp)]
        self.first: dict[SSAValue, func.CallOp] = {}
        self.last: dict[SSAValue, func.CallOp] = {}
        for call in self.calls:
            for value in call.arguments:
                self.first.setdefault(value, call)
                self.last[value] = call
        self.known: dict[func.FuncOp, list[tuple[int, int]]] = {}

    def pairs(self, call: func.CallOp) -> list[tuple[int, int]]:
        """The arguments of a call's kernel that may be one buffer."""
        kernel = SymbolTable.lookup_symbol(self.function, call.callee)
        if not isinstance(kernel, func.FuncOp) or not kernel.body.blocks:
            return []
        if kernel not in self.known:
            self.known[kernel] = shared_arguments(kernel)
        return self.known[kernel]

    def share(self) -> None:
        """Merge the slots of results with those of operands that die where they are written."""
        for call in self.calls:
            values = list(call.arguments)
            taken: set[SSAValue] = set()
            for result, operand in self.pairs(call):
                new, old = values[result], values[operand]
                if new in taken or old in taken or not self.dies(call, values, new, old):
                    continue
                taken |= {new, old}
                self.merge(self.slots[old], self.slots[new])

    def dies(self, call: func.CallOp, values: list[SSAValue], new: SSAValue, old: SSAValue) -> bool:
        """Whether a call makes one planned buffer and is the last that uses the other one."""
        if new not in self.slots or old not in self.slots:
            return False
        once = values.count(old) == 1 and values.count(new) == 1
        return once and self.first[new] is call and self.last[old] is call

    def merge(self, old: Slot, new: Slot) -> None:
        """Make two slots one."""
        old.ops += new.ops
        old.first, old.last = min(old.first, new.first), max(old.last, new.last)
        for op in new.ops:
            self.slots[op.result] = old


def share_halos(slots: list[Slot], end: int) -> list[Slot]:
    """Let buffers with a halo, of one type and never live together, share a place for good."""
    found: list[Slot] = []
    halos: dict[Attribute, list[Slot]] = {}
    for slot in sorted(slots, key=lambda s: s.first):
        type = slot.ops[0].result.type
        if pad_of(type) is None:
            found.append(slot)
            continue
        same = halos.setdefault(type, [])
        free = next((other for other in same if not other.meets(slot)), None)
        if free is None:
            same.append(slot)
        else:
            free.ops += slot.ops
            free.last = slot.last
    for slot in (slot for same in halos.values() for slot in same):
        slot.first, slot.last = 0, end
        found.append(slot)
    return found


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


def plan(function: func.FuncOp) -> None:
    """Place the buffers of one network."""
    slots = slots_of(function)
    sharing = InPlace(function, slots)
    sharing.share()
    distinct = list({id(slot): slot for slot in sharing.slots.values()}.values())
    places = share_halos(distinct, len(sharing.calls))
    place(places)
    for slot in places:
        for op in slot.ops:
            op.attributes[OFFSET] = IntegerAttr(slot.offset, i64)


@dataclass(frozen=True)
class Arena:
    """The bytes of a network's planned memory of constant size, and what its buffers have."""

    size: int
    buffers: int


def arena_of(function: func.FuncOp) -> Arena:
    """What plan-memory reached for a network."""
    size = total = 0
    for op in function.body.block.ops:
        if isinstance(op, loop.AllocOp) and OFFSET in op.attributes:
            offset = op.attributes[OFFSET]
            assert isinstance(offset, IntegerAttr) and isinstance(op.result.type, MemRefType)
            if symbolic_extents(op.result.type):
                continue
            bytes = bytes_of(op.result.type)
            size, total = max(size, offset.value.data + bytes), total + bytes
    return Arena(size, total)


@dataclass(frozen=True)
class PlanMemoryPass(ModulePass):
    """Give every buffer of the network its place in an arena."""

    name = "plan-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.ops:
            if isinstance(function, func.FuncOp) and function.body.blocks:
                plan(function)
