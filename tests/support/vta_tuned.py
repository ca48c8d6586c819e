"""Convolutions as hand-made streams, in the tiles of TVM's published schedules for the Pynq.

    python tests/support/vta_tuned.py

prints the cycles of the timing model beside those that were measured on the board. The streams have
the loads, steps and tokens of the real programs; their addresses mean nothing.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from vta.config import Config
from vta.isa import (
    Alu,
    AluOpcode,
    Finish,
    Gemm,
    Instruction,
    Load,
    MemoryType,
    Store,
    Unit,
    nop,
)  # fmt: skip
from vta.timing import PRESETS, time_stream


@dataclass(frozen=True)
class Layer:
    """A convolution, its tile (rows, columns, blocks of input and output channels), its threads."""

    size: int
    ic: int
    oc: int
    kernel: int
    stride: int
    tile: tuple[int, int, int, int]
    threads: str
    measured: int

    @property
    def out(self) -> int:
        return self.size // self.stride


LAYERS = {
    "C2": Layer(56, 64, 64, 3, 1, (8, 56, 1, 2), "oc", 569_933),
    "C4": Layer(56, 64, 128, 3, 2, (7, 28, 1, 4), "oc", 296_553),
    "C5": Layer(56, 64, 128, 1, 2, (7, 28, 1, 4), "h", 134_872),
    "C6": Layer(28, 128, 128, 3, 1, (14, 28, 1, 2), "h", 518_339),
    "C7": Layer(28, 128, 256, 3, 2, (14, 14, 1, 4), "oc", 266_910),
    "C8": Layer(28, 128, 256, 1, 2, (7, 14, 1, 8), "oc", 102_877),
    "C9": Layer(14, 256, 256, 3, 1, (14, 14, 1, 4), "oc", 493_359),
    "C10": Layer(14, 256, 512, 3, 2, (7, 7, 1, 16), "oc", 399_373),
    "C11": Layer(14, 256, 512, 1, 2, (7, 7, 1, 16), "oc", 108_090),
    "C12": Layer(7, 512, 512, 3, 1, (7, 7, 1, 16), "oc", 734_809),
}


def input_tile(layer: Layer, row: int, column: int) -> Load:
    """The input of the output tile at (row, column): what is inside the image, and zeros."""
    pad = layer.kernel // 2
    sizes: list[int] = []
    pads: list[int] = []
    for first, count in ((row, layer.tile[0]), (column, layer.tile[1])):
        begin = first * layer.stride - pad
        end = begin + (count - 1) * layer.stride + layer.kernel
        before, after = max(0, -begin), max(0, end - layer.size)
        sizes.append(end - begin - before - after)
        pads += [before, after]
    return Load(
        memory_type=MemoryType.INP, y_size=sizes[0], x_size=sizes[1], x_stride=layer.size,
        y_pad_0=pads[0], y_pad_1=pads[1], x_pad_0=pads[2], x_pad_1=pads[3], pop_next=True,
    )  # fmt: skip


def groups(layer: Layer) -> Iterator[list[tuple[int, int]]]:
    """The output tiles, as (row, column), that two threads work on at the same time."""
    rows, columns, _, channels = layer.tile
    places = [
        (row, column)
        for row in range(0, layer.out, rows)
        for column in range(0, layer.out, columns)
    ]
    blocks = layer.oc // 16 // channels
    if layer.threads == "oc" and blocks > 1:
        for place in places * (blocks // 2):
            yield [place, place]
    elif layer.threads == "h":
        for i in range(0, len(places) * blocks, 2):
            yield [places[j % len(places)] for j in (i, i + 1)]
    else:
        yield from ([place] for place in places * blocks)


def epilogue(layer: Layer) -> list[Instruction]:
    """Shift, bias, and clipping to the range of a byte."""
    rows, columns, _, channels = layer.tile
    stream: list[Instruction] = [
        Load(memory_type=MemoryType.ACC, y_size=1, x_size=channels, x_stride=channels)
    ]
    for opcode in (AluOpcode.SHR, AluOpcode.ADD, AluOpcode.MAX, AluOpcode.MIN):
        stream.append(
            Alu(alu_opcode=opcode, use_imm=opcode is not AluOpcode.ADD, uop_bgn=0, uop_end=channels,
                iter_out=rows, iter_in=columns, push_next=opcode is AluOpcode.MIN)
        )  # fmt: skip
    return stream


def tuned_stream(layer: Layer) -> list[Instruction]:
    """The instructions: two contexts in which loads, steps and stores overlap."""
    rows, columns, _, channels = layer.tile
    points, taps = rows * columns, layer.kernel**2
    compute = {"uop_bgn": 0, "iter_out": rows, "iter_in": columns}
    weights = channels * taps
    stream: list[Instruction] = [
        Load(memory_type=MemoryType.UOP, y_size=1, x_size=weights, x_stride=weights)
    ]
    stream += [nop(Unit.COMPUTE, push_prev=True), nop(Unit.COMPUTE, push_prev=True)]
    stream += [nop(Unit.STORE, push_prev=True), nop(Unit.STORE, push_prev=True)]
    for group in groups(layer):
        steps = layer.ic // 16
        for step in range(steps):
            for place in group:
                stream.append(input_tile(layer, *place))
                stream.append(
                    Load(memory_type=MemoryType.WGT, y_size=1, x_size=weights, x_stride=weights,
                         push_next=True)
                )  # fmt: skip
            for _ in group:
                if step == 0:
                    stream.append(Gemm(reset=True, uop_end=channels, pop_next=True, **compute))
                stream.append(Gemm(uop_end=weights, pop_prev=True, push_prev=True, **compute))
                if step == steps - 1:
                    stream += epilogue(layer)
        stream += [
            Store(y_size=channels, x_size=points, x_stride=points, pop_prev=True, push_prev=True)
            for _ in group
        ]
    stream += [nop(Unit.LOAD, pop_next=True), nop(Unit.LOAD, pop_next=True, push_next=True)]
    stream += [nop(Unit.COMPUTE, pop_prev=True), nop(Unit.COMPUTE, pop_next=True)]
    return [*stream, nop(Unit.COMPUTE, pop_next=True), Finish()]


def main() -> None:
    print("layer  measured  modelled   error")
    for name, layer in LAYERS.items():
        cycles = time_stream(tuned_stream(layer), Config(), PRESETS["pynq"]).cycles
        print(f"{name:5} {layer.measured:9} {cycles:9} {cycles / layer.measured - 1:+7.1%}")


if __name__ == "__main__":
    sys.exit(main())
