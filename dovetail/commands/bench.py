"""`dovetail bench model.onnx --against onnxruntime`: how long a model takes, and its kernels.

Contenders take turns in one run, a few inferences at a time, because machines are noisy and only
figures of one run compare: the minima, above all. `dovetail bench NAME` runs a benchmark
that a package registered in the entry point group `dovetail.benchmarks`: a function that takes the
arguments after its name and returns the exit code. A kernel as text is timed by bench_kernel.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

import numpy as np
from rich.console import Console
from rich.table import Table

from analysis.errors import UserError, nearest
from analysis.extensions import entries, extension
from analysis.files import write_atomically
from dovetail.cli import Command
from dovetail.commands.arguments import Parser, add_target, positive
from dovetail.commands.models import is_compiled, open_program
from dovetail.commands.peers import PEERS, Contender, check_peer
from dovetail.runtime import Program
from dovetail.runtime.buffers import Array
from dovetail.runtime.manifest import storage_dtype

GROUP = "dovetail.benchmarks"

TURN_SECONDS = 0.02
TURN_RUNS = 20
REST_SECONDS = 0.02
"""Before each turn, so that threads of the one before have stopped looking for work."""

WARM_RUNS = 2


@dataclass(frozen=True)
class Latency:
    """How long inferences took, in milliseconds."""

    min: float
    median: float
    p99: float

    @staticmethod
    def of(seconds: Sequence[float]) -> "Latency":
        """The summary of these times."""
        times = 1e3 * np.asarray(seconds)
        return Latency(float(times.min()), float(np.median(times)), float(np.percentile(times, 99)))


def run(args: Sequence[str]) -> int:
    """Run a benchmark by its name, or time a model."""
    if args and not args[0].startswith("-"):
        benchmark = extension(GROUP, args[0])
        if benchmark is not None:
            return cast(Command, benchmark)(args[1:])
    options = parse(args)
    if options.against and options.model.suffix == ".mlir":
        raise UserError(f"{options.model}: --against is for ONNX models, peers read nothing else")
    for peer in options.against:
        check_peer(peer)
    if not options.model.exists():
        raise UserError(
            f"{options.model}: there is no such file, and no benchmark of that name: "
            + nearest(str(options.model), sorted(entries(GROUP)))
        )
    if options.model.suffix == ".mlir":
        # the compiler, which timing a compiled program does not need
        timing = import_module("dovetail.commands.bench_kernel")
        if cast(Callable[[argparse.Namespace], bool], timing.bench_kernel)(options):
            return 0
    for option in ("passes", "function"):
        if getattr(options, option) is not None:
            raise UserError(
                f"{options.model}: --{option} is for kernels, .mlir files of te or loops"
            )
    if options.against and is_compiled(options.model):
        raise UserError(f"{options.model}: --against needs the model, this is a compiled program")
    bench(options)
    return 0


def parse(args: Sequence[str]) -> argparse.Namespace:
    """The arguments, checked."""
    parser = Parser(
        "dovetail bench", description="Time a model or a kernel, or run a benchmark by its name."
    )
    parser.add_argument(
        "model", type=Path, help="an .onnx, .mlir or .dove file, or a benchmark's name"
    )
    parser.add_argument(
        "-p", "--passes", metavar="P", help="of a kernel: its pipeline, or @file (default: ours)"
    )
    parser.add_argument("--function", metavar="NAME", help="of a kernel: which, if there are more")
    add_target(parser)
    parser.add_argument(
        "--against", action="append", default=[], metavar="PEER", help=f"one of {', '.join(PEERS)}"
    )
    parser.add_argument("--rounds", type=positive, default=20, metavar="N", help="turns of each")
    parser.add_argument(
        "--dim", action="append", default=[], type=dimension, metavar="NAME=N",
        help="the size of a symbolic dimension (default 1)",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    return parser.parse_args(args)


def dimension(text: str) -> tuple[str, int]:
    """`name=3` as a name and a size."""
    name, _, size = text.partition("=")
    if not name or not (size.isascii() and size.isdigit()):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form NAME=N")
    return name, int(size)


def bench(options: argparse.Namespace) -> None:
    """Time the model and show and write the figures."""
    program = open_program(options.model, options.target, options.threads)
    inputs = random_inputs(program, dict(options.dim))
    contenders: dict[str, Contender] = {"dovetail": lambda: list(program.run(inputs).values())}
    for peer in options.against:
        contenders[peer] = PEERS[peer](options.model, inputs, program.threads)
    agreement = differences({name: infer() for name, infer in contenders.items()})
    figures = {name: Latency.of(times) for name, times in take_turns(contenders, options.rounds)}
    kernels = kernel_times(program, inputs)
    if options.json is not None:
        write_json(options.json, options.model, program.threads, figures, agreement, kernels)
    show(program, figures, agreement, kernels)


def random_inputs(program: Program, dims: Mapping[str, int]) -> dict[str, Array]:
    """Seeded inputs: normal floats; zeros and ones for integers, which may be indices."""
    for name in dims:
        if name not in program.manifest.dims:
            raise UserError(
                f"--dim {name}: the program has no such symbolic dimension: "
                + nearest(name, program.manifest.dims)
            )
    rng = np.random.default_rng(0)
    inputs: dict[str, Array] = {}
    for tensor in program.inputs:
        shape = [dims.get(e, 1) if isinstance(e, str) else e for e in tensor.shape]
        dtype = storage_dtype(tensor.dtype)
        if dtype.kind == "f":
            inputs[tensor.name] = rng.standard_normal(shape).astype(dtype)
        else:
            inputs[tensor.name] = rng.integers(0, 2, shape).astype(dtype)
    return inputs


def differences(outputs: Mapping[str, Sequence[Array]]) -> dict[str, float]:
    """The largest difference of each peer's outputs from ours, relative to the largest value."""
    found: dict[str, float] = {}
    ours = outputs["dovetail"]
    for name, theirs in outputs.items():
        if name == "dovetail":
            continue
        errors = [0.0]
        for mine, other in zip(ours, theirs, strict=True):
            a, b = mine.astype(np.float64), np.asarray(other).astype(np.float64)
            if a.size:
                errors.append(float(abs(a - b).max() / max(abs(b).max(), 1e-30)))
        found[name] = max(errors)
    return found


