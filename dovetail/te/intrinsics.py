"""Tensor instructions and memory scopes of accelerators, as a hardware designer declares them.

    y = t.compute((8, 8), lambda i, j: t.sum(w[i, k] * x[j, k], axis=k))
    gemm8x8 = t.decl_tensor_intrin(y.op, lower)

An instruction is IR text in the end (te.intrinsic): what it computes, and the names of the hardware
calls that compute it, begin it with zeros, or add to what is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.builder import Builder
from xdsl.ir import Block, Region
from xdsl.rewriter import InsertPoint

from analysis.errors import UserError
from dialects import te
from dialects.target import Target
from dovetail.te.emitting import compute_op, tensor_type
from dovetail.te.names import Named, settle
from dovetail.te.tensors import Compute, Operation, Tensor

MODES = ("r", "w", "rw")


@dataclass(frozen=True)
class MemoryScope:
    """A memory of a target that tiles can be placed in."""

    name: str
    target: Target

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class AccessPointer:
    """A place in an operand that a hardware call is given."""

    tensor: Tensor
    mode: str


@dataclass(frozen=True)
class Operand:
    """An operand of an instruction, as its lowering sees it."""

    tensor: Tensor

    def access_ptr(self, mode: str) -> AccessPointer:
        """The address of the operand, to be read (`r`), written (`w`) or both (`rw`)."""
        if mode not in MODES:
            raise UserError(f"access_ptr('{mode}'): the modes are {', '.join(MODES)}")
        return AccessPointer(self.tensor, mode)


@dataclass(frozen=True)
class HardwareCall:
    """A call of the hardware by its name."""

    name: str
    arguments: tuple[AccessPointer, ...]


def hardware_intrin(name: str, *arguments: AccessPointer) -> HardwareCall:
    """A call of the hardware with the addresses of operands."""
    return HardwareCall(name, arguments)


class TensorIntrinsic(Named):
    """A tensor instruction: of a library that `import-intrinsics` knows, or declared by a user."""

    def __init__(
        self,
        name: str | None,
        library: str | None = None,
        target: Target | None = None,
        op: Compute | None = None,
        calls: Sequence[str] = (),
        unit: str | None = None,
        needs: Sequence[str] = (),
        llvm: str = "",
    ) -> None:
        super().__init__(name or re.sub(r"\W", "_", calls[0]))
        self.library = library
        self.target = target
        self._op = op
        self._calls = tuple(calls)
        self._unit = unit
        self._needs = tuple(needs)
        self._llvm = tuple(line for line in llvm.splitlines() if line.strip())

    @property
    def declaration(self) -> te.IntrinsicOp:
        """The te.intrinsic of one that a user declared."""
        assert self._op is not None, f"@{self.name} is declared by library {self.library}"
        block = Block(arg_types=[tensor_type(value) for value in self._op.inputs])
        builder = Builder(InsertPoint.at_end(block))
        values = dict(zip(self._op.inputs, block.args, strict=True))
        for value, argument in values.items():
            argument.name_hint = value.name
        made = builder.insert(compute_op(self._op, dict(values), {}))
        made.results[0].name_hint = self._op.name
        builder.insert(te.YieldOp(*made.results))
        return te.IntrinsicOp(
            self.name,
            Region(block),
            *self._calls,
            unit=self._unit,
            features=self._needs,
            code=self._llvm,
        )


Lower = Callable[
    [list[Operand], list[Operand]], HardwareCall | tuple[HardwareCall, HardwareCall, HardwareCall]
]


def decl_tensor_intrin(
    op: Operation,
    lower: Lower,
    name: str | None = None,
    unit: str | None = None,
    needs: Sequence[str] = (),
    llvm: str = "",
) -> TensorIntrinsic:
    """Declare a tensor instruction that computes `op` of placeholders.

    `lower(inputs, outputs)` gives the hardware call that computes the result, or three: one that
    computes it, one that begins it, one that adds to it. `name` is that of the first call unless it
    is given, `unit` the execution unit that runs it. For a CPU `llvm` is the LLVM IR of functions
    with the names of the calls, and `needs` the features of the processor that they use, by LLVM's
    names (docs/cpu-instructions.md).
    """
    if not isinstance(op, Compute):
        raise UserError(f"{op.name} is a placeholder: an instruction computes something")
    for value in (*op.inputs, op.tensor):
        if any(not isinstance(size, int) for size in value.shape):
            raise UserError(f"{value}: the operands of an instruction have sizes, not symbols")
    for value in op.inputs:
        if isinstance(value.op, Compute):
            raise UserError(f"{value} is computed: an instruction is one t.compute of placeholders")
    settle(op.tensor, *op.inputs)
    given = lower([Operand(value) for value in op.inputs], [Operand(op.tensor)])
    calls = given if isinstance(given, tuple) else (given,)
    if len(calls) not in (1, 3):
        raise UserError(
            f"the lowering gives {len(calls)} calls: one that computes, or compute, reset, update"
        )
    for form, call in zip(("compute", "reset", "update"), calls, strict=False):
        check_call(form, call, op)
    names = [call.name for call in calls]
    if needs and not llvm:
        raise UserError(f"'{names[0]}' needs {', '.join(needs)}, but has no llvm text that uses it")
    return TensorIntrinsic(name, op=op, calls=names, unit=unit, needs=needs, llvm=llvm)


def check_call(form: str, call: HardwareCall, op: Compute) -> None:
    """Refuse a call that has not the operands that its form is about."""
    wanted = [op.tensor] if form == "reset" else [*op.inputs, op.tensor]
    given = [pointer.tensor for pointer in call.arguments]
    missing = [value.name for value in wanted if value not in given]
    extra = [value.name for value in given if value not in wanted]
    if missing or extra:
        wrong = f"it lacks {', '.join(missing)}" if missing else f"{', '.join(extra)} is too much"
        raise UserError(
            f"hardware_intrin('{call.name}'): as {form} it takes "
            f"{', '.join(value.name for value in wanted)}; {wrong}"
        )
    for pointer in call.arguments:
        if pointer.tensor is op.tensor and "w" not in pointer.mode:
            raise UserError(
                f"hardware_intrin('{call.name}'): it writes {op.name}, whose access_ptr is for "
                "reading"
            )
