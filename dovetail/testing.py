"""Filecheck files as pytest tests: runs the RUN lines of a file in this process.

A process for each command costs a third of a second; a call costs ten milliseconds. Only the
part of the shell that RUN lines use is here: pipes, `not`, redirections of stderr to stdout. A
folder's conftest.py gets its `.mlir` files collected by one line:

    from dovetail.testing import pytest_collect_file as pytest_collect_file

It needs `pip install 'dovetail[testing]'`.
"""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filecheck.matcher import Matcher
from filecheck.options import parse_argv_options
from lit.ShCommands import Command, Pipeline
from lit.ShUtil import ShParser

from dovetail.opt import run as dovetail_opt


class RunLineError(AssertionError):
    """A RUN line that failed, with what it printed."""


def run_lines(path: Path) -> list[str]:
    """The RUN lines of `path`, continued lines joined, `%s` replaced."""
    lines: list[str] = []
    open_line = ""
    for line in path.read_text().splitlines():
        _, found, command = line.partition("RUN:")
        if not found:
            continue
        open_line += command.strip()
        if open_line.endswith("\\"):
            open_line = open_line[:-1]
            continue
        lines.append(open_line.replace("%s", str(path)))
        open_line = ""
    return lines


def call_dovetail_opt(args: list[str]) -> int:
    try:
        return dovetail_opt(args)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1


def call_filecheck(args: list[str]) -> int:
    return Matcher.from_opts(parse_argv_options(["filecheck", *args])).run()


TOOLS: dict[str, Callable[[list[str]], int]] = {
    "dovetail-opt": call_dovetail_opt,
    "filecheck": call_filecheck,
}


def run_command(command: Command, stdin: bytes) -> tuple[int, bytes]:
    """Run one command of a pipe; returns its exit code and what it printed to stdout."""
    name, *args = command.args
    negate = name == "not"
    if negate:
        name, *args = args
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    merged = any(op == (">&", 2) for op, _ in command.redirects)
    err = out if merged else sys.stderr
    old_stdin = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = TOOLS[name](args)
    finally:
        sys.stdin = old_stdin
    out.flush()
    return (int(code == 0) if negate else code), out.buffer.getvalue()


def run_file(path: Path) -> None:
    """Run every RUN line of `path`; the first that fails raises."""
    lines = run_lines(path)
    assert lines, f"{path} has no RUN line"
    for line in lines:
        pipeline = ShParser(line, pipefail=True).parse()
        assert isinstance(pipeline, Pipeline), line
        data = b""
        for command in pipeline.commands:
            code, data = run_command(command, data)
            if code != 0:
                raise RunLineError(f"{line}\nexit code {code}\n{data.decode()}")


class FilecheckItem(pytest.Item):
    """The RUN lines of one file."""

    def runtest(self) -> None:
        run_file(self.path)

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,
    ) -> Any:
        if isinstance(excinfo.value, RunLineError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.path.name


class FilecheckFile(pytest.File):
    """A file with RUN lines, which is one test."""

    def collect(self) -> Iterator[pytest.Item]:
        yield FilecheckItem.from_parent(self, name="run")


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.File | None:
    """Collect every `.mlir` file as one test."""
    if file_path.suffix == ".mlir":
        return FilecheckFile.from_parent(parent, path=file_path)
    return None
