"""How many cycles a stream takes: the units, their queues and the bus they share, event by event.

docs/vta-isa.md, section 10, which also says what is chosen where that leaves something open. Time
is counted in whole cycles; an instruction that is in [start, end) retires at the end of cycle
end - 1, and what waits for it goes on in cycle end. Contents of memories play no part, so that a
stream is timed without an image.

Time jumps from event to event: a phase of an instruction ends, a transfer ends, an instruction has
been fetched. Between two events the share of each transfer in the bus is the same.
"""

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from analysis.errors import UserError, nearest
from vta import isa, queues
from vta.config import Config
from vta.implementations import CHISEL, HLS, Implementation
from vta.isa import (
    Alu,
    Finish,
    Instruction,
    MemoryType,
    MicroCoded,
    Store,
    StreamError,
    Transfer,
    Unit,
    describe,
)

ROUNDING = 1e-6
"""Fewer bytes than these have been moved already: shares of the bus are rounded."""


@dataclass(frozen=True)
class Preset:
    """One row of the table of section 10: what the cycles of a piece of hardware depend on."""

    name: str
    implementation: Implementation
    """Whose queues it has."""
    bus_bytes: float
    """What the DRAM bus moves in a cycle."""
    memory_cycles: int
    """What each transfer takes before its first byte."""
    alu_immediate: int
    alu_register: int
    """Cycles of an ALU step."""
    store_cycles: int = 3
    """The fewest cycles in which an element of OUT is stored."""
    pad_cycles: int = 1
    uop_cycles: int = 1
    """The fewest cycles in which a micro-op is loaded."""
    pipeline_cycles: int = 8
    """What GEMM and ALU take besides their steps."""
    nop_cycles: int = 2


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("hls", HLS, bus_bytes=8, memory_cycles=8, alu_immediate=2, alu_register=2),
        Preset("chisel", CHISEL, bus_bytes=8, memory_cycles=8, alu_immediate=1, alu_register=2),
        Preset("pynq", HLS, bus_bytes=3.4, memory_cycles=32, alu_immediate=2, alu_register=2),
    )
}


def find_preset(name: str) -> Preset:
    """The preset called `name`."""
    if name not in PRESETS:
        raise UserError(f"vta: no timing is called '{name}': {nearest(name, PRESETS)}")
    return PRESETS[name]


class Cause(StrEnum):
    """Why a unit does not work."""

    FETCH = "fetch"
    """Its next instruction has not been fetched."""
    QUEUE_FULL = "queue full"
    """Fetching stands still, because the queue of instructions of another unit is full."""
    LOAD = "token of load"
    COMPUTE = "token of compute"
    STORE = "token of store"
    ROOM = "room for a token"
    """The queue is full into which it will push."""
    TURN = "turn"
    """Another instruction is running, and there is one at a time."""
    BUS = "bus"
    """Others have a share of the bus that its transfer asks for."""
    END = "end"
    """All its instructions have retired."""


_TOKEN_OF = {Unit.LOAD: Cause.LOAD, Unit.COMPUTE: Cause.COMPUTE, Unit.STORE: Cause.STORE}


