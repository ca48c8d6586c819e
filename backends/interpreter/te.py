"""The meaning of the te dialect: whole-array evaluation of tensor expressions.

Every value of a computation's body becomes one array over the axes it depends on. Sums of
products are contractions; other reductions fold chunks of the iteration, so that no array of a
chunk holds more than 64 MiB. Arrays are logical ones: a layout does not change a value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import TensorType
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr

from analysis.errors import UnsupportedError, UserError
from backends.interpreter.arrays import (
    LIMIT,
    OutOfBoundsError,
    all_hold,
    check_bounds,
    chunk_shape,
    compile_map,
    full_rank,
    gather,
    value_at,
)
from backends.interpreter.contraction import contraction_footprints
from backends.interpreter.dims import (
    check_arguments,
    dim_size,
    find_function,
    solve_dims,
    value_name,
)
from backends.interpreter.reducers import (
    ArgReducer,
    Reducer,
    SumReducer,
    UfuncReducer,
    UserReducer,
)
from backends.interpreter.scalars import Array, dtype_of, evaluate, has_meaning, to_dtype
from dialects.layout import logical_shape
from dialects.te import ComputeOp, DimOp, ReadOp, ScatterOp, YieldOp

Environment = dict[SSAValue, Array]


def run_te(
    func: FuncOp, inputs: Sequence[Array], dims: Mapping[str, int] | None = None
) -> list[Array]:
    """Run a function of tensors on logical arrays; returns its results.

    Dimensions with a name get their sizes from the inputs; `dims` is for those no input has.
    """
    arrays = [np.asarray(i) for i in inputs]
    check_arguments(func, arrays)
    shapes = [_shape_of(p.type) for p in func.body.block.args]
    return run_block(func.body.block, arrays, solve_dims(func, shapes, arrays, dims))


def _shape_of(type: Any) -> tuple[int | str, ...]:
    return logical_shape(type) if isinstance(type, TensorType) else ()


def run_block(block: Block, inputs: Sequence[Array], dims: Mapping[str, int]) -> list[Array]:
    """Run a block of te operations on arrays; returns what it returns or yields."""
    environment: Environment = dict(zip(block.args, inputs, strict=True))
    for op in block.ops:
        operands = [environment[o] for o in op.operands]
        match op:
            case ReturnOp() | YieldOp():
                return operands
            case DimOp():
                environment[op.result] = np.asarray(dim_size(op.symbol.data, dims))
            case ComputeOp():
                environment.update(zip(op.results, run_compute(op, environment, dims), strict=True))
            case ScatterOp():
                environment[op.result] = run_scatter(op, environment, dims)
            case CallOp():
                called = find_function(op, op.callee.string_value())
                results = run_te(called, operands, _free_dims(called, dims))
                environment.update(zip(op.results, results, strict=True))
            case _ if has_meaning(op):
                environment[op.results[0]] = evaluate(op, operands)
            case _:
                raise UnsupportedError(f"the interpreter of te has no meaning for {op.name}")
    return []


def _free_dims(func: FuncOp, dims: Mapping[str, int]) -> dict[str, int]:
    """The dimensions that no parameter of the function has: the caller's are meant."""
    bound = {size for p in func.body.block.args for size in _shape_of(p.type)}
    return {symbol: size for symbol, size in dims.items() if symbol not in bound}


