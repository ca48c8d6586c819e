"""`dovetail-opt`: an `xdsl-opt` that knows Dovetail's dialects, passes and targets.

    dovetail-opt matmul.mlir -p 'lower-te-to-loop,split-loop{loop=y factor=8}' -t llvm-ir

A user's mistake ends with exit code 1 and a first line that is complete in itself.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import IO

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import ModulePass, PassPipeline
from xdsl.universe import Universe
from xdsl.utils.arg_spec import parse_pipeline
from xdsl.utils.diagnostic import Diagnostic
from xdsl.utils.exceptions import (
    ArgSpecParseError,
    DiagnosticException,
    ParseError,
    PassFailedException,
    VerifyException,
)
from xdsl.xdsl_opt_main import xDSLOptMain

from analysis.errors import UserError, nearest
from analysis.files import write_atomically
from dovetail.commands.arguments import parse_dims
from dovetail.instruments.instrument import Instrument, Instruments
from dovetail.instruments.verify_ir import VerifyIR
from dovetail.instruments.xdsl_flags import PrintBetweenPasses, TimePasses


class HeldText(StringIO):
    """Text that outlives the stream's end."""

    def close(self) -> None:
        """The driver closes its output whether or not it failed; what is held stays."""


class DovetailOptMain(xDSLOptMain):
    """The driver; everything it can be asked for comes from the universes that are installed."""

    @cached_property
    def universe(self) -> Universe:
        return Universe.get_multiverse()

    def register_all_dialects(self) -> None:
        for name, factory in self.universe.all_dialects.items():
            self.ctx.register_dialect(name, factory)

    def register_all_passes(self) -> None:
        for name, factory in self.universe.all_passes.items():
            self.register_pass(name, factory)

    def register_all_targets(self) -> None:
        for name, factory in self.universe.all_targets.items():
            self.available_targets[name] = factory

    def register_all_frontends(self) -> None:
        super().register_all_frontends()
        self.available_frontends["onnx"] = self.parse_onnx

    def parse_onnx(self, stream: IO[bytes]) -> ModuleOp:
        """The module of an ONNX model; onnx is imported when the first one is read."""
        from dovetail.frontend.onnx import import_stream  # noqa: PLC0415

        return import_stream(stream, parse_dims(self.args.dim))

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        super().register_all_arguments(arg_parser)
        help_texts = {
            "passes": "a pipeline of passes, or @file",
            "target": f"one of {', '.join(sorted(self.available_targets))}",
        }
        for action in arg_parser._actions:  # pyright: ignore[reportPrivateUsage]
            action.help = help_texts.get(action.dest, action.help)
        arg_parser.add_argument(
            "--no-locations", action="store_true", help="print no locations, even if there are any"
        )
        arg_parser.add_argument(
            "--dim",
            action="append",
            default=[],
            metavar="NAME=SIZE",
            help="the size of a symbolic dimension of an ONNX model",
        )
        arg_parser.add_argument(
            "--weights",
            choices=("keep", "elide"),
            default="keep",
            help="print new weights to the sidecar of -o FILE, or leave their contents out",
        )
        arg_parser.add_argument(
            "--verify-each",
            default="true",
            metavar="run",
            help="also run the module before and after each pass, and compare: "
            "--verify-each=run{seed=0 budget-s=60}; the verifiers of the IR run anyway",
        )

    def setup_pipeline(self) -> None:
        self.args.passes = pipeline_text(self.args.passes)
        for spec in parse_pipeline(self.args.passes):
            if spec.name not in self.available_passes:
                raise UserError(
                    f"no pass is named '{spec.name}': {nearest(spec.name, self.available_passes)}"
                )
            check_options(
                self.available_passes[spec.name](),
                tuple(spec.normalize_parameter_names().parameters),
            )
        self.instruments = Instruments(self.make_instruments())
        self.pipeline = PassPipeline.parse_spec(
            self.available_passes, self.args.passes, self.instruments
        )

    def make_instruments(self) -> tuple[Instrument, ...]:
        """What watches the pipeline, as the arguments ask for it, in order."""
        chosen: list[Instrument] = []
        if self.args.time_passes:
            chosen.append(TimePasses())
        if not self.args.disable_verify:
            chosen.append(VerifyIR())
        if self.args.print_between_passes:
            chosen.append(PrintBetweenPasses())
        chosen.extend(verify_each(self.args.verify_each))
        return tuple(chosen)

    def prepare_output(self) -> IO[str]:
        self.held = HeldText()
        return sys.stdout if self.args.output_file is None else self.held

    def run(self) -> None:
        """Run the driver; the output file appears whole, and only if nothing went wrong."""
        super().run()
        self.exit_code = self.instruments.finish()
        if self.exit_code == 0 and self.args.output_file is not None:
            try:
                write_atomically(Path(self.args.output_file), self.held.getvalue().encode())
            except OSError as error:
                raise UserError(f"cannot write {self.args.output_file}: {error.strerror}") from None

    def output_resulting_program(self, prog: ModuleOp) -> str:
        if not self.args.no_locations and has_locations(prog):
            self.args.print_debuginfo = True
        if self.args.target == "mlir" and any(op.name == "graph.weight" for op in prog.walk()):
            from dovetail.weights import settle_weights  # noqa: PLC0415

            output = None if self.args.output_file is None else Path(self.args.output_file)
            settle_weights(prog, output, self.args.weights == "elide")
        return super().output_resulting_program(prog)


