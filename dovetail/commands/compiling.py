"""Compiling a model from the command line. Imports the compiler, which running does not need."""

from collections.abc import Mapping
from pathlib import Path

from backends.llvm.host import host_target
from dialects.target import Target
from dovetail.commands.progress import CompileProgress
from dovetail.compiler import compile_model
from dovetail.frontend.onnx import import_model
from dovetail.program import CompiledModel


def choose_target(text: str | None, threads: int | None) -> Target:
    """The target that was asked for, by default this machine."""
    if text is None:
        return host_target(threads)
    target = Target.parse(text)
    return target if threads is None else target.having(num_threads=threads)


def compile_file(
    path: Path, target: str | None, threads: int | None, dims: Mapping[str, int]
) -> CompiledModel:
    """Compile the model in `path`, with progress on stderr; `dims` sizes symbolic dimensions."""
    chosen = choose_target(target, threads)
    source = import_model(path, dims=dims) if dims else path
    with CompileProgress(f"compiling {path.name}") as progress:
        return compile_model(source, chosen, progress)
