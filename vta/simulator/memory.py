"""The on-chip memories: arrays of elements that know which of them have been written."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.errors import UserError
from vta.config import Config

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]


class Fault(Exception):
    """What went wrong inside an instruction; the simulator adds which one."""


@dataclass(frozen=True)
class SramInit:
    """What the memories hold at first: zeros, or noise; reading it may be an error."""

    kind: str = "zero"
    seed: int = 0

    @staticmethod
    def parse(text: str) -> "SramInit":
        """`error`, `zero`, `poison` or `poison:SEED`."""
        match = re.fullmatch(r"(error|zero|poison)(?::(\d+))?", text)
        if match is None or (match[2] is not None and match[1] != "poison"):
            raise UserError(
                f"vta: SRAM cannot begin as '{text}'; there are error, zero, poison, poison:SEED"
            )
        return SramInit(match[1], int(match[2] or 0))


class Sram:
    """One memory: `data[i]` is element i."""

    def __init__(self, name: str, data: Array, tracked: bool, wraps: bool) -> None:
        self.name, self.data, self.wraps = name, data, wraps
        self.written = np.zeros(len(data), bool) if tracked else None

    def resolve(self, index: Indices) -> Indices:
        """Indices within the depth; those past it wrap or are a fault."""
        depth = len(self.data)
        if index.size == 0 or int(index.max()) < depth:
            return index
        if self.wraps:
            return index % depth
        worst = int(index[np.argmax(index >= depth)])
        raise Fault(f"it reaches {self.name}[{worst}], past the depth of {depth}")

    def check(self, index: Indices) -> None:
        """Fault if elements are to be read before anything was written there."""
        if self.written is not None and not self.written[index].all():
            first = int(index[np.argmin(self.written[index])])
            raise Fault(f"it reads {self.name}[{first}], which nothing has written")

    def read(self, index: Indices) -> Array:
        """The elements at indices within the depth."""
        self.check(index)
        return self.data[index]

    def write(self, index: Indices, values: Array | int) -> None:
        """Set elements; of several values for one index the last stays."""
        self.data[index] = values
        self.mark(index)

    def mark(self, index: Indices, written: bool = True) -> None:
        """Say that elements hold a value, or that they no longer do."""
        if self.written is not None:
            self.written[index] = written


class Memories:
    """All memories of one configuration."""

    def __init__(self, config: Config, init: SramInit, wraps: bool) -> None:
        noise = np.random.default_rng(init.seed) if init.kind == "poison" else None

        def make(name: str, depth: int, shape: tuple[int, ...], dtype: str) -> Sram:
            data = np.zeros((depth, *shape), dtype)
            if noise is not None:
                data.view(np.uint8)[...] = noise.integers(0, 256, data.view(np.uint8).shape)
            return Sram(name, data, init.kind == "error", wraps)

        rows = (config.batch, config.block)
        self.uop = make("uop", config.uop.depth, (1,), "<u4")
        self.inp = make("inp", config.inp.depth, rows, "i1")
        self.wgt = make("wgt", config.wgt.depth, (config.block, config.block), "i1")
        self.acc = make("acc", config.acc.depth, rows, "<i4")
        self.out = make("out", config.acc.depth, rows, "i1")

    def all(self) -> tuple[Sram, ...]:
        return self.uop, self.inp, self.wgt, self.acc, self.out
