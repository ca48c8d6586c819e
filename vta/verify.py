"""Proves that a stream gives the same result in every order that the units can run it in.

Each queue has one unit that pushes and one that pops, and both are in order, so the n-th pop takes
the token of the n-th push, always. With the order inside each unit this is all there is: an
instruction happens before another exactly if such steps lead from one to the other. A vector clock
of each instruction holds, for every unit, the last of its instructions that happens before.

Two accesses of one place, one of which writes, must be ordered so; FINISH must come after all.
What deadlocks, and which tokens are left, is the same in every order, so that one run tells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vta import isa, queues
from vta.config import Config
from vta.implementations import FSIM, Implementation, ResetOut
from vta.isa import (
    Alu,
    Gemm,
    Instruction,
    Load,
    MemoryType,
    MicroCoded,
    Store,
    StreamError,
    Transfer,
    Unit,
    describe,
)
from vta.simulator import steps
from vta.simulator.functional import Image
from vta.simulator.memory import Fault, Indices, Memories, SramInit


@dataclass(frozen=True)
class Failure:
    """What is wrong, in a line, and the positions of the instructions it is about."""

    message: str
    positions: tuple[int, ...] = ()


@dataclass(frozen=True)
class Access:
    """Places of a memory that an instruction reads or writes: elements, or words of DRAM."""

    memory: str
    places: Indices
    writes: bool


def happens_before(stream: Sequence[Instruction], order: Sequence[int]) -> list[list[int]]:
    """For each instruction and unit, how many of the unit's instructions happen before it.

    For its own unit it counts itself. `order` is one in which the stream can run.
    """
    clocks: list[list[int]] = [[] for _ in stream]
    last = {unit: [0, 0, 0] for unit in Unit}
    tokens: dict[queues.Queue, list[list[int]]] = {queue: [] for queue in queues.QUEUES}
    for position in order:
        op = stream[position]
        before = [last[op.unit], *(tokens[queue].pop(0) for queue in queues.pops(op))]
        clock = [max(counts) for counts in zip(*before, strict=True)]
        clock[op.unit] += 1
        clocks[position] = last[op.unit] = clock
        for queue in queues.pushes(op):
            tokens[queue].append(clock)
    return clocks


class _Accesses:
    """What instructions access; micro-ops are loaded from the image as the stream goes."""

    def __init__(self, config: Config, dram: Image, implementation: Implementation) -> None:
        self.config, self.dram, self.implementation = config, dram, implementation
        self.memories = Memories(config, SramInit(), implementation.wraps)
        self.dram_word = min(4, config.out.element_bytes)

    def of(self, op: Instruction) -> Iterator[Access]:
        """The accesses of one instruction, in the order of the compute unit."""
        if isinstance(op, Transfer) and not op.is_nop:
            yield from self._transfer(op)
        elif isinstance(op, MicroCoded):
            yield from self._micro_coded(op)

    def _transfer(self, op: Transfer) -> Iterator[Access]:
        memories = self.memories
        memory, element_bytes = {
            MemoryType.UOP: (memories.uop, self.config.uop.element_bytes),
            MemoryType.WGT: (memories.wgt, self.config.wgt.element_bytes),
            MemoryType.INP: (memories.inp, self.config.inp.element_bytes),
            MemoryType.ACC: (memories.acc, self.config.acc.element_bytes),
            MemoryType.ACC_8BIT: (memories.acc, self.config.acc.element_bytes // 4),
            MemoryType.OUT: (memories.out, self.config.out.element_bytes),
        }[op.memory_type]
        rows = op.dram_base + np.arange(op.y_size)[:, None] * op.x_stride + np.arange(op.x_size)
        if rows.size and (int(rows.max()) + 1) * element_bytes > len(self.dram):
            raise Fault(f"it reaches DRAM element {int(rows.max())}, past the image")
        scale = element_bytes // self.dram_word
        words = rows.reshape(-1, 1) * scale + np.arange(scale)
        yield Access("dram", words.reshape(-1), writes=isinstance(op, Store))
        sram = memory.resolve(op.sram_base + np.arange(op.sram_size))
        if op.memory_type is MemoryType.UOP:
            memory.data[sram] = self.dram.view()[: len(self.dram) // 4 * 4].view("<u4")[rows].T
        name = memory.name
        if name == "out" and not self.implementation.separate_out:
            name = "acc"
        yield Access(name, sram, writes=isinstance(op, Load))

    def _micro_coded(self, op: MicroCoded) -> Iterator[Access]:
        memories = self.memories
        previous = np.empty(0, np.int64)
        for uop, outer, inner in steps.windows(op):
            dst, src, wgt = steps.uop_indices(memories.uop, uop, self.config)
            dst = memories.acc.resolve(dst + outer * op.dst_factor_out + inner * op.dst_factor_in)
            src = src + outer * op.src_factor_out + inner * op.src_factor_in
            previous = self._check_distance(op, np.concatenate([previous, dst]))
            if isinstance(op, Gemm) and not op.reset:
                wgt = wgt + outer * op.wgt_factor_out + inner * op.wgt_factor_in
                yield Access("inp", memories.inp.resolve(src), writes=False)
                yield Access("wgt", memories.wgt.resolve(wgt), writes=False)
            if isinstance(op, Alu) and (not op.use_imm or self.implementation.immediate_reads_src):
                yield Access("acc", memories.acc.resolve(src), writes=False)
            yield Access("acc", dst, writes=True)
            reset = isinstance(op, Gemm) and op.reset
            if not reset or self.implementation.reset_out is not ResetOut.UNCHANGED:
                yield Access("out", dst, writes=True)

    def _check_distance(self, op: MicroCoded, dst: Indices) -> Indices:
        """Fault if an accumulator is written again too soon; returns the end of the window."""
        implementation = self.implementation
        gemm = isinstance(op, Gemm)
        most = implementation.gemm_distance if gemm else implementation.alu_distance
        for distance in range(1, most + 1):
            again = np.flatnonzero(dst[distance:] == dst[:-distance])
            if again.size:
                raise Fault(
                    f"it writes acc[{int(dst[again[0]])}] again at distance "
                    f"{distance}; the pipeline of {implementation.name} needs more than {most}"
                )
        return dst[len(dst) - most :] if most else dst[:0]


class _Races:
    """The last access of each place by each unit; remembers the closest guilty pairs."""

    def __init__(self, stream: Sequence[Instruction], clocks: list[list[int]]) -> None:
        self.stream, self.clocks = stream, clocks
        self.positions: dict[Unit, list[int]] = {unit: [] for unit in Unit}
        for position, op in enumerate(stream):
            self.positions[op.unit].append(position)
        self.last: dict[tuple[str, Unit, bool], Indices] = {}
        self.found: dict[tuple[object, ...], tuple[int, int, int]] = {}

    def visit(self, position: int, access: Access) -> None:
        """Compare an access with what came before it, and remember it."""
        if not access.places.size:
            return
        unit = self.stream[position].unit
        size = int(access.places.max()) + 1
        for other in Unit:
            for wrote in (True, False):
                if other is unit or not (wrote or access.writes):
                    continue
                self._compare(position, access, (access.memory, other, wrote))
        key = (access.memory, unit, access.writes)
        ranks = self.last.get(key, np.zeros(0, np.int64))
        if len(ranks) < size:
            ranks = np.concatenate([ranks, np.zeros(max(size, len(ranks)) - len(ranks), np.int64)])
            self.last[key] = ranks
        ranks[access.places] = self.clocks[position][unit]

    def _compare(self, position: int, access: Access, key: tuple[str, Unit, bool]) -> None:
        ranks = self.last.get(key)
        if ranks is None:
            return
        places = access.places[access.places < len(ranks)]
        if not places.size:
            return
        before = ranks[places]
        worst = int(np.argmax(before))
        if before[worst] <= self.clocks[position][key[1]]:
            return
        guilty = self.positions[key[1]][int(before[worst]) - 1]
        kind = (*key, self.stream[position].unit, access.writes)
        known = self.found.get(kind)
        if known is None or abs(position - guilty) < abs(known[1] - known[0]):
            self.found[kind] = (guilty, position, int(places[worst]))

    def failures(self, dram_word: int) -> list[Failure]:
        """One failure for each kind of conflict, the closest pair first."""
        failures: list[Failure] = []
        found = sorted(self.found.items(), key=lambda item: abs(item[1][1] - item[1][0]))
        for (memory, _, wrote, _, writes), (first, second, place) in found:
            shown = f"DRAM byte {place * dram_word}" if memory == "dram" else f"{memory}[{place}]"
            does = ("writes" if wrote else "reads", "writes" if writes else "reads")
            failures.append(
                Failure(
                    f"race on {shown}: {describe(self.stream[first], first)}, {does[0]} it and "
                    f"{describe(self.stream[second], second)}, {does[1]} it, and no token orders "
                    "them",
                    (first, second),
                )
            )
        return failures


def _unfinished(stream: Sequence[Instruction], clock: list[int]) -> Iterator[Failure]:
    """Instructions that may still run when FINISH, the last one, retires."""
    finish = len(stream) - 1
    for unit in (Unit.LOAD, Unit.STORE):
        positions = [p for p, op in enumerate(stream) if op.unit is unit]
        if clock[unit] < len(positions):
            first = positions[clock[unit]]
            yield Failure(
                f"{describe(stream[finish], finish)}, may retire before "
                f"{describe(stream[first], first)}: no token of {unit.word} proves that it is done",
                (first, finish),
            )


def verify(
    stream: Sequence[Instruction],
    config: Config,
    dram: Image,
    implementation: Implementation = FSIM,
) -> list[Failure]:
    """What is wrong with a stream; nothing if it is proven.

    The image is needed for the micro-ops that the stream loads. A race is reported once for each
    memory, pair of units and kind of access, by the closest pair of instructions that was found.
    """
    for position, op in enumerate(stream):
        wrong = isa.illegality(op) or implementation.refusal(op, config)
        if wrong is not None:
            return [Failure(f"{describe(op, position)}: {wrong}", (position,))]
    try:
        order = list(queues.run_order(stream, implementation))
    except StreamError as error:
        return [Failure("; ".join((error.message, *error.details)).removeprefix("vta: "))]
    clocks = happens_before(stream, order)
    races = _Races(stream, clocks)
    accesses = _Accesses(config, dram, implementation)
    for position in order:
        try:
            for access in accesses.of(stream[position]):
                races.visit(position, access)
        except Fault as fault:
            return [Failure(f"{describe(stream[position], position)}: {fault}", (position,))]
    return [*races.failures(accesses.dram_word), *_unfinished(stream, clocks[-1])]
