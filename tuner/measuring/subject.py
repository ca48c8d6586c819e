"""The child's view of a task: its loops, and the candidates that schedules make of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from backends.interpreter.buffers import empty, pack, unpack
from dovetail.execution.signature import Signature, signature_of
from dovetail.frontend.text import text_context
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.universe import installed
from tuner.measuring.expected import Expected
from tuner.measuring.messages import Array
from tuner.task import Task

SCHEDULING, COMPILING, RUNNING = "scheduling", "compiling", "running"
"""The stages of a candidate."""

Note = Callable[[str, str], None]
"""Says which stage begins, and what happens there."""


class WrongError(Exception):
    """A candidate that does something else than its task."""


@dataclass(frozen=True)
class Candidate:
    """A scheduled kernel; `physical` gives the arrays of its arguments, in their own layouts."""

    module: ModuleOp
    function: func.FuncOp
    signature: Signature
    expected: Expected

    @property
    def arguments(self) -> Sequence[SSAValue]:
        return self.function.body.block.args

    def logical(self, run: int) -> dict[SSAValue, Array]:
        """The arguments before the first or the second run."""
        signature, expected = self.signature, self.expected
        given = dict(zip(signature.inputs, expected.inputs.arrays, strict=True))
        given.update((value, weight.data.array) for value, weight in signature.weights)
        given.update(zip(signature.outputs, expected.starts[run], strict=True))
        return given

    def physical(self, run: int) -> list[Array]:
        """The arguments as they lie in memory."""
        given = self.logical(run)
        found: list[Array] = []
        value: SSAValue
        for value in self.arguments:
            assert isinstance(value.type, MemRefType), f"{value.type} is no buffer"
            found.append(
                np.ascontiguousarray(pack(given[value], value.type))
                if value in given
                else empty(value.type, {})
            )
        return found

    def is_output(self) -> list[bool]:
        """For each argument, whether it may be changed."""
        free = {*self.signature.outputs, *self.signature.scratch}
        return [value in free for value in self.arguments]

    def check(self, arrays: Sequence[Array]) -> None:
        """Refuse results that are not those of the task; `arrays` lie as the arguments do."""
        after = dict(zip(self.arguments, arrays, strict=True))
        results: list[Array] = []
        for value in self.signature.outputs:
            assert isinstance(value.type, MemRefType)
            results.append(unpack(after[value], value.type))
        self.check_results(results)

    def check_results(self, results: list[Array]) -> None:
        """Refuse logical results that are not those of the task."""
        wrong = self.expected.wrong(results)
        if wrong is not None:
            raise WrongError(wrong)


@dataclass
class Subject:
    """The task that a child works on."""

    task: Task
    expected: Expected
    module: ModuleOp = field(init=False)

    def __post_init__(self) -> None:
        self.module = self.task.module()

    def candidate(self, schedule: str, backend: Sequence[ModulePass], note: Note) -> Candidate:
        """The kernel that a schedule makes, lowered by the passes of `backend`."""
        note(SCHEDULING, "")
        module, context = self.module.clone(), text_context()
        steps = parse_passes(Source("schedule", schedule), installed().all_passes)
        for step in steps:
            note(SCHEDULING, str(step))
            step.apply(context, module)
        module.verify()
        note(COMPILING, "")
        for step in backend:
            step.apply(context, module)
        function = self.task.function(module)
        signature = signature_of(function, len(self.expected.inputs.start))
        return Candidate(module, function, signature, self.expected)
