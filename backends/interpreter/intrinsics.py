"""What a call of a tensor instruction does: the function of its te.intrinsic, on parts of buffers.

`compute` writes the result, `reset` the identity of its reducer, `update` combines the result with
what is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir.affine import AffineExpr, AffineMap

from analysis.errors import UserError
from backends.interpreter.arrays import OutOfBoundsError, compile_map
from backends.interpreter.buffers import Buffer, box_of, logical_view, write_all
from backends.interpreter.contraction import widen
from backends.interpreter.dims import find_symbol
from backends.interpreter.reducers import highest, lowest
from backends.interpreter.scalars import Array, dtype_of, to_dtype
from backends.interpreter.te import run_block
from dialects import te
from dialects.loop_hardware import IntrinsicOp


def call_intrinsic(
    op: IntrinsicOp, buffers: Sequence[Buffer], outer: Sequence[int], dims: Mapping[str, int]
) -> None:
    """Do what one call says to the buffers of its operands; `outer` are its index operands."""
    declared = declaration_of(op)
    arguments = declared.behaviour.block.args
    written, read = regions_of(op, buffers, outer)
    if op.form.data == "reset":
        for target, value in zip(written, identities_of(declared), strict=True):
            target.write(value)
        return
    given = iter([region.read() for region in read])
    scalars = iter(op.immediate_values)
    inputs = [
        next(given)
        if isinstance(a.type, TensorType)
        else np.asarray(next(scalars), dtype_of(a.type))
        for a in arguments
    ]
    results = run_block(declared.behaviour.block, inputs, dims)
    for target, result in zip(written, results, strict=True):
        if op.form.data == "update":
            result = fold_update(declared, target.read(), result)
        target.write(result)


def declaration_of(op: IntrinsicOp) -> te.IntrinsicOp:
    """The instruction that is called."""
    name = op.callee.string_value()
    declared = find_symbol(op, name)
    if not isinstance(declared, te.IntrinsicOp):
        raise UserError(f"loop.intrinsic: the module declares no te.intrinsic @{name}")
    check_operands(op, declared)
    return declared


def regions_of(
    op: IntrinsicOp, buffers: Sequence[Buffer], outer: Sequence[int]
) -> "tuple[list[Region], list[Region]]":
    """The parts of buffers that a call writes, and those that are its operands."""
    declared = declaration_of(op)
    last = declared.behaviour.block.last_op
    assert isinstance(last, te.YieldOp)
    tensors = [a for a in declared.behaviour.block.args if isinstance(a.type, TensorType)]
    regions = [
        Region(f"loop.intrinsic @{op.callee.string_value()}", buffer, value.type, place, outer)
        for buffer, value, place in zip(
            buffers,
            [*last.values, *(() if op.form.data == "reset" else tensors)],
            op.places,
            strict=False,
        )
    ]
    return regions[: op.writes.data], regions[op.writes.data :]


def check_operands(op: IntrinsicOp, declared: te.IntrinsicOp) -> None:
    """Refuse a call that does not have the operands its declaration asks for."""
    name = op.callee.string_value()
    last = declared.behaviour.block.last_op
    assert isinstance(last, te.YieldOp)
    arguments = declared.behaviour.block.args
    tensors = sum(isinstance(a.type, TensorType) for a in arguments)
    wanted = len(last.values), 0 if op.form.data == "reset" else tensors
    given = op.writes.data, len(op.tiles) - op.writes.data
    if given != wanted:
        raise UserError(
            f"loop.intrinsic @{name}: the form {op.form.data} has {wanted[0]} results and "
            f"{wanted[1]} tensors to read; {given[0]} and {given[1]} are given"
        )
    scalars = 0 if op.form.data == "reset" else len(arguments) - tensors
    if len(op.immediate_values) != scalars:
        raise UserError(
            f"loop.intrinsic @{name}: {len(op.immediate_values)} immediates are given for "
            f"{scalars} scalar arguments"
        )


@dataclass(frozen=True)
class Region:
    """The elements of a buffer that an operand of a tensor instruction is."""

    what: str
    buffer: Buffer
    type: Any
    place: AffineMap | None
    outer: Sequence[Any]

    def read(self) -> Array:
        """The elements as an array."""
        if self.place is None:
            self.require(self.buffer.shape)
            return logical_view(self.buffer)
        return self.buffer.flat[self.addresses(writing=False)]

    def write(self, value: Array) -> None:
        """Set the elements."""
        if self.place is None:
            if value.shape:
                self.require(self.buffer.shape)
            write_all(self.buffer, value)
        else:
            self.buffer.flat[self.addresses(writing=True)] = value

    def require(self, shape: Sequence[int]) -> None:
        """Refuse a whole tile of another shape than the instruction's."""
        if tuple(shape) != self.type.get_shape():
            raise UserError(
                f"{self.what}: {self.buffer.name} is {self.buffer.type}, but the operand "
                f"is {self.type}"
            )

    def places(self) -> list[Any]:
        """The logical coordinates of the elements."""
        shape = self.buffer.shape if self.place is None else self.type.get_shape()
        elements = np.indices(shape, sparse=True)
        if self.place is None:
            return [e + o for e, o in zip(elements, self.buffer.origin, strict=True)]
        rank = len(shape)
        if self.place.num_symbols > rank:
            raise UserError(
                f"{self.what}: {self.buffer.name} is indexed by i{self.place.num_symbols - 1}, but "
                f"the operand is {self.type}"
            )
        dims = [AffineExpr.dimension(i) for i in range(len(self.outer) + rank)]
        whole = self.place.replace_dims_and_symbols(
            dims[: len(self.outer)], dims[len(self.outer) :], len(dims), 0
        )
        return [np.broadcast_to(f([*self.outer, *elements]), shape) for f in compile_map(whole)]

    def addresses(self, writing: bool) -> Array:
        """Where the elements lie."""
        found = self.places()
        try:
            return self.buffer.addresses(found, None, writing)
        except OutOfBoundsError as error:
            raise UserError(
                f"{self.what}: it reaches {self.buffer.name}{list(error.indices)}, outside "
                f"{box_of(self.buffer)}"
            ) from None


