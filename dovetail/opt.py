"""`dovetail-opt`: an `xdsl-opt` that knows Dovetail's dialects, passes and targets.

    dovetail-opt matmul.mlir -p 'lower-te-to-loop,split-loop{loop=y factor=8}' -t llvm-ir

A user's mistake ends with exit code 1 and a first line that is complete in itself.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from inspect import signature
from io import StringIO
from pathlib import Path
from typing import IO, NoReturn, cast

from xdsl.dialects.builtin import UNKNOWN_LOC, ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import PassPipeline
from xdsl.utils.arg_spec import parse_spec
from xdsl.utils.diagnostic import Diagnostic
from xdsl.utils.exceptions import (
    ArgSpecParseError,
    DiagnosticException,
    ParseError,
    PassFailedException,
)
from xdsl.utils.target import Target
from xdsl.xdsl_opt_main import xDSLOptMain

from analysis.errors import UserError, nearest
from analysis.files import write_atomically
from dialects.target import TargetAttr
from dovetail.commands.arguments import parse_dims
from dovetail.frontend.parse_errors import parse_error
from dovetail.instruments.instrument import Instrument, Instruments
from dovetail.instruments.verify_ir import VerifyIR
from dovetail.instruments.xdsl_flags import PrintBetweenPasses, TimePasses
from dovetail.opt_arguments import check_ending, describe_arguments, refusal
from dovetail.pass_help import help_pass, list_passes
from dovetail.pipeline_parser import Source, parse_passes, parse_steps
from dovetail.universe import installed

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


BYTES = "surrogateescape"
"""How a format of bytes passes through the text that the driver prints."""


class HeldText(StringIO):
    """Text that outlives the stream's end."""

    def close(self) -> None:
        """The driver closes its output whether or not it failed; what is held stays."""


class DovetailOptMain(xDSLOptMain):
    """The driver; everything it can be asked for comes from the universes that are installed."""

    def __init__(self, args: Sequence[str]) -> None:
        self.words = args
        super().__init__(args=args)

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
        flags = [flag for flag in arg_parser._option_string_actions if flag.startswith("--")]  # pyright: ignore[reportPrivateUsage]

        def refuse(message: str) -> NoReturn:
            raise refusal(message, self.words, flags, self.available_passes)

        arg_parser.error = refuse

    def parse_chunk(
        self, chunk: IO[bytes], file_extension: str, start_offset: int = 0
    ) -> ModuleOp | None:
        try:
            module = super().parse_chunk(chunk, file_extension, start_offset)
        except UnicodeDecodeError:
            raise UserError(f"{self.get_input_name()}: it is no text") from None
        if module is not None and self.args.set_target is not None:
            from dovetail.commands.compiling import choose_target  # noqa: PLC0415

            named = None if self.args.set_target == "host" else self.args.set_target
            module.attributes["target"] = TargetAttr.of(choose_target(named, None))
        return module

    def setup_pipeline(self) -> None:
        given = {
            "-p": self.args.passes or None,
            "--pass-pipeline": self.args.pass_pipeline,
            "--pipeline": self.args.pipeline,
        }
        flags = [flag for flag, text in given.items() if text is not None]
        if len(flags) > 1:
            raise UserError(f"{' and '.join(flags)} are the same: give one of them")
        if self.args.pipeline is not None:
            from dovetail.pipelines import PIPELINES  # noqa: PLC0415

            if self.args.pipeline not in PIPELINES:
                known = nearest(self.args.pipeline, PIPELINES)
                raise UserError(f"no pipeline is named '{self.args.pipeline}': {known}")
            self.passes = PIPELINES[self.args.pipeline]
        else:
            flag = flags[0] if flags else "-p"
            self.passes = parse_passes(Source.of(flag, given[flag] or ""), self.available_passes)
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

    def check_target(self) -> None:
        """Refuse options that the output format does not have, before anything runs."""
        spec = parse_spec(self.args.target)
        factory = self.available_targets[spec.name]
        if spec.parameters and not signature(factory).parameters:
            try:
                cast(Callable[[], type[Target]], factory)().from_spec(spec)
            except ValueError as error:
                raise UserError(f"-t {self.args.target}: {error}") from None
        loaded = cast(Callable[[], type[Target]], factory)
        named: object = factory if signature(factory).parameters else loaded()
        if getattr(named, "binary", False) and self.args.output_file is None:
            raise UserError(f"-t {spec.name} writes bytes, which are no text: give -o FILE")

    def prepare_input(self) -> tuple[list[tuple[IO[bytes], int]], str]:
        """The input, opened; how to read it has to be known."""
        if self.args.input_file is not None and self.args.frontend is None:
            check_ending(Path(self.args.input_file), self.available_frontends)
        return super().prepare_input()

    def apply_passes(self, prog: ModuleOp) -> None:
        """Run the pipeline; what a pass raises says which pass it was."""
        try:
            super().apply_passes(prog)
        except PassFailedException as error:
            if self.instruments.running is not None:
                error.args = (f"pass '{self.instruments.running}' failed: {error}",)
            raise
        except (UserError, DiagnosticException):
            raise
        except Exception as error:
            if self.instruments.running is not None:
                error.add_note(
                    f"  in pass '{self.instruments.running}'; `dovetail reduce -- COMMAND` makes "
                    "a command that fails small"
                )
            raise

    def prepare_output(self) -> IO[str]:
        self.held = HeldText()
        return sys.stdout if self.args.output_file is None else self.held

    def run(self) -> None:
        """Run the driver; the output file appears whole, and only if nothing went wrong."""
        self.check_target()
        try:
            super().run()
        except ParseError as error:
            raise parse_error(error, self.ctx) from None
        self.exit_code = self.instruments.finish()
        if self.exit_code == 0 and self.args.output_file is not None:
            data = self.held.getvalue().encode(errors=BYTES)
            try:
                write_atomically(Path(self.args.output_file), data)
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
        driver = DovetailOptMain(words)
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
    except DiagnosticException as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ArgSpecParseError as error:
        *_, reason = str(error).strip().splitlines()
        print(f"error: {UserError(reason.strip(), str(error).strip())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    finally:
        Diagnostic.colored, Attribute.__post_init__ = highlight, check
    return driver.exit_code


def main() -> None:
    sys.exit(run())
