"""`dovetail vta COMMAND ...`: finds the subcommand; each is a module with a `run`, as those of
`dovetail` are, and only the one that is asked for is imported."""

from collections.abc import Sequence
from importlib import import_module
from types import MappingProxyType
from typing import cast

from analysis.errors import UserError, nearest
from dovetail.cli import Command

COMMANDS = MappingProxyType(
    {
        "asm": "a stream as text to its bytes",
        "disasm": "the bytes of a stream to text",
        "verify": "prove that a stream gives the same in every order of the units",
        "run": "execute a stream on an image of DRAM",
        "time": "count the cycles of a stream, and why units stand still",
        "gantt": "draw when each instruction of a stream runs",
    }
)


def usage() -> str:
    """What `dovetail vta --help` prints."""
    lines = ["usage: dovetail vta COMMAND ...", "", "Streams of VTA instructions.", ""]
    lines += [f"  {name:6}  {help_text}" for name, help_text in COMMANDS.items()]
    return "\n".join([*lines, "", "dovetail vta COMMAND --help says more."])


def run(args: Sequence[str]) -> int:
    """Run the subcommand that the first argument names."""
    name, *rest = args or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name not in COMMANDS:
        raise UserError(f"dovetail vta has no command '{name}': {nearest(name, COMMANDS)}")
    return cast(Command, import_module(f"dovetail.commands.vta.{name}").run)(rest)
