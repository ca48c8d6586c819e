"""`dovetail vta verify STREAM`: whether a stream gives the same in every order of the units."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from analysis.errors import UserError
from dovetail.commands.arguments import Parser
from dovetail.commands.vta.files import (
    add_mode,
    add_stream,
    read_config,
    read_image,
    read_stream,
    write_file,
)
from vta import assembly
from vta.implementations import IMPLEMENTATIONS
from vta.isa import Instruction
from vta.verify import Failure
from vta.verify import verify as find_failures

DESCRIPTION = """Prove that a stream gives the same result in every order in which the units can run
it, that it ends, and that it leaves no token. Exit code 2 if it does not, 3 if nothing is wrong
that could be checked, but not everything could."""

UNPROVEN = 3
SHOWN = 10
"""How many failures are told; --json has all of them."""


def run(args: Sequence[str]) -> int:
    """Verify a stream; a failure is the user's mistake."""
    parser = Parser("dovetail vta verify", description=DESCRIPTION)
    add_stream(parser)
    add_mode(parser)
    parser.add_argument(
        "--dram", type=Path, metavar="IMAGE", help="the image from which it loads its micro-ops"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all failures")
    options = parser.parse_args(args)
    config = read_config(options.config)
    stream = read_stream(options.stream, config)
    image = None if options.dram is None else read_image(options.dram)
    failures = find_failures(stream, config, image, IMPLEMENTATIONS[options.mode])
    if options.json is not None:
        rows = [asdict(failure) for failure in failures]
        write_file(options.json, (json.dumps(rows, indent=1) + "\n").encode())
    return tell(options.stream, stream, failures)


def tell(path: Path, stream: Sequence[Instruction], failures: Sequence[Failure]) -> int:
    """Say what was found; returns the exit code, or raises what is certainly wrong."""
    certain = [failure for failure in failures if failure.certain]
    possible = [failure for failure in failures if not failure.certain]
    if certain:
        shown = lines(certain, stream)
        if possible:
            shown.append(f"and {len(possible)} that may be wrong; --dram IMAGE would decide them")
        raise UserError(f"{path}: {shown[0]}", *shown[1:])
    if possible:
        print(f"{path}: not proven; --dram IMAGE would give the micro-ops")
        print(*(f"  {line}" for line in lines(possible, stream)), sep="\n")
        return UNPROVEN
    print(f"{path}: proven, {len(stream)} instructions")
    return 0


def lines(failures: Sequence[Failure], stream: Sequence[Instruction]) -> list[str]:
    """The first failures, the instructions of each below it, and how many more there are."""
    found: list[str] = []
    for failure in failures[:SHOWN]:
        found.append(failure.message)
        if failure.certain:
            found += [f"  {p:4}  {assembly.show(stream[p])}" for p in failure.positions]
    more = len(failures) - SHOWN
    return [*found, *([f"and {more} more"] if more > 0 else [])]