@dataclass
class Chunk:
    """A box of the iteration, and the values of the body in it."""

    name: str
    axes: Sequence[BlockArgument]
    names: Sequence[str]
    starts: Sequence[int]
    extents: Sequence[int]
    environment: Environment
    dims: Mapping[str, int]

    def enter(self) -> None:
        """Give each axis its array."""
        rank = len(self.axes)
        for number, axis in enumerate(self.axes):
            start, extent = self.starts[number], self.extents[number]
            shape = [extent if a == number else 1 for a in range(rank)]
            self.environment[axis] = np.arange(start, start + extent).reshape(shape)

    def run(self, ops: Sequence[Operation]) -> None:
        """Evaluate operations of the body."""
        for op in ops:
            if isinstance(op, ReadOp):
                self.environment[op.result] = self.read(op)
            elif isinstance(op, DimOp):
                size = dim_size(op.symbol.data, self.dims)
                self.environment[op.result] = np.asarray(size)
            elif has_meaning(op):
                operands = [self.environment[o] for o in op.operands]
                self.environment[op.results[0]] = evaluate(op, operands)
            else:
                raise UnsupportedError(f"{self.name}: no meaning for {op.name}")

    def values(self, values: Sequence[SSAValue]) -> list[Array]:
        return [full_rank(self.environment[v], len(self.axes)) for v in values]

    def read(self, op: ReadOp) -> Array:
        data = self.environment[op.tensor]
        operands = [self.environment[o] for o in op.indices]
        indices = [f(operands) for f in compile_map(op.map.data)]
        mask = all_hold(compile_map(op.where.data), operands)
        if mask is None and (window := self.window(op, data)) is not None:
            return window
        otherwise = None if op.otherwise is None else self.environment[op.otherwise]
        try:
            return gather(data, indices, mask, otherwise)
        except OutOfBoundsError as error:
            raise self.out_of_bounds("reads", op.tensor, error) from None

    def window(self, op: ReadOp, data: Array) -> Array | None:
        """The read as a view, where each index is an axis of its own and all are inside."""
        axes: list[int] = []
        for expr, size in zip(op.map.data.results, data.shape, strict=True):
            if not isinstance(expr, AffineDimExpr):
                return None
            value = op.indices[expr.position]
            axis = next((n for n, a in enumerate(self.axes) if a is value), None)
            if axis is None or axis in axes:
                return None
            if self.starts[axis] + self.extents[axis] > size:
                return None
            axes.append(axis)
        part = data[tuple(slice(self.starts[a], self.starts[a] + self.extents[a]) for a in axes)]
        moved = part.transpose(np.argsort(axes))
        return moved.reshape([e if a in axes else 1 for a, e in enumerate(self.extents)])

    def out_of_bounds(self, verb: str, tensor: SSAValue, error: OutOfBoundsError) -> UserError:
        point = ", ".join(
            f"{name} = {value_at(self.environment[axis], error.position)}"
            for axis, name in zip(self.axes, self.names, strict=True)
        )
        at = f" at {point}" if point else ""
        return UserError(
            f"{self.name}: {verb} {value_name(tensor)}{list(error.indices)}{at}, "
            f"outside {tensor.type}"
        )


def _dependences(body: Block, axes: Sequence[BlockArgument]) -> dict[SSAValue, frozenset[int]]:
    """The axes that each value of the body depends on."""
    found: dict[SSAValue, frozenset[int]] = {a: frozenset({n}) for n, a in enumerate(axes)}
    for op in body.ops:
        used = frozenset[int]().union(*(found.get(o, frozenset()) for o in op.operands))
        found.update((result, used) for result in op.results)
    return found


def factors_of(value: SSAValue, body: Block) -> tuple[list[SSAValue], list[Operation]]:
    """What is multiplied to give `value`, and the products that need not be formed for it."""
    op = value.owner
    if not isinstance(op, arith.MulfOp | arith.MuliOp) or op.parent is not body:
        return [value], []
    if not value.has_one_use():
        return [value], []
    lhs, left_ops = factors_of(op.lhs, body)
    rhs, right_ops = factors_of(op.rhs, body)
    return [*lhs, *rhs], [op, *left_ops, *right_ops]


