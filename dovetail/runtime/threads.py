"""The threads that runs are shared among: the caller's, and workers that wait for the next run.

A run is one native call per thread; the threads meet at barriers inside the compiled code, so they
must all run at once. Each worker is therefore pinned to a core of its own, the caller to another
for as long as the run lasts, and runs of several threads queue for the workers. If the process may
use fewer cores than a run has threads, nobody is pinned.
"""

import os
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread

Job = Callable[[int], int]
"""Does one thread's share (its number is given) and returns an error number, 0 for none."""


def usable_cores() -> list[int]:
    """The numbers of the cores that the calling thread may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _pin(cores: frozenset[int]) -> None:
    """Let the calling thread run on `cores` alone."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


class Worker:
    """A thread that does the jobs that it is given, one after the other."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._jobs: SimpleQueue[tuple[Job, frozenset[int]] | None] = SimpleQueue()
        self._errors: SimpleQueue[int] = SimpleQueue()
        Thread(target=self._work, name=f"dovetail-{number}", daemon=True).start()

    def _work(self) -> None:
        pinned: frozenset[int] | None = None
        while (order := self._jobs.get()) is not None:
            job, cores = order
            if cores != pinned:
                _pin(cores)
                pinned = cores
            error = job(self.number)
            del job, order
            self._errors.put(error)

    def start(self, job: Job, cores: frozenset[int]) -> None:
        """Give it a job to do on `cores`."""
        self._jobs.put((job, cores))

    def end(self) -> None:
        """Let it end when it has done the jobs that it has."""
        self._jobs.put(None)

    def wait(self) -> int:
        """Wait until the oldest job is done; returns its error number."""
        return self._errors.get()


class Team:
    """Threads that run jobs together, the caller's being thread 0; it grows as jobs need it."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._workers: list[Worker] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """A forked process has none of its parent's threads."""
        self._turn = Lock()
        self._workers = []

    def run(self, size: int, job: Job) -> int:
        """Call `job(i)` at once for each i below `size`; returns the first error number."""
        if size == 1:
            return job(0)
        with self._turn:
            while len(self._workers) < size - 1:
                self._workers.append(Worker(len(self._workers) + 1))
            cores = usable_cores()
            if len(cores) < size:
                return self._run(self._workers[: size - 1], job, [frozenset(cores)] * size)
            _pin(frozenset(cores[:1]))
            try:
                homes = [frozenset((core,)) for core in cores[:size]]
                return self._run(self._workers[: size - 1], job, homes)
            finally:
                _pin(frozenset(cores))

    def _run(self, workers: list[Worker], job: Job, cores: list[frozenset[int]]) -> int:
        for worker in workers:
            worker.start(job, cores[worker.number])
        finished = False
        try:
            errors = [job(0), *[worker.wait() for worker in workers]]
            finished = True
        finally:
            if not finished:
                self._replace(workers)
        return next((error for error in errors if error), 0)

    def _replace(self, workers: list[Worker]) -> None:
        """After an interrupt: these end once they are done, and new ones take their places."""
        for worker in workers:
            worker.end()
            self._workers[worker.number - 1] = Worker(worker.number)


TEAM = Team()
"""One for the process, since there is one set of cores: all programs share its threads."""
