"""What may be wrong with a program under a schedule, and the smallest case of it.

A primitive may fail instead of refusing; it may refuse for a dependence that is not there; what it
accepts may compute something else, in the interpreter or as machine code, or have a race.
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from native import Machine, apply, parse
from native import execute as run_natively
from random_schedules import Attempt, attempt, function_of
from witnesses import confirm, race_of
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from analysis.errors import UserError
from backends.interpreter.buffers import pack, unpack
from backends.interpreter.loop import run_loop
from backends.interpreter.te import run_te
from dovetail.execution.comparing import compare
from dovetail.execution.inputs import Inputs, possible_inputs
from dovetail.execution.signature import signature_of
from dovetail.reducing import strategies
from dovetail.reducing.case import Case, Reducer

REDUCE_SECONDS = 60

THREADS = 2
"""The threads that run machine code."""


@dataclass(frozen=True)
class Fault:
    """Something that is wrong. Faults of one kind are taken to have one cause."""

    kind: str
    text: str

    @staticmethod
    def raised(error: Exception, step: ModulePass | None = None) -> "Fault":
        """An error that should not be; its kind is its class, and where it was raised."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} in {Path(frame.filename).stem}.{frame.name}"
        return Fault(kind, f"{kind}: {error}" + (f" (of {step})" if step is not None else ""))


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


def wrong(module: ModuleOp, inputs: Inputs, expected: Sequence[np.ndarray]) -> str | None:
    """What is wrong with the results of a function of loops; None if nothing is."""
    found = compare(expected, interpreted(module, inputs), inputs.exact)
    if found.difference is not None:
        return f"interpreter: {found.difference.describe('result')}"
    race = race_of(module, dict(inputs.dims))
    if race is not None:
        return race
    try:
        machine = Machine(apply(parse(str(module)), "expand-intrinsics"))
    except UserError:  # what the emitter cannot express
        return None
    found = compare(expected, run_natively(machine, *inputs.arrays, threads=THREADS), inputs.exact)
    if found.difference is not None:
        return f"machine code: {found.difference.describe('result')}"
    return None


def fault_of_results(
    module: ModuleOp, inputs: Inputs, expected: Sequence[np.ndarray]
) -> Fault | None:
    """What is wrong with what a schedule has made of a program."""
    try:
        text = wrong(module, inputs, expected)
    except Exception as error:
        return Fault.raised(error)
    return None if text is None else Fault(text.partition(":")[0], text)


def fault_of_attempt(made: Attempt, inputs: Inputs) -> Fault | None:
    """What is wrong with a primitive's failure, or with the witness of its refusal."""
    error = made.error
    if made.outcome == "failed":
        assert error is not None
        return Fault.raised(error, made.step)
    if made.outcome != "dependence":
        return None
    assert isinstance(error, UserError)
    line = next(d for d in error.details if " and then " in d)
    try:
        text = confirm(made.before, made.step, error.message, line, dict(inputs.dims))
    except Exception as other:
        return Fault.raised(other, made.step)
    return None if text is None else Fault("witness", f"witness: {text}: {error}")


def fault_of(tensors: ModuleOp, steps: Sequence[ModulePass]) -> Fault | None:
    """What is wrong with a program under a schedule: one of its steps, or the results."""
    inputs, expected = inputs_of(tensors)
    module = apply(tensors.clone(), "lower-te-to-loop")
    for step in steps:
        made = attempt(step, module)
        if made.after is None:
            return fault_of_attempt(made, inputs)
    return fault_of_results(module, inputs, expected)


def smaller(
    tensors: ModuleOp, steps: Sequence[ModulePass], fault: Fault
) -> tuple[ModuleOp, Sequence[ModulePass]]:
    """A small program and schedule with a fault of the same kind."""

    def fails(case: Case) -> bool:
        try:
            found = fault_of(case.module, case.passes)
        except Exception:  # what is left is no program that can be lowered and run
            return False
        return found is not None and found.kind == fault.kind

    ways = (
        strategies.fewer_passes,
        strategies.fewer_results,
        strategies.fewer_operations,
        strategies.smaller_extents,
    )
    case = Reducer(fails, ways, seconds=REDUCE_SECONDS).reduce(Case(tensors, tuple(steps)))
    return case.module, case.passes
