"""All calls of a tensor instruction below a chain of loops, as whole arrays.

An instance is a call. The regions of all instances are gathered, what the instruction computes is
evaluated with the instances as one more axis, and the results are written in rounds: the first
call of each region of the result, then the second one, and so on, so that every element sees its
calls in their order. Whatever does not fit (regions that overlap in part, operands that are
written, an access that is wrong) raises `OrderMattersError` before anything is written; the calls
then run one by one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineExpr

from analysis.errors import UserError
from backends.interpreter.arrays import (
    LIMIT,
    OrderMattersError,
    OutOfBoundsError,
    compile_map,
)
from backends.interpreter.buffers import Buffer
from backends.interpreter.contraction import reduce_axes, sum_of_products, widen
from backends.interpreter.dims import find_symbol
from backends.interpreter.intrinsics import check_operands, fold_update, identities_of
from backends.interpreter.nest import Instances, Nest
from backends.interpreter.reducers import highest, lowest
from backends.interpreter.scalars import Array, dtype_of, evaluate, has_meaning, to_dtype
from backends.interpreter.te import factors_of
from dialects import te
from dialects.loop_hardware import IntrinsicOp


def only_call(nest: Nest) -> tuple[IntrinsicOp, IntrinsicOp | None] | None:
    """The call that is the body of a nest, and the one that is its init region."""
    found: list[IntrinsicOp] = []
    for region in (nest.block.body, nest.block.init):
        if region is not None:
            op = region.block.first_op
            if not isinstance(op, IntrinsicOp) or op is not region.block.last_op:
                return None
            found.append(op)
    return found[0], (found[1] if len(found) > 1 else None)


@dataclass(frozen=True)
class Instruction:
    """A declaration that computes each element from elements of its tensors."""

    declared: te.IntrinsicOp
    compute: te.ComputeOp
    elements: Mapping[SSAValue, tuple[int, ...]]
    """For each value that is read from a tensor the axes that index it."""

    @staticmethod
    def of(declared: te.IntrinsicOp) -> "Instruction":
        """The declaration; refuses one whose evaluation is not a matter of a few arrays."""
        last = declared.behaviour.block.last_op
        assert isinstance(last, te.YieldOp)
        compute = last.values[0].owner
        if len(last.values) != 1 or not isinstance(compute, te.ComputeOp) or compute.bounds:
            raise OrderMattersError
        reducer = None if compute.reducer is None else compute.reducer.data
        if reducer not in (None, "sum", "prod", "max", "min"):
            raise OrderMattersError
        body, elements = compute.body.block, dict[SSAValue, tuple[int, ...]]()
        for op in [*declared.behaviour.block.ops, *body.ops]:
            if isinstance(op, te.ReadOp) and op.tensor.owner is declared.behaviour.block:
                indices = [
                    op.indices[e.position] if isinstance(e, AffineDimExpr) else None
                    for e in op.map.data.results
                ]
                axes = [i for v in indices for i, a in enumerate(body.args) if a is v]
                if op.otherwise is not None or len(axes) != len(indices):
                    raise OrderMattersError
                elements[op.result] = tuple(axes)
            elif not has_meaning(op) and op is not compute and not isinstance(op, te.YieldOp):
                raise OrderMattersError
        return Instruction(declared, compute, elements)

    @property
    def extents(self) -> list[int]:
        return [int(f(())) for f in compile_map(self.compute.extents.data)]

    @property
    def arguments(self) -> Sequence[SSAValue]:
        return self.declared.behaviour.block.args

    def evaluate(self, inputs: Mapping[SSAValue, Array], count: int) -> Array:
        """What it computes for `count` instances, which are the first axis of the tensors."""
        rank = len(self.extents)
        values: dict[SSAValue, Any] = dict(inputs)
        for i, axis in enumerate(self.compute.body.block.args):
            shape = [extent if i == a else 1 for a, extent in enumerate(self.extents)]
            values[axis] = np.arange(self.extents[i]).reshape([1, *shape])
        (root,) = self.compute.yielded
        is_sum = self.compute.reducer is not None and self.compute.reducer.data == "sum"
        body = self.compute.body.block
        factors, skipped = factors_of(root, body) if is_sum else ([root], [])
        for op in [*self.declared.behaviour.block.ops, *self.compute.body.block.ops]:
            if isinstance(op, te.ReadOp):
                axes = self.elements[op.result]
                data = values[op.tensor].transpose([0, *(1 + k for k in np.argsort(axes))])
                shape = [self.extents[a] if a in axes else 1 for a in range(rank)]
                values[op.result] = data.reshape([data.shape[0], *shape])
            elif has_meaning(op) and op not in skipped:
                values[op.results[0]] = evaluate(op, [np.asarray(values[o]) for o in op.operands])
        return self.reduced([np.asarray(values[f]) for f in factors], count)

    def reduced(self, factors: Sequence[Array], count: int) -> Array:
        """The results of all instances, of the values (or factors) of their points."""
        extents = [count, *self.extents]
        rank = self.compute.rank.data
        result = self.compute.results[0].type
        assert isinstance(result, TensorType)
        dtype, shape = dtype_of(result), extents[: rank + 1]
        full = [f if f.ndim == len(extents) else f.reshape([1] * len(extents)) for f in factors]
        axes = list(range(rank + 1, len(extents)))
        match None if self.compute.reducer is None else self.compute.reducer.data:
            case None:
                value = full[0]
            case "sum":
                value = sum_of_products(full, extents, axes)
            case name:
                ufunc, identity = {
                    "prod": (np.multiply, 1),
                    "max": (np.maximum, lowest(dtype)),
                    "min": (np.minimum, highest(dtype)),
                }[name]
                value = reduce_axes(ufunc, widen(full[0]), extents, axes, identity)
        kept = value.reshape(value.shape[: rank + 1])
        return np.broadcast_to(to_dtype(kept, dtype), shape)


@dataclass
class Calls:
    """The calls of one run of a nest; instances are in the order in which they would run."""

    nest: Nest
    found: Instances
    begins: Array
    environment: Mapping[SSAValue, Any]
    order: Array = field(init=False)

    def __post_init__(self) -> None:
        flat = [self.flat(loop) for loop in self.found.loops]
        self.order = np.lexsort(flat[::-1]) if flat else np.arange(1)

    def flat(self, value: Any) -> Array:
        """A value of all instances, as a list."""
        return np.broadcast_to(value, self.found.extents).reshape(-1)

    def addresses(self, op: IntrinsicOp, number: int, shape: Sequence[int]) -> Array:
        """Where the elements of an operand lie: instances, then its indices."""
        place, buffer = op.places[number], self.buffer(op, number)
        if place is None or place.num_symbols > len(shape):
            raise OrderMattersError
        block = op.parent_block()
        assert block is not None
        known: dict[SSAValue, Array] = dict(zip(block.args, self.found.variables, strict=True))
        rank = len(shape)

        def instances(value: SSAValue) -> Array:
            if value not in known:
                raise OrderMattersError
            return self.flat(known[value])[self.order].reshape([-1] + [1] * rank)

        count = len(op.indices)
        dims = [AffineExpr.dimension(i) for i in range(count + rank)]
        whole = place.replace_dims_and_symbols(dims[:count], dims[count:], len(dims), 0)
        elements = [e[np.newaxis] for e in np.indices(shape, sparse=True)]
        values = [*(instances(v) for v in op.indices), *elements]
        full = (self.found.count, *shape)
        indices = [np.broadcast_to(f(values), full) for f in compile_map(whole)]
        return buffer.addresses(indices, None, number < op.writes.data)

    def buffer(self, op: IntrinsicOp, number: int) -> Buffer:
        return self.environment[op.tiles[number]]

    def run(self) -> None:
        """Do what all calls do, or raise before anything is written."""
        calls = only_call(self.nest)
        assert calls is not None
        body, init = calls
        declared = declaration_of(body)
        instruction = Instruction.of(declared)
        result = instruction.compute.results[0].type
        assert isinstance(result, TensorType)
        shapes = [instruction.extents, *(shape_of(a) for a in tensors_of(declared))]
        sizes = [math.prod(shape) for shape in shapes]
        if self.found.count * max(sizes) > LIMIT:
            raise OrderMattersError
        written = self.addresses(body, 0, result.get_shape())
        target = self.buffer(body, 0)
        rounds = rounds_of(written.reshape(self.found.count, -1), target)
        begins = self.flat(self.begins)[self.order] if init is not None else None
        if init is not None:
            self.check_init(init, body, written, result.get_shape())
        new = self.results(body, instruction, written, target, len(rounds))
        for members in rounds:
            cells = written[members]
            old = target.flat[cells]
            target.flat[cells] = self.combined(body, declared, begins, members, new, old)

    def check_init(
        self, init: IntrinsicOp, body: IntrinsicOp, written: Array, shape: Sequence[int]
    ) -> None:
        """Raise unless the init region resets what the body then updates."""
        same = init.callee == body.callee and init.form.data == "reset"
        if not same or self.buffer(init, 0) is not self.buffer(body, 0):
            raise OrderMattersError
        check_operands(init, declaration_of(init))
        if not np.array_equal(self.addresses(init, 0, shape), written):
            raise OrderMattersError

    def results(
        self, op: IntrinsicOp, instruction: Instruction, written: Array, target: Buffer, rounds: int
    ) -> Array | None:
        """What the calls compute of their operands; nothing for the form reset."""
        if op.form.data == "reset":
            return None
        mask = np.zeros(target.data.size, np.bool_)
        mask[written] = True
        inputs: dict[SSAValue, Array] = {}
        scalars, number = iter(op.immediate_values), op.writes.data
        for argument in instruction.arguments:
            if not isinstance(argument.type, TensorType):
                inputs[argument] = np.asarray(next(scalars), dtype_of(argument.type))
                continue
            read, buffer = self.addresses(op, number, shape_of(argument)), self.buffer(op, number)
            own = rounds == 1 and op.form.data == "compute" and np.array_equal(read, written)
            if buffer.key == target.key and not own and mask[read].any():
                raise OrderMattersError
            inputs[argument] = buffer.flat[read]
            number += 1
        return instruction.evaluate(inputs, self.found.count)

    def combined(
        self,
        op: IntrinsicOp,
        declared: te.IntrinsicOp,
        begins: Array | None,
        members: Array,
        new: Array | None,
        old: Array,
    ) -> Array:
        """What some calls write where `old` lies."""
        if op.form.data == "compute":
            assert new is not None
            return new[members]
        (identity,) = identities_of(declared)
        if new is None:
            return np.broadcast_to(identity, old.shape)
        if begins is not None:
            first = begins[members].reshape([-1] + [1] * (old.ndim - 1))
            old = np.where(first, identity, old)
        return fold_update(declared, old, new[members])


def declaration_of(op: IntrinsicOp) -> te.IntrinsicOp:
    """The declaration of what is called, if it has the operands of the call."""
    declared = find_symbol(op, op.callee.string_value())
    if not isinstance(declared, te.IntrinsicOp) or op.writes.data != 1:
        raise OrderMattersError
    check_operands(op, declared)
    return declared


def tensors_of(declared: te.IntrinsicOp) -> list[SSAValue]:
    return [a for a in declared.behaviour.block.args if isinstance(a.type, TensorType)]


def shape_of(value: SSAValue) -> tuple[int, ...]:
    assert isinstance(value.type, TensorType)
    return value.type.get_shape()


def rounds_of(regions: Array, target: Buffer) -> list[Array]:
    """Instances whose regions (a row each) are apart, in rounds that keep the order of equal ones.

    Raises if two regions are neither equal nor apart, or one has an element twice.
    """
    first, names = np.unique(regions[:, 0], return_inverse=True)
    names = names.reshape(-1)
    begin = np.full(len(first), len(regions))
    np.minimum.at(begin, names, np.arange(len(regions)))
    touched = np.zeros(target.data.size, np.bool_)
    touched[regions[begin]] = True
    apart = np.count_nonzero(touched) == len(first) * regions.shape[1]
    if not apart or not np.array_equal(regions[begin][names], regions):
        raise OrderMattersError
    by_name = np.argsort(names, kind="stable")
    counts = np.bincount(names)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    turn = np.empty(len(regions), np.int64)
    turn[by_name] = np.arange(len(regions)) - np.repeat(starts, counts)
    return [np.flatnonzero(turn == r) for r in range(int(counts.max()))]


def run_calls(
    nest: Nest, found: Instances, begins: Array, environment: Mapping[SSAValue, Any]
) -> bool:
    """Run the calls of a nest as whole arrays; False, with no effect, where that may differ."""
    try:
        Calls(nest, found, begins, environment).run()
    except (OrderMattersError, OutOfBoundsError, UserError):
        return False
    return True
