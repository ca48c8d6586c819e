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

SCHEDULING, COMPILING, RUNNING, CHECKING = "scheduling", "compiling", "running", "checking"
"""The stages of a candidate."""

PACKED_BYTES = 1 << 28
"""Inputs that take more are laid out anew for each candidate."""

Note = Callable[[str, str], None]
"""Says which stage begins, and what happens there."""


class WrongError(Exception):
    """A candidate that does something else than its task."""


@dataclass(frozen=True)
class Candidate:
    """A scheduled kernel: its arguments may lie in memory in other ways than the task's."""

    module: ModuleOp
    function: func.FuncOp
    signature: Signature
    subject: "Subject"

    @property
    def arguments(self) -> Sequence[SSAValue]:
        return self.function.body.block.args

    @property
    def names(self) -> list[str]:
        """What the arguments are called."""
        return [value.name_hint or f"argument {i}" for i, value in enumerate(self.arguments)]

    def logical_inputs(self) -> dict[SSAValue, Array]:
        """What is only read."""
        given = dict(zip(self.signature.inputs, self.subject.expected.inputs.arrays, strict=True))
        given.update((value, weight.data.array) for value, weight in self.signature.weights)
        return given

    def logical_starts(self, run: int) -> dict[SSAValue, Array]:
        """What outputs hold before the first or the second run."""
        return dict(zip(self.signature.outputs, self.subject.expected.starts[run], strict=True))

    def inputs(self) -> dict[int, Array]:
        """What is only read as it lies in memory, by the number of the argument."""
        given = self.logical_inputs()
        return {
            number: self.subject.packed(number, memref_of(value), given[value])
            for number, value in enumerate(self.arguments)
            if value in given
        }

    def starts(self, run: int) -> dict[int, Array]:
        """What all other arguments hold before a run."""
        given, read = self.logical_starts(run), self.logical_inputs()
        return {
            number: pack(given[value], memref_of(value))
            if value in given
            else empty(memref_of(value), {})
            for number, value in enumerate(self.arguments)
            if value not in read
        }

    def check(self, arrays: Sequence[Array]) -> None:
        """Refuse results that are not those of the task; `arrays` lie as the arguments do."""
        after = dict(zip(self.arguments, arrays, strict=True))
        results: list[Array] = []
        for value in self.signature.outputs:
            results.append(unpack(after[value], memref_of(value)))
        self.check_results(results)

    def check_results(self, results: list[Array]) -> None:
        """Refuse logical results that are not those of the task."""
        wrong = self.subject.expected.wrong(results)
        if wrong is not None:
            raise WrongError(wrong)


def memref_of(value: SSAValue) -> MemRefType:
    """The type of a buffer."""
    assert isinstance(value.type, MemRefType), f"{value.type} is no buffer"
    return value.type


@dataclass
class Subject:
    """The task that a child works on."""

    task: Task
    expected: Expected
    module: ModuleOp = field(init=False)
    packings: dict[tuple[int, str], Array] = field(
        default_factory=dict[tuple[int, str], Array], init=False
    )
    """Inputs as they lie in memory, by argument and type: many candidates share them."""

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
        return Candidate(module, function, signature, self)

    def packed(self, number: int, type: MemRefType, array: Array) -> Array:
        """An input as it lies in memory."""
        key = number, str(type)
        if key not in self.packings:
            if sum(a.nbytes for a in self.packings.values()) > PACKED_BYTES:
                self.packings.clear()
            self.packings[key] = np.ascontiguousarray(pack(array, type))
        return self.packings[key]