def _reducer(declared: te.IntrinsicOp) -> str:
    """The reducer of the computation whose result an intrinsic yields."""
    last = declared.behaviour.block.last_op
    assert isinstance(last, te.YieldOp)
    compute = last.values[0].owner
    known = ("sum", "prod", "max", "min")
    if not isinstance(compute, te.ComputeOp) or compute.reducer is None:
        raise UserError(f"te.intrinsic @{declared.sym_name.data}: its result is no reduction")
    if compute.reducer.data not in known:
        raise UserError(
            f"te.intrinsic @{declared.sym_name.data}: reset and update need one of "
            f"{', '.join(known)}, not {compute.reducer.data}"
        )
    return compute.reducer.data


def identities_of(declared: te.IntrinsicOp) -> list[Array]:
    """What `reset` writes to each result."""
    last = declared.behaviour.block.last_op
    assert isinstance(last, te.YieldOp)
    reducer = _reducer(declared)
    found: list[Array] = []
    for value in last.values:
        assert isinstance(value.type, TensorType)
        dtype = dtype_of(value.type)
        identity = {"sum": 0, "prod": 1, "max": lowest(dtype), "min": highest(dtype)}[reducer]
        found.append(np.asarray(identity, dtype))
    return found


def fold_update(declared: te.IntrinsicOp, old: Array, new: Array) -> Array:
    """What `update` writes: what is there, combined with what is computed."""
    fold = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}
    with np.errstate(all="ignore"):
        return to_dtype(fold[_reducer(declared)](widen(old), widen(new)), old.dtype)
