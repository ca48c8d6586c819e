"""From a mismatch that --verify-each=run found to a small case in two files."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass, PassPipeline

from analysis.errors import UserError
from analysis.files import write_atomically
from backends.interpreter.dims import value_name
from backends.interpreter.scalars import Array
from dovetail.commands.arrays import write_npz
from dovetail.execution.signature import signature_of
from dovetail.frontend.text import text_context
from dovetail.instruments.verify_ir import VerifyIR
from dovetail.instruments.verify_run import Mismatch, MismatchError, RunOptions, VerifyRun
from dovetail.reducing import strategies
from dovetail.reducing.case import Case, Reducer, Strategy
from dovetail.weights import settle_weights

STRUCTURE: tuple[Strategy, ...] = (
    strategies.fewer_symbols,
    strategies.fewer_attributes,
    strategies.fewer_results,
    strategies.fewer_operations,
    strategies.plain_weights,
    strategies.smaller_extents,
)

TRIAL_SECONDS = 5
"""The budget of one execution while reducing."""


@dataclass(frozen=True)
class ReducedCase:
    """A small case that still shows a mismatch, and the mismatch that it shows."""

    case: Case
    mismatch: Mismatch


def mismatch_of(case: Case, seed: int) -> Mismatch | None:
    """The mismatch that a pipeline shows, if it runs and shows one."""
    module = case.module.clone()
    watcher = VerifyRun(RunOptions(seed, TRIAL_SECONDS), arrays=case.inputs)
    check = VerifyIR()

    def both(before: ModulePass | None, inner: ModuleOp, after: ModulePass | None) -> None:
        check(before, inner, after)
        watcher(before, inner, after)

    try:
        PassPipeline(case.passes, both).apply(text_context(), module)
    except MismatchError as error:
        return error.mismatch
    except Exception:
        return None  # a pass may fail in any way on half a program; that is another failure
    return None


def reduce_mismatch(
    found: Mismatch,
    seed: int,
    seconds: float,
    tell: Callable[[int, int], None] = lambda trials, size: None,
    with_inputs: bool = True,
) -> ReducedCase:
    """A small case of a mismatch: the function, its extents, and its inputs if they are wanted."""
    latest = found

    def oracle(case: Case) -> bool:
        nonlocal latest
        mismatch = mismatch_of(case, seed)
        if mismatch is None:
            return False
        latest = mismatch
        return True

    whole = Case(found.before, (found.culprit,))
    case = Reducer(oracle, STRUCTURE, seconds=seconds, tell=tell).reduce(whole)
    function = root_of(case.module)
    if with_inputs and function is not None and latest.function == function.sym_name.data:
        given = replace(case, inputs=latest.inputs)
        if oracle(given):
            reducer = Reducer(oracle, (strategies.fewer_inputs,), seconds=seconds, tell=tell)
            case = reducer.reduce(given)
    oracle(case)
    return ReducedCase(case, latest)


def root_of(module: ModuleOp) -> FuncOp | None:
    """The only function that no other one calls."""
    roots = [f for f in strategies.functions(module) if not strategies.is_called(f, module)]
    return roots[0] if len(roots) == 1 else None


def write_case(reduced: ReducedCase, stem: str, seed: int) -> list[str]:
    """Write `<stem>.mlir` and `<stem>.npz`; the lines that tell of them."""
    case, path = reduced.case, Path(f"{stem}.mlir")
    options = [f"seed={seed}"] if seed else []
    names = [str(path)]
    if case.inputs is not None:
        write_npz(Path(f"{stem}.npz"), named_arrays(case))
        options.append(f'inputs="{stem}.npz"')
        names.append(f"{stem}.npz")
    options.append('reduced=""')  # a replay leaves the files alone
    run = f"run{{{' '.join(options)}}}"
    pipeline = ",".join(str(p) for p in case.passes)
    command = f"dovetail-opt {path} -p '{pipeline}' --verify-each='{run}'"
    module = case.module.clone()
    settle_weights(module, path, elide=False)
    header = f"// {reduced.mismatch}\n// {command}\n\n"
    write_atomically(path, (header + str(module) + "\n").encode())
    nonzero = sum(int(np.count_nonzero(a)) for a in case.inputs or ())
    size = sum(1 for _ in case.module.walk()) - 1
    inputs = "" if case.inputs is None else f", {nonzero} inputs that are not zero"
    return [f"reduced to {size} operations{inputs}: {', '.join(names)}", f"replay: {command}"]


def named_arrays(case: Case) -> dict[str, Array]:
    """The inputs of a case by the names of the arguments."""
    function = root_of(case.module)
    assert function is not None and case.inputs is not None
    found: dict[str, Array] = {}
    for value, array in zip(signature_of(function).inputs, case.inputs, strict=True):
        name = value_name(value).removeprefix("%")
        found[name if name not in found else f"{name}_{len(found)}"] = array
    return found


def report(options: RunOptions, found: Mismatch) -> tuple[str, ...]:
    """Reduce a mismatch, with progress on stderr, write it, and say where it is."""
    if not options.reduced:
        return ()
    with Console(stderr=True).status("reducing the mismatch") as status:

        def tell(trials: int, size: int) -> None:
            status.update(f"reducing the mismatch: {size} operations after {trials} trials")

        reduced = reduce_mismatch(found, options.seed, options.budget_s, tell)
    try:
        return tuple(write_case(reduced, options.reduced, options.seed))
    except (OSError, UserError) as error:
        return (f"the reduced case could not be written: {error}",)
