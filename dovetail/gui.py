"""`dovetail-gui`: xDSL's window for trying passes, with Dovetail's dialects and passes.

    dovetail-gui examples/matmul.mlir -p lower-te-to-loop

It shows the IR before and after; a pass that is chosen is applied, and what a primitive refuses
stands where the IR would be. The window is made of the package textual, an optional extra.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import UserError
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.universe import DOVETAIL_UNIVERSE, installed

if TYPE_CHECKING:
    from dovetail.window import Window

MISSING = (
    "dovetail-gui needs the packages of the extra 'gui', which are not installed: "
    "python -m pip install -e '.[gui]' installs them"
)


def read(path: str) -> str:
    """The text of a file of IR."""
    try:
        return Path(path).read_text()
    except UnicodeDecodeError:
        raise UserError(
            f"{path} is no text: dovetail-gui shows .mlir files; "
            f"dovetail-opt {path} -o FILE.mlir makes one of a model"
        ) from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None


def application(path: str | None = None, passes: str = "") -> "Window":
    """The window on a file, with passes that are applied to it; ours stand first in the list."""
    if find_spec("textual") is None or find_spec("pyclip") is None:
        raise UserError(MISSING)
    from dovetail.window import Window  # noqa: PLC0415

    universe = installed()
    names = sorted(universe.all_passes, key=lambda n: (n not in DOVETAIL_UNIVERSE.all_passes, n))
    known = tuple((name, universe.all_passes[name]()) for name in names)
    text = None if path is None else read(path)
    pipeline = parse_passes(Source.of("-p", passes), universe.all_passes)
    return Window(tuple(universe.all_dialects.items()), known, path, text, pipeline)


def run(arguments: Sequence[str] | None = None) -> int:
    """Open the window; returns the exit code."""
    parser = argparse.ArgumentParser(prog="dovetail-gui", description="Try passes in a window.")
    parser.add_argument("input_file", nargs="?", help="a file of IR")
    parser.add_argument("-p", "--passes", default="", help="a pipeline of passes, or @file")
    options = parser.parse_args(arguments)
    try:
        window = application(options.input_file, options.passes)
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UserError("dovetail-gui needs a terminal; dovetail-opt prints what passes make")
        window.run()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def main() -> None:
    sys.exit(run())
