"""`dovetail bench kernel.mlir -p PIPELINE`: how fast a kernel is, as a share of what is possible.

The limit is measured in the same run, in turns with the kernel (dovetail/measuring/paired.py):
the time in which this machine does as many multiply-adds, or copies as many bytes.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException, VerifyException

from analysis.errors import UserError
from analysis.files import write_atomically
from dialects.graph.base import GraphOp
from dialects.graph.structure import CallOp, WeightOp
from dialects.target import target_of
from dovetail.commands.compiling import choose_target
from dovetail.frontend.text import read_module, text_context
from dovetail.measuring.kernels import Kernel, compile_kernel, function_of, is_scheduled
from dovetail.measuring.paired import Figures
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.pipelines import CPU_KERNEL
from dovetail.universe import installed


def is_network(module: ModuleOp) -> bool:
    """Whether a module computes on whole tensors."""
    return any(isinstance(op, GraphOp | WeightOp | CallOp) for op in module.walk())


def prepare(
    options: argparse.Namespace, module: ModuleOp, context: Context
) -> tuple[Kernel, Sequence[ModulePass]]:
    """The kernel that was asked for, compiled, and the passes that made it."""
    path: Path = options.model
    told: str | None = options.target
    if told is None and "target" in module.attributes:
        told = str(target_of(module))
    target = choose_target(told, options.threads)
    chosen: Sequence[ModulePass] | None = None
    if options.passes is not None:
        known = installed().all_passes
        chosen = parse_passes(Source.of("-p", options.passes), known)
    try:
        function = function_of(module, options.function)
        passes = chosen
        if passes is None:
            passes = () if is_scheduled(function) else CPU_KERNEL
        name = function.sym_name.data
        return compile_kernel(module, name, passes, target, dict(options.dim), context), passes
    except UserError as error:
        raise UserError(f"{path}: {error.message}", *error.details) from None
    except (PassFailedException, VerifyException) as error:
        raise UserError(f"{path}: {str(error).splitlines()[0]}", str(error)) from None


def bench_kernel(options: argparse.Namespace) -> bool:
    """Time the kernel and show and write the figures; False if the file holds a network."""
    context = text_context()
    module = read_module(options.model, context)
    if is_network(module):
        return False
    kernel, passes = prepare(options, module, context)
    with Console(stderr=True).status(f"timing @{kernel.name}"):
        figures = kernel.measure(options.rounds)
    if options.json is not None:
        write_json(options.json, options.model, kernel, figures, passes)
    show(kernel, figures)
    return True


def show(kernel: Kernel, figures: Figures) -> None:
    """Print the table."""
    threads = kernel.repeated.crew.size
    table = Table(title=f"{threads} thread{'s' * (threads > 1)} of {kernel.target.machine.cpu}")
    for title in ("kernel", "ms", "GFLOP/s", "limit", "limit, ms", "limit share"):
        table.add_column(title, justify="left" if title in ("kernel", "limit") else "right")
    table.add_row(
        f"@{kernel.name}",
        f"{1e3 * figures.seconds:.4g}",
        f"{kernel.work.operations / figures.seconds / 1e9:.4g}",
        limit_text(kernel, figures),
        f"{1e3 * figures.limit_seconds:.4g}",
        f"{100 * figures.limit_share:.1f} %",
    )
    Console(width=100).print(table)
    if not figures.rounds_that_count:
        Console(stderr=True).print(
            "the limit was another before and after in every round: the machine is busy"
        )


def limit_text(kernel: Kernel, figures: Figures) -> str:
    """What limits the kernel, and how much of it there is."""
    if figures.limit == "copy":
        return f"copy {kernel.work.bytes / figures.limit_seconds / 1e9:.4g} GB/s"
    unit = figures.limit.replace("fma", "FMA")
    return f"{unit} {kernel.work.operations / figures.limit_seconds / 1e9:.4g} GFLOP/s"


def write_json(
    path: Path, source: Path, kernel: Kernel, figures: Figures, passes: Sequence[ModulePass]
) -> None:
    """Write the figures; times are the best, the share is the median of the rounds that count."""
    data = {
        "file": str(source),
        "function": kernel.name,
        "pipeline": ",".join(str(step) for step in passes),
        "target": str(kernel.target),
        "threads": kernel.repeated.crew.size,
        "operations": kernel.work.operations,
        "bytes": kernel.work.bytes,
        "ms": 1e3 * figures.seconds,
        "gflops": kernel.work.operations / figures.seconds / 1e9,
        "limit": figures.limit,
        "limit_ms": 1e3 * figures.limit_seconds,
        "limit_share": figures.limit_share,
        "rounds": figures.rounds,
        "rounds_that_count": figures.rounds_that_count,
    }
    try:
        write_atomically(path, json.dumps(data, indent=1).encode() + b"\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
