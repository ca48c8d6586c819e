"""What tokens in loops order, found by running them: it knows nothing of how they were placed.

A function is written out as the sequence of its operations, each with the unit that runs it and the
memory cells it touches, by going through its loops. Then each unit runs its own operations in
order, a pop waiting for the push of the same number in its queue. Every two operations of different
units on one cell of which one writes must be ordered as in the program, all units must come to
their end, and no token may be left over.

Virtual threads are loops here, whose tiles are memory of their own in each iteration. All other
tiles are the same memory whenever they are allocated.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import SymbolTable

from dialects import loop
from dialects.layout import logical_shape, scope_of

FILLS = {"inp": "ld", "wgt": "ld", "acc": "ex"}
DRAINS = {"out": "st"}
UNITS = ("ld", "ex", "st")

Cell = tuple[object, tuple[int, ...]]


class TokenError(AssertionError):
    """What is wrong with the tokens of a function."""


@dataclass
class Step:
    """One operation of a unit: work on cells, or a push or pop."""

    unit: str
    text: str
    reads: set[Cell] = field(default_factory=set[Cell])
    writes: set[Cell] = field(default_factory=set[Cell])
    push: tuple[str, str] | None = None
    pop: tuple[str, str] | None = None


@dataclass
class Memory:
    key: object
    origin: tuple[int, ...]
    shape: tuple[int, ...]

    def box(self) -> set[tuple[int, ...]]:
        ranges = [range(o, o + n) for o, n in zip(self.origin, self.shape, strict=True)]
        return set(product(*ranges))

    def cells(self, places: set[tuple[int, ...]]) -> set[Cell]:
        assert places <= self.box(), f"outside of its box: {places - self.box()}"
        return {
            (self.key, tuple(c - o for c, o in zip(place, self.origin, strict=True)))
            for place in places
        }


class Flattener:
    """Goes through the loops of a function."""

    def __init__(self, function: func.FuncOp) -> None:
        self.function = function
        self.values: dict[SSAValue, Any] = {}
        self.threads: list[int] = []
        self.shadowed = dict(shadows(function))
        for argument in function.body.block.args:
            shape = tuple(int(n) for n in logical_shape(argument.type))
            self.values[argument] = Memory(argument, (0,) * len(shape), shape)

    def steps(self) -> list[Step]:
        return list(self.block(self.function.body.block))

    def block(self, block: Block) -> Iterator[Step]:
        for op in block.ops:
            yield from self.operation(op)

    def operation(self, op: Operation) -> Iterator[Step]:
        match op:
            case loop.ForOp():
                yield from self.iterations(op)
            case loop.AllocOp():
                shape = tuple(int(n) for n in logical_shape(op.result.type))
                origin = self.evaluate(op.origin.data, op.outer)
                owner = self.shadowed.get(op.result, op.result)
                self.values[op.result] = Memory((owner, *self.threads), origin, shape)
            case loop.CopyOp():
                yield self.copy(op)
            case loop.BlockOp():
                yield from self.call(op)
            case loop.PushDepOp():
                queue = op.source.data, op.target.data
                yield Step(queue[0], f"push {queue}", push=queue)
            case loop.PopDepOp():
                queue = op.source.data, op.target.data
                yield Step(queue[1], f"pop {queue}", pop=queue)
            case func.ReturnOp():
                pass
            case _:
                raise NotImplementedError(op.name)

    def evaluate(self, map: Any, operands: Any, symbols: Any = ()) -> tuple[int, ...]:
        return tuple(map.eval([self.values[v] for v in operands], list(symbols)))

    def iterations(self, op: loop.ForOp) -> Iterator[Step]:
        (low,) = self.evaluate(op.lower.data, op.bounds)
        (high,) = self.evaluate(op.upper.data, op.bounds)
        for value in range(low, high):
            self.values[op.induction] = value
            if op.kind.data == "vthread":
                self.threads.append(value)
            yield from self.block(op.body.block)
            if op.kind.data == "vthread":
                self.threads.pop()

    def copy(self, op: loop.CopyOp) -> Step:
        source, target = self.values[op.source], self.values[op.target]
        both = source.box() & target.box()
        scopes = scope_of(op.source.type), scope_of(op.target.type)
        unit = FILLS[scopes[1]] if scopes[0] == "global" else DRAINS[scopes[0]]
        written = both if op.pad is None else target.box()
        return Step(unit, f"{unit}: {op}", source.cells(both), target.cells(written))

    def call(self, op: loop.BlockOp) -> Iterator[Step]:
        bindings = self.evaluate(op.bindings.data, op.outer)
        domains = self.evaluate(op.domains.data, op.outer)
        where = self.evaluate(op.where.data, op.outer)
        if any(not 0 <= b < d for b, d in zip(bindings, domains, strict=True)):
            return
        if any(w < 0 for w in where):
            return
        begins = not any(b for b, r in zip(bindings, op.is_reduce, strict=True) if r)
        for region in [op.init] * (op.init is not None and begins) + [op.body]:
            assert region is not None
            self.values.update(zip(region.block.args, bindings, strict=True))
            for inner in region.block.ops:
                assert isinstance(inner, loop.IntrinsicOp)
                yield self.intrinsic(inner)

    def intrinsic(self, op: loop.IntrinsicOp) -> Step:
        declared: Any = SymbolTable.lookup_symbol(op, op.callee)
        results = [v.type for v in declared.behaviour.block.last_op.values]
        types: Any = [*results, *(a.type for a in declared.behaviour.block.args)]
        step = Step(declared.unit.data, f"{declared.unit.data}: {op}")
        for number, (tile, map) in enumerate(zip(op.tiles, op.places, strict=True)):
            memory = self.values[tile]
            elements = product(*(range(n) for n in types[number].get_shape()))
            places = {self.evaluate(map, op.indices, e[: map.num_symbols]) for e in elements}
            if number < op.writes.data:
                step.writes |= memory.cells(places)
            if number >= op.writes.data or op.form.data == "update":
                step.reads |= memory.cells(places)
        return step


def shadows(function: func.FuncOp) -> Iterator[tuple[SSAValue, SSAValue]]:
    """For each tile in `out` the accumulator that a call makes it from."""
    for op in function.walk():
        if isinstance(op, loop.IntrinsicOp) and scope_of(op.tiles[0].type) == "out":
            for tile in op.tiles[1:]:
                if scope_of(tile.type) == "acc":
                    yield op.tiles[0], tile


def check_tokens(module: ModuleOp) -> list[list[Step]]:
    """The steps of each function, whose tokens order all that must be in order."""
    functions = [op for op in module.ops if isinstance(op, func.FuncOp)]
    return [check_steps(Flattener(function).steps()) for function in functions]


def check_steps(steps: list[Step]) -> list[Step]:
    """Raise `TokenError` unless the tokens among some steps are enough, and all used."""
    clocks = run(steps)
    counts = dict.fromkeys(UNITS, 0)
    touched: dict[Cell, list[tuple[Step, int, bool]]] = {}
    for step, clock in zip(steps, clocks, strict=True):
        counts[step.unit] += 1
        for cell in step.reads | step.writes:
            writes = cell in step.writes
            for other, number, wrote in touched.get(cell, []):
                if other.unit != step.unit and (writes or wrote) and clock[other.unit] < number:
                    raise TokenError(f"not ordered: {other.text} and {step.text}, on {cell}")
            touched.setdefault(cell, []).append((step, counts[step.unit], writes))
    at_end = dict.fromkeys(UNITS, 0)
    for step, clock in zip(steps, clocks, strict=True):
        if step.unit == "ex":
            at_end = clock
    last = dict.fromkeys(UNITS, 0)
    counts = dict.fromkeys(UNITS, 0)
    for step in steps:
        counts[step.unit] += 1
        if step.push is None and step.pop is None:
            last[step.unit] = counts[step.unit]
    for unit in UNITS:
        if unit != "ex" and at_end[unit] < last[unit]:
            raise TokenError(f"ex does not know at the end that {unit} is done")
    return steps


def run(steps: list[Step]) -> list[dict[str, int]]:
    """For each step how many steps of each unit are done when it is, its own included."""
    streams = {unit: deque[int]() for unit in UNITS}
    for number, step in enumerate(steps):
        streams[step.unit].append(number)
    now = {unit: dict.fromkeys(UNITS, 0) for unit in UNITS}
    queues: dict[tuple[str, str], deque[dict[str, int]]] = {}
    clocks: list[dict[str, int]] = [{}] * len(steps)
    ran = True
    while ran:
        ran = False
        for unit, stream in streams.items():
            while stream:
                step = steps[stream[0]]
                clock = now[unit]
                if step.pop is not None:
                    if not queues.get(step.pop):
                        break
                    told = queues[step.pop].popleft()
                    clock = {u: max(clock[u], told[u]) for u in UNITS}
                now[unit] = clock = {**clock, unit: clock[unit] + 1}
                if step.push is not None:
                    queues.setdefault(step.push, deque()).append(clock)
                clocks[stream.popleft()] = clock
                ran = True
    waiting = [steps[stream[0]].text for stream in streams.values() if stream]
    if waiting:
        raise TokenError(f"deadlock: {waiting}")
    left = {queue: len(tokens) for queue, tokens in queues.items() if tokens}
    if left:
        raise TokenError(f"tokens are left over: {left}")
    return clocks
