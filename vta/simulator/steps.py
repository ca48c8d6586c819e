"""The steps of GEMM and ALU instructions as arrays, and exact arithmetic on them.

A window of micro-ops may write an accumulator more than once, and may read what it wrote. Products
only add up, so they are summed by accumulator first. ALU steps are cut where one reads what an
earlier one wrote; what lies between two cuts happens at once.
"""

from collections.abc import Iterator

import numpy as np

from vta.config import Config
from vta.isa import MicroCoded, uop_layout
from vta.simulator.memory import Array, Indices, Sram

WINDOW = 1 << 15
"""The most steps that are arrays at the same time."""

SHARED = 4
"""From how many steps to a weight on, one multiplication for each weight pays."""


def windows(op: MicroCoded) -> Iterator[tuple[Indices, Indices, Indices]]:
    """For stretches of the steps in order: micro-op, outer and inner iteration of each."""
    uops = op.uop_end - op.uop_bgn
    for start in range(0, op.steps, WINDOW):
        flat = np.arange(start, min(start + WINDOW, op.steps), dtype=np.int64)
        iteration, uop = np.divmod(flat, uops)
        outer, inner = np.divmod(iteration, op.iter_in)
        yield uop + op.uop_bgn, outer, inner


def uop_indices(memory: Sram, uop: Indices, config: Config) -> list[Indices]:
    """What the micro-ops of some steps say: accumulator, source and weight of each."""
    first, last = int(uop.min()), int(uop.max())
    words = memory.read(memory.resolve(np.arange(first, last + 1)))[:, 0].astype(np.int64)
    fields = uop_layout(config)
    return [(words >> f.start & ((1 << f.width) - 1))[uop - first] for f in fields]


def _groups(index: Indices) -> tuple[Indices, Indices]:
    """A stable order by index, and where each index begins in it."""
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    return order, np.flatnonzero(np.diff(ordered, prepend=-1))


def products(inp: Array, wgt: Array, src: Indices, weight: Indices) -> Array:
    """For each step the batch x block sums of inp[src] times wgt[weight], in int32.

    Sums of at most 64 products of bytes are below 2**24, so single precision holds them.
    """
    assert inp.shape[-1] <= 1024
    found = np.empty((len(src), *inp.shape[1:]), np.int32)
    order, starts = _groups(weight)
    if len(starts) * SHARED > len(src):
        found[...] = inp[src].astype(np.float32) @ wgt[weight].astype(np.float32).swapaxes(1, 2)
        return found
    for start, end in zip(starts, [*starts[1:], len(src)], strict=True):
        steps = order[start:end]
        block = wgt[weight[steps[0]]].astype(np.float32)
        rows = inp[src[steps]].astype(np.float32).reshape(-1, inp.shape[-1])
        found[steps] = (rows @ block.T).reshape(len(steps), *inp.shape[1:])
    return found


def combine_at(acc: Array, ufunc: np.ufunc, index: Indices, values: Array) -> None:
    """acc[i] = ufunc(acc[i], v) for each index and value in turn; the ufunc is associative."""
    order, starts = _groups(index)
    if len(starts) == len(index):
        acc[index] = ufunc(acc[index], values)
        return
    combined = ufunc.reduceat(values[order], starts, axis=0, dtype=np.int32)
    targets = index[order[starts]]
    acc[targets] = ufunc(acc[targets], combined)


def _last_writer(dst: Indices, read: Indices) -> Indices:
    """For each step the last one before it that wrote what it reads, or -1."""
    count = len(dst)
    step = np.arange(count)
    writes = np.sort(dst * count + step)
    found = np.searchsorted(writes, read * count + step) - 1
    writer = writes[found]
    return np.where((found >= 0) & (writer // count == read), writer % count, -1)


def independent_stretches(dst: Indices, *reads: Indices) -> Iterator[slice]:
    """The steps cut so that within a stretch none reads or writes what another wrote before."""
    writers = [_last_writer(dst, index) for index in (dst, *reads)]
    last = np.maximum.accumulate(np.max(writers, axis=0))
    start = 0
    while start < len(dst):
        end = int(np.searchsorted(last, start))
        yield slice(start, end)
        start = end


def is_written(dst: Indices, index: Indices, depth: int) -> bool:
    """Whether some step writes one of the indices."""
    written = np.zeros(depth, bool)
    written[dst] = True
    return bool(written[index].any())


def shift_right(values: Array, amount: Array) -> Array:
    """Arithmetic shift right by amounts from 0, left by -amount for amounts below 0."""
    right = values >> np.maximum(amount, 0)
    left = values.view(np.uint32) << np.maximum(-amount, 0).astype(np.uint32)
    return np.where(amount >= 0, right, left.view(np.int32))
