"""Launch: arrays are packed into a DRAM image, the program runs in the simulator, results come out.

The image is the contract with hardware: buffers in the physical order of their types' layouts,
each at a multiple of the largest element, then micro-ops and instructions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import ModuleOp

from analysis.errors import UserError, nearest
from backends.interpreter.buffers import empty, pack, unpack
from backends.interpreter.scalars import dtype_of
from backends.vta.emission import program_of
from backends.vta.program import Program
from dialects.layout import physical_shape
from vta import isa, queues
from vta.implementations import IMPLEMENTATIONS, Implementation
from vta.isa import Load, MemoryType, MicroCoded, StreamError, Transfer
from vta.simulator.functional import Image, Simulator
from vta.simulator.memory import SramInit
from vta.verify import verify

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Stats:
    """What a program is made of."""

    instructions: int
    nops: int
    uops: int
    """Micro-ops that are loaded, once for each load."""
    steps: int
    """Micro-ops that are executed."""
    dram_bytes: int
    """What loads and stores of tensors move."""

    @staticmethod
    def of(program: Program) -> "Stats":
        moved = [op for op in program.instructions if isinstance(op, Transfer) and not op.is_nop]
        loads = [op for op in moved if op.memory_type is MemoryType.UOP]
        sizes = {m.name.upper(): m.element_bytes for m in program.config.memories}
        sizes[MemoryType.ACC_8BIT.name] = program.config.acc.element_bytes // 4
        return Stats(
            instructions=len(program.instructions),
            nops=sum(op.is_nop for op in program.instructions),
            uops=sum(op.x_size for op in loads),
            steps=sum(op.steps for op in program.instructions if isinstance(op, MicroCoded)),
            dram_bytes=sum(
                op.x_size * op.y_size * sizes[op.memory_type.name]
                for op in moved
                if not (isinstance(op, Load) and op.memory_type is MemoryType.UOP)
            ),
        )


def implementation_of(mode: str) -> Implementation:
    """The implementation called `mode`."""
    if mode not in IMPLEMENTATIONS:
        raise UserError(
            f"vta: no implementation is called '{mode}': {nearest(mode, IMPLEMENTATIONS)}"
        )
    return IMPLEMENTATIONS[mode]


def image_of(program: Program, arrays: Sequence[Array | None]) -> Image:
    """The DRAM before a run: the arguments packed by their types, micro-ops, instructions.

    Without an array an argument holds what memory holds that nothing was written to.
    """
    arguments = [b for b in program.buffers if b.is_argument]
    if len(arrays) != len(arguments):
        raise UserError(
            f"vta: @{program.name} takes {len(arguments)} arrays "
            f"({', '.join(b.name for b in arguments)}), not {len(arrays)}"
        )
    dram = np.zeros(program.size, np.uint8)
    for buffer, array in zip(arguments, arrays, strict=True):
        if array is None:
            data = empty(buffer.type, {})
        else:
            _check_type(program, buffer.name, array, dtype_of(buffer.type))
            data = pack(array, buffer.type)
        dram[buffer.start : buffer.start + buffer.size] = _bytes(data)
    uops, stream = program.uop_image, isa.encode_stream(program.instructions, program.config)
    dram[program.uop_start : program.uop_start + len(uops)] = np.frombuffer(uops, np.uint8)
    start = program.instruction_start
    dram[start : start + len(stream)] = np.frombuffer(stream, np.uint8)
    return dram


def _check_type(program: Program, name: str, array: Array, dtype: np.dtype[Any]) -> None:
    if array.dtype != dtype:
        raise UserError(f"vta: @{program.name}: {name} is {dtype}, but the array is {array.dtype}")


def _bytes(array: Array) -> Image:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def outputs_of(program: Program, dram: Image) -> list[Array]:
    """The arguments that the program stores to, out of the DRAM after a run."""
    found: list[Array] = []
    for buffer in program.buffers:
        if not buffer.is_written or not buffer.is_argument:
            continue
        data = dram[buffer.start : buffer.start + buffer.size].view(dtype_of(buffer.type))
        extents = [e for e in physical_shape(buffer.type) if isinstance(e, int)]
        found.append(unpack(data.reshape(extents), buffer.type))
    return found


def run(
    program: Program,
    arrays: Sequence[Array | None],
    mode: str = "fsim",
    sram_init: str = "zero",
    verified: bool = False,
    choose: queues.Choose = min,
) -> tuple[list[Array], Stats]:
    """Run a program on logical arrays, one for each argument (None for one that is only written).

    Returns the logical arrays of the arguments that it writes. With `verified` the stream is
    proven first; `choose` picks the unit that goes on, the order of the stream by default.
    """
    implementation = implementation_of(mode)
    dram = image_of(program, arrays)
    if verified:
        prove(program, dram, implementation)
    simulator = Simulator(program.config, dram, implementation, SramInit.parse(sram_init))
    simulator.run(program.instruction_start, len(program.instructions), choose)
    return outputs_of(program, dram), Stats.of(program)


def prove(program: Program, dram: Image, implementation: Implementation) -> None:
    """Raise StreamError, with the guilty pairs, unless every order of units gives one result."""
    failures = verify(program.instructions, program.config, dram, implementation)
    if failures:
        first, *rest = (failure.message for failure in failures)
        raise StreamError(f"vta: @{program.name} on {implementation.name}: {first}", *rest)


def simulate(
    module: ModuleOp, arrays: Sequence[Array | None], mode: str = "fsim", verified: bool = False
) -> list[Array]:
    """Emit the module's function of instructions and run it."""
    return run(program_of(module), arrays, mode, verified=verified)[0]
