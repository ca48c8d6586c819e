"""The `dovetail` command: finds the subcommand and shows a user's mistake as one line.

A subcommand is a function that takes the arguments after its name and returns the exit code. Other
packages add theirs as entry points of the group `dovetail.commands`; only the one that is asked
for is loaded.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from types import MappingProxyType
from typing import cast

from analysis.errors import UserError, nearest
from analysis.extensions import entries, extension

Command = Callable[[Sequence[str]], int]

GROUP = "dovetail.commands"

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "compile": ("dovetail.commands.compile", "compile a model to a .dove file"),
        "run": ("dovetail.commands.run", "run a model or a .dove file on inputs of an .npz file"),
        "bisect": ("dovetail.commands.bisect", "find the pass that changes a result"),
        "reduce": ("dovetail.commands.reduce", "make a failing command small"),
        "bench": ("dovetail.commands.bench", "time a model or a .dove file, or run a benchmark"),
        "vta": ("dovetail.commands.vta.command", "assemble, verify, run and time streams of VTA"),
        "primitives": ("dovetail.commands.primitives", "what schedules are made of, and where"),
        "explain": ("dovetail.commands.explain", "tell what became of a model's nodes, and why"),
    }
)
"""The subcommands of this package: where each one's `run` is, and what it does."""

USAGE_ERROR = 2
INTERRUPTED = 130


def usage() -> str:
    """What `dovetail --help` prints."""
    lines = ["usage: dovetail [--version] COMMAND ...", "", "Compile, run and time models.", ""]
    width = max((len(name) for name in command_names()), default=0)
    lines += [f"  {name:{width}}  {help_text}" for name, (_, help_text) in COMMANDS.items()]
    for entry in entries(GROUP).values():
        lines.append(f"  {entry.name:{width}}  (from {entry.module.partition('.')[0]})")
    return "\n".join([*lines, "", "dovetail COMMAND --help says more."])


def command_names() -> list[str]:
    """The names of all subcommands."""
    return [*COMMANDS, *entries(GROUP)]


def find_command(name: str) -> Command:
    """The subcommand called `name`."""
    if name in COMMANDS:
        return cast(Command, import_module(COMMANDS[name][0]).run)
    found = extension(GROUP, name)
    if found is None:
        raise UserError(f"dovetail has no command '{name}': {nearest(name, command_names())}")
    return cast(Command, found)


def run(args: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns the exit code. A bug of ours still raises."""
    name, *rest = (sys.argv[1:] if args is None else args) or ["--help"]
    try:
        if name in ("-h", "--help"):
            print(usage())
            return 0
        if name == "--version":
            print(f"dovetail {version('dovetail')}")
            return 0
        return find_command(name)(rest)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def main() -> None:
    sys.exit(run())
