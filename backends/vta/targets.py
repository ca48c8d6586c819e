"""What `dovetail-opt` writes of a module's function of instructions.

`-t vta-asm` is the text of `vta/assembly.py`; comments say where the buffers, the micro-ops and the
instructions lie in DRAM, and what was remarked when they were made. `-t vta-bin` are the encoded
instructions, `-t vta-dram` the whole image of DRAM, micro-ops and instructions in it and zeros
where tensors go: what `dovetail vta` takes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.utils.target import Target as Output

from backends.vta.emission import program_of
from backends.vta.launch import program_image
from backends.vta.program import Program
from vta import isa
from vta.assembly import disassemble


def listing(program: Program) -> Iterator[str]:
    """The lines that say where everything lies, then those of the stream."""
    yield f"# @{program.name} for {program.config.name}\n"
    for buffer in program.buffers:
        yield f"# {buffer.name}: {buffer.size} bytes at {buffer.start}\n"
    yield f"# micro-ops: {len(program.uops)} at {program.uop_start}\n"
    yield f"# instructions: {len(program.instructions)} at {program.instruction_start}\n"
    yield disassemble(program.instructions)


def remarks(module: ModuleOp) -> Iterator[str]:
    """What the lowering has to say about single instructions, once each."""
    said = {
        (str(label.data), remark.data)
        for op in module.walk()
        if isinstance(remark := op.attributes.get("remark"), StringAttr)
        and isinstance(label := op.attributes.get("label"), StringAttr)
    }
    for label, remark in sorted(said):
        yield f"# {label}: {remark}\n"


def as_text(data: bytes) -> str:
    """Bytes for a stream of text, from which the driver makes the same bytes again."""
    return data.decode(errors="surrogateescape")


@dataclass(frozen=True)
class AssemblyTarget(Output):
    """The instructions of the module's function of vta operations, one a line."""

    name = "vta-asm"

    function: str | None = None
    """Which function, where the module has several."""

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.writelines(remarks(module))
        output.writelines(listing(program_of(module, self.function)))


@dataclass(frozen=True)
class StreamTarget(Output):
    """The instructions as the accelerator reads them, 16 bytes each."""

    name = "vta-bin"
    binary: ClassVar = True

    function: str | None = None

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        program = program_of(module, self.function)
        output.write(as_text(isa.encode_stream(program.instructions, program.config)))


@dataclass(frozen=True)
class ImageTarget(Output):
    """DRAM as the accelerator finds it, but for the tensors."""

    name = "vta-dram"
    binary: ClassVar = True

    function: str | None = None

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.write(as_text(program_image(program_of(module, self.function)).tobytes()))
