"""`dovetail features f.mlir -p PIPELINE`: what a model of costs sees of a scheduled kernel.

One row a figure, for each function of loops that the file has after the pipeline.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.utils.exceptions import PassFailedException, VerifyException

from analysis.errors import UserError, nearest
from analysis.files import write_atomically
from dialects.target import TargetAttr, target_of
from dovetail.commands.arguments import Parser, add_target
from dovetail.commands.compiling import choose_target
from dovetail.frontend.text import read_module, text_context
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.universe import installed
from passes.loop.primitive import functions_of_loops
from tuner.features.vector import Feature, features_of


def run(args: Sequence[str]) -> int:
    """Print the features."""
    options = parse(args)
    context = text_context()
    module = read_module(options.file, context)
    told: str | None = options.target
    if told is None and "target" in module.attributes:
        told = str(target_of(module))
    target = choose_target(told, options.threads)
    module.attributes["target"] = TargetAttr.of(target)
    passes: Sequence[ModulePass] = ()
    if options.passes is not None:
        passes = parse_passes(Source.of("-p", options.passes), installed().all_passes)
    try:
        PassPipeline(tuple(passes)).apply(context, module)
        module.verify()
    except UserError as error:
        raise UserError(f"{options.file}: {error.message}", *error.details) from None
    except (PassFailedException, VerifyException) as error:
        raise UserError(f"{options.file}: {str(error).splitlines()[0]}", str(error)) from None
    found = {
        function.sym_name.data: features_of(function, target.machine)
        for function in functions_asked(module, options)
    }
    if options.json is not None:
        try:
            write_atomically(options.json, json.dumps(data_of(found), indent=1).encode() + b"\n")
        except OSError as error:
            raise UserError(f"cannot write {options.json}: {error.strerror}") from None
    for name, features in found.items():
        show(name, features)
    return 0


def parse(args: Sequence[str]) -> argparse.Namespace:
    """The arguments, checked."""
    parser = Parser(
        "dovetail features", description="Print what a model of costs sees of a scheduled kernel."
    )
    parser.add_argument("file", type=Path, help="kernels, as .mlir")
    parser.add_argument("-p", "--passes", metavar="P", help="what makes loops of them, or @file")
    parser.add_argument("--function", metavar="NAME", help="which one (default: all)")
    add_target(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    return parser.parse_args(args)


def functions_asked(module: ModuleOp, options: argparse.Namespace) -> list[func.FuncOp]:
    """The functions of loops that were asked for."""
    functions = {f.sym_name.data: f for f in functions_of_loops(module)}
    if not functions:
        raise UserError(
            f"{options.file}: it has no function of loops: give a pipeline that makes one, such as "
            "-p lower-te-to-loop"
        )
    name: str | None = options.function
    if name is None:
        return list(functions.values())
    if name not in functions:
        raise UserError(
            f"{options.file}: no function of loops is called '{name}': {nearest(name, functions)}"
        )
    return [functions[name]]


def data_of(found: dict[str, list[Feature]]) -> dict[str, dict[str, dict[str, object]]]:
    """The figures as data: by function and by name."""
    return {
        name: {f.name: {"value": f.value, "unit": f.unit} for f in features}
        for name, features in found.items()
    }


def show(name: str, features: Sequence[Feature]) -> None:
    """Print the figures of one function."""
    table = Table(title=f"@{name}")
    for title in ("feature", "value", "unit"):
        table.add_column(title, justify="right" if title == "value" else "left")
    for feature in features:
        table.add_row(feature.name, f"{feature.value:.4g}", feature.unit)
    Console(width=100).print(table)
