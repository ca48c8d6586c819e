"""The threads that runs are shared among: the caller's, and workers that wait for the next run.

A run is one native call per thread; the threads meet at barriers inside the compiled code, so they
must all run at once. Each worker is therefore pinned to a core of its own, the caller to another
for as long as the run lasts, and runs of several threads queue for the workers. If the process may
use fewer cores than a run has threads, nobody is pinned.

Workers live in compiled code: every library brings the functions that wait for jobs and that hand
them out (backends/llvm/forkjoin.py), so a run in the wake of another begins on all threads within a
microsecond, and Python's lock is not needed for it.
"""

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache
from threading import Lock, Thread

from analysis.errors import UserError
from dovetail.runtime.buffers import address, aligned_bytes
from dovetail.runtime.library import Library

SERVE_NAME, FORK_JOIN_NAME = "dovetail_serve_1", "dovetail_fork_join_1"
POINTER, I32 = ctypes.c_void_p, ctypes.c_int32
SERVE = ctypes.CFUNCTYPE(None, POINTER, I32)
FORK_JOIN = ctypes.CFUNCTYPE(I32, *[POINTER] * 5, I32, I32, POINTER, POINTER)

BOX_BYTES = 128
CORES_BYTES = 128
MAX_THREADS = 256
SERVE_SPINS = 4000
"""How often a worker looks for the next run before it sleeps: about a tenth of a millisecond."""


def usable_cores() -> list[int]:
    """The numbers of the cores that the calling thread may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


@cache
def core_set(cores: frozenset[int]) -> ctypes.Array[ctypes.c_char]:
    """These cores as the system writes them: a bit for each."""
    bits = sum(1 << core for core in cores if core < 8 * CORES_BYTES)
    return ctypes.create_string_buffer(bits.to_bytes(CORES_BYTES, sys.byteorder), CORES_BYTES)


class Worker:
    """A thread that serves the box at `box` as long as the process lives."""

    def __init__(self, library: Library, serve: Callable[[int, int], None], box: int) -> None:
        self._cores: frozenset[int] | None = None
        # The thread holds the library: its code must stay, even if its program is dropped.
        self._thread = Thread(target=self._serve, args=(library, serve, box), daemon=True)
        self._thread.start()

    @staticmethod
    def _serve(library: Library, serve: Callable[[int, int], None], box: int) -> None:
        serve(box, SERVE_SPINS)

    def pin(self, cores: frozenset[int]) -> None:
        """Let it run on `cores` alone."""
        if cores != self._cores and hasattr(os, "sched_setaffinity"):
            assert self._thread.native_id is not None
            os.sched_setaffinity(self._thread.native_id, cores)
            self._cores = cores


class Team:
    """The workers of this process, one after another in memory; it grows as runs need it."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._workers: list[Worker] = []
        self._boxes = aligned_bytes(BOX_BYTES * MAX_THREADS)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """A forked process has none of its parent's threads."""
        self._turn = Lock()
        self._workers = []
        self._boxes = aligned_bytes(BOX_BYTES * MAX_THREADS)

    def _grow(self, crew: "Crew", size: int) -> None:
        """Have enough workers for runs of `size` threads."""
        while len(self._workers) < size - 1:
            box = address(self._boxes) + BOX_BYTES * len(self._workers)
            self._workers.append(Worker(crew.library, crew.serve, box))

    def run(self, crew: "Crew", function: int, shared: tuple[int, int, int], step: int) -> int:
        """Call `function` on each thread of `crew`; returns the first error number."""
        with self._turn:
            self._grow(crew, crew.size)
            cores = usable_cores()
            before = frozenset(cores)
            homes = [before] * crew.size
            if len(cores) >= crew.size:
                homes = [frozenset((core,)) for core in cores[: crew.size]]
            for worker, home in zip(self._workers, homes[1:], strict=False):
                worker.pin(home)
            return crew.fork_join(
                address(self._boxes),
                function,
                *shared,
                crew.size,
                step,
                ctypes.addressof(core_set(homes[0])) if homes[0] != before else None,
                ctypes.addressof(core_set(before)),
            )


TEAM = Team()
"""One for the process, since there is one set of cores: all programs share its threads."""


class Crew:
    """The threads of one program: `size` of them, reached through its library's functions."""

    def __init__(self, library: Library, size: int) -> None:
        if size > MAX_THREADS:
            raise UserError(f"{size} threads: a run has at most {MAX_THREADS}")
        serve, fork_join = library.address(SERVE_NAME), library.address(FORK_JOIN_NAME)
        if serve is None or fork_join is None:
            raise UserError(f"its code has no function '{FORK_JOIN_NAME}'")
        self.library = library
        self.size = size
        self.serve: Callable[[int, int], None] = SERVE(serve)
        self.fork_join: Callable[..., int] = FORK_JOIN(fork_join)

    def run(self, function: int, shared: tuple[int, int, int], step: int = 0) -> int:
        """Call `function(*shared, tid, size, step)` on each thread; the first error number."""
        if self.size == 1:
            return self.fork_join(None, function, *shared, 1, step, None, None)
        return TEAM.run(self, function, shared, step)
