"""Proves that a stream gives the same result in every order that the units can run it in.

Each queue has one unit that pushes and one that pops, and both are in order, so the n-th pop takes
the token of the n-th push, always. With the order inside each unit this is all there is: an
instruction happens before another exactly if such steps lead from one to the other. A vector clock
of each instruction holds, for every unit, the last of its instructions that happens before.

Two accesses of one place, one of which writes, must be ordered so; FINISH must come after all.
What deadlocks, and which tokens are left, is the same in every order, so that one run tells.

What instructions access is found in `vta/accesses.py`. What is not known there, for want of an
image of DRAM, may be anywhere, and what follows from that alone is reported as not certain.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vta import isa, queues
from vta.accesses import Access, Accesses
from vta.config import Config
from vta.implementations import FSIM, Implementation
from vta.isa import Instruction, MicroCoded, StreamError, Unit, describe
from vta.simulator.functional import Image
from vta.simulator.memory import Fault


@dataclass(frozen=True)
class Failure:
    """What is wrong, in a line, and the positions of the instructions it is about.

    One that is not certain says what could not be proven without the image of DRAM.
    """

    message: str
    positions: tuple[int, ...] = ()
    certain: bool = True


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


@dataclass(frozen=True)
class _Kind:
    """A kind of conflict, of which those are reported that enclose no other."""

    memory: str
    units: tuple[Unit, Unit]
    write: tuple[bool, bool]
    certain: bool


@dataclass
class _Places:
    """The elements on which two instructions meet."""

    first: int
    last: int
    count: int

    def show(self, memory: str, dram_word: int) -> str:
        first, last, what = self.first, self.last, memory
        if memory == "dram":
            first, last, what = first * dram_word, (last + 1) * dram_word - 1, "DRAM byte"
        if self.count == 1 and memory != "dram":
            return f"{what}[{first}]"
        if self.count == self.last - self.first + 1:
            return f"{what}s {first} to {last}" if memory == "dram" else f"{what}[{first}..{last}]"
        shown = f"{what} {first}" if memory == "dram" else f"{what}[{first}]"
        return f"{shown} and {self.count - 1} other places up to {last}"


_LastAccesses = dict[tuple[str, Unit, bool, bool], npt.NDArray[np.int32]]
"""By memory, unit, whether it wrote and whether that is known: of each place the last access, as
the number of the unit's instructions up to it."""


class _Races:
    """The last access of each place by each unit, and the pairs of instructions that conflict."""

    def __init__(self, stream: Sequence[Instruction], clocks: list[list[int]]) -> None:
        self.stream, self.clocks = stream, clocks
        self.positions: dict[Unit, list[int]] = {unit: [] for unit in Unit}
        for position, op in enumerate(stream):
            self.positions[op.unit].append(position)
        self.last: _LastAccesses = {}
        self.found: dict[_Kind, dict[tuple[int, int], _Places]] = {}

    def visit(self, position: int, access: Access) -> None:
        """Compare an access with what came before it, and remember it."""
        if not access.places.size:
            return
        unit = self.stream[position].unit
        for key, ranks in self.last.items():
            memory, other, wrote, _ = key
            if memory == access.memory and other is not unit and (wrote or access.writes):
                self._compare(position, access, key, ranks)
        size = int(access.places.max()) + 1
        key = (access.memory, unit, access.writes, access.known)
        ranks = self.last.get(key, np.zeros(0, np.int32))
        if len(ranks) < size:
            ranks = np.concatenate([ranks, np.zeros(max(size, len(ranks)), np.int32)])
            self.last[key] = ranks
        ranks[access.places] = self.clocks[position][unit]

    def _compare(
        self,
        position: int,
        access: Access,
        key: tuple[str, Unit, bool, bool],
        ranks: npt.NDArray[np.int32],
    ) -> None:
        memory, other, wrote, known = key
        places = access.places[access.places < len(ranks)]
        before = ranks[places]
        guilty = before > self.clocks[position][other]
        if not guilty.any():
            return
        units = (other, self.stream[position].unit)
        kind = _Kind(memory, units, (wrote, access.writes), known and access.known)
        pairs = self.found.setdefault(kind, {})
        for rank in np.unique(before[guilty]):
            met = np.unique(places[before == rank])
            first, last, count = int(met[0]), int(met[-1]), len(met)
            pair = (self.positions[other][int(rank) - 1], position)
            told = pairs.get(pair)
            if told is not None:  # another window of the same instruction
                first, last = min(first, told.first), max(last, told.last)
                count = min(last - first + 1, count + told.count)
            pairs[pair] = _Places(first, last, count)

    def failures(self, dram_word: int) -> list[Failure]:
        """The innermost pairs of each kind of conflict, the closest first."""
        failures: list[Failure] = []
        for kind, pairs in self.found.items():
            for first, second in _innermost(list(pairs)):
                shown = pairs[first, second].show(kind.memory, dram_word)
                failures.append(self._failure(kind, first, second, shown))
        return sorted(failures, key=lambda f: (abs(f.positions[1] - f.positions[0]), f.positions))

    def _failure(self, kind: _Kind, first: int, second: int, shown: str) -> Failure:
        who = [describe(self.stream[position], position) for position in (first, second)]
        does = ["writes" if writes else "reads" for writes in kind.write]
        if kind.certain:
            message = (
                f"race on {shown}: {who[0]}, {does[0]} it and {who[1]}, {does[1]} it, and no token "
                "orders them"
            )
        else:
            message = (
                f"possible race on {kind.memory}: {who[0]}, {does[0]} it and {who[1]}, {does[1]} "
                "it, and no token orders them; where, the image of DRAM would say"
            )
        return Failure(message, (first, second), kind.certain)


def _innermost(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those pairs of positions between which no other pair lies."""
    kept: list[tuple[int, int]] = []
    end = None
    for pair in sorted(pairs, key=lambda pair: (min(pair), -max(pair)), reverse=True):
        if end is None or max(pair) < end:
            end = max(pair)
            kept.append(pair)
    return kept[::-1]


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


def _unchecked(stream: Sequence[Instruction]) -> Iterator[Failure]:
    """What nobody can tell without micro-ops."""
    positions = tuple(p for p, op in enumerate(stream) if isinstance(op, MicroCoded) and op.steps)
    if positions:
        count = f"{len(positions)} GEMM and ALU instructions" if positions[1:] else "1 instruction"
        yield Failure(
            f"not checked: what {count} access, from {describe(stream[positions[0]], positions[0])}"
            " on: their micro-ops are in an image of DRAM, which was not given",
            positions,
            certain=False,
        )


def verify(
    stream: Sequence[Instruction],
    config: Config,
    dram: Image | None,
    implementation: Implementation = FSIM,
) -> list[Failure]:
    """What is wrong with a stream; nothing if it is proven.

    The image is needed for the micro-ops that the stream loads; without it there are failures that
    are not certain. Of each kind of race (memory, units, who writes) those pairs of instructions
    are reported that have no other between them, the closest first.
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
    accesses = Accesses(config, dram, implementation)
    for position in order:
        try:
            for access in accesses.of(position, stream[position]):
                races.visit(position, access)
        except Fault as fault:
            return [Failure(f"{describe(stream[position], position)}: {fault}", (position,))]
    found = [*races.failures(accesses.dram_word), *_unfinished(stream, clocks[-1])]
    if dram is None:
        found += _unchecked(stream)
    return sorted(found, key=lambda failure: not failure.certain)