def take_turns(contenders: Mapping[str, Contender], rounds: int) -> list[tuple[str, list[float]]]:
    """The seconds of each contender's inferences. The first ones of each turn only warm up."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, infer in contenders.items():
            time.sleep(REST_SECONDS)
            for _ in range(WARM_RUNS):
                infer()
            begin = time.perf_counter()
            for _ in range(TURN_RUNS):
                start = time.perf_counter()
                infer()
                end = time.perf_counter()
                times[name].append(end - start)
                if end - begin > TURN_SECONDS:
                    break
    return list(times.items())


def kernel_times(program: Program, inputs: Mapping[str, Array]) -> list[tuple[str, str, float]]:
    """Kernel, device and milliseconds of each call of the network; none if it cannot tell."""
    if not program.has_steps:
        return []
    seconds = program.profile(inputs, rounds=20)
    kernels = [program.manifest.kernels[call] for call in program.manifest.calls]
    return [(k.name, k.device, 1e3 * min(s)) for k, s in zip(kernels, seconds, strict=True)]


def show(
    program: Program,
    figures: Mapping[str, Latency],
    agreement: Mapping[str, float],
    kernels: Sequence[tuple[str, str, float]],
) -> None:
    """Print the tables."""
    console = Console()
    table = Table(title=f"{program.name}, {program.threads} threads, milliseconds")
    for title in ("", "min", "median", "p99", "difference"):
        table.add_column(title, justify="right" if title else "left")
    for name, latency in figures.items():
        values = [f"{value:.4g}" for value in (latency.min, latency.median, latency.p99)]
        table.add_row(name, *values, f"{agreement[name]:.1e}" if name in agreement else "")
    console.print(table)
    if not kernels:
        return
    total = sum(ms for *_, ms in kernels)
    table = Table(title="kernels, one by one")
    for title in ("kernel", "device", "ms", "%"):
        table.add_column(title, justify="left" if title in ("kernel", "device") else "right")
    for name, device, ms in kernels:
        table.add_row(name, device, f"{ms:.4g}", f"{100 * ms / total:.1f}")
    console.print(table)


def write_json(
    path: Path,
    model: Path,
    threads: int,
    figures: Mapping[str, Latency],
    agreement: Mapping[str, float],
    kernels: Sequence[tuple[str, str, float]],
) -> None:
    """Write the figures; `ours_ms` and `peers` are minima."""
    data = {
        "model": str(model),
        "threads": threads,
        "ours_ms": figures["dovetail"].min,
        "peers": {name: latency.min for name, latency in figures.items() if name != "dovetail"},
        "latency_ms": {name: vars(latency) for name, latency in figures.items()},
        "relative_difference": dict(agreement),
        "kernels": [{"name": n, "device": d, "ms": ms} for n, d, ms in kernels],
    }
    try:
        write_atomically(path, json.dumps(data, indent=1).encode() + b"\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
