"""`dovetail bench suite`: the networks that ship with onnx, with random weights, against peers.

Each row is one network in one run: the contenders take turns as in `dovetail bench`, on inputs from
a seeded normal distribution. `first` is the time from the model's file to the first result, with
no object cache.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import onnx
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from analysis.errors import UserError, nearest
from analysis.files import write_atomically
from backends.llvm.cache import ObjectCache
from backends.llvm.host import host_target
from dovetail.commands.arguments import Parser, positive
from dovetail.commands.bench import Latency, differences, random_inputs, take_turns
from dovetail.commands.peers import PEERS, Contender, check_peer
from dovetail.compiler import compile_model
from dovetail.frontend.random_weights import random_weights
from dovetail.measuring.repeated import pinned

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
PREFIX = "light_"


def networks() -> list[str]:
    """The names of the networks."""
    return sorted(path.stem.removeprefix(PREFIX) for path in FOLDER.glob(f"{PREFIX}*.onnx"))


def measure(name: str, options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """One row: the figures of one network."""
    model = folder / f"{name}.onnx"
    onnx.save(random_weights(onnx.load(FOLDER / f"{PREFIX}{name}.onnx")), model)
    begin = time.perf_counter()
    target = host_target(options.threads)
    compiled = compile_model(model, target, cache=ObjectCache(folder / f"{name}.cache"))
    program = compiled.program(options.threads)
    inputs = random_inputs(program, {})
    program.run(inputs)
    first = time.perf_counter() - begin
    contenders: dict[str, Contender] = {"dovetail": lambda: list(program.run(inputs).values())}
    for peer in options.against:
        contenders[peer] = PEERS[peer](model, inputs, options.threads)
    agreement = differences({peer: infer() for peer, infer in contenders.items()})
    figures = {peer: Latency.of(t) for peer, t in take_turns(contenders, options.rounds)}
    return {
        "network": name,
        "first_s": first,
        "ours_ms": figures["dovetail"].min,
        "peers": {peer: figures[peer].min for peer in options.against},
        "relative_difference": agreement,
    }


def run(args: Sequence[str]) -> int:
    """Run the suite."""
    options = parse(args)
    for peer in options.against:
        check_peer(peer)
    known = networks()
    for name in options.networks:
        if name not in known:
            raise UserError(f"bench suite: no network is called '{name}': {nearest(name, known)}")
    rows: list[dict[str, object]] = []
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder, pinned(options.threads):
        for name in options.networks or known:
            with progress.status(name):
                rows.append(measure(name, options, Path(folder)))
    show(rows, options)
    if options.json is not None:
        try:
            write_atomically(options.json, json.dumps(rows, indent=1).encode() + b"\n")
        except OSError as error:
            raise UserError(f"cannot write {options.json}: {error.strerror}") from None
    return 0


def parse(args: Sequence[str]) -> argparse.Namespace:
    """The arguments, checked."""
    parser = Parser("dovetail bench suite", description="Time networks with random weights.")
    parser.add_argument("networks", nargs="*", help="their names (default: all)")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="default 1")
    parser.add_argument(
        "--against", action="append", default=[], metavar="PEER", help=f"one of {', '.join(PEERS)}"
    )
    parser.add_argument("--rounds", type=positive, default=20, metavar="N", help="turns of each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    return parser.parse_args(args)


def show(rows: Sequence[dict[str, object]], options: argparse.Namespace) -> None:
    """Print the table, in Markdown, so that it can be kept."""
    table = Table(title=f"{options.threads} thread(s), minimum in ms", box=MARKDOWN)
    peers = list(options.against)
    for title in ("network", "first, s", "dovetail", *peers, *(f"ours / {p}" for p in peers)):
        table.add_column(title, justify="left" if title == "network" else "right")
    for row in rows:
        ours, theirs = row["ours_ms"], row["peers"]
        assert isinstance(ours, float) and isinstance(theirs, dict)
        first = row["first_s"]
        cells = [str(row["network"]), f"{first:.1f}", f"{ours:.2f}"]
        cells += [f"{theirs[peer]:.2f}" for peer in peers]
        cells += [f"{ours / theirs[peer]:.2f}" for peer in peers]
        table.add_row(*cells)
    Console(width=120).print(table)
