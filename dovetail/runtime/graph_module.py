"""Runs a compiled network step by step: set inputs, run, get outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from analysis.errors import UserError, nearest
from dovetail.runtime.buffers import Array
from dovetail.runtime.program import Program

DEVICES = ("cpu",)


@dataclass(frozen=True)
class Context:
    """A device that arrays and modules are on."""

    device: str
    index: int = 0

    def __str__(self) -> str:
        return f"{self.device}({self.index})"


CPU = Context("cpu")


def cpu(index: int = 0) -> Context:
    """The processor of this machine."""
    return Context("cpu", index)


def check_context(ctx: Context) -> None:
    """Refuse a device that this runtime does not have."""
    if ctx.device not in DEVICES or ctx.index != 0:
        raise UserError(f"there is no device {ctx}; this runtime has cpu(0)")


class Compiled(Protocol):
    """What the compiler makes of a network."""

    def program(self) -> Program:
        """The program, loaded into this process."""
        ...


class GraphModule:
    """A network that is being run."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._inputs: dict[str, ArrayLike] = {}
        self._outputs: Mapping[str, Array] | None = None

    def set_input(self, **values: ArrayLike) -> None:
        """Set inputs by name; they stay set for the runs that follow."""
        known = [tensor.name for tensor in self.program.inputs]
        for name in values:
            if name not in known:
                raise UserError(f"no input is called '{name}': {nearest(name, known)}")
        self._inputs.update(values)

    def run(self, **values: ArrayLike) -> None:
        """Compute the outputs from the inputs that are set, and from `values`."""
        self.set_input(**values)
        self._outputs = self.program.run(self._inputs)

    def get_output(self, index: int, out: Array | None = None) -> Array:
        """An output of the last run, copied into `out` if it is given."""
        if self._outputs is None:
            raise UserError("there are no outputs before the first run")
        names = list(self._outputs)
        if not 0 <= index < len(names):
            raise UserError(f"there is no output {index}: the outputs are {', '.join(names)}")
        found = self._outputs[names[index]]
        if out is None:
            return found
        if out.shape != found.shape or out.dtype != found.dtype:
            raise UserError(
                f"output '{names[index]}' is {found.dtype}{list(found.shape)}, "
                f"the array for it {out.dtype}{list(out.shape)}"
            )
        np.copyto(out, found)
        return out


def create(graph: object, lib: Compiled, ctx: Context = CPU) -> GraphModule:
    """The module that runs `lib` on a device; `graph` is what it was compiled from."""
    check_context(ctx)
    return GraphModule(lib.program())
