"""Tasks: what is tuned. A kernel in naive loops, for a target.

The task's hash is the structural one of the function as schedule-kernels takes it, so kernels that
differ in names only are one task, and what was learned of one of them serves all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.universe import Universe

from dialects.target import Target


@dataclass(frozen=True)
class Task:
    """A kernel to tune.

    `text` is a module with its function in naive loops, the target as its attribute, and the tensor
    instructions that it may call. `count` is how often the model calls it.
    """

    name: str
    hash: str
    target: Target
    text: str
    count: int = 1

    @property
    def threads(self) -> int:
        """How many threads its kernels run on."""
        return self.target.number("num-threads") or 1

    def module(self) -> ModuleOp:
        """A module of its own, to be scheduled."""
        context = Context()
        for name, factory in Universe.get_multiverse().all_dialects.items():
            context.register_dialect(name, factory)
        return Parser(context, self.text).parse_module()

    def function(self, module: ModuleOp) -> func.FuncOp:
        """The function of that name in a module of the task."""
        for op in module.ops:
            if isinstance(op, func.FuncOp) and op.sym_name.data == self.name:
                return op
        raise AssertionError(f"the module has no function @{self.name}")


FailureKind = Literal["refused", "not compiled", "crashed", "too slow", "too large", "wrong"]
"""A primitive refused; no code came out; the process died; it took longer than its deadline; it
took more memory than it may; the results are not those of the task."""


@dataclass(frozen=True)
class Failure:
    """Why a candidate has no cost; the text is what there is to say about it."""

    kind: FailureKind
    text: str


@dataclass(frozen=True)
class Outcome:
    """What measuring a candidate gave: a cost in seconds or cycles, or a failure.

    `samples` are all figures that the cost was chosen from, in the order of measuring: for each
    repeat the seconds by the wall clock and by the thread's, on an accelerator the cycles.
    `reference` is what the reference kernel took in the same rounds.
    """

    cost: float | None
    samples: Sequence[Sequence[float]] = ()
    failure: Failure | None = None
    reference: float | None = None