def pipeline_text(text: str) -> str:
    """The pipeline as xDSL reads it: `@file` is read, white space after commas goes."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text()
        except OSError as error:
            raise UserError(f"cannot read the pipeline file {text[1:]}: {error.strerror}") from None
    out: list[str] = []
    quoted = False
    for char in text.strip():
        if char == '"':
            quoted = not quoted
        if char.isspace() and not quoted:
            if out and out[-1] not in ", ":
                out.append(" ")
            continue
        if char in ",}" and not quoted and out and out[-1] == " ":
            out.pop()
        out.append(char)
    return "".join(out)


def check_options(cls: type[ModulePass], given: tuple[str, ...]) -> None:
    """Refuse an option that the pass `cls` does not have."""
    known = [name for name in cls.__dataclass_fields__ if name != "name"]
    for option in given:
        if option not in known:
            raise UserError(f"pass '{cls.name}' has no option '{option}': {nearest(option, known)}")


def verify_each(text: str) -> tuple[Instrument, ...]:
    """The instruments that `--verify-each=text` asks for beyond the verifiers of the IR."""
    if text == "true":
        return ()
    from dovetail.instruments.verify_run import RunOptions, VerifyRun  # noqa: PLC0415

    return (VerifyRun(RunOptions.parse(text)),)


def has_locations(module: ModuleOp) -> bool:
    """Whether any operation of `module` knows where it came from."""
    return any(str(op.location) != "loc(unknown)" for op in module.walk())


def run(args: Sequence[str] | None = None) -> int:
    """Run the driver; returns the exit code. A bug of ours still raises."""
    highlight, check = Diagnostic.colored, Attribute.__post_init__
    words = sys.argv[1:] if args is None else args
    # a value only after `=`: what follows the bare flag is the input file
    words = ["--verify-each=true" if word == "--verify-each" else word for word in words]
    try:
        driver = DovetailOptMain(description="Dovetail's modular optimizer driver", args=words)
        driver.run()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: cannot open {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except (
        ArgSpecParseError,
        DiagnosticException,
        ParseError,
        PassFailedException,
        ValueError,
        VerifyException,
    ) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        Diagnostic.colored, Attribute.__post_init__ = highlight, check
    return driver.exit_code


def main() -> None:
    sys.exit(run())
