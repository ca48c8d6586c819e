"""From a file's name to something that runs: compile a model, or load a compiled one."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from analysis.errors import UserError
from dovetail.commands.arguments import parse_dims
from dovetail.program import CompiledModel
from dovetail.runtime import Program, load

ZIP_MAGIC = b"PK"


class CompileFile(Protocol):
    """dovetail.commands.compiling.compile_file."""

    def __call__(
        self,
        path: Path,
        target: str | None,
        threads: int | None,
        dims: Mapping[str, int],
        records: Path | None,
    ) -> CompiledModel: ...


def is_compiled(path: Path) -> bool:
    """Whether the file `path` is a compiled program, by its content or its name."""
    try:
        with open(path, "rb") as file:
            return path.suffix == ".dove" or file.read(len(ZIP_MAGIC)) == ZIP_MAGIC
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def compile_file(
    path: Path,
    target: str | None,
    threads: int | None,
    dims: Sequence[str] = (),
    records: Path | None = None,
) -> CompiledModel:
    """Compile the model in `path`; the compiler is imported when the first one is compiled."""
    if is_compiled(path):
        raise UserError(f"{path}: it is compiled already")
    compiling = cast(CompileFile, import_module("dovetail.commands.compiling").compile_file)
    return compiling(path, target, threads, parse_dims(dims), records)


def open_program(
    path: Path, target: str | None, threads: int | None, dims: Sequence[str] = ()
) -> Program:
    """The program in `path`, compiled first if it is a model."""
    if not is_compiled(path):
        return compile_file(path, target, threads, dims).program(threads, str(path))
    if dims:
        raise UserError(f"{path}: it is compiled already, --dim is for models")
    if target is not None:
        raise UserError(f"{path}: it is compiled already, --target is for models")
    return load(path, threads)
