"""What a task computes: arguments, and the results that every candidate has to have.

The results come from the function in naive loops as written, run by the interpreter or by the
checked emitter (dovetail/execution/runner.py), so they share nothing with what is measured. The
arguments are small integers where these make all sums exact. Of a kernel too large for that in
reasonable time, a part of the results is compared.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects import func
from xdsl.ir import SSAValue

from analysis.errors import UserError
from backends.interpreter.buffers import poison
from dialects import loop
from dovetail.execution.comparing import compare
from dovetail.execution.inputs import Inputs, possible_inputs
from dovetail.execution.runner import NotRunError, Runner
from dovetail.execution.signature import signature_of
from dovetail.execution.slices import Slice
from passes.loop.primitive import block_of
from tuner.measuring.messages import Array, Frame

SEED = 0

BUDGET_SECONDS = 10.0
"""How long the naive loops may run, roughly; of those that would take longer a part is run."""


@dataclass(frozen=True)
class Expected:
    """Logical arguments of a function, and its logical results.

    `starts` are what the results' memory holds before each run. The first is seeded numbers, which
    count where a function reads its outputs; where it does not, the second is poison.
    """

    inputs: Inputs
    results: tuple[Array, ...]
    names: tuple[str, ...]
    part: Slice | None
    reads_outputs: bool

    @property
    def starts(self) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        first = self.inputs.start
        if self.reads_outputs:
            return first, first
        return first, tuple(np.full(a.shape, poison(a.dtype), a.dtype) for a in first)

    def wrong(self, results: list[Array]) -> str | None:
        """The first element in which results differ from the expected ones; None if none does."""
        if self.part is not None:
            mask = self.part.mask(results[0].shape)
            results = [np.where(mask, r, e) for r, e in zip(results, self.results, strict=True)]
        found = compare(self.results, results, self.inputs.exact).difference
        return None if found is None else found.describe(self.names[found.result])

    def frame(self) -> Frame:
        """As a message."""
        counts = [len(self.inputs.arrays), len(self.inputs.start)]
        header: dict[str, Any] = {
            "counts": counts,
            "exact": self.inputs.exact,
            "names": self.names,
            "part": None if self.part is None else self.part.ranges,
            "reads_outputs": self.reads_outputs,
        }
        return Frame(header, [*self.inputs.arrays, *self.inputs.start, *self.results])

    @staticmethod
    def of(frame: Frame) -> "Expected":
        """From a message."""
        header, arrays = frame.header, list(frame.arrays)
        given, started = header["counts"]
        part = header["part"]
        return Expected(
            Inputs(
                tuple(arrays[:given]), tuple(arrays[given : given + started]), {}, header["exact"]
            ),
            tuple(arrays[given + started :]),
            tuple(header["names"]),
            None if part is None else Slice(tuple(tuple((a, b) for a, b in axis) for axis in part)),
            header["reads_outputs"],
        )


def expect(function: func.FuncOp) -> Expected:
    """Run a function in naive loops; UserError where that cannot be done."""
    signature = signature_of(function)
    name = function.sym_name.data
    if signature.symbols:
        raise UserError(
            f"@{name} cannot be measured: its dimension {signature.symbols[0]} has no size; "
            "fix it when the model is read"
        )
    runner = Runner(budget_seconds=BUDGET_SECONDS)
    names = tuple(v.name_hint or f"result {i}" for i, v in enumerate(signature.outputs))
    reads = any(reads_first(function, value) for value in signature.outputs)
    refused: Exception | None = None
    for inputs in possible_inputs(signature, SEED):
        part = runner.part_of(function, inputs, SEED)
        try:
            results = runner.run(function, inputs, part)
        except (UserError, NotRunError) as error:
            refused = error
            continue
        return Expected(inputs, results, names, part, reads)
    raise UserError(f"@{name} cannot be measured: its own loops cannot be run: {refused}")


def reads_first(function: func.FuncOp, buffer: SSAValue) -> bool:
    """Whether a function may read what an output held before: reductions that begin there do."""
    return any(
        isinstance(op, loop.LoadOp) and op.memref is buffer and block_of(op).init is None
        for op in function.walk()
    )
