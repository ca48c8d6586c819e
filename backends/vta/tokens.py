"""Tokens become dependence bits: a stream is put together, with NOPs only where there is no room.

A unit pops before an instruction and pushes after one. So a pop waits for the next instruction of
its unit, and a push goes to the last one; a NOP carries them where there is none, or where its bit
is taken.
"""

from dataclasses import dataclass, field, replace

from vta import isa
from vta.isa import Instruction, Unit


def side(unit: Unit, other: Unit) -> str:
    """Where a neighbour is, seen from a unit."""
    return "prev" if other < unit else "next"


@dataclass
class Stream:
    """Instructions in program order, and the pops that wait for one."""

    instructions: list[Instruction] = field(default_factory=list[Instruction])
    waiting: dict[Unit, list[str]] = field(default_factory=lambda: {u: [] for u in Unit})
    last: dict[Unit, int] = field(default_factory=dict[Unit, int])

    def add(self, op: Instruction, pops: bool = True) -> None:
        """Append an instruction; `pops` tells whether the waiting pops must come before it."""
        unit = op.unit
        if pops and self.waiting[unit]:
            op = replace(op, **dict.fromkeys(self.waiting[unit], True))
            self.waiting[unit] = []
        self.last[unit] = len(self.instructions)
        self.instructions.append(op)

    def pop(self, source: Unit, target: Unit) -> None:
        """`target` waits for a token of `source`."""
        bit = f"pop_{side(target, source)}"
        if bit in self.waiting[target]:
            self.add(isa.nop(target))
        self.waiting[target].append(bit)

    def push(self, source: Unit, target: Unit) -> None:
        """`source` sends a token to `target`."""
        bit = f"push_{side(source, target)}"
        position = self.last.get(source)
        if position is None or self.waiting[source] or getattr(self.instructions[position], bit):
            self.add(isa.nop(source))
            position = self.last[source]
        self.instructions[position] = replace(self.instructions[position], **{bit: True})

    def flush(self, unit: Unit) -> None:
        """Let the pops of a unit that has no more instructions happen."""
        if self.waiting[unit]:
            self.add(isa.nop(unit))
