"""Compiling a model from the command line. Imports the compiler, which running does not need."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from analysis.errors import UserError
from backends.llvm.host import host_target
from dialects.target import Target
from dovetail.commands.progress import CompileProgress
from dovetail.program import CompiledModel


class CompileModel(Protocol):
    """`dovetail.compiler.compile_model`: the model in a file, compiled for a target.

    It calls `progress(what, done, total)` with what it is doing and how far that is, and raises
    UserError for what it cannot read or compile.
    """

    def __call__(
        self, source: Path, target: Target, progress: Callable[[str, int, int], None]
    ) -> CompiledModel: ...


def find_compiler() -> CompileModel:
    """The compiler."""
    if find_spec("dovetail.compiler") is None:
        raise UserError("this installation of Dovetail has no compiler, it only runs .dove files")
    return cast(CompileModel, import_module("dovetail.compiler").compile_model)


def choose_target(text: str | None, threads: int | None) -> Target:
    """The target that was asked for, by default this machine."""
    if text is None:
        return host_target(threads)
    target = Target.parse(text)
    return target if threads is None else target.having(num_threads=threads)


def compile_file(path: Path, target: str | None, threads: int | None) -> CompiledModel:
    """Compile the model in `path`, with progress on stderr."""
    chosen = choose_target(target, threads)
    compiler = find_compiler()
    with CompileProgress(f"compiling {path.name}") as progress:
        return compiler(path, chosen, progress)
