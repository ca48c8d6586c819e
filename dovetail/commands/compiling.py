"""Compiling a model from the command line. Imports the compiler, which running does not need."""

from collections.abc import Mapping
from pathlib import Path

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
    path: Path, target: str | None, threads: int | None, dims: Mapping[str, int]
) -> CompiledModel:
    """Compile the model in `path`, with progress on stderr; `dims` sizes symbolic dimensions."""
    chosen = choose_target(target, threads)
    source = read_network(path, dims)
    with CompileProgress(f"compiling {path.name}") as progress:
        return compile_model(source, chosen, progress)
