"""The memories of threads: one array for all buffers that one allocation stands for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Block, SSAValue

from analysis.errors import UserError
from backends.interpreter.arrays import compile_map
from backends.interpreter.buffers import Buffer
from backends.interpreter.dims import value_name
from backends.interpreter.instances import BlockRunner, Trial
from backends.interpreter.nest import Instances, Nest
from backends.interpreter.scalars import Array
from dialects.loop import AllocOp, ForOp

Lookup = Callable[[SSAValue], Any]
"""The value of an index, or of an index in many threads."""


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


def mesh(
    origin: Sequence[int], shape: Sequence[int], other: Sequence[int], sizes: Sequence[int]
) -> list[Array]:
    """The coordinates of the elements that two boxes hold."""
    lows = [max(a, b) for a, b in zip(origin, other, strict=True)]
    parts = zip(origin, shape, other, sizes, strict=True)
    highs = [min(a + m, b + n) for a, m, b, n in parts]
    extents = [max(0, high - low) for low, high in zip(lows, highs, strict=True)]
    return [i + low for i, low in zip(np.indices(extents, sparse=True), lows, strict=True)]
