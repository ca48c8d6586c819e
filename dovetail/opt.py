"""`dovetail-opt`: an `xdsl-opt` that knows Dovetail's dialects, passes and targets.

    dovetail-opt matmul.mlir -p 'lower-te-to-loop,split-loop{loop=y factor=8}' -t llvm-ir

A user's mistake ends with exit code 1 and a first line that is complete in itself.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from io import StringIO
from pathlib import Path
from typing import IO

from xdsl.dialects.builtin import UNKNOWN_LOC, ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import PassPipeline
from xdsl.universe import Universe
from xdsl.utils.diagnostic import Diagnostic
from xdsl.utils.exceptions import (
    ArgSpecParseError,
    DiagnosticException,
    ParseError,
    PassFailedException,
    VerifyException,
)
from xdsl.xdsl_opt_main import xDSLOptMain

from analysis.errors import UserError
from analysis.files import write_atomically
from dovetail.commands.arguments import parse_dims
from dovetail.instruments.instrument import Instrument, Instruments
from dovetail.instruments.verify_ir import VerifyIR
from dovetail.instruments.xdsl_flags import PrintBetweenPasses, TimePasses
from dovetail.opt_arguments import describe_arguments
from dovetail.pass_help import help_pass, list_passes
from dovetail.pipeline_parser import Source, parse_passes, parse_steps


@cache
def installed() -> Universe:
    """All that xDSL, Dovetail and other packages bring; finding it reads every package's data."""
    return Universe.get_multiverse()


class HeldText(StringIO):
    """Text that outlives the stream's end."""

    def close(self) -> None:
        """The driver closes its output whether or not it failed; what is held stays."""


class DovetailOptMain(xDSLOptMain):
    """The driver; everything it can be asked for comes from the universes that are installed."""

    def register_all_dialects(self) -> None:
        for name, factory in installed().all_dialects.items():
            self.ctx.register_dialect(name, factory)

    def register_all_passes(self) -> None:
        for name, factory in installed().all_passes.items():
            self.register_pass(name, factory)

    def register_all_targets(self) -> None:
        for name, factory in installed().all_targets.items():
            self.available_targets[name] = factory

    def register_all_frontends(self) -> None:
        super().register_all_frontends()
        self.available_frontends["onnx"] = self.parse_onnx

    def parse_onnx(self, stream: IO[bytes]) -> ModuleOp:
        """The module of an ONNX model; onnx is imported when the first one is read."""
        from dovetail.frontend.onnx import import_stream  # noqa: PLC0415

        return import_stream(stream, parse_dims(self.args.dim), self.args.random_weights)

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        describe_arguments(arg_parser, self.available_frontends)

    def setup_pipeline(self) -> None:
        source = Source.of("-p", self.args.passes)
        if self.args.pass_pipeline is not None:
            if self.args.passes:
                raise UserError("--pass-pipeline and -p are the same: give one of them")
            source = Source.of("--pass-pipeline", self.args.pass_pipeline)
        self.passes = parse_passes(source, self.available_passes)
        self.instruments = Instruments(self.make_instruments())
        self.pipeline = PassPipeline(self.passes, self.instruments)

    def make_instruments(self) -> tuple[Instrument, ...]:
        """What watches the pipeline, as the arguments ask for it, in order."""
        args, chosen = self.args, list[Instrument]()
        if args.mlir_timing or args.mlir_timing_json is not None:
            from dovetail.instruments.timing import Timing  # noqa: PLC0415

            json_file = None if args.mlir_timing_json is None else Path(args.mlir_timing_json)
            chosen.append(Timing(args.mlir_timing, json_file))
        if args.time_passes:
            chosen.append(TimePasses())
        if not args.disable_verify:
            chosen.append(VerifyIR())
        if args.print_between_passes:
            chosen.append(PrintBetweenPasses())
        if any(value for name, value in vars(args).items() if name.startswith("mlir_print_ir_")):
            from dovetail.instruments.print_ir import ir_printers  # noqa: PLC0415

            chosen.extend(ir_printers(args, self.passes))
        chosen.extend(verify_each(args.verify_each))
        return tuple(chosen)

    def answer(self) -> str | None:
        """What the arguments ask about the driver itself, if they do."""
        if self.args.list_passes:
            return list_passes(self.available_passes)
        if self.args.help_pass is not None:
            return help_pass(self.args.help_pass, self.available_passes)
        if self.args.list_targets:
            return "".join(f"{name}\n" for name in sorted(self.available_targets))
        return None

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
        if not self.args.no_locations and any(op.location != UNKNOWN_LOC for op in prog.walk()):
            self.args.print_debuginfo = True
        if self.args.target == "mlir" and any(op.name == "graph.weight" for op in prog.walk()):
            from dovetail.weights import settle_weights  # noqa: PLC0415

            output = None if self.args.output_file is None else Path(self.args.output_file)
            settle_weights(prog, output, self.args.weights == "elide")
        return super().output_resulting_program(prog)


def pipeline_text(text: str) -> str:
    """The pipeline `text`, or that of `@file`, in xDSL's canonical form."""
    return ",".join(str(step.spec) for step in parse_steps(Source.of("-p", text)))


def verify_each(text: str) -> tuple[Instrument, ...]:
    """The instruments that `--verify-each=text` asks for beyond the verifiers of the IR."""
    if text == "true":
        return ()
    from dovetail.instruments.verify_run import RunOptions, VerifyRun  # noqa: PLC0415
    from dovetail.reducing.mismatch import report  # noqa: PLC0415

    return (VerifyRun(RunOptions.parse(text), on_mismatch=report),)


def run(args: Sequence[str] | None = None) -> int:
    """Run the driver; returns the exit code. A bug of ours still raises."""
    highlight, check = Diagnostic.colored, Attribute.__post_init__
    words = sys.argv[1:] if args is None else args
    # a value only after `=`: what follows the bare flag is the input file
    words = ["--verify-each=true" if word == "--verify-each" else word for word in words]
    try:
        driver = DovetailOptMain(description="Dovetail's modular optimizer driver", args=words)
        answer = driver.answer()
        if answer is not None:
            print(answer, end="")
            return 0
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
