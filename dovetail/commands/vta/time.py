"""`dovetail vta time STREAM`: cycles, how busy each unit was, and what it waited for."""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from dovetail.commands.arguments import Parser
from dovetail.commands.vta.files import add_stream, naming, read_config, read_stream, write_file
from dovetail.commands.vta.trace import trace_events
from dovetail.printing.tables import console, plain_table
from vta import isa
from vta.config import Config
from vta.isa import Instruction, Unit, kind
from vta.timing import PRESETS, Cause, Timing, find_preset, time_stream


def add_timing(parser: Parser) -> None:
    """The arguments that say how a stream is timed."""
    parser.add_argument(
        "--preset",
        default="hls",
        metavar="P",
        help=f"the hardware: {', '.join(PRESETS)} (default: %(default)s)",
    )
    parser.add_argument(
        "--serial", action="store_true", help="one instruction at a time, nothing overlaps"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=("load", "gemm", "alu", "store"),
        help="make these NOPs that move the same tokens, to time the rest",
    )


def read_timing(options: argparse.Namespace) -> tuple[list[Instruction], Config, Timing]:
    """The stream that the arguments name, and when its instructions run."""
    config, preset = read_config(options.config), find_preset(options.preset)
    stream = [without(op, options.without) for op in read_stream(options.stream, config)]
    with naming(options.stream):
        return stream, config, time_stream(stream, config, preset, options.serial)


def without(op: Instruction, names: Sequence[str]) -> Instruction:
    """The instruction, or a NOP with its tokens if it is one of those that are to do nothing."""
    if op.OPCODE.name.lower() not in names:
        return op
    tokens = {name: bool(getattr(op, name)) for name in isa.TOKEN_FIELDS}
    return replace(isa.nop(op.unit, **tokens), label=op.label)


def run(args: Sequence[str]) -> int:
    """Time a stream."""
    parser = Parser("dovetail vta time", description="Count the cycles of a stream.")
    add_stream(parser)
    add_timing(parser)
    parser.add_argument(
        "--trace", type=Path, metavar="FILE.json", help="write a trace for ui.perfetto.dev"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    options = parser.parse_args(args)
    stream, config, timing = read_timing(options)
    if options.trace is not None:
        events = trace_events(stream, timing)
        write_file(options.trace, (json.dumps(events) + "\n").encode())
    if options.json is not None:
        figures = {"config": config.name, "serial": options.serial, **as_data(stream, timing)}
        write_file(options.json, (json.dumps(figures, indent=1) + "\n").encode())
    out = console()
    out.print(f"{timing.cycles} cycles ({timing.preset}), {len(stream)} instructions")
    out.print(unit_table(timing))
    out.print(kind_table(stream, timing))
    return 0


def unit_table(timing: Timing) -> Table:
    """A row a unit: its cycles at work, then the causes of the others."""
    stalls = {unit: timing.stalls(unit) for unit in Unit}
    causes = [cause for cause in Cause if any(cause in found for found in stalls.values())]
    headings = ["unit", "busy", "share", *causes]
    table = plain_table(*headings, right=headings[1:])
    for unit in Unit:
        waits = [str(stalls[unit].get(cause, "-")) for cause in causes]
        share = f"{timing.utilisation(unit):.1%}"
        table.add_row(unit.word, str(timing.busy(unit)), share, *waits)
    return table


def by_kind(stream: Sequence[Instruction], timing: Timing) -> dict[str, tuple[int, int]]:
    """For each kind of instruction how many there are and how many cycles they take."""
    counts, cycles = Counter[str](), Counter[str]()
    for op, span in zip(stream, timing.spans, strict=True):
        counts[kind(op)] += 1
        cycles[kind(op)] += span.cycles
    return {name: (counts[name], cycles[name]) for name in counts}


def kind_table(stream: Sequence[Instruction], timing: Timing) -> Table:
    """A row for each kind of instruction."""
    table = plain_table("instruction", "count", "cycles", right=("count", "cycles"))
    for name, (count, cycles) in by_kind(stream, timing).items():
        table.add_row(name, str(count), str(cycles))
    return table


def as_data(stream: Sequence[Instruction], timing: Timing) -> dict[str, object]:
    """The figures as JSON has them."""
    return {
        "preset": timing.preset,
        "cycles": timing.cycles,
        "units": {
            unit.word: {
                "busy": timing.busy(unit),
                "utilisation": timing.utilisation(unit),
                "stalls": timing.stalls(unit),
            }
            for unit in Unit
        },
        "kinds": {
            name: {"count": count, "cycles": cycles}
            for name, (count, cycles) in by_kind(stream, timing).items()
        },
        "instructions": [
            {
                "position": span.position,
                "label": op.label,
                "unit": span.unit.word,
                "start": span.start,
                "end": span.end,
            }
            for op, span in zip(stream, timing.spans, strict=True)
        ],
    }
