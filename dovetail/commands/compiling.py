"""Compiling a model from the command line. Imports the compiler, which running does not need."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from xdsl.dialects.builtin import ModuleOp

from analysis.errors import UserError
from backends.llvm.host import host_target
from dialects.graph.base import GraphOp
from dialects.target import Target
from dovetail.commands.progress import CompileProgress
from dovetail.compiler import compile_model
from dovetail.frontend.onnx import import_model
from dovetail.frontend.text import SUFFIX, read_module
from dovetail.program import CompiledModel
from dovetail.records import read
from dovetail.use_records import Records, Use, use_records


def choose_target(text: str | None, threads: int | None) -> Target:
    """The target that was asked for, by default this machine."""
    if text is None:
        return host_target(threads)
    target = Target.parse(text)
    return target if threads is None else target.having(num_threads=threads)


def read_network(path: Path, dims: Mapping[str, int]) -> Path | ModuleOp:
    """What the compiler takes: the path of a model, or a module whose sizes are decided."""
    if path.suffix != SUFFIX:
        return import_model(path, dims=dims) if dims else path
    if dims:
        raise UserError(f"{path}: --dim is for ONNX models; the types of a text have its sizes")
    module = read_module(path)
    if not any(isinstance(op, GraphOp) for op in module.walk()):
        raise UserError(f"{path}: it holds no network: no operation computes on whole tensors")
    return module


def compile_file(
    path: Path,
    target: str | None,
    threads: int | None,
    dims: Mapping[str, int],
    records: Path | None = None,
) -> CompiledModel:
    """Compile the model in `path`, with progress on stderr; `dims` sizes symbolic dimensions.

    Kernels are scheduled by the best of `records`; which ones is told on stderr.
    """
    chosen = choose_target(target, threads)
    source = read_network(path, dims)
    with CompileProgress(f"compiling {path.name}") as progress:
        if records is None:
            return compile_model(source, chosen, progress)
        known = Records.of(read(records), chosen)
        uses: list[Use] = []
        model = compile_model(
            source, chosen, progress, tuning=lambda m: uses.extend(use_records(m, known))
        )
    show_uses(uses)
    return model


def show_uses(uses: Sequence[Use]) -> None:
    """Tell which record each kernel uses, or why none."""
    table = Table(box=None)
    for title in ("kernel", "tuned to", "record"):
        table.add_column(title, overflow="fold")
    for use in uses:
        if use.record is None:
            table.add_row(use.kernel, "", f"none: {use.reason}")
        else:
            assert use.record.cost is not None
            kind = "raced" if use.record.raced else "not raced"
            where = f"trial {use.record.trial} of {use.record.run}, {kind}"
            table.add_row(use.kernel, cost_text(use.record.cost, use.record.unit), where)
    Console(stderr=True).print(table)


def cost_text(cost: float, unit: str) -> str:
    """A cost with its unit."""
    return f"{1e3 * cost:.4g} ms" if unit == "s" else f"{cost:,.0f} {unit}"
