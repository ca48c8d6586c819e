"""`dovetail reduce -o small -- dovetail-opt f.mlir -p 'a,b' -t asm`: the smallest such failure."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from analysis.errors import UserError
from dovetail.commands.arguments import Parser, positive
from dovetail.reducing.command import (
    CommandReducer,
    FailingCommand,
    Symptom,
    execute,
    reduce_lines,
)

DESCRIPTION = """Make a failing command small: its IR (functions, operations, extents), its
pipeline and the inputs of an .npz file. A smaller case counts if it fails with the same exit code
and the same kind of message (a crash: the same exception from the same function)."""


def run(args: Sequence[str]) -> int:
    """Reduce a command; prints the smallest one."""
    parser = Parser(
        "dovetail reduce",
        description=DESCRIPTION,
        usage="dovetail reduce [options] -- COMMAND ...",
    )
    add = parser.add_argument
    add(
        "-o",
        "--output",
        type=Path,
        default=Path("reduced"),
        metavar="NAME",
        help="beginning of the names of the files to write (default: reduced)",
    )
    add("--message", metavar="REGEX", help="what the command must print")
    add("--slower-than", type=float, metavar="SECONDS", help="what a slow command takes at least")
    add("--limit", type=positive, default=60, metavar="SECONDS", help="the longest run (60)")
    add("--seconds", type=positive, default=600, metavar="SECONDS", help="for everything (600)")
    add("--trials", type=positive, default=2000, metavar="N", help="the most runs (2000)")
    cut = list(args).index("--") if "--" in args else len(args)
    options = parser.parse_args(list(args)[:cut])
    words = list(args)[cut + 1 :]
    if not words:
        raise UserError("reduce: give the command after --, as in: dovetail reduce -- dovetail-opt "
                        "f.mlir -p 'a,b'")  # fmt: skip
    if not options.output.parent.is_dir():
        raise UserError(f"reduce: -o {options.output}: there is no folder {options.output.parent}")
    command = FailingCommand.of(words)
    first = execute(words, options.limit)
    symptom = Symptom.of(first, options.message, options.slower_than)
    with Console(stderr=True).status("reducing") as status:

        def tell(trials: int, size: int) -> None:
            status.update(f"reducing: {size} operations after {trials} runs")

        reducer = CommandReducer(
            command, symptom, options.limit, options.seconds, options.trials, tell
        )
        smallest = reducer.reduce(options.output)
        if smallest is None:
            status.update("reducing line by line")
            smallest = reduce_lines(command, symptom, options.output, options.limit, options.trials)
    print(shlex.join(smallest))
    print(f"fails like the given command: {options.output.with_suffix('.mlir')}", file=sys.stderr)
    return 0
