"""What `dovetail-opt -t vta-asm` prints: the stream of a module's function of instructions.

The text is that of `vta/assembly.py`; comments say where the buffers, the micro-ops and the
instructions lie in DRAM.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target as Output

from backends.vta.emission import program_of
from backends.vta.program import Program
from vta.assembly import disassemble


def listing(program: Program) -> Iterator[str]:
    """The lines that say where everything lies, then those of the stream."""
    yield f"# @{program.name} for {program.config.name}\n"
    for buffer in program.buffers:
        yield f"# {buffer.name}: {buffer.size} bytes at {buffer.start}\n"
    yield f"# micro-ops: {len(program.uops)} at {program.uop_start}\n"
    yield f"# instructions: {len(program.instructions)} at {program.instruction_start}\n"
    yield disassemble(program.instructions)


@dataclass(frozen=True)
class AssemblyTarget(Output):
    """The instructions of the module's function of vta operations, one a line."""

    name = "vta-asm"

    function: str | None = None
    """Which function, where the module has several."""

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.writelines(listing(program_of(module, self.function)))
