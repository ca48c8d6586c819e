"""Random programs under random schedules: what primitives accept keeps the results, what they
refuse for a dependence has a witness that is true.

    python tests/support/schedule_property.py [SEQUENCES [SEED [FOLDER]]]

A program of tensors is drawn, then up to twelve primitives that were accepted. The loops must
compute, in the interpreter and as machine code, what the interpreter of tensor expressions says. A
failure is made small and written as `<folder>/<seed>.mlir`, with its pipeline in the first lines.
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import random_schedules
from native import Machine, apply, context, parse
from native import execute as run_natively
from random_programs import random_program
from random_schedules import Attempt, attempts, function_of, is_emitted, text_of
from rich.console import Console
from rich.progress import track
from rich.table import Table
from witnesses import confirm, race_of
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline

from analysis.errors import UserError
from backends.interpreter.buffers import pack, unpack
from backends.interpreter.loop import run_loop
from backends.interpreter.te import run_te
from dovetail.execution.comparing import compare
from dovetail.execution.inputs import Inputs, possible_inputs
from dovetail.execution.signature import signature_of
from dovetail.reducing import strategies
from dovetail.reducing.case import Case, Reducer
from passes.te.lower_te_to_loop import LowerTeToLoopPass

STEPS, TRIES = 12, 36
"""Accepted primitives of a sequence at most, and draws."""

REDUCE_SECONDS = 60

PART = 10
"""The sequences of one job."""


def inputs_of(module: ModuleOp) -> tuple[Inputs, list[np.ndarray]]:
    """Inputs that a function of tensors takes, and its results."""
    function = function_of(module)
    for inputs in possible_inputs(signature_of(function), seed=0):
        try:
            return inputs, list(run_te(function, inputs.arrays, inputs.dims))
        except UserError:
            continue
    raise UserError("no inputs fit the function")


def interpreted(module: ModuleOp, inputs: Inputs) -> list[np.ndarray]:
    """The results of a function of loops in the interpreter."""
    function = function_of(module)
    types = [a.type for a in function.body.block.args]
    arrays = [*inputs.arrays, *inputs.start]
    buffers = [pack(a, t, inputs.dims) for a, t in zip(arrays, types, strict=True)]
    run_loop(function, buffers, inputs.dims)
    results = list(zip(buffers, types, strict=True))[len(inputs.arrays) :]
    return [unpack(buffer, type, inputs.dims) for buffer, type in results]


def wrong(tensors: ModuleOp, steps: Sequence[ModulePass], threads: int = 2) -> str | None:
    """What is wrong with a program under a schedule; None if nothing is."""
    inputs, expected = inputs_of(tensors)
    module = tensors.clone()
    PassPipeline((LowerTeToLoopPass(), *steps)).apply(context(), module)
    module.verify()
    found = compare(expected, interpreted(module, inputs), inputs.exact)
    if found.difference is not None:
        return f"interpreter: {found.difference.describe('result')}"
    race = race_of(module, dict(inputs.dims))
    if race is not None:
        return race
    if is_emitted(module):
        machine = Machine(parse(str(module)))
        found = compare(
            expected, run_natively(machine, *inputs.arrays, threads=threads), inputs.exact
        )
        if found.difference is not None:
            return f"machine code: {found.difference.describe('result')}"
    return None


@dataclass
class Tally:
    """What became of the primitives of many sequences."""

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    sequences: int = 0

    def note(self, attempt: Attempt) -> None:
        name = attempt.step.name
        if attempt.error is None:
            self.accepted[name] += 1
        else:
            self.refused[name, attempt.reason] += 1

    def add(self, other: "Tally") -> None:
        self.accepted += other.accepted
        self.refused += other.refused
        self.failures += other.failures
        self.sequences += other.sequences

    def table(self) -> Table:
        """A row for each primitive."""
        title = f"{self.sequences} sequences, {len(self.failures)} failures"
        table = Table("primitive", "accepted", "refused: dependence", "refused: other", title=title)
        for name in sorted(random_schedules.primitives()):
            refused = (self.refused[name, reason] for reason in ("dependence", "other"))
            table.add_row(name, str(self.accepted[name]), *map(str, refused))
        return table


def witness_fault(attempt: Attempt, dims: dict[str, int]) -> str | None:
    """What is wrong with the witness of a refusal; None if there is none, or it is right."""
    error = attempt.error
    if error is None or attempt.reason != "dependence":
        return None
    line = next(d for d in error.details if " and then " in d)
    fault = confirm(attempt.before, attempt.step, error.message, line, dims)
    return None if fault is None else f"{fault}: {error}"


def run_sequence(seed: int, tally: Tally, folder: Path | None) -> None:
    """One program and one schedule; a failure is added to the tally."""
    rng = random.Random(seed)
    tensors = parse(random_program(rng))
    inputs, _ = inputs_of(tensors)
    steps: list[ModulePass] = []
    module = apply(tensors.clone(), "lower-te-to-loop")
    tally.sequences += 1
    wanted, tries, witnesses = rng.randint(1, STEPS), TRIES, 0
    try:
        for attempt in attempts(module, rng, wanted, tries):
            tally.note(attempt)
            if attempt.error is None:
                steps.append(attempt.step)
                module = attempt.after
            elif witnesses < 2 and attempt.reason == "dependence":
                witnesses += 1
                fault = witness_fault(attempt, dict(inputs.dims))
                if fault is not None:
                    tally.failures.append(
                        told(seed, tensors, [*steps, attempt.step], fault, folder)
                    )
        fault = wrong(tensors, steps)
    except Exception as error:  # a bug of a primitive is a failure like any other
        text = " ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])
        tally.failures.append(told(seed, tensors, steps, text, folder))
        return
    if fault is not None:
        tensors, steps = smaller(tensors, steps)
        tally.failures.append(told(seed, tensors, steps, fault, folder))


def smaller(tensors: ModuleOp, steps: list[ModulePass]) -> tuple[ModuleOp, list[ModulePass]]:
    """A small program and schedule that are wrong, too."""

    def fails(case: Case) -> bool:
        try:
            return wrong(case.module, case.passes) is not None
        except Exception:
            return False  # half a schedule may fail in any way; that is another failure

    ways = (
        strategies.fewer_passes,
        strategies.fewer_results,
        strategies.fewer_operations,
        strategies.smaller_extents,
    )
    case = Reducer(fails, ways, seconds=REDUCE_SECONDS).reduce(Case(tensors, tuple(steps)))
    return case.module, list(case.passes)


def told(
    seed: int, tensors: ModuleOp, steps: Sequence[ModulePass], fault: str, folder: Path | None
) -> str:
    """A failure as text, which is written to the folder if there is one."""
    head = [*f"seed {seed}: {fault}".splitlines(), f"pipeline: {text_of(steps)}"]
    text = "\n".join([*(f"// {line}" for line in head), f"{tensors!s}\n"])
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{seed}.mlir").write_text(text)
    return text


def run_part(seeds: range, folder: Path) -> Tally:
    """Some sequences, in a process of their own."""
    tally = Tally()
    for seed in seeds:
        run_sequence(seed, tally, folder)
    return tally


def main(sequences: int = 20_000, seed: int = 0, folder: str = "schedule-failures") -> int:
    """Run sequences on all cores, with progress; the exit code is 1 if one fails."""
    total, console = Tally(), Console(stderr=True)
    starts = range(seed, seed + sequences, PART)
    parts = [range(s, min(s + PART, seed + sequences)) for s in starts]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(run_part, part, Path(folder)) for part in parts]
        for job in track(as_completed(jobs), "random schedules", len(jobs), console=console):
            part = job.result()
            total.add(part)
            for failure in part.failures:
                console.print(failure.splitlines()[0], markup=False)
    Console().print(total.table())
    if total.failures:
        print(f"{len(total.failures)} failures, made small: {folder}/")
    return 1 if total.failures else 0


if __name__ == "__main__":
    given = sys.argv[1:]
    raise SystemExit(main(*map(int, given[:2]), *given[2:]))
