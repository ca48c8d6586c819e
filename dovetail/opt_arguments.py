"""The arguments of `dovetail-opt`: those of `xdsl-opt`, MLIR's names for what it has, our own."""

import argparse
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from xdsl.xdsl_opt_main import VersionAction

from analysis.errors import UserError, nearest

DESCRIPTION = "Reads a module, runs passes over it, prints it."
EPILOG = """\
examples:
  dovetail-opt f.mlir -p 'lower-te-to-loop,split-loop{loop=y factor=6}' -t asm
  dovetail-opt f.mlir -p @schedule.pipeline --mlir-print-ir-after-change
  dovetail-opt --help-pass split-loop
"""


def describe_arguments(parser: argparse.ArgumentParser, frontends: Iterable[str]) -> None:
    """Give `parser` every argument of the driver, in groups."""
    parser.usage = "%(prog)s [FILE] [-p PASSES] [-t TARGET] [-o FILE] [ARGUMENT ...]"
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    _input(parser.add_argument_group("input"), frontends)
    _passes(parser.add_argument_group("passes"))
    _output(parser.add_argument_group("output"))
    _between_passes(parser.add_argument_group("between passes"))
    _for_tests(parser.add_argument_group("for tests"))


def _flag(group: Any, name: str, help: str) -> None:
    group.add_argument(name, action="store_true", help=help)


def _input(group: Any, frontends: Iterable[str]) -> None:
    group.add_argument("input_file", nargs="?", metavar="FILE", help="default: standard input")
    group.add_argument(
        "-f",
        "--frontend",
        choices=list(frontends),
        help="how to read it (default: by the ending of its name)",
    )
    _flag(group, "--split-input-file", "`// -----` lines separate modules, each run by itself")
    group.add_argument(
        "--dim",
        action="append",
        default=[],
        metavar="NAME=SIZE",
        help="the size of a symbolic dimension of an ONNX model",
    )
    group.add_argument(
        "--random-weights",
        type=int,
        metavar="SEED",
        help="random weights in the place of an ONNX model's own",
    )
    group.add_argument(
        "--set-target",
        metavar="TARGET",
        help="the device to compile for, an attribute of the module: 'llvm -mcpu=NAME', or host",
    )
    _flag(group, "--allow-unregistered-dialect", "read operations of unknown dialects")
    _flag(group, "--no-implicit-module", "the text holds its module itself")


def _passes(group: Any) -> None:
    group.add_argument(
        "-p",
        "--passes",
        default="",
        help="a pipeline such as 'a,b{x=1 y=\"z\"},c', or @FILE that holds one",
    )
    group.add_argument(
        "--pass-pipeline",
        metavar="PASSES",
        help="the same, by MLIR's name; 'builtin.module(...)' around it is optional",
    )
    group.add_argument(
        "--pipeline", metavar="NAME", help="a pipeline of the compiler's own: cpu, cpu-kernel"
    )
    _flag(group, "--list-passes", "print the passes there are, a line each")
    group.add_argument(
        "--help-pass", metavar="NAME", help="print what a pass does, its options, an example"
    )


def _output(group: Any) -> None:
    group.add_argument("-t", "--target", default="mlir", help="what to print (default: mlir)")
    _flag(group, "--list-targets", "print the names that -t takes")
    group.add_argument("-o", "--output-file", metavar="FILE", help="default: standard output")
    _flag(group, "--no-locations", "print no locations, even if there are any")
    _flag(group, "--print-debuginfo", "print locations, even if there are none")
    group.add_argument(
        "--weights",
        choices=("keep", "elide"),
        default="keep",
        help="print new weights to the sidecar of -o FILE, or leave their contents out",
    )
    _flag(group, "--print-op-generic", "print operations in the generic form")
    _flag(group, "--print-no-properties", "print properties as attributes")
    _flag(group, "--syntax-highlight", "print with colours")


