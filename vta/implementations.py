"""The published implementations of VTA, and what tells them apart (docs/vta-isa.md, section 9).

Code that depends on a difference reads a field here; nothing asks for a name.
"""

from dataclasses import dataclass
from enum import Enum

from vta.config import Config
from vta.isa import Alu, AluOpcode, Instruction, Load, MemoryType, MicroCoded


class Shift(Enum):
    """What SHR makes of its amount."""

    CHECKED = "-31 to 31, others are an error"
    FIVE_BITS = "the low five bits, with sign"
    LEFT_BY_IMMEDIATE = "five bits; an immediate's sign is the direction, registers shift right"


class ResetOut(Enum):
    """What a GEMM reset leaves in OUT."""

    ZERO = "the low bits of the accumulator"
    UNDEFINED = "something that is not 0"
    UNCHANGED = "what was there"


@dataclass(frozen=True)
class Implementation:
    """One implementation; a queue without a size is never full."""

    name: str
    wraps: bool
    """Whether an index past the depth wraps; else it is an error."""
    separate_out: bool
    """Whether OUT is a memory that GEMM and ALU write; else a store reads the accumulators."""
    reset_out: ResetOut
    shift: Shift
    has_mul: bool
    has_acc_8bit: bool
    immediate_reads_src: bool
    """Whether the operand of an ALU immediate is ACC[src]; else it is ACC[dst]."""
    zero_trips: bool
    """Whether a loop that runs 0 times does nothing; else it may not be asked for."""
    gemm_distance: int = 0
    """In how many steps after one a GEMM must not write the same accumulator."""
    alu_distance: int = 0
    uop_depth: int | None = None
    instruction_queue: int | None = None
    token_queue: int | None = None

    def refusal(self, op: Instruction, config: Config) -> str | None:
        """Why this implementation cannot execute an instruction that another can."""
        if isinstance(op, Alu) and op.alu_opcode is AluOpcode.MUL and not self.has_mul:
            return f"alu_opcode is MUL, which {self.name} does not have"
        if isinstance(op, Load):
            return self._load_refusal(op, config)
        if isinstance(op, MicroCoded):
            return self._loop_refusal(op, config)
        return None

    def _load_refusal(self, op: Load, config: Config) -> str | None:
        if op.memory_type is MemoryType.ACC_8BIT and not self.has_acc_8bit:
            return f"memory_type is ACC_8BIT, which {self.name} does not have"
        if self.uop_depth is not None and op.memory_type is MemoryType.UOP and not op.is_nop:
            end, usable = op.sram_base + op.x_size, self.usable_uops(config)
            if end > usable:
                return f"it fills micro-ops up to {end}; {self.name} has {usable}"
        return None

    def _loop_refusal(self, op: MicroCoded, config: Config) -> str | None:
        if self.uop_depth is not None and op.uop_end > self.usable_uops(config):
            return f"uop_end is {op.uop_end}; {self.name} has {self.usable_uops(config)} micro-ops"
        if not self.zero_trips:
            for name in ("iter_out", "iter_in"):
                if getattr(op, name) == 0:
                    return f"{name} is 0, which {self.name} takes for 16384"
            if op.uop_bgn >= op.uop_end:
                return f"uop_bgn is {op.uop_bgn} and uop_end {op.uop_end}: no micro-ops"
        return None

    def usable_uops(self, config: Config) -> int:
        """How many micro-ops it can hold."""
        depth = config.uop.depth
        return depth if self.uop_depth is None else min(depth, self.uop_depth)


FSIM = Implementation(
    name="fsim",
    wraps=False,
    separate_out=False,
    reset_out=ResetOut.ZERO,
    shift=Shift.CHECKED,
    has_mul=True,
    has_acc_8bit=True,
    immediate_reads_src=False,
    zero_trips=True,
)

HLS = Implementation(
    name="hls",
    wraps=True,
    separate_out=True,
    reset_out=ResetOut.UNDEFINED,
    shift=Shift.FIVE_BITS,
    has_mul=False,
    has_acc_8bit=False,
    immediate_reads_src=False,
    zero_trips=True,
    gemm_distance=2,
    alu_distance=1,
    instruction_queue=512,
    token_queue=1024,
)

CHISEL = Implementation(
    name="chisel",
    wraps=True,
    separate_out=True,
    reset_out=ResetOut.UNCHANGED,
    shift=Shift.LEFT_BY_IMMEDIATE,
    has_mul=False,
    has_acc_8bit=False,
    immediate_reads_src=True,
    zero_trips=False,
    gemm_distance=2,
    alu_distance=1,
    uop_depth=2048,
    instruction_queue=512,
    token_queue=255,
)

IMPLEMENTATIONS = {i.name: i for i in (FSIM, HLS, CHISEL)}
