"""Which places of which memories each instruction of a stream reads and writes.

Micro-ops say what GEMM and ALU access. They are data in DRAM, and taken from an image of it as the
stream loads them. Without an image they are unknown, and every place may be accessed.

On the way it is noticed what an implementation cannot do although tokens allow it: an index past a
depth, an accumulator that is written again too soon (docs/vta-isa.md, section 8), a store of what
OUT does not have (section 9). These are faults.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vta.config import Config
from vta.implementations import Implementation, ResetOut
from vta.isa import Alu, Gemm, Instruction, Load, MemoryType, MicroCoded, Store, Transfer
from vta.simulator import steps
from vta.simulator.functional import Image
from vta.simulator.memory import Fault, Indices, Memories, Sram, SramInit


@dataclass(frozen=True)
class Access:
    """Places of a memory that an instruction reads or writes: elements, or words of DRAM.

    Where they are not known they are all.
    """

    memory: str
    places: Indices
    writes: bool
    known: bool = True


class StaleOut:
    """Which elements of OUT are not those of ACC, where OUT is a memory of its own."""

    def __init__(self, config: Config, implementation: Implementation) -> None:
        self.implementation = implementation
        self.position = 0
        self._since = np.zeros(config.acc.depth, np.int32)

    def mark(self, index: Indices | slice, stale: bool) -> None:
        """The instruction at `position` writes elements of ACC and, unless stale, of OUT."""
        self._since[index] = self.position + 1 if stale else 0

    def check(self, index: Indices) -> None:
        """Fault if elements are to be stored that lack what ACC has."""
        since = self._since[index]
        if self.implementation.separate_out and since.any():
            worst = int(np.argmax(since))
            raise Fault(
                f"it stores out[{int(index[worst])}], which lacks what instruction "
                f"{int(since[worst]) - 1} has put into acc[{int(index[worst])}]; "
                f"{self.implementation.name} stores what GEMM and ALU have computed since"
            )


class Accesses:
    """What instructions access; micro-ops are loaded from the image as the stream goes."""

    def __init__(self, config: Config, dram: Image | None, implementation: Implementation) -> None:
        self.config, self.dram, self.implementation = config, dram, implementation
        unloaded = SramInit("error" if dram is not None else "zero")
        self.memories = Memories(config, unloaded, implementation.wraps)
        self.dram_word = min(4, config.out.element_bytes)
        self.stored: list[Indices] = []
        self.stale = StaleOut(config, implementation)

    def of(self, position: int, op: Instruction) -> Iterator[Access]:
        """The accesses of one instruction, in the order of the compute unit."""
        self.stale.position = position
        if isinstance(op, Transfer) and not op.is_nop:
            yield from self._transfer(op)
        elif isinstance(op, MicroCoded) and op.steps:
            yield from self._micro_coded(op) if self.dram is not None else self._unknown(op)

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
        end = (int(rows.max()) + 1) * element_bytes if rows.size else 0
        if self.dram is not None and end > len(self.dram):
            raise Fault(f"it reaches DRAM element {int(rows.max())}, past the image")
        scale = element_bytes // self.dram_word
        words = (rows.reshape(-1, 1) * scale + np.arange(scale)).reshape(-1)
        yield Access("dram", words, writes=isinstance(op, Store))
        sram = memory.resolve(op.sram_base + np.arange(op.sram_size))
        if isinstance(op, Store):
            self.stored.append(words)
            self.stale.check(sram)
        elif memory is memories.acc:
            self.stale.mark(sram, stale=True)
        elif op.memory_type is MemoryType.UOP and self.dram is not None:
            self._load_uops(memory, sram, rows, words, self.dram)
        name = memory.name
        if name == "out" and not self.implementation.separate_out:
            name = "acc"
        yield Access(name, sram, writes=isinstance(op, Load))

    def _load_uops(
        self, memory: Sram, sram: Indices, rows: Indices, words: Indices, dram: Image
    ) -> None:
        """Take micro-ops from the image, which must have those that the stream will load."""
        first, last = words.min(initial=0), words.max(initial=0)
        for stored in self.stored:
            if ((stored >= first) & (stored <= last)).any() and np.isin(words, stored).any():
                raise Fault("it loads micro-ops that the stream has stored, which nobody can check")
        memory.write(sram, dram[: len(dram) // 4 * 4].view("<u4")[rows].T)

    def _touched(self, op: MicroCoded) -> list[tuple[str, str, bool]]:
        """What a step accesses: a memory, the index of the micro-op, whether it writes."""
        found: list[tuple[str, str, bool]] = []
        reset = isinstance(op, Gemm) and op.reset
        if isinstance(op, Gemm) and not op.reset:
            found += [("inp", "src", False), ("wgt", "wgt", False)]
        if isinstance(op, Alu) and (not op.use_imm or self.implementation.immediate_reads_src):
            found.append(("acc", "src", False))
        found.append(("acc", "dst", True))
        if not reset or self.implementation.reset_out is not ResetOut.UNCHANGED:
            found.append(("out", "dst", True))
        return found

    def _micro_coded(self, op: MicroCoded) -> Iterator[Access]:
        memories = self.memories
        previous = np.empty(0, np.int64)
        for uop, outer, inner in steps.windows(op):
            dst, src, wgt = steps.uop_indices(memories.uop, uop, self.config)
            indices = {
                "dst": memories.acc.resolve(
                    dst + outer * op.dst_factor_out + inner * op.dst_factor_in
                ),
                "src": src + outer * op.src_factor_out + inner * op.src_factor_in,
            }
            if isinstance(op, Gemm):
                indices["wgt"] = wgt + outer * op.wgt_factor_out + inner * op.wgt_factor_in
            previous = self._check_distance(op, np.concatenate([previous, indices["dst"]]))
            reset = isinstance(op, Gemm) and op.reset
            zero = self.implementation.reset_out is ResetOut.ZERO
            self.stale.mark(indices["dst"], stale=reset and not zero)
            for memory, index, writes in self._touched(op):
                yield Access(memory, self._memory(memory).resolve(indices[index]), writes)

    def _unknown(self, op: MicroCoded) -> Iterator[Access]:
        """Every place, because what the micro-ops say is not known."""
        self.stale.mark(slice(None), stale=False)
        for memory, _, writes in self._touched(op):
            depth = len(self._memory(memory).data)
            yield Access(memory, np.arange(depth), writes, known=False)

    def _memory(self, name: str) -> Sram:
        return {memory.name: memory for memory in self.memories.all()}[name]

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
