"""`dovetail vta disasm STREAM.bin`: bytes to text, which `asm` reads back."""

from collections.abc import Sequence
from pathlib import Path

from analysis.errors import UserError
from dovetail.commands.arguments import Parser
from dovetail.commands.vta.files import (
    add_config,
    naming,
    read_bytes,
    read_config,
    write_file,
)
from vta import assembly, isa
from vta.config import UOP_BYTES, Config


def run(args: Sequence[str]) -> int:
    """Disassemble a stream, or micro-ops."""
    parser = Parser("dovetail vta disasm", description="Disassemble a stream.")
    parser.add_argument("bytes", type=Path, metavar="FILE", help="encoded instructions")
    parser.add_argument("--uops", action="store_true", help="it holds micro-ops")
    parser.add_argument("--positions", action="store_true", help="number the lines, in comments")
    add_config(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="(default: print it)")
    options = parser.parse_args(args)
    text = disassemble(options.bytes, read_config(options.config), options.uops)
    if options.positions:
        lines = text.splitlines()
        width = max(map(len, lines), default=0)
        text = "".join(f"{line:{width}}  # {i}\n" for i, line in enumerate(lines))
    if options.output is None:
        print(text, end="")
    else:
        write_file(options.output, text.encode())
    return 0


def disassemble(path: Path, config: Config, uops: bool) -> str:
    """The text of the instructions or micro-ops in a file."""
    data = read_bytes(path)
    if not uops:
        with naming(path):
            return assembly.disassemble(isa.decode_stream(data, config))
    if len(data) % UOP_BYTES:
        raise UserError(f"{path}: {len(data)} bytes are not micro-ops of {UOP_BYTES} bytes each")
    words = (data[i : i + UOP_BYTES] for i in range(0, len(data), UOP_BYTES))
    return assembly.disassemble_uops(isa.decode_uop(word, config) for word in words)
