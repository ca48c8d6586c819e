"""`dovetail vta run STREAM.bin --dram IN --insn-addr A --out OUT`: execute a stream.

Files are written when the last instruction has run, so that a mistake in the middle leaves none.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.errors import UserError
from dovetail.commands.arguments import Parser
from dovetail.commands.arrays import read_npz, write_npz
from dovetail.commands.vta.files import (
    add_mode,
    add_stream,
    naming,
    read_config,
    read_image,
    read_stream,
    write_file,
)
from vta import isa
from vta.implementations import IMPLEMENTATIONS
from vta.simulator.functional import Image, Simulator
from vta.simulator.memory import SramInit

DESCRIPTION = """Execute a stream on an image of DRAM. STREAM is copied to byte A of the image;
without it the instructions that are there run. The element at dram_base d of a memory is at byte
d times the element's size."""


def byte_address(text: str) -> int:
    """A number from 0, decimal or hexadecimal."""
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0, such as 4096 or 0x1000")
    return number


def parse(args: Sequence[str]) -> argparse.Namespace:
    """The arguments."""
    parser = Parser("dovetail vta run", description=DESCRIPTION)
    add_stream(parser, optional=True)
    add_mode(parser)
    add = parser.add_argument
    add("--dram", type=Path, required=True, metavar="IMAGE", help="the image at the beginning")
    add("--insn-addr", type=byte_address, required=True, metavar="A",
        help="the byte of the first instruction")  # fmt: skip
    add("--count", type=byte_address, metavar="N",
        help="how many instructions run (default: those of STREAM)")  # fmt: skip
    add("--out", type=Path, required=True, metavar="IMAGE", help="the image at the end")
    add("--sram-init", default="zero", metavar="HOW",
        help="on-chip memories at first: zero, poison[:SEED], or error, which makes it one to read "
        "what nothing has written (default: %(default)s)")  # fmt: skip
    add("--sram-in", type=Path, metavar="FILE.npz", help="on-chip memories at first, by name")
    add("--sram-out", type=Path, metavar="FILE.npz", help="on-chip memories at the end")
    return parser.parse_args(args)


def run(args: Sequence[str]) -> int:
    """Execute a stream and write the image."""
    options = parse(args)
    config = read_config(options.config)
    image = read_image(options.dram)
    count, labels = options.count, ()
    if options.stream is not None:
        stream = read_stream(options.stream, config)
        place(isa.encode_stream(stream, config), image, options.insn_addr, options.dram)
        labels = [op.label for op in stream]
        count = len(stream) if count is None else count
    if count is None:
        raise UserError("dovetail vta run: without STREAM, --count says how many instructions run")
    init = SramInit.parse(options.sram_init)
    simulator = Simulator(config, image, IMPLEMENTATIONS[options.mode], init)
    if options.sram_in is not None:
        fill(simulator, options.sram_in)
    with naming(options.stream or options.dram):
        simulator.run(options.insn_addr, count, labels=labels)
    if options.sram_out is not None:
        write_npz(options.sram_out, {m.name: m.data for m in simulator.memories.all()})
    write_file(options.out, image.tobytes())
    return 0


def place(stream: bytes, image: Image, address: int, path: Path) -> None:
    """Copy a stream into the image."""
    end = address + len(stream)
    if end > len(image):
        raise UserError(
            f"{path}: a stream of {len(stream)} bytes at byte {address} ends at byte {end}, past "
            f"the image of {len(image)} bytes"
        )
    image[address:end] = np.frombuffer(stream, np.uint8)


def fill(simulator: Simulator, path: Path) -> None:
    """Set the on-chip memories that a file has."""
    arrays = read_npz(path)
    memories = {memory.name: memory for memory in simulator.memories.all()}
    for name, array in arrays.items():
        if name not in memories:
            raise UserError(f"{path}: there is no memory '{name}'; there are {', '.join(memories)}")
        memory = memories[name]
        if (array.shape, array.dtype) != (memory.data.shape, memory.data.dtype):
            raise UserError(
                f"{path}: {name} is {array.dtype}{list(array.shape)}; in this configuration it is "
                f"{memory.data.dtype}{list(memory.data.shape)}"
            )
        memory.write(np.arange(len(array)), array)
