"""Runs the instances of a block: one of them, or all of a nest at once where that is the same.

Running all at once first computes everything with stores held back. If two instances turn out to
touch one cell, and it is not a sum or the like, nothing is written and the nest has to run in
order. So does one in which an access is wrong: the error comes from the instance that makes it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.ir import Block, Operation, SSAValue

from analysis.errors import UserError
from backends.interpreter.arrays import (
    LIMIT,
    Function,
    OrderMattersError,
    OutOfBoundsError,
    all_hold,
    compile_map,
    full_rank,
)
from backends.interpreter.buffers import Buffer, box_of
from backends.interpreter.calls import only_call, run_calls
from backends.interpreter.contraction import (
    contraction_footprints,
    reduce_axes,
    sum_of_products,
    widen,
)
from backends.interpreter.nest import Instances, Nest, Reduction, enumerate_instances
from backends.interpreter.scalars import Array, evaluate, to_dtype
from dialects.loop import ForOp, LoadOp, StoreOp
from dialects.loop_hardware import IntrinsicOp


@dataclass
class Touched:
    """The cells that one operation reads or writes in all instances."""

    buffer: Buffer
    addresses: Array
    mask: Array | None
    value: Array


Access = tuple[tuple[Function, ...], tuple[Function, ...]]
"""The indices and the guards of an access, as functions of its operands."""


@dataclass
class Trial:
    """The effects of a body on all instances, with the stores held back."""

    environment: Mapping[SSAValue, Any]
    values: dict[SSAValue, Any]
    rank: int
    accesses: dict[Operation, Access]
    loads: list[Touched] = field(default_factory=list[Touched])
    stores: list[Touched] = field(default_factory=list[Touched])

    def value(self, value: SSAValue) -> Any:
        return self.values[value] if value in self.values else self.environment[value]

    def run(self, ops: Sequence[Operation]) -> None:
        """Evaluate operations in order."""
        for op in ops:
            if isinstance(op, LoadOp):
                self.values[op.result] = self.load(op)
            elif isinstance(op, StoreOp):
                self.store(op)
            else:
                operands = [np.asarray(self.value(o)) for o in op.operands]
                self.values[op.results[0]] = evaluate(op, operands)

    def access(self, op: LoadOp | StoreOp) -> Access:
        if op not in self.accesses:
            guards = compile_map(op.where.data) if isinstance(op, LoadOp) else ()
            self.accesses[op] = (compile_map(op.map.data), guards)
        return self.accesses[op]

    def address(self, op: LoadOp | StoreOp, mask: Array | None = None) -> Array:
        """The cell of an access in each instance."""
        operands = [self.value(i) for i in op.indices]
        indices = [f(operands) for f in self.access(op)[0]]
        found = self.value(op.memref).addresses(indices, mask, isinstance(op, StoreOp))
        return full_rank(found, self.rank)

    def load(self, op: LoadOp) -> Array:
        buffer: Buffer = self.value(op.memref)
        mask = all_hold(self.access(op)[1], [self.value(i) for i in op.indices])
        if mask is not None:
            mask = full_rank(mask, self.rank)
            if not mask.any():
                assert op.otherwise is not None
                return np.asarray(self.value(op.otherwise))
        addresses = self.address(op, mask)
        stored = self.forwarded(buffer, addresses, mask)
        read = buffer.flat[addresses] if stored is None else stored
        self.loads.append(Touched(buffer, addresses, mask, read))
        if mask is None:
            return read
        assert op.otherwise is not None
        return np.where(mask, read, self.value(op.otherwise))

    def store(self, op: StoreOp) -> None:
        value = np.asarray(self.value(op.value))
        self.stores.append(Touched(self.value(op.memref), self.address(op), None, value))

    def forwarded(self, buffer: Buffer, addresses: Array, mask: Array | None) -> Array | None:
        """What an earlier store of the same instance put where a load reads."""
        for store in reversed(self.stores):
            if store.buffer.key == buffer.key and same_cells(store.addresses, addresses, mask):
                return store.value
        return None

    def commit(self) -> None:
        """Write what the stores held back."""
        for store in self.stores:
            store.buffer.flat[store.addresses] = store.value
        self.stores.clear()

    def check_independent(self, extents: Sequence[int]) -> None:
        """Raise unless no instance touches a cell that another writes."""
        count = int(np.prod(extents, dtype=object))
        for key in {s.buffer.key for s in self.stores}:
            stores = distinct([s for s in self.stores if s.buffer.key == key])
            written = np.zeros(stores[0].buffer.data.size, np.bool_)
            for store in stores:
                if store.addresses.size != count:
                    raise OrderMattersError
                written[store.addresses] = True
            if np.count_nonzero(written) != count * len(stores):
                raise OrderMattersError
            for load in self.loads:
                if load.buffer.key != key:
                    continue
                if any(same_cells(s.addresses, load.addresses, load.mask) for s in stores):
                    continue
                hit = written[load.addresses]
                if (hit if load.mask is None else hit & load.mask).any():
                    raise OrderMattersError


def same_cells(stored: Array, loaded: Array, mask: Array | None) -> bool:
    """Whether each instance loads the cell that it stores."""
    if mask is None:
        return stored.shape == loaded.shape and bool(np.array_equal(stored, loaded))
    return bool(((stored == loaded) | ~mask).all())


def distinct(stores: Sequence[Touched]) -> list[Touched]:
    """The stores without those that write the cells of an earlier one."""
    found: list[Touched] = []
    for store in stores:
        if not any(same_cells(store.addresses, f.addresses, None) for f in found):
            found.append(store)
    return found


def starts(nest: Nest, found: Instances) -> Array:
    """For each instance whether it begins its reduction: all its reduce variables are zero."""
    rank = len(found.extents)
    begins = full_rank(True, rank)
    for variable, reduce in zip(found.variables, nest.is_reduce, strict=True):
        if reduce:
            begins = begins & (full_rank(variable, rank) == 0)
    return begins


def _check_order(begins: Array, found: Instances, axes: Sequence[int]) -> None:
    """Raise unless the first instance along the reduced axes, and no other one, begins."""
    if any(begins.shape[a] != found.extents[a] for a in axes):
        raise OrderMattersError
    places = tuple(slice(1) if a in axes else slice(None) for a in range(len(found.extents)))
    first = begins[places]
    if not first.all() or np.count_nonzero(begins) != first.size:
        raise OrderMattersError


@dataclass
class BlockRunner:
    """Runs nests for one execution of a function."""

    environment: dict[SSAValue, Any]
    stack: list[tuple[ForOp, int]]
    intrinsic: Callable[[IntrinsicOp, Callable[[SSAValue], Any]], None]
    accesses: dict[Operation, Access] = field(default_factory=dict[Operation, Access])

    def lookup(self, value: SSAValue) -> int:
        return int(self.environment[value])

    def trial(self, found: Instances, block: Block, others: Sequence[Block] = ()) -> Trial:
        values: dict[SSAValue, Any] = {}
        for one in (block, *others):
            values.update(zip(one.args, found.variables, strict=True))
        return Trial(self.environment, values, len(found.extents), self.accesses)

    def run_one(self, nest: Nest) -> None:
        """Run the instance of a nest without loops, if its guards let it through."""
        found = enumerate_instances(nest, self.lookup, ())
        if found is None:
            return
        init = nest.block.init
        regions = [nest.block.body.block]
        if init is not None and starts(nest, found).all():
            regions.insert(0, init.block)
        for region in regions:
            trial = self.trial(found, region)
            for op in region.ops:
                try:
                    if isinstance(op, IntrinsicOp):
                        self.intrinsic(op, trial.value)
                    else:
                        trial.run([op])
                except OutOfBoundsError as error:
                    raise self.out_of_bounds(nest, found, trial, op, error) from None
                except UserError as error:
                    raise UserError(
                        f'loop.block "{nest.block.block_name.data}": {error.message}'
                        f"{self.instance(nest, found)}"
                    ) from None
                trial.commit()

    def run_whole(self, nest: Nest) -> bool:
        """Run all instances as whole arrays; False, with no effect, where that may differ."""
        calls = only_call(nest) is not None
        if not nest.whole and not calls:
            return False
        ranges = [
            (lower(bounds), upper(bounds))
            for loop, (lower, upper) in zip(nest.loops, nest.bounds, strict=True)
            for bounds in ([self.lookup(b) for b in loop.bounds],)
        ]
        if any(upper <= lower for lower, upper in ranges):
            return True
        for component in nest.components:
            if np.prod([ranges[n][1] - ranges[n][0] for n in component.loops]) > LIMIT:
                return False
        found = enumerate_instances(nest, self.lookup, ranges)
        if found is None:
            return True
        if calls:
            return run_calls(nest, found, starts(nest, found), self.environment)
        try:
            self.run_instances(nest, found)
        except (OrderMattersError, OutOfBoundsError, UserError):
            return False
        return True

    def run_instances(self, nest: Nest, found: Instances) -> None:
        """Run all instances at once, or raise before anything is written."""
        begins = starts(nest, found)
        init = None if nest.block.init is None or not begins.any() else nest.block.init.block
        reduction = nest.reduction
        if reduction is not None and self.reduce(nest, reduction, found, init, begins):
            return
        if found.count > LIMIT or (init is not None and not begins.all()):
            raise OrderMattersError
        body = nest.block.body.block
        trial = self.trial(found, body, [] if init is None else [init])
        trial.run([*([] if init is None else init.ops), *body.ops])
        trial.check_independent(found.extents)
        trial.commit()

    def reduce(
        self,
        nest: Nest,
        reduction: Reduction,
        found: Instances,
        init: Block | None,
        begins: Array,
    ) -> bool:
        """Run a recognised reduction; False if no axis is reduced."""
        body = nest.block.body.block
        trial = self.trial(found, body, [] if init is None else [init])
        target: Buffer = trial.value(reduction.store.memref)
        addresses = trial.address(reduction.store)
        axes = [a for a, e in enumerate(found.extents) if e > 1 and addresses.shape[a] == 1]
        if not axes:
            return False
        if init is not None:
            _check_order(begins, found, axes)
        _check_sizes(body, reduction, trial, found)
        if np.unique(addresses).size != addresses.size:
            raise OrderMattersError
        trial.run([op for op in body.ops if op not in reduction.skipped])
        factors = [np.asarray(trial.value(f)) for f in reduction.factors]
        start = target.flat[addresses]
        if init is not None:
            start = _initial(trial, init, target, addresses)
        if any(load.buffer.key == target.key for load in trial.loads):
            raise OrderMattersError
        with np.errstate(all="ignore"):
            if reduction.ufunc is np.add:
                partial = sum_of_products(factors, found.extents, axes)
            else:
                wide = widen(factors[0])
                partial = reduce_axes(reduction.ufunc, wide, found.extents, axes, None)
            result = reduction.ufunc(widen(start), partial)
        shape = addresses.shape
        target.flat[addresses] = np.broadcast_to(to_dtype(result, target.data.dtype), shape)
        return True

    def instance(self, nest: Nest, found: Instances) -> str:
        """The variables of a single instance, and the loops around it, for a message."""
        block = nest.block
        names = [v.name_hint or str(n) for n, v in enumerate(block.variables)]
        variables = [f"{n} = {int(v)}" for n, v in zip(names, found.variables, strict=True)]
        loops = [f"{loop.loop_name.data} = {value}" for loop, value in self.stack]
        text = f" at {', '.join(variables)}" if variables else ""
        return text + (f" (loops {', '.join(loops)})" if loops else "")

    def out_of_bounds(
        self,
        nest: Nest,
        found: Instances,
        trial: Trial,
        op: Operation,
        error: OutOfBoundsError,
    ) -> UserError:
        assert isinstance(op, LoadOp | StoreOp)
        buffer: Buffer = trial.value(op.memref)
        verb = "stores" if isinstance(op, StoreOp) else "loads"
        return UserError(
            f'loop.block "{nest.block.block_name.data}": {verb} '
            f"{buffer.name}{list(error.indices)}, outside {box_of(buffer)}"
            f"{self.instance(nest, found)}"
        )


def _check_sizes(body: Block, reduction: Reduction, trial: Trial, found: Instances) -> None:
    """Raise if an array of a reduction would be too large."""
    extents = found.extents
    if found.count <= LIMIT:
        return

    def axes_of(value: SSAValue) -> frozenset[int]:
        shape = np.shape(trial.values.get(value, 0))
        return known.get(value, frozenset(a for a, s in enumerate(shape) if s != 1))

    known: dict[SSAValue, frozenset[int]] = {}
    for op in body.ops:
        if op not in reduction.skipped:
            used = frozenset[int]().union(*(axes_of(o) for o in op.operands))
            known.update((result, used) for result in op.results)
    factors = [axes_of(f) for f in reduction.factors]
    if reduction.ufunc is not np.add:
        factors = [frozenset(range(len(extents)))]
    for axes in [*known.values(), *contraction_footprints(factors)]:
        if np.prod([extents[a] for a in axes], dtype=object) > LIMIT:
            raise OrderMattersError


def _initial(trial: Trial, init: Block, target: Buffer, addresses: Array) -> Array:
    """What an init region puts into the cells of a reduction, if it does just that."""
    before = len(trial.stores)
    trial.run(list(init.ops))
    stores = trial.stores[before:]
    if (
        len(stores) != 1
        or stores[0].buffer.key != target.key
        or not same_cells(stores[0].addresses, addresses, None)
    ):
        raise OrderMattersError
    return stores[0].value