def _boxes(extents: Sequence[int], chunk: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """The boxes of at most `chunk` that make up `extents`, in order: starts and sizes."""
    steps = [range(0, e, max(c, 1)) for e, c in zip(extents, chunk, strict=True)]
    for starts in product(*steps):
        sizes = [min(c, e - s) for s, e, c in zip(starts, extents, chunk, strict=True)]
        yield list(starts), sizes


def _title(op: ComputeOp | ScatterOp) -> str:
    return f'{op.name} "{op.compute_name.data}"'


def _extents(op: ComputeOp | ScatterOp, environment: Environment) -> list[int]:
    bounds = [int(environment[b]) for b in op.bounds]
    return [max(0, int(f(bounds))) for f in compile_map(op.extents.data)]


def run_compute(op: ComputeOp, environment: Environment, dims: Mapping[str, int]) -> list[Array]:
    """The tensors of one te.compute."""
    rank, body = op.rank.data, op.body.block
    extents = _extents(op, environment)
    names = [a.data for a in op.axes.data]
    is_sum = op.reducer is not None and op.reducer.data == "sum"
    values, skipped = factors_of(op.yielded[0], body) if is_sum else (list(op.yielded), [])
    depend = _dependences(body, body.args)
    chunk = chunk_shape(extents, _footprints(op, values, skipped, depend), LIMIT)
    ops = [o for o in body.ops if o not in skipped and not isinstance(o, YieldOp)]
    results = [np.empty(extents[:rank], dtype_of(r.type)) for r in op.results]
    reduced = list(range(rank, len(extents)))
    for starts, sizes in _boxes(extents[:rank], chunk[:rank]):
        shape = [*sizes, *(1 for _ in reduced)]
        reducer = _reducer(op, environment, shape, dims)
        for inner_starts, inner_sizes in _boxes(extents[rank:], chunk[rank:]):
            part = Chunk(
                _title(op),
                body.args,
                names,
                [*starts, *inner_starts],
                [*sizes, *inner_sizes],
                dict(environment),
                dims,
            )
            part.enter()
            part.run(ops)
            found = part.values(values)
            if reducer is not None:
                reducer.update(found, part.extents, reduced)
                found = []
            _store(results, found, starts, sizes)
        _store(results, [] if reducer is None else reducer.results(), starts, sizes)
    return results


def _footprints(
    op: ComputeOp,
    values: Sequence[SSAValue],
    skipped: Sequence[Operation],
    depend: Mapping[SSAValue, frozenset[int]],
) -> list[frozenset[int]]:
    """The axes of each array that evaluating one chunk makes."""
    everything = frozenset(range(len(op.axes.data)))
    if op.reducer is not None and op.reducer.data != "sum":
        return [everything]
    body = op.body.block
    made = [depend[r] for o in body.ops if o not in skipped for r in o.results]
    if op.reducer is not None:
        made += contraction_footprints([depend.get(v, frozenset()) for v in values])
    return [*made, frozenset(range(op.rank.data))]


def _store(
    results: Sequence[Array], values: Sequence[Array], starts: Sequence[int], sizes: Sequence[int]
) -> None:
    """Write the box at `starts`; a value may have further axes of size 1."""
    box = tuple(slice(s, s + n) for s, n in zip(starts, sizes, strict=True))
    for result, value in zip(results, values, strict=bool(values)):
        kept = value.reshape(value.shape[: len(starts)])
        result[box] = np.broadcast_to(kept, sizes)


def _reducer(
    op: ComputeOp, environment: Environment, shape: Sequence[int], dims: Mapping[str, int]
) -> Reducer | None:
    if op.reducer is None:
        return None
    dtypes = [dtype_of(r.type) for r in op.results]
    match op.reducer.data:
        case "sum":
            return SumReducer(dtypes[0], shape)
        case "prod" | "max" | "min" as name:
            return UfuncReducer(name, dtypes[0], shape)
        case "argmax" | "argmin" as name:
            return ArgReducer(name, dtypes, shape)
        case _:
            states = [np.broadcast_to(environment[i], shape) for i in op.identities]
            return UserReducer(lambda pair: combine(op, environment, pair, dims), states)


def combine(
    op: ComputeOp, environment: Environment, pair: Sequence[Array], dims: Mapping[str, int]
) -> list[Array]:
    """One application of a user's combiner: the partial results of one side, then the other."""
    assert op.combiner is not None
    block = op.combiner.block
    inner = Chunk(_title(op), (), (), (), (), dict(environment), dims)
    inner.environment.update(zip(block.args, pair, strict=True))
    last = block.last_op
    assert isinstance(last, YieldOp)
    inner.run([o for o in block.ops if o is not last])
    return [inner.environment[v] for v in last.values]


def run_scatter(op: ScatterOp, environment: Environment, dims: Mapping[str, int]) -> Array:
    """The tensor of one te.scatter; values are folded in in the order of the iteration."""
    body = op.body.block
    extents = _extents(op, environment)
    init = environment[op.init]
    wide = SumReducer(init.dtype, ()).state.dtype
    state = init.astype(wide)
    chunk = chunk_shape(extents, [frozenset(range(len(extents)))], LIMIT)
    fold = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}
    last = body.last_op
    assert isinstance(last, YieldOp)
    for starts, sizes in _boxes(extents, chunk):
        part = Chunk(
            _title(op),
            body.args,
            [a.data for a in op.axes.data],
            starts,
            sizes,
            dict(environment),
            dims,
        )
        part.enter()
        part.run([o for o in body.ops if o is not last])
        _scatter(part, op, fold[op.reducer.data], state, part.values(last.values))
    return to_dtype(state, init.dtype)


def _scatter(
    part: Chunk, op: ScatterOp, fold: np.ufunc, state: Array, values: Sequence[Array]
) -> None:
    """Fold the values (the first) into `state` at the indices (the others)."""
    spread = [np.broadcast_to(v, part.extents) for v in values]
    try:
        check_bounds(spread[1:], state.shape, None)
    except OutOfBoundsError as error:
        raise part.out_of_bounds("writes", op.result, error) from None
    with np.errstate(all="ignore"):
        fold.at(state, tuple(spread[1:]), spread[0].astype(state.dtype))
