"""`dovetail explain model.onnx`: what the compiler made of a model, and why.

The default is one line for each kernel; `--kernel` and `--op` tell one story in full, `--html`
writes everything as one page.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from analysis.errors import UserError
from analysis.files import write_atomically
from backends.llvm.network import network_function
from dialects.target import Target
from dovetail.commands.arguments import Parser, add_dims, add_target, parse_dims
from dovetail.commands.bench import kernel_times, random_inputs
from dovetail.commands.compiling import choose_target
from dovetail.commands.progress import CompileProgress
from dovetail.compiler import finish
from dovetail.explain.collect import add_code, explain_module
from dovetail.explain.data import with_loops
from dovetail.explain.nodes import read_source
from dovetail.explain.page import page
from dovetail.explain.report import Report
from dovetail.explain.text import (
    check_node,
    find_kernel,
    show_kernel,
    show_model,
    show_node,
)
from dovetail.printing.tables import console


def parse(args: Sequence[str]) -> argparse.Namespace:
    """The arguments."""
    parser = Parser("dovetail explain", description="Tell what became of a model, and why.")
    parser.add_argument("model", type=Path, help="an .onnx file, or .mlir of graph or te ops")
    parser.add_argument("--op", metavar="NAME", help="the story of one node of the model")
    parser.add_argument("--kernel", metavar="NAME", help="the story of one kernel")
    add_target(parser)
    add_dims(parser)
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one page with everything")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what the text tells")
    parser.add_argument("--bench", action="store_true", help="time each kernel call")
    return parser.parse_args(args)


def run(args: Sequence[str]) -> int:
    """Explain a model."""
    options = parse(args)
    target = choose_target(options.target, options.threads)
    if options.model.suffix == ".dove":
        raise UserError(f"{options.model}: it is compiled already; explain the model it came from")
    module, nodes = read_source(options.model, parse_dims(options.dim))
    if options.op is not None:
        check_node(options.model.name, nodes, options.op)
    with CompileProgress(f"explaining {options.model.name}") as progress:
        report = explain_module(module, nodes, options.model.name, target, progress)
    if options.kernel is not None:
        find_kernel(report, options.kernel)
    if options.html is not None:
        with CompileProgress(f"emitting {options.model.name}") as progress:
            add_code(report, module, target, progress)
    if options.bench:
        time_calls(report, module, target, options.threads)
    write_files(report, options.html, options.json)
    out = console()
    if options.op is not None:
        show_node(out, report, options.op)
    if options.kernel is not None:
        show_kernel(out, report, options.kernel)
    if options.op is None and options.kernel is None:
        show_model(out, report)
    return 0


def time_calls(report: Report, module: ModuleOp, target: Target, threads: int | None) -> None:
    """Compile and run the network, and note the milliseconds of each kernel call."""
    main = network_function(module)
    if main is None:
        raise UserError(f"{report.model}: --bench needs a network, this has only kernels")
    with CompileProgress(f"compiling {report.model}") as progress:
        program = finish(module, main, target, progress, None).program(threads, report.model)
    times = kernel_times(program, random_inputs(program, {}))
    for call, (_, _, milliseconds) in zip(report.calls, times, strict=True):
        call.milliseconds = milliseconds


def write_files(report: Report, html: Path | None, data: Path | None) -> None:
    """Write the files that were asked for."""
    for path, make in ((html, page), (data, json_text)):
        if path is not None:
            try:
                write_atomically(path, make(report).encode())
            except OSError as error:
                raise UserError(f"cannot write {path}: {error.strerror}") from None


def json_text(report: Report) -> str:
    """The report as JSON."""
    return json.dumps(with_loops(report), indent=1) + "\n"
