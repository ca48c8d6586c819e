"""The child's kernels of a CPU: compiled, checked, and run again and again.

All candidates of a task work on the same memory, so that where its pages lie in the caches makes
no difference between them. It is surrounded by guards, whose content tells of writes beside it.
"""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from backends.llvm.host import features_of, generated
from backends.llvm.instructions import features_in
from backends.llvm.machine import CodeGenerator
from backends.llvm.targets import module_text
from dovetail.measuring.repeated import Repeated, pinned, repeated_kernel
from dovetail.runtime.buffers import Bytes, address, aligned_bytes
from dovetail.runtime.features import check_machine
from tuner.measuring.messages import Array
from tuner.measuring.rounds import Sample, cost_of
from tuner.measuring.subject import CHECKING, RUNNING, Candidate, Note, Subject, WrongError
from tuner.task import Task

REPEAT_SECONDS = 0.4e-3
"""A repeat is as many calls as take about so long; one call where that takes longer."""

HOPELESS_REPEATS = 2
"""So many repeats over the limit end a visit."""

PAGE_BYTES = GUARD_BYTES = 4096
STAGGER_BYTES = 9 * 64
GUARD = 0xA5


def require_machine(task: Task) -> None:
    """Refuse a task for a processor that this one is not."""
    check_machine(platform.machine(), generated(features_of(task.target)))


@dataclass
class Memory:
    """A block for each argument, with a guard on either side."""

    blocks: dict[int, Bytes] = field(default_factory=dict[int, Bytes])

    def array(self, number: int, like: Array) -> Array:
        """The place of an argument, with the shape and type of another array."""
        size = prod(like.shape) * like.dtype.itemsize
        block = self.blocks.get(number)
        if block is None or len(block) < size + 2 * GUARD_BYTES:
            block = self.blocks[number] = placed(number, size + size // 4 + 2 * GUARD_BYTES)
        return np.ndarray(like.shape, like.dtype, block.data, GUARD_BYTES)

    def guards(self, number: int, array: Array) -> tuple[Bytes, Bytes]:
        """What lies before and behind the place of an argument."""
        block, end = self.blocks[number], GUARD_BYTES + array.nbytes
        return block[:GUARD_BYTES], block[end : end + GUARD_BYTES]

    def guard(self, arrays: Sequence[Array]) -> None:
        """Make the guards what they should stay."""
        for number, array in enumerate(arrays):
            for guard in self.guards(number, array):
                guard[...] = GUARD


def placed(number: int, size: int) -> Bytes:
    """Memory at a place in its page that depends on its number alone.

    Addresses that differ by whole pages hinder each other, so places by chance are times by chance.
    """
    block = aligned_bytes(size + 2 * PAGE_BYTES)
    start = -address(block) % PAGE_BYTES + STAGGER_BYTES * number % PAGE_BYTES
    return block[start : start + size]


@dataclass
class Kernel:
    """A kernel that computes what it should; a repeat of it is `count` calls."""

    repeated: Repeated
    count: int
    seconds: float
    """What a call took in the check."""

    def visit(self, repeats: int, limit: float | None) -> list[Sample]:
        """The times of a call in each of so many repeats; of two, if these are over the limit."""
        found: list[Sample] = []
        threads = self.repeated.crew.size
        with pinned(threads):
            if self.count > 1:
                self.repeated.run(1)  # what other kernels left in the caches
            for _ in range(repeats):
                begin = time.thread_time()
                wall = self.repeated.run(self.count)
                thread = time.thread_time() - begin
                found.append((wall / self.count, thread / self.count))
                best = min(cost_of(sample, threads) for sample in found)
                if limit is not None and len(found) == HOPELESS_REPEATS and best > limit:
                    break
        return found


def prepare(subject: Subject, memory: Memory, schedule: str, note: Note) -> Kernel:
    """Compile a candidate and check two runs of it."""
    candidate = subject.candidate(schedule, (), note)
    check_machine(platform.machine(), features_in(candidate.module))
    text = module_text(candidate.module)
    inputs = candidate.inputs()
    contents = {**inputs, **candidate.starts(0)}
    arrays = [memory.array(number, contents[number]) for number in sorted(contents)]
    threads = subject.task.threads
    generator = CodeGenerator.of(subject.task.target)
    repeated = repeated_kernel(generator, text, subject.task.name, arrays, (), threads)
    for number, content in inputs.items():
        arrays[number][...] = content
    seconds = 0.0
    for run in range(2):
        for number, content in candidate.starts(run).items():
            arrays[number][...] = content
        memory.guard(arrays)
        note(RUNNING, "")
        with pinned(threads):
            seconds = repeated.run(1)
        note(CHECKING, "")
        check(candidate, memory, arrays, inputs)
    note(RUNNING, "")
    with pinned(threads):
        count = 1 if seconds > REPEAT_SECONDS else repeated.count_for(REPEAT_SECONDS)
    return Kernel(repeated, count, seconds)


def check(
    candidate: Candidate, memory: Memory, arrays: Sequence[Array], inputs: Mapping[int, Array]
) -> None:
    """Check everything that a run may have done; WrongError."""
    for number, (array, name) in enumerate(zip(arrays, candidate.names, strict=True)):
        for guard, side in zip(memory.guards(number, array), ("before", "behind"), strict=True):
            if (guard != GUARD).any():
                raise WrongError(f"it wrote {side} the memory of {name}")
        if number in inputs and (as_bytes(array) != as_bytes(inputs[number])).any():
            raise WrongError(f"it changed its input {name}")
    candidate.check(arrays)


def as_bytes(array: Array) -> Bytes:
    """The bytes of a contiguous array."""
    return array.reshape(-1).view(np.uint8)
