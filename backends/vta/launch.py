"""Launch: arrays are packed into a DRAM image, the program runs in the simulator, results come out.

The image is the contract with hardware: buffers in the physical order of their types' layouts,
each at a multiple of the largest element, then micro-ops and instructions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import ModuleOp

from analysis.errors import UserError, nearest
from backends.interpreter.buffers import empty, pack, unpack
from backends.interpreter.scalars import dtype_of
from backends.vta.emission import program_of
from backends.vta.program import Buffer, Program
from dialects.layout import physical_shape
from vta import isa, queues
from vta.implementations import FSIM, IMPLEMENTATIONS, Implementation
from vta.isa import Load, MemoryType, MicroCoded, StreamError, Transfer
from vta.simulator.functional import Image, Simulator
from vta.simulator.memory import SramInit
from vta.timing import find_preset, time_stream
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
    program: Program = field(repr=False)

    def cycles(self, preset: str = "hls", serial: bool = False) -> int:
        """How long it takes; `serial` runs each instruction when the one before has retired."""
        instructions, config = self.program.instructions, self.program.config
        return time_stream(instructions, config, find_preset(preset), serial).cycles

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
            program=program,
        )


def implementation_of(mode: str) -> Implementation:
    """The implementation called `mode`."""
    if mode not in IMPLEMENTATIONS:
        raise UserError(
            f"vta: no implementation is called '{mode}': {nearest(mode, IMPLEMENTATIONS)}"
        )
    return IMPLEMENTATIONS[mode]


def arguments_of(program: Program) -> list[Buffer]:
    """The buffers that are arguments of the function."""
    return [buffer for buffer in program.buffers if buffer.is_argument]


def packed(program: Program, arrays: Sequence[Array | None]) -> list[Array]:
    """The physical arrays of logical ones, one for each argument.

    Where there is none, an argument holds what memory holds that nothing was written to.
    """
    arguments = arguments_of(program)
    if len(arrays) != len(arguments):
        raise UserError(
            f"vta: @{program.name} takes {len(arguments)} arrays "
            f"({', '.join(b.name for b in arguments)}), not {len(arrays)}"
        )
    found: list[Array] = []
    for buffer, array in zip(arguments, arrays, strict=True):
        dtype = dtype_of(buffer.type)
        if array is not None and array.dtype != dtype:
            raise UserError(
                f"vta: @{program.name}: {buffer.name} is {dtype}, but the array is {array.dtype}"
            )
        found.append(empty(buffer.type, {}) if array is None else pack(array, buffer.type))
    return found


def program_image(program: Program) -> Image:
    """The DRAM with micro-ops and instructions, and zeros in all buffers."""
    dram = np.zeros(program.size, np.uint8)
    stream = isa.encode_stream(program.instructions, program.config)
    parts = (program.uop_start, program.uop_image), (program.instruction_start, stream)
    for start, data in parts:
        dram[start : start + len(data)] = np.frombuffer(data, np.uint8)
    return dram


def image_of(program: Program, arrays: Sequence[Array]) -> Image:
    """The DRAM before a run; `arrays` are the physical arrays of the arguments."""
    dram = program_image(program)
    for buffer, array in zip(arguments_of(program), arrays, strict=True):
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        dram[buffer.start : buffer.start + len(data)] = data
    return dram


def content(buffer: Buffer, dram: Image) -> Array:
    """The physical array that a buffer holds."""
    extents = [e for e in physical_shape(buffer.type) if isinstance(e, int)]
    data = dram[buffer.start : buffer.start + buffer.size]
    return data.view(dtype_of(buffer.type)).reshape(extents)


def outputs_of(program: Program, dram: Image) -> list[Array]:
    """The logical arrays of the arguments that the program stores to, after a run."""
    written = [buffer for buffer in arguments_of(program) if buffer.is_written]
    return [unpack(content(buffer, dram), buffer.type) for buffer in written]


def execute(
    program: Program,
    dram: Image,
    implementation: Implementation = FSIM,
    sram: SramInit | None = None,
    choose: queues.Choose = min,
) -> None:
    """Run a program in the image that holds it."""
    simulator = Simulator(program.config, dram, implementation, sram)
    simulator.run(program.instruction_start, len(program.instructions), choose)


def run_in_place(program: Program, arrays: Sequence[Array]) -> None:
    """Run a program on physical arrays of its arguments, which it changes."""
    dram = image_of(program, arrays)
    execute(program, dram)
    for buffer, array in zip(arguments_of(program), arrays, strict=True):
        if buffer.is_written:
            array[...] = content(buffer, dram).reshape(array.shape)


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
    dram = image_of(program, packed(program, arrays))
    if verified:
        prove(program, dram, implementation)
    execute(program, dram, implementation, SramInit.parse(sram_init), choose)
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