@dataclass(frozen=True)
class Wait:
    """Cycles [start, end) in which a unit stood still."""

    cause: Cause
    start: int
    end: int

    @property
    def cycles(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Span:
    """One instruction: the cycles [start, end), and what its unit waited for before them.

    `bus_cycles` of them are those that a transfer would not take with the bus for itself.
    """

    position: int
    unit: Unit
    start: int
    end: int
    waits: tuple[Wait, ...] = ()
    bus_cycles: int = 0

    @property
    def cycles(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Token:
    """A token's way: the positions of the instructions that pushed and popped it."""

    queue: queues.Queue
    pushed_by: int
    popped_by: int


@dataclass(frozen=True)
class Timing:
    """When each instruction ran; of each unit, cycles = busy + the sum of its stalls."""

    preset: str
    cycles: int
    spans: tuple[Span, ...]
    """One for each instruction, in the order of the stream."""
    tokens: tuple[Token, ...]

    def of(self, unit: Unit) -> tuple[Span, ...]:
        """The instructions of a unit."""
        return tuple(span for span in self.spans if span.unit is unit)

    def busy(self, unit: Unit) -> int:
        """Cycles in which the unit worked, not counting those in which the bus held it up."""
        return sum(span.cycles - span.bus_cycles for span in self.of(unit))

    def utilisation(self, unit: Unit) -> float:
        """The share of all cycles in which the unit worked."""
        return self.busy(unit) / self.cycles

    def stalls(self, unit: Unit) -> dict[Cause, int]:
        """Cycles in which the unit did not work, by their cause; causes that were not are not."""
        found: Counter[Cause] = Counter()
        end = 0
        for span in self.of(unit):
            found[Cause.BUS] += span.bus_cycles
            for wait in span.waits:
                found[wait.cause] += wait.cycles
            end = span.end
        found[Cause.END] = self.cycles - end
        return {cause: found[cause] for cause in Cause if found[cause]}


@dataclass(frozen=True)
class Work:
    """What an instruction takes: cycles, then bytes over the bus, then cycles.

    `demand` is the most bytes a cycle at which it can move them.
    """

    before: int
    bytes: int = 0
    demand: float = 1
    after: int = 0

    @property
    def transfer_cycles(self) -> int:
        """Of the bytes, with the bus for itself."""
        return _cycles(self.bytes, self.demand)


def _cycles(bytes: float, rate: float) -> int:
    return math.ceil((bytes - ROUNDING) / rate) if bytes > ROUNDING else 0


def work_of(op: Instruction, config: Config, preset: Preset) -> Work:
    """What an instruction takes when nothing holds it up."""
    match op:
        case Transfer() if not op.is_nop:
            return _transfer_work(op, config, preset)
        case Alu():
            step = preset.alu_immediate if op.use_imm else preset.alu_register
            return Work(op.steps * step + preset.pipeline_cycles)
        case MicroCoded():
            return Work(op.steps + preset.pipeline_cycles)
        case _:
            return Work(preset.nop_cycles)


def _transfer_work(op: Transfer, config: Config, preset: Preset) -> Work:
    element_bytes, fewest_cycles = {
        MemoryType.UOP: (config.uop.element_bytes, preset.uop_cycles),
        MemoryType.WGT: (config.wgt.element_bytes, 0),
        MemoryType.INP: (config.inp.element_bytes, 0),
        MemoryType.ACC: (config.acc.element_bytes, 0),
        MemoryType.ACC_8BIT: (config.acc.element_bytes // 4, 0),
        MemoryType.OUT: (config.out.element_bytes, preset.store_cycles),
    }[op.memory_type]
    moved = op.y_size * op.x_size
    demand = preset.bus_bytes
    if fewest_cycles:
        demand = min(demand, element_bytes / fewest_cycles)
    padded = 0 if isinstance(op, Store) else op.sram_size - moved
    return Work(preset.memory_cycles, moved * element_bytes, demand, padded * preset.pad_cycles)


class _Phase(StrEnum):
    BEFORE = "before"
    TRANSFER = "transfer"
    AFTER = "after"


@dataclass
class _Active:
    """The instruction that a unit works on."""

    position: int
    start: int
    work: Work
    waits: tuple[Wait, ...]
    phase: _Phase = _Phase.BEFORE
    until: int = 0
    remaining: float = 0
    bus_cycles: int = 0


@dataclass
class _UnitState:
    """A unit: the positions of its instructions, and how far it is."""

    positions: list[int] = field(default_factory=list[int])
    next: int = 0
    free: int = 0
    active: _Active | None = None

    @property
    def head(self) -> int | None:
        """The next instruction, unless the unit is busy or done."""
        done = self.active is not None or self.next == len(self.positions)
        return None if done else self.positions[self.next]


class _Fetch:
    """When instructions are fetched; an instruction keeps its place in the queue till it retires.

    Known for an instruction as soon as it is known for those before and its queue has had room.
    """

    def __init__(self, stream: Sequence[Instruction], limit: int | None) -> None:
        self.stream, self.limit = stream, limit
        self.times: list[int] = []
        self.blocked: list[tuple[int, int]] = []
        self._queued: dict[Unit, list[int]] = {unit: [] for unit in Unit}

    def advance(self, ends: Sequence[int | None]) -> None:
        """Fetch as far as the instructions that have retired allow."""
        while len(self.times) < len(self.stream):
            position = len(self.times)
            queued = self._queued[self.stream[position].unit]
            earliest = self.times[-1] + 1 if self.times else 0
            time = earliest
            if self.limit is not None and len(queued) >= self.limit:
                room = ends[queued[-self.limit]]
                if room is None:
                    return
                time = max(earliest, room)
            if time > earliest:
                self.blocked.append((earliest, time))
            self.times.append(time)
            queued.append(position)

    def arrival(self, position: int) -> int | None:
        """The first cycle in which a unit can begin with an instruction, if it is known."""
        return self.times[position] + 1 if position < len(self.times) else None

    def waits(self, start: int, end: int) -> list[Wait]:
        """What a unit waited for in [start, end), being without an instruction."""
        found: list[Wait] = []
        for first, last in reversed(self.blocked):
            if last <= start:
                break
            first, last = max(first, start), min(last, end)
            if first < last:
                found += [Wait(Cause.FETCH, last, end), Wait(Cause.QUEUE_FULL, first, last)]
                end = first
        found.append(Wait(Cause.FETCH, start, end))
        return [wait for wait in reversed(found) if wait.cycles > 0]


class _Machine:
    """The state of all units in a cycle."""

    def __init__(
        self,
        stream: Sequence[Instruction],
        config: Config,
        preset: Preset,
        turns: Sequence[int] | None,
    ) -> None:
        self.stream, self.config, self.preset, self.turns = stream, config, preset, turns
        self.now = 0
        self.units = {unit: _UnitState() for unit in Unit}
        for position, op in enumerate(stream):
            self.units[op.unit].positions.append(position)
        self.fetch = _Fetch(stream, preset.implementation.instruction_queue)
        self.tokens: dict[queues.Queue, deque[tuple[int, int]]] = {
            q: deque() for q in queues.QUEUES
        }
        self.taken: list[Token] = []
        self.spans: list[Span] = []
        self.ends: list[int | None] = [None] * len(stream)

    def run(self) -> None:
        while len(self.spans) < len(self.stream):
            self.fetch.advance(self.ends)
            while any(self.begin(unit) for unit in Unit):
                pass
            self.advance(self.next_event())

    def begin(self, unit: Unit) -> bool:
        """Let a unit begin with its next instruction, if it can in this cycle."""
        state = self.units[unit]
        position = state.head
        if position is None or not self._has_turn(position):
            return False
        arrival = self.fetch.arrival(position)
        if arrival is None or arrival > self.now or not self._has_tokens_and_room(position):
            return False
        op = self.stream[position]
        waits = self.fetch.waits(state.free, arrival)
        waiting = max(state.free, arrival)
        cause = Cause.ROOM if self.turns is None else Cause.TURN
        popped = [(queue, *self.tokens[queue].popleft()) for queue in queues.pops(op)]
        for queue, pushed_by, _ in popped:
            self.taken.append(Token(queue, pushed_by, position))
        latest = max(popped, key=lambda token: token[2], default=None)
        if latest is not None and latest[2] > waiting and self.turns is None:
            waits.append(Wait(_TOKEN_OF[latest[0][0]], waiting, latest[2]))
            waiting = latest[2]
        if self.now > waiting:
            waits.append(Wait(cause, waiting, self.now))
        work = work_of(op, self.config, self.preset)
        state.active = _Active(position, self.now, work, tuple(waits), until=self.now + work.before)
        state.next += 1
        return True

    def _has_turn(self, position: int) -> bool:
        if self.turns is None:
            return True
        busy = any(state.active is not None for state in self.units.values())
        return not busy and self.turns[len(self.spans)] == position

    def _has_tokens_and_room(self, position: int) -> bool:
        op, limit = self.stream[position], self.preset.implementation.token_queue
        return all(self.tokens[queue] for queue in queues.pops(op)) and (
            limit is None or all(len(self.tokens[queue]) < limit for queue in queues.pushes(op))
        )

    def rates(self) -> dict[Unit, float]:
        """The bytes a cycle of each transfer: what it asks for, or its part of a full bus."""
        demands = {
            unit: state.active.work.demand
            for unit, state in self.units.items()
            if state.active is not None and state.active.phase is _Phase.TRANSFER
        }
        full = max(1.0, sum(demands.values()) / self.preset.bus_bytes)
        return {unit: demand / full for unit, demand in demands.items()}

    def next_event(self) -> int:
        """The cycle in which something changes."""
        times: list[int] = []
        rates = self.rates()
        for unit, state in self.units.items():
            if state.active is not None:
                moving = unit in rates
                left = _cycles(state.active.remaining, rates[unit]) if moving else 0
                times.append(self.now + left if moving else state.active.until)
            elif state.head is not None:
                arrival = self.fetch.arrival(state.head)
                if arrival is not None and arrival > self.now:
                    times.append(arrival)
        assert times, "the order of the stream has no deadlock, so that something can go on"
        return min(times)

    def advance(self, time: int) -> None:
        """Go to a cycle up to which shares of the bus stay the same."""
        for unit, rate in self.rates().items():
            active = self.units[unit].active
            assert active is not None
            active.remaining -= rate * (time - self.now)
        self.now = time
        for unit in Unit:
            self._step(unit)

    def _step(self, unit: Unit) -> None:
        """Enter the next phases of a unit's instruction, where the last ones have ended."""
        active = self.units[unit].active
        if active is None:
            return
        work = active.work
        if active.phase is _Phase.BEFORE and active.until <= self.now:
            active.phase, active.remaining, active.until = _Phase.TRANSFER, work.bytes, self.now
        if active.phase is _Phase.TRANSFER and active.remaining <= ROUNDING:
            active.bus_cycles = self.now - active.until - work.transfer_cycles
            active.phase, active.until = _Phase.AFTER, self.now + work.after
        if active.phase is _Phase.AFTER and active.until <= self.now:
            self._retire(unit, active)

    def _retire(self, unit: Unit, active: _Active) -> None:
        self.ends[active.position] = self.now
        span = Span(active.position, unit, active.start, self.now, active.waits, active.bus_cycles)
        self.spans.append(span)
        for queue in queues.pushes(self.stream[active.position]):
            self.tokens[queue].append((active.position, self.now))
        self.units[unit].active, self.units[unit].free = None, self.now


def time_stream(
    stream: Sequence[Instruction],
    config: Config,
    preset: Preset = PRESETS["hls"],
    serial: bool = False,
) -> Timing:
    """When each instruction of a stream runs, under one preset.

    `serial` issues an instruction when the one before it has retired; one that waits for a token
    of a later one lets that go first. Raises StreamError, as the simulator does, where an
    instruction is illegal, FINISH is missing, tokens are left over, or the units deadlock.
    """
    for position, op in enumerate(stream):
        wrong = isa.illegality(op)
        if wrong is not None:
            raise StreamError(f"vta: {describe(op, position)}: {wrong}")
    order = list(queues.run_order(stream, preset.implementation))
    machine = _Machine(stream, config, preset, order if serial else None)
    machine.run()
    spans = tuple(sorted(machine.spans, key=lambda span: span.position))
    assert isinstance(stream[-1], Finish)
    return Timing(preset.name, machine.now, spans, tuple(machine.taken))
