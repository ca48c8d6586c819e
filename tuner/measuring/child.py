"""The child process: compiles, runs and checks candidates, and may die of them.

    python -m tuner.measuring.child SOCKET

starts the process that children are forked from (nursery.py). A child has pipes for frames
(messages.py), and one on which nothing is ever written: it closes when the process that measures
ends, however that happens, and the system then ends the child's group with a signal, whatever it is
doing. So no child is left behind. What it may take of memory and time is limited, too.

One request is served at a time:

    memory    how many bytes it may have beside those it starts with; once, before all others
    task      the task to work on; its expected results come with it, or are made and returned
    prepare   compile a kernel for a CPU, check it, and keep it under a number
    visit     the times of a few repeats of a kernel
    drop      forget all kernels but the reference
    program   make a program for the accelerator, and keep it; its hash
    simulate  check the program that was made last, and count its cycles
"""

import fcntl
import gc
import os
import resource
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from traceback import extract_tb
from typing import Any

from analysis.errors import UserError
from dialects.target import Target
from tuner.measuring.expected import Expected, expect
from tuner.measuring.kernels import Kernel, Memory, prepare, require_machine
from tuner.measuring.messages import Frame, FrameReader
from tuner.measuring.nursery import serve
from tuner.measuring.programs import Made, make, simulated
from tuner.measuring.rounds import REFERENCE
from tuner.measuring.subject import CHECKING, RUNNING, SCHEDULING, Subject, WrongError
from tuner.task import FailureKind, Task

LARGEST_FILE = 1 << 26
"""How many bytes a candidate may print."""

CPU_SECONDS = 600
"""A request that takes more processor time than that ends the process, if nothing else does."""


def tie_to_parent(alive: int) -> None:
    """Have the system end this group of processes when the other end of a pipe closes."""
    fcntl.fcntl(alive, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(alive, fcntl.F_SETFL, fcntl.fcntl(alive, fcntl.F_GETFL) | os.O_ASYNC)


def limit(memory: int) -> None:
    """Limit what this process may take."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    pages = Path("/proc/self/statm")
    if pages.exists():
        used = int(pages.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))


def limit_time() -> None:
    """Give the next request its processor time."""
    used = ceil(time.process_time())
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + CPU_SECONDS, hard))


@dataclass
class Channel:
    """The two pipes to the parent."""

    requests: int
    replies: int

    def read(self) -> Frame | None:
        """The next request; None if there are no more."""
        reader = FrameReader()
        while reader.frame is None:
            data = os.read(self.requests, min(reader.missing, 1 << 20))
            if not data:
                return None
            reader.feed(data)
        return reader.frame

    def write(self, frame: Frame) -> None:
        """Send a frame."""
        for part in frame.parts():
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(self.replies, rest) :]


@dataclass
class Server:
    """What the process holds between requests."""

    channel: Channel
    stage: str = SCHEDULING
    subject: Subject | None = None
    memory: Memory = field(default_factory=Memory)
    kernels: dict[int, Kernel] = field(default_factory=dict[int, Kernel])
    made: Made | None = None

    def note(self, stage: str, what: str) -> None:
        """Tell what begins now."""
        self.stage = stage
        self.channel.write(Frame({"stage": stage, "what": what}))

    def serve(self) -> None:
        """Answer requests until there are no more."""
        handlers: Mapping[str, Callable[[Frame], Frame]] = {
            "task": self.task,
            "prepare": self.prepare,
            "visit": self.visit,
            "drop": self.drop,
            "program": self.program,
            "simulate": self.simulate,
        }
        while (request := self.channel.read()) is not None:
            limit_time()
            try:
                reply = handlers[request.header["do"]](request)
            except Exception as error:
                reply = Frame(self.failure(error))
            self.channel.write(reply)

    def failure(self, error: Exception) -> dict[str, Any]:
        """What a request that failed is answered with."""
        kind: FailureKind = "not compiled"
        match error:
            case MemoryError():
                kind, text = "too large", f"took more memory than it may while {self.stage}"
            case WrongError():
                kind, text = "wrong", str(error)
            case UserError():
                kind, text = ("refused" if self.stage == SCHEDULING else kind), error.message
            case _:
                first = str(error).partition("\n")[0]
                text = f"{type(error).__name__} while {self.stage}: {first}{place_of(error)}"
        if self.stage in (RUNNING, CHECKING) and kind == "not compiled":
            kind = "crashed"
        return {"failure": {"kind": kind, "text": text}}

    @property
    def current(self) -> Subject:
        assert self.subject is not None, "no task was given"
        return self.subject

    def task(self, request: Frame) -> Frame:
        said = request.header
        task = Task(said["name"], said["hash"], Target.parse(said["target"]), said["text"])
        self.kernels.clear()
        self.memory = Memory()
        self.note(RUNNING, "")
        if task.target.device == "llvm":
            require_machine(task)
        if request.arrays:
            expected, reply = Expected.of(request), Frame({})
        else:
            expected = expect(task.function(task.module()))
            reply = expected.frame()
        self.subject = Subject(task, expected)
        return reply

    def prepare(self, request: Frame) -> Frame:
        number, schedule = request.header["number"], request.header["schedule"]
        kernel = prepare(self.current, self.memory, schedule, self.note)
        self.kernels[number] = kernel
        return Frame({"count": kernel.count, "seconds": kernel.seconds})

    def visit(self, request: Frame) -> Frame:
        said = request.header
        self.note(RUNNING, "timing")
        kernel = self.kernels[said["number"]]
        return Frame({"samples": kernel.visit(said["repeats"], said["limit"])})

    def drop(self, request: Frame) -> Frame:
        self.kernels = {n: k for n, k in self.kernels.items() if n == REFERENCE}
        return Frame({})

    def program(self, request: Frame) -> Frame:
        self.made = make(self.current, request.header["schedule"], self.note)
        return Frame({"hash": self.made.hash})

    def simulate(self, request: Frame) -> Frame:
        assert self.made is not None, "no program was made"
        return Frame({"cycles": simulated(self.made, request.header["preset"], self.note)})


def place_of(error: Exception) -> str:
    """Where an exception that is nobody's answer comes from."""
    frames = extract_tb(error.__traceback__)
    if not frames:
        return ""
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})"


def live(ends: Sequence[int]) -> None:
    """The life of a child."""
    requests, replies, alive, _ = ends
    tie_to_parent(alive)
    channel = Channel(requests, replies)
    first = channel.read()
    if first is not None:
        limit(first.header["memory"])
        channel.write(Frame({}))
        Server(channel).serve()


def main() -> None:
    gc.freeze()  # what is imported is shared with all children
    serve(socket.socket(fileno=int(sys.argv[1])), live)


if __name__ == "__main__":
    main()