def _between_passes(group: Any) -> None:
    group.add_argument(
        "--verify-each",
        default="true",
        metavar="[=run]",
        help="also run the module before and after each pass, and compare: "
        "--verify-each=run{seed=0 budget-s=60}; the verifiers of the IR run anyway",
    )
    _flag(group, "--disable-verify", "let the verifiers of the IR rest")
    for place in ("before", "after"):
        group.add_argument(
            f"--mlir-print-ir-{place}",
            action="append",
            default=[],
            metavar="NAME",
            help=f"print the module to stderr {place} these passes (repeatable)",
        )
        _flag(group, f"--mlir-print-ir-{place}-all", f"print it {place} each pass")
    _flag(group, "--mlir-print-ir-after-change", "print it after passes that changed it, only")
    group.add_argument(
        "--mlir-print-ir-tree-dir",
        metavar="DIR",
        help="write it into DIR as it was read and after each pass, a file each",
    )
    _flag(group, "--mlir-timing", "print how long each pass took, and what it did to the size")
    group.add_argument("--mlir-timing-json", metavar="FILE", help="write the same as JSON")
    _flag(group, "--print-between-passes", "xdsl-opt's: print the module between passes to stdout")
    _flag(group, "--time-passes", "xdsl-opt's: print the time of each pass to stdout")


def _for_tests(group: Any) -> None:
    _flag(group, "--verify-diagnostics", "print a verifier's error and go on; exit with 0")
    _flag(group, "--parsing-diagnostics", "print a parser's error and go on; exit with 0")
    _flag(group, "--shrink", "exit with 0 if ShrinkException was raised, else with 1")
    group.add_argument("-v", "--version", action=VersionAction, help="print xDSL's version")


INVALID_CHOICE = re.compile(r"argument ([^:]+): invalid choice: '(.*?)' \(choose from (.*)\)")
UNRECOGNIZED = "unrecognized arguments: "


def refusal(
    message: str, words: Sequence[str], flags: Collection[str], passes: Collection[str]
) -> UserError:
    """What argparse refused in `words`, with what was probably meant."""
    chosen = INVALID_CHOICE.fullmatch(message)
    if chosen is not None:
        flag, name, choices = chosen.groups()
        known = [choice.strip("'") for choice in choices.split(", ")]
        return UserError(f"{flag.split('/')[0]} takes no '{name}': {nearest(name, known)}")
    if message.startswith(UNRECOGNIZED):
        unknown = message.removeprefix(UNRECOGNIZED)
        return UserError(f"{unknown}: {unrecognized(unknown.split()[0], words, flags, passes)}")
    return UserError(f"{message} (see dovetail-opt --help)")


def unrecognized(
    word: str, words: Sequence[str], flags: Collection[str], passes: Collection[str]
) -> str:
    """Why a word cannot stand where it stands."""
    if any(text.count("{") != text.count("}") for text in words):
        return "the shell cut a pipeline at its blanks; put it in quotes: -p 'a,b{x=1 y=2}'"
    if word.startswith("-"):
        flag = word.partition("=")[0]
        name = flag.lstrip("-")
        if name in passes:
            return f"passes have no flags of their own: -p {name}"
        return f"there is no such flag: {nearest(flag, flags)}"
    if word.partition("{")[0] in passes:
        return "passes stand behind -p with commas between them and no blanks: -p 'a,b{x=1}'"
    if "--verify-each=true" in words and word.startswith("run"):
        return f"an equals sign stands in between: --verify-each={word}"
    if word.endswith(".pipeline"):
        return f"a file with a pipeline stands behind -p: -p @{word}"
    return "one FILE is read at a time"


def check_ending(path: Path, frontends: Collection[str]) -> None:
    """Refuse a file whose name does not say how to read it."""
    ending = path.suffix.removeprefix(".")
    if ending in frontends or not path.is_file():
        return
    if ending == "pipeline":
        raise UserError(f"{path} is no module; a file with a pipeline stands behind -p: -p @{path}")
    known = " or ".join(f".{name}" for name in frontends)
    raise UserError(
        f"{path}: nothing reads files that end in '{path.suffix}': rename it to end in {known}, "
        f"or say how to read it: -f {next(iter(frontends))}"
    )
