"""The parent's side of a child process: it asks, waits no longer than it wants to, and kills.

The child runs what may crash, hang or eat all memory, so nothing is expected of it. Frames go
through pipes of their own (messages.py); what it prints goes to a file, for its last words. Before
each step the child says what it is about to do, and the step's deadline begins; so a death can be
told with what happened at that time.

No child outlives its parent, however that ends: the child reads from a pipe that only the parent
can write to, and has asked the system for a signal when that closes (child.py).
"""

import os
import select
import signal
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from tuner.measuring.messages import BrokenFrameError, Frame, FrameReader
from tuner.measuring.nursery import START_SECONDS, Nursery
from tuner.task import Failure, FailureKind

DYING_SECONDS = 5.0

LAST_WORDS = 2000
"""How many characters of what a child printed are told."""

OUT_OF_MEMORY = ("bad_alloc", "out of memory", "MemoryError", "Cannot allocate memory")
"""What libraries say before they abort because there is no memory left."""


class LostError(Exception):
    """The child is gone; `failure` says why, if what it was asked for is to blame."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


@dataclass
class Doing:
    """What a child says that it does."""

    stage: str = "starting"
    what: str = ""

    def __str__(self) -> str:
        return f"{self.stage} ({self.what})" if self.what else self.stage


class Child:
    """One child process; `memory` is how many bytes it may have beside those it starts with."""

    def __init__(self, nursery: Nursery, memory: int) -> None:
        self.doing = Doing()
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        alive, held = os.pipe()
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by kill)
        self._forget = weakref.finalize(self, closed, (self._requests, self._replies, held))
        os.set_blocking(self._requests, False)
        given = (requests, replies, alive)
        try:
            self.pid = nursery.fork((*given, self._words.fileno()))
        except BaseException:
            self._forget()
            raise
        finally:
            closed(given)
        self._nursery = nursery
        self.code: int | None = None
        """What it returned, or minus the signal that it died of; None as long as it lives."""
        self.ask(Frame({"memory": memory}), {"starting": START_SECONDS})

    def ask(self, request: Frame, deadlines: Mapping[str, float]) -> Frame:
        """The reply to a request; LostError if the child dies of it, or is late and killed.

        `deadlines` are the seconds that each stage may take; a stage begins where the child says
        so. A child that is not heard out, because of an interrupt, does not live on.
        """
        self.doing = Doing(next(iter(deadlines)))
        try:
            self.send(request, deadlines)
            return self.receive(deadlines)
        except BaseException:
            self.kill()
            raise

    def send(self, frame: Frame, deadlines: Mapping[str, float]) -> None:
        """Write a frame."""
        until = self._until(deadlines)
        for part in frame.parts():
            rest = memoryview(part)
            while rest:
                if not self._ready(self._requests, select.POLLOUT, until):
                    raise self._late(deadlines)
                try:
                    rest = rest[os.write(self._requests, rest) :]
                except BrokenPipeError:
                    raise self._lost() from None

    def receive(self, deadlines: Mapping[str, float]) -> Frame:
        """The next frame that is more than a note of what the child does."""
        until = self._until(deadlines)
        while True:
            reader = FrameReader()
            while reader.frame is None:
                if not self._ready(self._replies, select.POLLIN, until):
                    raise self._late(deadlines)
                data = os.read(self._replies, min(reader.missing, 1 << 20))
                if not data:
                    raise self._lost()
                try:
                    reader.feed(data)
                except BrokenFrameError as error:
                    self.kill()
                    raise LostError(
                        Failure("crashed", f"wrote over its replies while {self.doing}: {error}")
                    ) from None
            if "stage" not in reader.frame.header:
                return reader.frame
            self.doing = Doing(**reader.frame.header)
            until = self._until(deadlines)

    def _until(self, deadlines: Mapping[str, float]) -> float:
        return time.monotonic() + deadlines[self.doing.stage]

    def _ready(self, end: int, event: int, until: float) -> bool:
        """Whether a pipe can be used before it is too late."""
        poll = select.poll()
        poll.register(end, event)
        return bool(poll.poll(max(0.0, until - time.monotonic()) * 1e3))

    def _late(self, deadlines: Mapping[str, float]) -> LostError:
        """Kill a child that took too long."""
        self.kill()
        seconds = deadlines[self.doing.stage]
        text = f"took longer than {seconds:.3g} s while {self.doing}"
        return LostError(Failure("too slow", text))

    def _lost(self) -> LostError:
        """Say what a child died of that died by itself."""
        words = self.kill(DYING_SECONDS)
        kind: FailureKind = "crashed"
        if any(phrase in words for phrase in OUT_OF_MEMORY):
            kind = "too large"
        assert self.code is not None
        told = f"{death(self.code)} while {self.doing}"
        return LostError(Failure(kind, f"{told}\n{words}" if words else told))

    def kill(self, patience: float = 0.0) -> str:
        """End it and all that it started, and tell the end of what it printed."""
        if self.code is None and self._nursery.is_alive:
            self.code = self._nursery.end(self.pid, patience)
        if self.code is None:
            self.code = -signal.SIGKILL  # as all that the nursery leaves
        self._forget()
        if self._words.closed:
            return ""
        with self._words as words:
            words.seek(max(0, words.seek(0, os.SEEK_END) - LAST_WORDS))
            return words.read().decode(errors="replace").strip()


def closed(ends: Sequence[int]) -> None:
    """Close descriptors; the system ends a child whose pipe from its parent closes."""
    for end in ends:
        os.close(end)


def death(code: int) -> str:
    """What a return code means."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGXCPU":
        return "used all of its processor time (SIGXCPU)"
    if name == "SIGKILL":
        return "was killed (SIGKILL; the system does so where memory is short)"
    return f"died of {name}"
