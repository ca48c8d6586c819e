"""Features: a fixed number of figures for any function of loops, whatever its structure.

Three kinds of figures are independent of how many loops, blocks and buffers there are:

- sums over all statements, of what is done and what is moved;
- curves: what would have to come from memory if there were a cache of 512 bytes, 2 KiB, ..., and
  what the innermost 1, 16, 256, ... iterations touch (the relations that Chen et al., NeurIPS 2018,
  sample by loops are taken at fixed sizes instead);
- what stands out: the statement that does the most, and the four places it touches that move most,
  in that order (per statement as in Ansor, Zheng et al., OSDI 2020).

All come from affine forms of the loops (statements.py) and facts of the `Machine`. Numbers that
range over orders of magnitude are logarithms, log2(1 + x), which their unit says.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, fsum, log2, prod

import numpy as np
from xdsl.dialects import func

from dialects import loop
from dialects.target import Machine
from tuner.features.statements import (
    CACHED,
    Level,
    Statement,
    Touch,
    bytes_alive,
    executions_of,
    statements_of,
)
from tuner.space import Floats

LINE = 64
"""The bytes of a line of a cache."""

CAPACITIES = tuple(1 << n for n in range(9, 26, 2))
"""The bytes of the caches that the curve of traffic is sampled at."""

WINDOWS = tuple(1 << n for n in range(0, 25, 4))
"""The executions that the curve of what is touched is sampled at."""

PLACES = 4
"""How many places of the statement that does the most are described."""

HOT = "most work"
"""The statement that does the most, in names."""


@dataclass(frozen=True)
class Feature:
    """A figure, and what it counts."""

    name: str
    unit: str
    value: float


def log(value: float) -> float:
    return log2(1 + value)


@dataclass(frozen=True)
class Kernel:
    """A function of loops on a machine."""

    function: func.FuncOp
    machine: Machine

    @cached_property
    def statements(self) -> list[Statement]:
        return statements_of(self.function)

    @cached_property
    def alive(self) -> dict[str, float]:
        return bytes_alive(self.function.body.block)

    @cached_property
    def hot(self) -> Statement | None:
        """The statement that does the most; of equal ones, the one whose figures are larger."""
        work = [s for s in self.statements if s.levels or s.touches]
        return max(work, key=lambda s: (vectors(s) * weight(s), moved_key(s)), default=None)

    def total(self, value: Callable[[Statement], float]) -> float:
        """A sum over all statements, which is the same in any order."""
        return fsum(value(statement) for statement in self.statements)

    def mean(self, value: Callable[[Statement], float]) -> float:
        """A mean over the statements by the executions of vectors."""
        of = self.total(vectors)
        return self.total(lambda s: vectors(s) * value(s)) / of if of else 0.0


def vectors(statement: Statement) -> float:
    """The executions of a statement, where those of a vector count once."""
    return statement.executions / max(1.0, statement.lanes)


def weight(statement: Statement) -> float:
    """What an execution costs, roughly; a special operation as ten plain ones."""
    return 1 + statement.operations + 10 * statement.special


def moved_key(statement: Statement) -> tuple[float, ...]:
    return tuple(sorted(t.elements(statement.levels)[0] * t.bytes for t in statement.touches))


def features_of(function: func.FuncOp, machine: Machine) -> list[Feature]:
    """The features of a function of loops."""
    kernel = Kernel(function, machine)
    return [
        *amounts(kernel),
        *loops(kernel),
        *registers(kernel),
        *curves(kernel),
        *memories(kernel),
        *places(kernel),
    ]


def vector_of(function: func.FuncOp, machine: Machine) -> Floats:
    """The features of a function of loops as a vector."""
    return np.array([feature.value for feature in features_of(function, machine)])


def amounts(kernel: Kernel) -> Iterable[Feature]:
    """How much is done in all."""

    def count(name: str, unit: str, value: Callable[[Statement], float]) -> Feature:
        return Feature(name, f"log2 {unit}", log(kernel.total(value)))

    yield count("operations", "operations", lambda s: s.executions * s.operations)
    yield count("special operations", "operations", lambda s: s.executions * s.special)
    yield count("executions", "executions", lambda s: 0 if s.moves else s.executions)
    yield count("executions of vectors", "executions", lambda s: 0 if s.moves else vectors(s))
    yield count("calls of instructions", "calls", lambda s: s.executions if s.calls else 0)
    yield count("copies", "copies", lambda s: s.executions if s.moves else 0)
    yield count("bytes copied", "B", copied)
    yield Feature("statements", "log2 statements", log(len(kernel.statements)))
    for name, kinds in (
        ("prefetches", (loop.PrefetchOp,)),
        ("barriers and tokens", (loop.BarrierOp, loop.PushDepOp, loop.PopDepOp)),
    ):
        runs = fsum(executions_of(op) for op in kernel.function.walk() if isinstance(op, kinds))
        yield Feature(name, "log2 executions", log(runs))
    yield Feature("executions for a useful one", "ratio", kernel.mean(lambda s: s.guarded))


def copied(statement: Statement) -> float:
    """The bytes that a copy moves, in all its executions."""
    if not statement.moves:
        return 0.0
    return statement.executions * max(t.elements(())[0] * t.bytes for t in statement.touches)


def loops(kernel: Kernel) -> Iterable[Feature]:
    """How the iterations of loops are executed."""
    threads = sorted({s.kind for s in all_levels(kernel)} - set(loop.KINDS))
    for kind in loop.KINDS:
        value = kernel.mean(lambda s, k=kind: log(s.trips(k) - 1) if s.trips(k) >= 1 else 0.0)
        yield Feature(f"{kind} iterations", "log2 iterations", value)
    yield Feature(
        "iterations over threads",
        "log2 iterations",
        kernel.mean(lambda s: log(max(1.0, s.trips(*threads)) - 1)),
    )
    yield Feature("jumps", "log2 jumps", log(kernel.total(jumps)))
    yield Feature("code", "log2 vector operations", log(kernel.total(code_of(kernel.machine))))
    yield Feature("share of a busiest core", "ratio", kernel.mean(imbalance_of(kernel.machine)))


def all_levels(kernel: Kernel) -> Iterable[Level]:
    return (level for statement in kernel.statements for level in statement.levels)


def jumps(statement: Statement) -> float:
    """The iterations of the innermost loop that is neither unrolled nor of lanes."""
    return statement.executions / max(1.0, statement.trips("unrolled", "vectorized"))


def code_of(machine: Machine) -> Callable[[Statement], float]:
    """The vector operations that a statement is in machine code."""

    def code(statement: Statement) -> float:
        widest = max((touch.bytes for touch in statement.touches), default=0.0)
        parts = ceil(statement.lanes * widest / max(1, machine.vector_bytes))
        return statement.trips("unrolled") * max(1, parts) * (1 + statement.operations)

    return code


def imbalance_of(machine: Machine) -> Callable[[Statement], float]:
    """How much longer the busiest core works on a statement than all would on average."""

    def imbalance(statement: Statement) -> float:
        trips = statement.trips("parallel")
        return ceil(trips / machine.cores) * machine.cores / trips if trips >= 1 else 1.0

    return imbalance


def registers(kernel: Kernel) -> Iterable[Feature]:
    """What the innermost, unrolled part of the statement that does the most asks of registers."""
    machine, hot = kernel.machine, kernel.hot
    size = max(1, machine.vector_bytes)
    held = kernel.alive.get("register", 0.0) / size
    yield Feature("vectors in register tiles", "log2 vectors", log(held))
    share = held / machine.vector_registers if machine.vector_registers else 0.0
    yield Feature("share of the registers", "ratio", share)
    inner = () if hot is None else unrolled(hot)
    body = prod(level.trips for level in inner if level.kind == "unrolled")
    chains = 0.0 if hot is None else fsum(part(t, inner, size) for t in hot.touches if t.writes)
    yield Feature("results side by side", "log2 vectors", log(chains))
    needed = machine.latency * machine.multiply_adds
    yield Feature("results for those in flight", "ratio", min(8.0, chains / max(1, needed)))
    loads: dict[str, float] = dict.fromkeys(STRIDES, 0.0)
    if hot is not None:
        for touch in sorted(hot.in_memory, key=lambda t: part(t, inner, size)):
            if touch.reads:
                loads[stride_kind(touch, inner)] += part(touch, inner, size) / max(1.0, body)
    for kind, count in loads.items():
        yield Feature(f"{kind} loads", "vectors an execution", count)


STRIDES = ("repeated", "adjacent", "scattered")
"""What lanes load: one element, elements side by side, or others."""


def stride_kind(touch: Touch, inner: Sequence[Level]) -> str:
    """Which of STRIDES a touch is."""
    lanes = [level for level in inner if level.kind == "vectorized"]
    if not lanes:
        return "repeated"
    stride = touch.stride(lanes[-1])
    return "repeated" if not stride else "adjacent" if stride == touch.bytes else "scattered"


def unrolled(statement: Statement) -> tuple[Level, ...]:
    """The innermost loops that are unrolled or lanes."""
    found: list[Level] = []
    for level in reversed(statement.levels):
        if level.kind not in ("unrolled", "vectorized"):
            break
        found.append(level)
    return tuple(reversed(found))


def part(touch: Touch, inner: Sequence[Level], size: int) -> float:
    """The vectors that are touched while the loops `inner` run."""
    lanes = max(1.0, prod(level.trips for level in inner if level.kind == "vectorized"))
    elements = touch.elements(inner)[0]
    if stride_kind(touch, inner) == "repeated":
        return elements
    return elements / lanes * ceil(lanes * touch.bytes / size)


def curves(kernel: Kernel) -> Iterable[Feature]:
    """What comes from memory behind caches of some sizes, and what some iterations touch."""
    machine = kernel.machine
    for capacity in CAPACITIES:
        bytes = kernel.total(lambda s, c=capacity: traffic(s, c, reads=True))
        yield Feature(f"traffic beyond {size_text(capacity)}", "log2 B", log(bytes))
    for capacity in (CAPACITIES[2], CAPACITIES[5]):
        bytes = kernel.total(lambda s, c=capacity: traffic(s, c, reads=False))
        yield Feature(f"written beyond {size_text(capacity)}", "log2 B", log(bytes))
    waiting = 0.0
    levels = (machine.l1_bytes, "l2"), (machine.l2_bytes, "l3"), (machine.l3_bytes, "dram")
    rates = dict(machine.bandwidths)
    for capacity, memory in levels:
        bytes = kernel.total(lambda s, c=capacity: traffic(s, c, reads=True))
        cycles = bytes / machine.bytes_per_cycle(memory) if rates.get(memory) else 0.0
        yield Feature(f"cycles of {memory}", "log2 cycles", log(cycles))
        waiting = max(waiting, cycles)
    busy = kernel.total(lambda s: vectors(s) * s.operations) / 2 / machine.multiply_adds
    yield Feature("cycles of arithmetic", "log2 cycles", log(busy))
    yield Feature("cycles of the slowest", "log2 cycles", log(max(busy, waiting)))
    for window in WINDOWS:
        value = kernel.mean(lambda s, w=window: log(touched(s, w)))
        yield Feature(f"touched by {window} executions", "log2 B", value)


def size_text(bytes: int) -> str:
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if bytes >= size:
            return f"{bytes // size} {unit}"
    return f"{bytes} B"


def in_lines(touch: Touch, inner: Sequence[Level]) -> float:
    """The bytes of the lines of a cache that are touched while the loops `inner` run."""
    elements, run = touch.elements(inner)
    runs = elements / run
    return runs * max(run * touch.bytes, min(LINE, touch.bytes * touch.extents[-1]))


def traffic(statement: Statement, capacity: float, reads: bool) -> float:
    """The bytes that come from beyond a cache: what the loops touch that together fit it, each
    time that they run. With `reads` all of it, otherwise what is written.

    Of the first loop that does not fit, as many iterations do as a power of two says, so that it
    is the same whether a loop is split or not.
    """
    places = list(statement.in_memory)
    levels = statement.levels
    depth = next((d for d in range(len(levels)) if fits(places, levels[d:], capacity)), len(levels))
    inner = levels[depth:]
    again = prod(level.trips for level in levels[:depth])
    if depth:
        broken, share = levels[depth - 1], 1
        while 2 * share < broken.trips:
            more = replace(broken, trips=2 * share)
            if not fits(places, (more, *levels[depth:]), capacity):
                break
            share *= 2
            inner = (more, *levels[depth:])
        again /= share
    return again * fsum(in_lines(t, inner) for t in places if reads or t.writes)


def fits(places: Sequence[Touch], inner: Sequence[Level], capacity: float) -> bool:
    return fsum(in_lines(touch, inner) for touch in places) <= capacity


def touched(statement: Statement, window: float) -> float:
    """The bytes that so many executions in a row touch; between loops, along a straight line."""
    inner: list[Level] = []
    runs = 1.0
    for level in reversed(statement.levels):
        if runs * level.trips > window:
            share = max(1, round(window / runs))
            inner.insert(0, Level(level.variable, level.kind, share))
            break
        inner.insert(0, level)
        runs *= level.trips
    return fsum(touch.elements(inner)[0] * touch.bytes for touch in statement.touches)


def memories(kernel: Kernel) -> Iterable[Feature]:
    """How full the memories of the machine are, fullest first, and what other tiles there are."""
    left = {scope: bytes for scope, bytes in kernel.alive.items() if scope != "register"}
    shares: list[float] = []
    for scope in kernel.machine.scopes:
        if scope.capacity and scope.name in left:
            shares.append(left.pop(scope.name) / scope.capacity)
    others = fsum(left.values())
    shares = [*sorted(shares, reverse=True), 0.0, 0.0, 0.0][:3]
    for place, share in zip(("first", "second", "third"), shares, strict=True):
        yield Feature(f"share of the memory that is {place} fullest", "ratio", share)
    yield Feature("other tiles", "log2 B", log(others))


def places(kernel: Kernel) -> Iterable[Feature]:
    """The places that the statement with the most work touches, what moves most first."""
    hot = kernel.hot
    rows = sorted((place_row(t, hot.levels) for t in hot.touches), reverse=True) if hot else []
    empty = (0.0,) * len(PLACE_FIGURES)
    for number, row in enumerate([*rows, *[empty] * PLACES][:PLACES], start=1):
        for (name, unit), value in zip(PLACE_FIGURES, row, strict=True):
            yield Feature(f"{HOT}, place {number}: {name}", unit, value)


PLACE_FIGURES = (
    ("touched in all", "log2 B"),
    ("times each is touched", "log2 times"),
    ("stride of the innermost loop", "log2 B"),
    ("stride of the lanes", "log2 B"),
    ("executions until touched again", "log2 executions"),
    ("touched until then", "log2 B"),
    ("read", "0 or 1"),
    ("written", "0 or 1"),
    ("in memory with caches", "0 or 1"),
)


def place_row(touch: Touch, levels: Sequence[Level]) -> tuple[float, ...]:
    """The figures of one place."""
    unique = touch.elements(levels)[0] * touch.bytes
    each = touch.elements(())[0] * touch.bytes
    executions = prod(level.trips for level in levels)
    lanes = [level for level in levels if level.kind == "vectorized"]
    until, bytes = 1.0, each
    for depth in reversed(range(len(levels))):
        if levels[depth].variable not in touch.vary and levels[depth].trips > 1:
            bytes = touch.elements(levels[depth + 1 :])[0] * touch.bytes
            break
        until *= levels[depth].trips
    return (
        log(unique),
        log(max(0.0, executions * each / max(1.0, unique) - 1)),
        log(touch.stride(levels[-1])) if levels else 0.0,
        log(touch.stride(lanes[-1])) if lanes else 0.0,
        log(until),
        log(bytes),
        float(touch.reads),
        float(touch.writes),
        float(touch.scope in CACHED),
    )
