"""Kernels: loops over thread axes, run with all threads in step, and races found.

Each statement is done by all threads before the next one, so the threads are one more axis of the
arrays, and loops that are not over threads are run as everywhere. Each thread, or the threads along
some axes, has its own part of a buffer that is allocated inside of the loops over threads. What
threads touch is entered in ledgers: in one that is cleared at barriers for the threads, and in one
that is not for the thread groups, which never wait for each other. So a result is only returned if
every order of the threads gives the same one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

import numpy as np
from xdsl.dialects.builtin import MemRefType, UnknownLoc
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineExpr

from analysis.errors import UnsupportedError, UserError
from backends.interpreter.arrays import (
    LIMIT,
    OrderMattersError,
    OutOfBoundsError,
    all_hold,
    compile_map,
    full_rank,
    value_at,
)
from backends.interpreter.buffers import Buffer, allocate
from backends.interpreter.dims import sizes_of, value_name
from backends.interpreter.instances import BlockRunner, Trial, starts
from backends.interpreter.intrinsics import call_intrinsic, regions_of
from backends.interpreter.nest import Instances, Nest, enumerate_instances, plan_nest
from backends.interpreter.races import Ledger, Meeting, RaceError, Touch
from backends.interpreter.scalars import Array, evaluate, has_meaning
from dialects.layout import logical_shape
from dialects.loop import THREAD_AXES, AllocOp, BlockOp, ForOp, LoadOp, StoreOp
from dialects.loop_hardware import BarrierOp, CopyOp, IntrinsicOp, PrefetchOp

Lookup = Callable[[SSAValue], Any]


def is_thread_loop(op: Operation) -> bool:
    """Whether a loop is over a thread axis."""
    return isinstance(op, ForOp) and op.kind.data in THREAD_AXES


def has_threads(op: Operation) -> bool:
    """Whether there is a loop over a thread axis in an operation."""
    return any(is_thread_loop(inner) for inner in op.walk())


@dataclass(frozen=True)
class Around:
    """The loops around an operation in a kernel that threads and conditions come from."""

    axes: Mapping[str, ForOp] = field(default_factory=dict[str, ForOp])
    """For each thread axis its outermost loop."""
    same: Mapping[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    """The variables of inner loops over an axis, and that of the outermost one."""
    given: tuple[tuple[AffineExpr, tuple[SSAValue, ...]], ...] = ()
    """What is not negative for the threads that are in an iteration of a loop."""

    def inside(self, op: ForOp) -> "Around":
        """What is around the body of a loop over threads."""
        outer = self.axes.get(op.kind.data)
        if outer is None:
            return Around({**self.axes, op.kind.data: op}, self.same, self.given)
        return Around(self.axes, {**self.same, op.induction: outer.induction}, self.given)

    def moved(self) -> set[SSAValue]:
        """The values that differ among threads."""
        return {op.induction for op in self.axes.values()} | set(self.same)


@dataclass
class ThreadBuffer:
    """The memories of one allocation: one for each thread, or group, that has its own."""

    op: AllocOp
    shape: tuple[int, ...]
    data: Array
    axes: tuple[ForOp, ...]
    """The loops along which each thread has its own."""
    counts: tuple[int, ...]
    """Their extents."""
    whole: "ThreadBuffer | None" = None
    """The buffer that a tile lies in a part of; its memories are those of the tile."""

    @property
    def extents(self) -> tuple[int, ...]:
        """The physical extents of one of them."""
        return self.data.shape[1:] if self.whole is None else self.whole.extents[1:]

    @property
    def key(self) -> SSAValue:
        """What stands for the memories."""
        return self.op.result if self.whole is None else self.whole.op.result

    def number(self, value: Lookup) -> Any:
        """Which of them a thread has."""
        found: Any = 0
        for op, count in zip(self.axes, self.counts, strict=True):
            found = found * count + value(op.induction)
        return found

    def part(self, value: Lookup) -> Any:
        """The part of a thread's memory that a tile lies in."""
        assert self.whole is not None
        (part,) = (f([value(o) for o in self.op.outer]) for f in compile_map(self.op.part.data))
        count = self.whole.extents[0]
        numbers = np.asarray(part)
        if (outside := numbers[(numbers < 0) | (numbers >= count)]).size:
            raise UserError(
                f"loop.alloc: {value_name(self.op.result)} lies in part {outside.flat[0]} of "
                f"{value_name(self.whole.op.result)}, which has {count}"
            )
        return part

    def base(self, value: Lookup) -> Any:
        """Where the memory of a thread begins."""
        if self.whole is None:
            return self.number(value) * prod(self.extents)
        return self.whole.base(value) + self.part(value) * prod(self.extents)

    def origin(self, value: Lookup) -> tuple[Any, ...]:
        operands = [value(o) for o in self.op.outer]
        return tuple(f(operands) for f in compile_map(self.op.origin.data))

    def view(self, value: Lookup) -> Buffer:
        """The buffers of all threads of a statement as one."""
        type = self.op.result.type
        assert isinstance(type, MemRefType)
        base, name = self.base(value), value_name(self.op.result)
        return Buffer(name, type, self.shape, self.data, self.origin(value), base, self.extents)

    def one(self, value: Lookup) -> Buffer:
        """The buffer of one thread."""
        type = self.op.result.type
        assert isinstance(type, MemRefType)
        origin = tuple(int(o) for o in self.origin(value))
        data = self.data.reshape(-1, *self.extents)[int(self.base(value)) // prod(self.extents)]
        return Buffer(value_name(self.op.result), type, self.shape, data, origin)


@dataclass
class ThreadRunner(BlockRunner):
    """Runs nests in which threads are axes."""

    nest: Nest | None = None
    same: Mapping[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    """The variables of loops, and those of outer loops that they are equal to."""

    def value_in(self, found: Instances) -> Lookup:
        """The values of loops in some instances."""
        assert self.nest is not None
        loops: dict[SSAValue, Array] = {
            o.induction: a for o, a in zip(self.nest.loops, found.loops, strict=True)
        }
        for inner, outer in self.same.items():
            loops[inner] = loops[outer]
        return lambda value: loops[value] if value in loops else self.environment[value]

    def trial(self, found: Instances, block: Block, others: Sequence[Block] = ()) -> Trial:
        trial = super().trial(found, block, others)
        for one in (block, *others):
            for op in one.ops:
                for operand in op.operands:
                    buffer = self.environment.get(operand)
                    if isinstance(buffer, ThreadBuffer):
                        trial.values[operand] = buffer.view(self.value_in(found))
        return trial


def no_call(op: IntrinsicOp, value: Lookup) -> None:
    """Calls are not run as whole arrays."""
    raise OrderMattersError


def instances_of(op: ForOp) -> int:
    """The most instances of a block for each thread in the loops that hold nothing else."""
    count = 1
    at: Operation | None = op
    while isinstance(at, ForOp):
        count *= 1 if is_thread_loop(at) else at.extent or 1
        first = at.body.block.first_op
        at = first if first is at.body.block.last_op else None
    return count if isinstance(at, BlockOp) else 1


class KernelRun:
    """One run of a kernel."""

    def __init__(
        self,
        environment: dict[SSAValue, Any],
        stack: list[tuple[ForOp, int]],
        dims: Mapping[str, int],
        copy: Callable[[CopyOp, Buffer, Buffer], None],
        root: ForOp,
    ) -> None:
        self.environment = environment
        self.stack = stack
        self.dims = dims
        self.copy = copy
        self.root = root
        self.extents = self.count_axes()
        self.items = prod(e for axis, e in self.extents.items() if axis.startswith("threadIdx"))
        self.fixed: dict[ForOp, int] = {}
        """The groups that are run, where not all are at once."""
        self.ledgers: dict[Any, Ledger] = {}
        self.group_ledgers: dict[Any, Ledger] = {}
        self.nests: dict[tuple[Operation, bool], Nest | None] = {}
        self.blocks = ThreadRunner(environment, stack, no_call)
        self.written = self.keys_written()

    def count_axes(self) -> dict[str, int]:
        """The extents of the axes, groups before the threads of a group."""
        found: dict[str, int] = {}
        for op in self.root.walk():
            if not isinstance(op, ForOp) or not is_thread_loop(op):
                continue
            bounds = [int(self.environment[b]) for b in op.bounds if b in self.environment]
            if len(bounds) != len(op.bounds):
                raise UserError(
                    f"loop {op.loop_name.data}: the extent of {op.kind.data} depends on a loop in "
                    "the kernel"
                )
            low, high = (compile_map(m.data)[0](bounds) for m in (op.lower, op.upper))
            extent = found.setdefault(op.kind.data, int(high))
            if low or extent != high:
                raise UserError(
                    f"loop {op.loop_name.data} runs from {low} to {high}, but {op.kind.data} "
                    f"counts from 0 to {extent} in this kernel"
                )
        return dict(sorted(found.items()))

    def keys_written(self) -> set[int]:
        """The memories outside the kernel that it writes."""
        found: set[int] = set()
        for op in self.root.walk():
            match op:
                case StoreOp():
                    values: Sequence[SSAValue] = [op.memref]
                case CopyOp():
                    values = [op.target]
                case IntrinsicOp():
                    values = op.tiles[: op.writes.data]
                case _:
                    continue
            buffers = (self.environment.get(value) for value in values)
            found |= {b.key for b in buffers if isinstance(b, Buffer)}
        return found

    def run(self) -> None:
        """Run all groups at once, or one after the other where there are too many threads."""
        loops = [op for op in self.root.walk() if isinstance(op, ForOp)]
        widest = max((instances_of(b) for b in loops), default=1)
        groups = [o for o in loops if o.kind.data.startswith("blockIdx")]
        if prod(self.extents.values()) * widest <= LIMIT or not groups:
            self.walk(self.root, Around())
            return
        for point in product(*(range(self.extents[o.kind.data]) for o in groups)):
            self.fixed = dict(zip(groups, point, strict=True))
            self.walk(self.root, Around())
            self.ledgers.clear()

    def walk(self, op: Operation, around: Around) -> None:
        """Run an operation with all threads."""
        match op:
            case ForOp():
                self.run_for(op, around)
            case BlockOp():
                self.run_nest(op, [], op, around)
            case AllocOp():
                self.environment[op.result] = self.allocate(op, around)
            case BarrierOp():
                if around.given:
                    names = ", ".join(o.loop_name.data for o, _ in self.stack)
                    raise UserError(
                        f"a barrier stands in the loops {names}, which the threads of a group "
                        "leave at different times, so they cannot wait for each other"
                    )
                for ledger in self.ledgers.values():
                    ledger.clear()
            case CopyOp():
                self.run_copy(op, around)
            case PrefetchOp():
                pass
            case _ if has_meaning(op):
                operands = [np.asarray(self.environment[o]) for o in op.operands]
                self.environment[op.results[0]] = evaluate(op, operands)
            case _:
                raise UnsupportedError(f"the interpreter has no threads for {op.name}")

    def run_for(self, op: ForOp, around: Around) -> None:
        """Run a loop: as whole arrays if that is the same, else step by step."""
        chain = self.chain_of(op, around)
        if chain is not None and self.run_nest(op, *chain):
            return
        if is_thread_loop(op):
            inner = around.inside(op)
            for child in op.body.block.ops:
                self.walk(child, inner)
            return
        for value, inner in self.iterations(op, around):
            self.environment[op.induction] = value
            self.stack.append((op, value))
            for child in op.body.block.ops:
                self.walk(child, inner)
            self.stack.pop()

    def iterations(self, op: ForOp, around: Around) -> Iterator[tuple[int, Around]]:
        """The iterations of a loop that some thread runs."""
        lower, upper = compile_map(op.lower.data)[0], compile_map(op.upper.data)[0]
        moved = around.moved()
        if not any(b in moved for b in op.bounds):
            bounds = [int(self.environment[b]) for b in op.bounds]
            for value in range(lower(bounds), upper(bounds)):
                yield value, around
            return
        threads = list(self.threads(around))
        every = [[point.get(b, self.environment.get(b)) for b in op.bounds] for point in threads]
        count = len(op.bounds)
        mine = AffineExpr.dimension(count)
        operands = (*op.bounds, op.induction)
        conditions = (
            (mine - op.lower.data.results[0], operands),
            (op.upper.data.results[0] - mine - 1, operands),
        )
        inner = Around(around.axes, around.same, (*around.given, *conditions))
        for value in range(min(map(lower, every)), max(map(upper, every))):
            yield value, inner

    def threads(self, around: Around) -> Iterator[dict[SSAValue, int]]:
        """The values of the loops over threads, for each thread that runs what is inside."""
        loops = list(around.axes.values())
        for point in product(*(self.range_of(op) for op in loops)):
            values: dict[SSAValue, int] = {
                op.induction: v for op, v in zip(loops, point, strict=True)
            }
            yield values | {inner: values[outer] for inner, outer in around.same.items()}

    def range_of(self, op: ForOp) -> range:
        """The iterations of a loop over threads that are run."""
        if op in self.fixed:
            return range(self.fixed[op], self.fixed[op] + 1)
        return range(self.extents[op.kind.data])

    def chain_of(self, op: ForOp, around: Around) -> tuple[list[ForOp], BlockOp, Around] | None:
        """The loops down to the only block below, which may be run as whole arrays."""
        loops: list[ForOp] = []
        at: Operation = op
        while isinstance(at, ForOp):
            moved = {*around.moved(), *(o.induction for o in loops)}
            if any(bound in moved for bound in at.bounds):
                return None
            if is_thread_loop(at):
                around = around.inside(at)
            else:
                loops.append(at)
            inner = [o for o in at.body.block.ops if not isinstance(o, PrefetchOp)]
            if len(inner) != 1:
                return None
            at = inner[0]
        return (loops, at, around) if isinstance(at, BlockOp) else None

    def run_nest(
        self, key: Operation, loops: Sequence[ForOp], block: BlockOp, around: Around
    ) -> bool:
        """Run the instances of a block; False, with no effect, if its loops have to be followed."""
        axes = list(around.axes.values())
        if (key, bool(around.given)) not in self.nests:
            nest = plan_nest([*axes, *loops], block, around.same, around.given)
            self.nests[key, bool(around.given)] = nest
        nest = self.nests[key, bool(around.given)]
        assert nest is not None
        if loops and not nest.whole:
            return False
        ranges: list[tuple[int, int]] = []
        for op, (lower, upper) in zip(nest.loops, nest.bounds, strict=True):
            if is_thread_loop(op):
                found = self.range_of(op)
                ranges.append((found.start, found.stop))
            else:
                bounds = [int(self.environment[b]) for b in op.bounds]
                ranges.append((lower(bounds), upper(bounds)))
        if any(high <= low for low, high in ranges):
            return True
        for component in nest.components:
            if prod(ranges[n][1] - ranges[n][0] for n in component.loops) > LIMIT:
                if loops:
                    return False
                raise UnsupportedError(
                    f"{block.block_name.data}: {prod(self.extents.values())} threads are too many "
                    "for the interpreter"
                )
        found = enumerate_instances(nest, lambda v: int(self.environment[v]), ranges)
        if found is None:
            return True
        self.blocks.nest, self.blocks.same = nest, around.same
        if nest.whole:
            try:
                self.note(nest, found, around)
                self.blocks.run_instances(nest, found)
                return True
            except RaceError:
                raise
            except (OrderMattersError, OutOfBoundsError, UserError):
                if loops:
                    return False
        self.run_threads(block, around)
        return True

    def run_threads(self, block: BlockOp, around: Around) -> None:
        """Run the instance of a block in one thread after the other."""
        nest = plan_nest((), block, None, around.given)
        depth = len(self.stack)
        for point in self.threads(around):
            values: dict[SSAValue, Any] = {**self.environment, **point}

            def one(op: IntrinsicOp, value: Lookup, values: dict[SSAValue, Any] = values) -> None:
                tiles: list[Buffer] = [values[t] for t in op.tiles]
                call_intrinsic(op, tiles, [int(value(v)) for v in op.indices], self.dims)

            def look(value: SSAValue, values: dict[SSAValue, Any] = values) -> Any:
                return values[value]

            views: dict[SSAValue, Any] = {**values, **self.buffers(block, lambda b: b.view(look))}
            values.update(self.buffers(block, lambda b: b.one(look)))
            self.note_point(nest, views, self.number(around, look))
            self.stack += [(op, point[op.induction]) for op in around.axes.values()]
            BlockRunner(values, self.stack, one).run_one(nest)
            del self.stack[depth:]

    def buffers(
        self, op: Operation, buffer: Callable[[ThreadBuffer], Buffer]
    ) -> dict[SSAValue, Buffer]:
        """What stands for the buffers of threads that an operation uses."""
        found: dict[SSAValue, Buffer] = {}
        for inner in op.walk():
            for operand in inner.operands:
                value = self.environment.get(operand)
                if isinstance(value, ThreadBuffer):
                    found[operand] = buffer(value)
        return found

    def run_copy(self, op: CopyOp, around: Around) -> None:
        """Do a copy in one thread after the other."""
        for point in self.threads(around):
            values: dict[SSAValue, Any] = {**self.environment, **point}

            def look(value: SSAValue, values: dict[SSAValue, Any] = values) -> Any:
                return values[value]

            views: dict[SSAValue, Any] = {**values, **self.buffers(op, lambda b: b.view(look))}
            values.update(self.buffers(op, lambda b: b.one(look)))
            thread = np.asarray(self.number(around, look))
            source, target = views[op.source], views[op.target]
            both = mesh(source.origin, source.shape, target.origin, target.shape)
            whole = mesh(target.origin, target.shape, target.origin, target.shape)
            self.enter(op, op.source, source, False, both, None, thread)
            written = both if op.pad is None else whole
            self.enter(op, op.target, target, True, written, None, thread)
            self.copy(op, values[op.source], values[op.target])

    def allocate(self, op: AllocOp, around: Around) -> ThreadBuffer:
        """Fresh memory for each thread, or for threads together."""
        type = op.result.type
        assert isinstance(type, MemRefType)
        shape = sizes_of(logical_shape(type), self.dims)
        if op.memory is not None:
            whole: ThreadBuffer = self.environment[op.memory]
            return ThreadBuffer(op, shape, whole.data, whole.axes, whole.counts, whole)
        axes = tuple(o for axis, o in around.axes.items() if axis not in op.sharing_axes)
        one = allocate(value_name(op.result), type, (0,) * len(shape), self.dims)
        counts = tuple(self.extents[o.kind.data] for o in axes)
        data = np.repeat(one.data[np.newaxis], prod(counts), axis=0)
        return ThreadBuffer(op, shape, data, axes, counts)

    def number(self, around: Around, value: Lookup) -> Any:
        """The number of the thread among all of the kernel."""
        found: Any = 0
        for axis, extent in self.extents.items():
            mine = value(around.axes[axis].induction) if axis in around.axes else 0
            found = found * extent + mine
        return found

    def note(self, nest: Nest, found: Instances, around: Around) -> None:
        """Enter what the instances of a block touch, before they run."""
        body, init = nest.block.body.block, nest.block.init
        rank = len(found.extents)
        begins = starts(nest, found)
        threads = full_rank(self.number(around, self.blocks.value_in(found)), rank)
        trial = self.blocks.trial(found, body, [] if init is None else [init.block])
        if any(computes_index(op) for op in body.ops):
            trial.run(list(body.ops))
        regions: list[tuple[Block, Array | None]] = [(body, None)]
        if init is not None and begins.any():
            regions.insert(0, (init.block, begins))
        for region, where in regions:
            for op in region.ops:
                if isinstance(op, LoadOp | StoreOp):
                    self.enter_access(op, trial, where, threads)

    def enter_access(
        self, op: LoadOp | StoreOp, trial: Trial, where: Array | None, threads: Array
    ) -> None:
        """Enter what a load or a store touches."""
        indices, guards = trial.access(op)
        operands = [trial.value(i) for i in op.indices]
        mask = all_hold(guards, operands)
        if mask is not None:
            mask = full_rank(mask, trial.rank)
        if where is not None:
            mask = where if mask is None else mask & where
        if mask is None or mask.any():
            places = [f(operands) for f in indices]
            buffer = trial.value(op.memref)
            self.enter(op, op.memref, buffer, isinstance(op, StoreOp), places, mask, threads)

    def note_point(self, nest: Nest, values: Mapping[SSAValue, Any], thread: int) -> None:
        """Enter what one instance of a block touches in one thread."""
        found = enumerate_instances(nest, lambda v: int(values[v]), ())
        if found is None:
            return
        regions = [nest.block.body.block]
        if nest.block.init is not None and starts(nest, found).all():
            regions.insert(0, nest.block.init.block)
        for region in regions:
            inner: dict[SSAValue, Any] = dict(zip(region.args, found.variables, strict=True))
            trial = Trial(values, inner, 0, {})
            try:
                for op in region.ops:
                    if isinstance(op, IntrinsicOp):
                        self.enter_call(op, trial, np.asarray(thread))
                        continue
                    trial.run([op])
                    if isinstance(op, LoadOp | StoreOp):
                        self.enter_access(op, trial, None, np.asarray(thread))
            except OutOfBoundsError:
                return  # the instance says so when it runs

    def enter_call(self, op: IntrinsicOp, trial: Trial, thread: Array) -> None:
        """Enter what a call of an instruction touches."""
        tiles: list[Buffer] = [trial.value(t) for t in op.tiles]
        outer = [int(trial.value(v)) for v in op.indices]
        written, read = regions_of(op, tiles, outer)
        if op.form.data == "update":
            read = [*read, *written]
        values = {id(tile): value for tile, value in zip(tiles, op.tiles, strict=True)}
        for regions, writes in ((read, False), (written, True)):
            for region in regions:
                value = values[id(region.buffer)]
                self.enter(op, value, region.buffer, writes, region.places(), None, thread)

    def enter(
        self,
        op: Operation,
        value: SSAValue,
        buffer: Buffer,
        writes: bool,
        places: Sequence[Any],
        mask: Array | None,
        threads: Array,
    ) -> None:
        """Enter what threads touch into the ledgers of a memory; a race is an error."""
        memory = self.environment[value]
        groups = prod(self.extents.values()) // self.items
        own: tuple[str, ...] = ()
        if isinstance(memory, ThreadBuffer):
            key: Any = memory.key
            own = tuple(o.kind.data for o in memory.axes)
        elif buffer.key in self.written:
            key = buffer.key
        else:
            return
        if set(own) >= set(self.extents):
            return
        cells = buffer.addresses(places, mask, writes)
        shape = np.broadcast_shapes(cells.shape, threads.shape, () if mask is None else mask.shape)
        chosen = slice(None) if mask is None else np.broadcast_to(mask, shape).reshape(-1)
        flat = [np.broadcast_to(a, shape).reshape(-1)[chosen] for a in (cells, threads)]
        positions = np.arange(prod(shape))[chosen]

        def place(instance: int) -> str:
            position = tuple(int(p) for p in np.unravel_index(positions[instance], shape))
            indices = [int(value_at(i, position)) for i in places]
            return f"{buffer.name}[{', '.join(map(str, indices))}]"

        when = ", ".join(f"{loop.loop_name.data} = {number}" for loop, number in self.stack)
        touch = Touch(op, writes, flat[0], flat[1], place, when)
        ledger = self.ledgers.setdefault(key, Ledger(buffer.data.size))
        found = ledger.enter(touch)
        if found is not None:
            raise self.race(found, found.thread, found.second)
        if groups > 1 and not all(a in own for a in self.extents if a.startswith("blockIdx")):
            ledger = self.group_ledgers.setdefault(key, Ledger(buffer.data.size))
            found = ledger.enter(Touch(op, writes, flat[0], flat[1] // self.items, place, when))
            if found is not None:
                second = int(flat[1][found.instance])
                raise self.race(found, found.thread * self.items, second)

    def race(self, found: Meeting, first: int, second: int) -> RaceError:
        """The message about two threads that touch one cell."""
        groups = first // self.items != second // self.items
        cell = found.touch.place(found.instance)
        sides = (
            (found.statement, found.writes, first, found.when),
            (found.touch.statement, found.touch.writes, second, found.touch.when),
        )
        texts = [
            f"{subject(op)} {'writes' if writes else 'reads'} it in thread {self.spell(thread)}"
            for op, writes, thread, _ in sides
        ]
        why = (
            "and thread groups cannot wait for each other"
            if groups
            else "with no barrier in between (insert-thread-barriers puts them)"
        )
        details = [
            text + (f" at {when}" if when else "") + source(op)
            for text, (op, _, _, when) in zip(texts, sides, strict=True)
        ]
        return RaceError(f"a race on {cell}: {texts[0]}, {texts[1]}, {why}", *details)

    def spell(self, thread: int) -> str:
        """The numbers of a thread along the axes."""
        numbers: list[str] = []
        for axis, extent in reversed(self.extents.items()):
            thread, number = divmod(thread, extent)
            numbers.insert(0, f"{axis} = {number}")
        return f"({', '.join(numbers)})"


def computes_index(op: Operation) -> bool:
    """Whether an access is at a place that its block computes."""
    return isinstance(op, LoadOp | StoreOp) and any(
        isinstance(index.owner, Operation) for index in op.indices
    )


def subject(op: Operation) -> str:
    """The statement that an operation belongs to."""
    if isinstance(op, CopyOp):
        return f"the copy of {value_name(op.source)} to {value_name(op.target)}"
    parent = op.parent_op()
    assert isinstance(parent, BlockOp)
    return f"block '{parent.block_name.data}'"


def source(op: Operation) -> str:
    """Where an operation comes from, if that is known."""
    parent = op.parent_op()
    for one in (op, parent):
        if one is not None and not isinstance(one.location, UnknownLoc):
            return f", from {one.location}"
    return ""


def mesh(
    origin: Sequence[int], shape: Sequence[int], other: Sequence[int], sizes: Sequence[int]
) -> list[Array]:
    """The coordinates of the elements that two boxes hold."""
    lows = [max(a, b) for a, b in zip(origin, other, strict=True)]
    parts = zip(origin, shape, other, sizes, strict=True)
    highs = [min(a + m, b + n) for a, m, b, n in parts]
    extents = [max(0, high - low) for low, high in zip(lows, highs, strict=True)]
    return [i + low for i, low in zip(np.indices(extents, sparse=True), lows, strict=True)]
