"""What the subcommands read and write: streams, images, configurations."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from analysis.errors import UserError
from analysis.files import write_atomically
from dovetail.commands.arguments import Parser
from vta import assembly, isa
from vta.config import Config
from vta.implementations import IMPLEMENTATIONS
from vta.isa import Instruction
from vta.simulator.functional import Image

BINARY = ".bin"
TEXT = (".vta", ".s")


def add_stream(parser: Parser, optional: bool = False) -> None:
    """The stream, and the configuration that says what its bits mean."""
    parser.add_argument(
        "stream",
        type=Path,
        metavar="STREAM",
        nargs="?" if optional else None,
        help=f"instructions: bytes ({BINARY}) or text ({', '.join(TEXT)})",
    )
    add_config(parser)


def add_config(parser: Parser) -> None:
    """The argument that says which hardware it is."""
    parser.add_argument(
        "--config",
        metavar="FILE|NAME",
        default=Config().name,
        help="a configuration's .json file or its name (default: %(default)s)",
    )


def add_mode(parser: Parser) -> None:
    """The argument that says which implementation it is."""
    parser.add_argument(
        "--mode",
        choices=tuple(IMPLEMENTATIONS),
        default="fsim",
        help="the implementation (default: %(default)s)",
    )


def read_bytes(path: Path) -> bytes:
    """What the file `path` holds."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def read_text(path: Path) -> str:
    """What the file `path` holds as text."""
    data = read_bytes(path)
    if b"\0" in data:
        raise UserError(f"{path}: it is no text: byte {data.index(0)} is 0")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: it is no text: byte {error.start} is not UTF-8") from None


def write_file(path: Path, data: bytes) -> None:
    """Make `path` hold `data`."""
    try:
        write_atomically(path, data)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


def read_config(given: str) -> Config:
    """The configuration that `--config` names."""
    path = Path(given)
    if path.suffix != ".json" and not path.is_file():
        return Config.from_name(given)
    with naming(path):
        return Config.from_json(read_text(path))


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Let mistakes in a file say which file it is."""
    try:
        yield
    except UserError as error:
        if error.message.startswith(str(path)):
            raise
        message = error.message.removeprefix("vta: ")
        raise UserError(f"{path}: {message}", *error.details) from None


def read_stream(path: Path, config: Config) -> list[Instruction]:
    """The instructions of a file, by its suffix."""
    if path.suffix == BINARY:
        with naming(path):
            return isa.decode_stream(read_bytes(path), config)
    if path.suffix in TEXT:
        return assembly.assemble(read_text(path), config, str(path))
    raise UserError(
        f"{path}: a stream is bytes in a file *{BINARY} or text in a file "
        f"{' or '.join(f'*{suffix}' for suffix in TEXT)}"
    )


def read_image(path: Path) -> Image:
    """A DRAM image: the bytes of a file, to be changed."""
    return np.frombuffer(bytearray(read_bytes(path)), np.uint8)
