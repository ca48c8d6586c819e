"""From a file's name to something that runs: compile a model, or load a compiled one."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from analysis.errors import UserError
from dialects.target import Target
from dovetail.commands.arguments import target_of
from dovetail.commands.progress import KernelProgress
from dovetail.program import CompiledModel
from dovetail.runtime import Program, load

ZIP_MAGIC = b"PK"


class CompileModel(Protocol):
    """`dovetail.compiler.compile_model`: the model in a file, compiled for a target.

    It calls `progress(done, total)` with the number of kernels, and raises UserError for what it
    cannot read or compile.
    """

    def __call__(
        self, model: Path, target: Target, progress: Callable[[int, int], None]
    ) -> CompiledModel: ...


def find_compiler() -> CompileModel:
    """The compiler; it is imported when the first model is compiled."""
    if find_spec("dovetail.compiler") is None:
        raise UserError("this installation of Dovetail has no compiler, it only runs .dove files")
    return cast(CompileModel, import_module("dovetail.compiler").compile_model)


def is_compiled(path: Path) -> bool:
    """Whether the file `path` is a compiled program, by its content or its name."""
    try:
        with open(path, "rb") as file:
            return path.suffix == ".dove" or file.read(len(ZIP_MAGIC)) == ZIP_MAGIC
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def compile_file(path: Path, target: str | None, threads: int | None) -> CompiledModel:
    """Compile the model in `path`, with progress on stderr."""
    if is_compiled(path):
        raise UserError(f"{path}: it is compiled already")
    chosen = target_of(target, threads)
    compiler = find_compiler()
    with KernelProgress(f"compiling {path.name}") as progress:
        return compiler(path, chosen, progress)


def open_program(path: Path, target: str | None, threads: int | None) -> Program:
    """The program in `path`, compiled first if it is a model."""
    if not is_compiled(path):
        return compile_file(path, target, threads).program(threads, str(path))
    if target is not None:
        raise UserError(f"{path}: it is compiled already, --target is for models")
    return load(path, threads)
