"""`dovetail bisect model.onnx -p PIPELINE`: the step that changes a result, as a small test."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
from rich.console import Console
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from analysis.errors import UserError
from analysis.files import write_atomically
from dialects.target import TargetAttr
from dovetail.commands.arguments import Parser, add_dims, add_target, parse_dims, positive
from dovetail.commands.arrays import write_npz
from dovetail.commands.compiling import choose_target
from dovetail.execution.runner import is_network
from dovetail.frontend.onnx import import_model, read_model
from dovetail.frontend.random_weights import random_weights
from dovetail.frontend.text import read_module
from dovetail.instruments.verify_run import Mismatch, RunOptions, VerifyRun
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.pipelines import CPU, CPU_KERNEL
from dovetail.reducing.bisecting import (
    EmissionMismatch,
    NodeMismatch,
    emission_mismatch,
    import_mismatch,
    pass_mismatch,
    smaller_node,
)
from dovetail.reducing.case import Case, Reducer
from dovetail.reducing.mismatch import STRUCTURE, reduce_mismatch
from dovetail.reducing.strategies import functions
from dovetail.universe import installed
from dovetail.weights import settle_weights

DESCRIPTION = """Find the step that changes a result: the import of the model (--against onnx), a
pass of the pipeline, or the emission of machine code; then the smallest graph or function and the
smallest shapes that show it, written as a filecheck test. Exit code 1 if there is one, 3 if none
was found but not everything could be run."""

FOUND = 1


def run(args: Sequence[str]) -> int:
    """Look for the step; returns 0 where no step changes a result, 3 where not all of them ran."""
    parser = Parser("dovetail bisect", description=DESCRIPTION)
    add = parser.add_argument
    add("model", type=Path, help="an .onnx or .mlir file")
    add("-p", "--passes", metavar="PIPELINE", help="passes, or @file (default: the CPU pipeline)")
    add(
        "--against",
        choices=("interpreter", "onnx"),
        default="interpreter",
        help="whether ONNX's reference implementation judges the import, too",
    )
    add("--seed", type=int, default=0, metavar="N", help="of the inputs (default: 0)")
    add("--seconds", type=positive, default=120, metavar="S", help="to make it small (120)")
    add("-o", "--output", type=Path, default=Path("bisect.mlir"), metavar="FILE", help="the test")
    add("--random-weights", type=int, metavar="SEED", help="in the place of a model's own")
    add_target(parser)
    add_dims(parser)
    options = parser.parse_args(args)
    dims = parse_dims(options.dim)
    is_model = options.model.suffix == ".onnx"
    if options.against == "onnx":
        if not is_model:
            raise UserError(f"{options.model}: --against onnx judges the import of an .onnx file")
        node = import_mismatch(options.model, dims, options.seed, options.random_weights)
        if node is not None:
            return tell_node(node, options.output)
        print("import: as ONNX's reference implementation", file=sys.stderr)
    module = read(options.model, dims, options.random_weights)
    if "target" not in module.attributes:
        module.attributes["target"] = TargetAttr.of(choose_target(options.target, options.threads))
    has_network = any(is_network(f) for f in functions(module))
    passes: Sequence[ModulePass] = CPU if has_network else CPU_KERNEL
    if options.passes is not None:
        known = installed().all_passes
        passes = parse_passes(Source.of("-p", options.passes), known)
    watcher = VerifyRun(RunOptions(seed=options.seed, reduced=""))
    with Console(stderr=True).status("running every function before and after each pass"):
        found = pass_mismatch(module, passes, watcher)
    if found is not None:
        return tell_pass(found, options.seed, options.seconds, options.output)
    wrong = emission_mismatch(module, options.seed, watcher.options.budget_s)
    if wrong is not None:
        return tell_emission(wrong, options.seed, options.seconds, options.output)
    code = watcher.finish()
    print(f"{options.model}: no step {'that ran ' if code else ''}changes a result")
    return code


def read(path: Path, dims: Mapping[str, int], weights_seed: int | None) -> ModuleOp:
    """The module of a file, with random weights if they have a seed."""
    if path.suffix != ".onnx":
        return read_module(path)
    if weights_seed is None:
        return import_model(path, dims=dims)
    return import_model(random_weights(read_model(path, str(path)), weights_seed), dims=dims)


def tell_node(node: NodeMismatch, output: Path) -> int:
    """Say which node it is, and write a model of it alone."""
    model, arrays = output.with_suffix(".onnx"), output.with_suffix(".npz")
    smallest = smaller_node(node)
    onnx.checker.check_model(smallest.model)
    write_atomically(model, smallest.model.SerializeToString())
    write_npz(arrays, smallest.inputs)
    print(f"{node}")
    print(f"  at its smallest: {smallest.place}")
    print(f"  a model of this node: {model}, its inputs: {arrays}")
    return FOUND


def tell_pass(found: Mismatch, seed: int, seconds: float, output: Path) -> int:
    """Say which pass it is, and write the test."""
    with Console(stderr=True).status(f"making it small: {found}"):
        reduced = reduce_mismatch(found, seed, seconds, with_inputs=False)
    verify = 'run{reduced=""}' if not seed else f'run{{seed={seed} reduced=""}}'
    pipeline = ",".join(str(p) for p in reduced.case.passes)
    command = f"dovetail-opt %s -p '{pipeline}' --verify-each='{verify}' | filecheck %s"
    check = f"// CHECK: @{reduced.mismatch.function}"
    return write_test(reduced.case, reduced.mismatch, found, f"// RUN: {command}", check, output)


def tell_emission(found: EmissionMismatch, seed: int, seconds: float, output: Path) -> int:
    """Say which function it is, and write the test."""
    latest = found

    def oracle(case: Case) -> bool:
        nonlocal latest
        try:
            mismatch = emission_mismatch(case.module, seed, 5)
        except Exception:
            return False  # the emitter may fail in any way on half a program; that is another bug
        latest = mismatch or latest
        return mismatch is not None

    with Console(stderr=True).status(f"making it small: {found}"):
        case = Reducer(oracle, STRUCTURE, seconds=seconds).reduce(Case(found.module))
    oracle(case)
    command = "// RUN: dovetail bisect %s -p '' | filecheck %s"
    return write_test(case, latest, found, command, "// CHECK: no step changes a result", output)


def write_test(
    case: Case,
    reason: Mismatch | EmissionMismatch,
    found: Mismatch | EmissionMismatch,
    command: str,
    check: str,
    output: Path,
) -> int:
    """Write a file that passes once the bug is mended."""
    module: ModuleOp = case.module.clone()
    settle_weights(module, output, elide=False)
    text = f"{command}\n// {reason}\n\n{module!s}\n\n{check}\n"
    write_atomically(output, text.encode())
    size = sum(1 for _ in module.walk()) - 1
    print(f"{found}")
    print(f"  in {size} operations: {reason}")
    print(f"  as a test: {output}")
    return FOUND
