"""The argument parser of subcommands, and the arguments that several of them have."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from analysis.errors import UserError


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are a user's mistakes of one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{self.prog}: {message} (see {self.prog} --help)")


def positive(text: str) -> int:
    """A whole number from 1."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def parse_dims(texts: Sequence[str]) -> dict[str, int]:
    """The sizes of dimensions in `NAME=SIZE` texts."""
    dims: dict[str, int] = {}
    for text in texts:
        name, _, size = text.partition("=")
        if not name or not size.isdigit():
            raise UserError(f"--dim is NAME=SIZE, as in --dim batch=1, not '{text}'")
        dims[name] = int(size)
    return dims


def add_target(parser: Parser) -> None:
    """The arguments that say what to compile for."""
    parser.add_argument(
        "--target", metavar="T", help="such as 'llvm -mcpu=skylake-avx512' (default: this machine)"
    )
    add_threads(parser)


def add_dims(parser: Parser) -> None:
    """The argument that fixes symbolic dimensions of a model."""
    parser.add_argument(
        "--dim",
        action="append",
        default=[],
        metavar="NAME=SIZE",
        help="the size of a symbolic dimension (default: any size)",
    )


def add_threads(parser: Parser) -> None:
    """The argument that says how many threads a run uses."""
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of a run")
