"""Memory for runs: aligned arrays, and the pool of workspaces."""

from collections import OrderedDict
from math import prod
from threading import Lock

import numpy as np

ALIGNMENT = 64
"""Every buffer that a kernel gets begins at a multiple of this many bytes."""

BARRIER_BYTES = 128
"""The beginning of a workspace, where the threads of a run meet."""

KEPT = 8
"""How many free workspaces a program keeps."""

Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]
Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]


def address(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> int:
    """Where the elements of `array` begin."""
    return array.__array_interface__["data"][0]


def aligned_bytes(size: int) -> Bytes:
    """Zeroed bytes that begin at a multiple of ALIGNMENT."""
    block = np.zeros(size + ALIGNMENT, np.uint8)
    start = -address(block) % ALIGNMENT
    return block[start : start + size]


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    """An array of any content that begins at a multiple of ALIGNMENT."""
    size = prod(shape) * dtype.itemsize
    block = np.empty(size + ALIGNMENT, np.uint8)
    start = -address(block) % ALIGNMENT
    return np.ndarray(shape, dtype, block.data, start)


def aligned(array: Array) -> Array:
    """`array` itself if kernels can read it where it lies, else a copy they can read."""
    if array.flags.c_contiguous and address(array) % ALIGNMENT == 0:
        return array
    copy = aligned_empty(array.shape, array.dtype)
    np.copyto(copy, array)
    return copy


class WorkspacePool:
    """Workspaces that are free for the next run that needs just the same.

    A workspace is zeroed when it is made; between runs of equal sizes only the barrier is, since
    equal runs lay their arena out alike: what kernels fill once (halos) stays filled.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._free: OrderedDict[int, tuple[tuple[int, ...], Bytes]] = OrderedDict()
        self._count = 0

    def take(self, key: tuple[int, ...], size: int) -> Bytes:
        """A workspace of `size` bytes for a run with this key (all that sizes depend on)."""
        with self._lock:
            for number, (free_key, block) in reversed(self._free.items()):
                if free_key == key:
                    del self._free[number]
                    block[:BARRIER_BYTES] = 0
                    return block
        return aligned_bytes(size)

    def give(self, key: tuple[int, ...], block: Bytes) -> None:
        """Put back what `take` gave; of more than KEPT free ones the oldest goes."""
        with self._lock:
            self._count += 1
            self._free[self._count] = (key, block)
            if len(self._free) > KEPT:
                self._free.popitem(last=False)
