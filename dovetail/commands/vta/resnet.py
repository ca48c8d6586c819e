"""`dovetail bench vta-resnet`: the convolutions of ResNet-18 on the accelerator, in cycles.

Each row is one layer: compiled with the default schedule, proven by the verifier, run in the
simulator, compared with NumPy, timed. `gemm`, `dense` and `floor` follow from the layer alone;
`serial` are the same tiles in one context, each instruction after the one before; `best serial` the
best tiles under that rule. `pynq` is what a board took with the schedule that TVM's tuner found,
`model` what our model says about that schedule.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from analysis.errors import UserError, nearest
from dovetail.commands.arguments import Parser
from dovetail.commands.vta.files import add_config, read_config, write_file
from dovetail.measuring.convolutions import RESNET18
from dovetail.measuring.vta_layers import measure
from vta.timing import PRESETS, find_preset


def run(args: Sequence[str]) -> int:
    """Run the benchmark."""
    options = parse(args)
    config, preset = read_config(options.config), find_preset(options.preset)
    known = {layer.name: layer for layer in RESNET18}
    for name in options.layers:
        if name not in known:
            raise UserError(
                f"bench vta-resnet: no layer is called '{name}': {nearest(name, known)}"
            )
    rows: list[dict[str, object]] = []
    progress = Console(stderr=True)
    for name in options.layers or known:
        with progress.status(name):
            rows.append(measure(known[name], config, preset))
    show(rows, f"{config.name}, {preset.name}, cycles")
    if options.json is not None:
        write_file(options.json, json.dumps(rows, indent=1).encode() + b"\n")
    return 0


def parse(args: Sequence[str]) -> argparse.Namespace:
    """The arguments, checked."""
    parser = Parser(
        "dovetail bench vta-resnet", description="Convolutions of ResNet-18 on VTA, in cycles."
    )
    parser.add_argument("layers", nargs="*", metavar="LAYER", help="C2 to C12 (default: all)")
    add_config(parser)
    parser.add_argument(
        "--preset", default="hls", help=f"the timing: {', '.join(PRESETS)} (default hls)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    return parser.parse_args(args)


def percent(value: object, base: object) -> str:
    """How far a figure is above another one."""
    if not isinstance(value, int) or not isinstance(base, int):
        return "-"
    return f"{100 * (value / base - 1):+.1f}%"


def number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "-"


def show(rows: Sequence[dict[str, object]], title: str) -> None:
    """Print the table, in Markdown, so that it can be kept."""
    table = Table(title=title, box=MARKDOWN)
    columns = ("gemm", "dense", "floor", "cycles")
    table.add_column("layer")
    for name in (*columns, "to dense", "serial", "best serial", "pynq", "model", "error"):
        table.add_column(name, justify="right")
    for row in rows:
        cells = [number(row[name]) for name in columns]
        cells.append(percent(row["cycles"], row["dense"]))
        cells += [number(row[n]) for n in ("cycles_serial", "best_serial", "pynq", "tuned_pynq")]
        cells.append(percent(row["tuned_pynq"], row["pynq"]))
        table.add_row(str(row["layer"]), *cells)
    Console(width=140).print(table)
