"""A program for the accelerator: instructions, micro-ops, and where everything lies in DRAM."""

from dataclasses import dataclass

from xdsl.dialects.builtin import MemRefType

from vta import isa
from vta.config import UOP_BYTES, Config
from vta.isa import Instruction, MicroOp


@dataclass(frozen=True)
class Buffer:
    """A memref in DRAM: its type has the layout, `start` and `size` count bytes."""

    name: str
    type: MemRefType
    start: int
    size: int
    is_argument: bool
    is_written: bool


@dataclass(frozen=True)
class Program:
    """What is put into DRAM and started; `buffers` are in the order of the function's arguments."""

    name: str
    config: Config
    buffers: tuple[Buffer, ...]
    uops: tuple[MicroOp, ...]
    uop_start: int
    instructions: tuple[Instruction, ...]

    @property
    def instruction_start(self) -> int:
        """The byte at which the instructions begin."""
        return aligned(self.uop_start + len(self.uops) * UOP_BYTES, isa.INSTRUCTION_BYTES)

    @property
    def size(self) -> int:
        """The bytes of DRAM that it takes."""
        return self.instruction_start + len(self.instructions) * isa.INSTRUCTION_BYTES

    @property
    def uop_image(self) -> bytes:
        """The micro-ops as they lie in DRAM."""
        return b"".join(isa.encode_uop(uop, self.config, i) for i, uop in enumerate(self.uops))


def alignment(config: Config) -> int:
    """What DRAM buffers are aligned to: the largest element of any memory."""
    return max(memory.element_bytes for memory in config.memories)


def aligned(value: int, step: int) -> int:
    """The next multiple of a step."""
    return -(-value // step) * step
