"""`dovetail vta asm STREAM -o STREAM.bin`: text to bytes."""

from collections.abc import Sequence
from pathlib import Path

from dovetail.commands.arguments import Parser
from dovetail.commands.vta.files import BINARY, add_config, read_config, read_text, write_file
from vta import assembly, isa


def run(args: Sequence[str]) -> int:
    """Assemble a stream, or micro-ops."""
    parser = Parser("dovetail vta asm", description="Assemble a stream.")
    parser.add_argument("text", type=Path, metavar="TEXT", help="instructions, one a line")
    parser.add_argument("--uops", action="store_true", help="micro-ops, (dst, src, wgt) a line")
    add_config(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help=f"its bytes (default: TEXT's {BINARY})"
    )
    options = parser.parse_args(args)
    config, file = read_config(options.config), str(options.text)
    text = read_text(options.text)
    if options.uops:
        uops = assembly.assemble_uops(text, config, file)
        data = b"".join(isa.encode_uop(uop, config) for uop in uops)
    else:
        data = isa.encode_stream(assembly.assemble(text, config, file), config)
    write_file(options.output or options.text.with_suffix(BINARY), data)
    return 0
