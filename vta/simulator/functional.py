"""What a stream does: encoded instructions in a DRAM image are executed, and the image changes.

docs/vta-isa.md; what differs between implementations stands in `vta/implementations.py`. Units
take turns instruction by instruction, in any order that their tokens allow: `choose` picks one,
the order of the stream being the default. A stream without races gives the same image in each.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vta import isa, queues
from vta.config import Config
from vta.implementations import FSIM, Implementation, ResetOut, Shift
from vta.isa import (
    Alu,
    AluOpcode,
    Gemm,
    Instruction,
    Load,
    MemoryType,
    Store,
    StreamError,
    Transfer,
    describe,
)
from vta.simulator import steps
from vta.simulator.memory import Array, Fault, Indices, Memories, Sram, SramInit

Image = npt.NDArray[np.uint8]

_UFUNCS = {
    AluOpcode.MIN: np.minimum,
    AluOpcode.MAX: np.maximum,
    AluOpcode.ADD: np.add,
    AluOpcode.MUL: np.multiply,
}


class Simulator:
    """One accelerator and its DRAM; on-chip memories keep their contents between runs.

    `dram` is the image, one-dimensional bytes, and is written in place.
    """

    def __init__(
        self,
        config: Config,
        dram: Image,
        implementation: Implementation = FSIM,
        sram: SramInit | None = None,
    ) -> None:
        assert dram.dtype == np.uint8 and dram.ndim == 1
        self.config, self.dram, self.implementation = config, dram, implementation
        self.memories = Memories(config, sram or SramInit(), implementation.wraps)

    def run(
        self,
        address: int,
        count: int,
        choose: queues.Choose = min,
        labels: Sequence[str | None] = (),
    ) -> list[Instruction]:
        """Execute `count` instructions that lie at a byte address, and return them.

        They are read before the first is executed. Raises StreamError, naming the instruction by
        its position and, as bytes have none, the label given for it; the image then holds what was
        written before.
        """
        stream = self._fetch(address, count)
        for position, label in enumerate(labels[:count]):
            stream[position] = replace(stream[position], label=label)
        for position, op in enumerate(stream):
            wrong = isa.illegality(op) or self.implementation.refusal(op, self.config)
            if wrong is not None:
                raise StreamError(f"vta: {describe(op, position)}: {wrong}")
        for position in queues.run_order(stream, self.implementation, choose):
            try:
                self.execute(stream[position])
            except Fault as fault:
                what = describe(stream[position], position)
                raise StreamError(f"vta: {what}: {fault}") from None
        return stream

    def _fetch(self, address: int, count: int) -> list[Instruction]:
        size = isa.INSTRUCTION_BYTES
        if address % size or address < 0:
            raise StreamError(
                f"vta: instructions at byte {address}: they begin at a multiple of {size}"
            )
        end = address + count * size
        if end > len(self.dram):
            raise StreamError(
                f"vta: {count} instructions at byte {address} end at byte {end}, "
                f"past the image of {len(self.dram)} bytes"
            )
        return isa.decode_stream(self.dram[address:end].tobytes(), self.config)

    def execute(self, op: Instruction) -> None:
        """Do what one legal instruction does, tokens aside."""
        match op:
            case Load() if not op.is_nop:
                self._load(op)
            case Store() if not op.is_nop:
                self._store(op)
            case Gemm():
                self._gemm(op)
            case Alu():
                self._alu(op)
            case _:
                pass

    def _transferred(self, op: Transfer) -> Sram:
        memories = self.memories
        return {
            MemoryType.UOP: memories.uop,
            MemoryType.WGT: memories.wgt,
            MemoryType.INP: memories.inp,
            MemoryType.ACC: memories.acc,
            MemoryType.ACC_8BIT: memories.acc,
            MemoryType.OUT: memories.out,
        }[op.memory_type]

    def _rows(self, op: Transfer, element_bytes: int) -> tuple[Image, Indices]:
        """DRAM as elements, and the indices of those of each row."""
        count = len(self.dram) // element_bytes
        rows = op.dram_base + np.arange(op.y_size)[:, None] * op.x_stride + np.arange(op.x_size)
        if rows.size and int(rows.max()) >= count:
            worst = int(rows.max())
            raise Fault(
                f"row {int(np.argmax(rows.max(axis=1) >= count))} reaches DRAM element {worst}, "
                f"bytes {worst * element_bytes} to {(worst + 1) * element_bytes - 1}, past the "
                f"image of {len(self.dram)} bytes"
            )
        return self.dram[: count * element_bytes].reshape(count, element_bytes), rows

    def _load(self, op: Load) -> None:
        memory = self._transferred(op)
        narrow = op.memory_type is MemoryType.ACC_8BIT
        dtype = np.dtype(np.int8) if narrow else memory.data.dtype
        shape = memory.data.shape[1:]
        elements, rows = self._rows(op, dtype.itemsize * int(np.prod(shape)))
        height = op.y_pad_0 + op.y_size + op.y_pad_1
        box = np.zeros((height, op.width, *shape), memory.data.dtype)
        inside = elements[rows].view(dtype).reshape(*rows.shape, *shape)
        box[op.y_pad_0 : op.y_pad_0 + op.y_size, op.x_pad_0 : op.x_pad_0 + op.x_size] = inside
        index = memory.resolve(op.sram_base + np.arange(op.sram_size))
        memory.write(index, box.reshape(op.sram_size, *shape))

    def _store(self, op: Store) -> None:
        memory = self.memories.out if self.implementation.separate_out else self.memories.acc
        elements, rows = self._rows(op, self.config.out.element_bytes)
        index = memory.resolve(op.sram_base + np.arange(op.sram_size))
        values = memory.read(index).astype(np.int8)
        elements[rows.reshape(-1)] = values.view(np.uint8).reshape(len(index), -1)

    def _gemm(self, op: Gemm) -> None:
        memories = self.memories
        for uop, outer, inner in steps.windows(op):
            dst, src, wgt = steps.uop_indices(memories.uop, uop, self.config)
            dst = dst + outer * op.dst_factor_out + inner * op.dst_factor_in
            dst = memories.acc.resolve(dst)
            if op.reset:
                memories.acc.write(dst, 0)
                self._reset_out(dst)
                continue
            src = memories.inp.resolve(src + outer * op.src_factor_out + inner * op.src_factor_in)
            wgt = memories.wgt.resolve(wgt + outer * op.wgt_factor_out + inner * op.wgt_factor_in)
            for memory, index in ((memories.acc, dst), (memories.inp, src), (memories.wgt, wgt)):
                memory.check(index)
            found = steps.products(memories.inp.data, memories.wgt.data, src, wgt)
            steps.combine_at(memories.acc.data, np.add, dst, found)
            self._write_out(dst)

    def _write_out(self, dst: Indices) -> None:
        self.memories.out.write(dst, self.memories.acc.data[dst].astype(np.int8))

    def _reset_out(self, dst: Indices) -> None:
        if self.implementation.reset_out is ResetOut.ZERO:
            self._write_out(dst)
        elif self.implementation.reset_out is ResetOut.UNDEFINED:
            self.memories.out.write(dst, -1)
            self.memories.out.mark(dst, written=False)

    def _alu(self, op: Alu) -> None:
        acc = self.memories.acc
        for uop, outer, inner in steps.windows(op):
            dst, src, _ = steps.uop_indices(self.memories.uop, uop, self.config)
            dst = acc.resolve(dst + outer * op.dst_factor_out + inner * op.dst_factor_in)
            if op.use_imm and not self.implementation.immediate_reads_src:
                src = dst
            else:
                src = src + outer * op.src_factor_out + inner * op.src_factor_in
                src = acc.resolve(src)
            self._combine(op, dst, src)
            self._write_out(dst)

    def _combine(self, op: Alu, dst: Indices, src: Indices) -> None:
        """ACC[dst] = op(ACC[dst], ACC[src]), or op(ACC[src], imm), step by step."""
        acc = self.memories.acc
        ufunc = _UFUNCS.get(op.alu_opcode)
        apart = src is dst if op.use_imm else not steps.is_written(dst, src, len(acc.data))
        if ufunc is not None and apart:
            acc.check(dst)
            immediate = np.full((len(dst), 1, 1), op.imm, np.int32)
            steps.combine_at(acc.data, ufunc, dst, immediate if op.use_imm else acc.read(src))
            return
        for stretch in steps.independent_stretches(dst, src):
            target, source = dst[stretch], src[stretch]
            if op.use_imm:
                left, right = acc.read(source), np.full((1, 1, 1), op.imm, np.int32)
            else:
                left, right = acc.read(target), acc.read(source)
            if ufunc is not None:
                acc.write(target, ufunc(left, right))
            else:
                acc.write(target, steps.shift_right(left, self._amount(op, right)))

    def _amount(self, op: Alu, amount: Array) -> Array:
        """What SHR shifts by, where the immediate or register says `amount`."""
        match self.implementation.shift:
            case Shift.CHECKED:
                if int(np.abs(amount.astype(np.int64)).max()) > 31:
                    worst = amount.reshape(-1)[int(np.argmax(np.abs(amount.astype(np.int64))))]
                    raise Fault(f"it shifts by {int(worst)}, outside -31 to 31")
                return amount
            case Shift.FIVE_BITS:
                return ((amount + 16) & 31) - 16
            case Shift.LEFT_BY_IMMEDIATE:
                left = op.use_imm and op.imm < 0
                return -(-amount & 31) if left else amount & 31
