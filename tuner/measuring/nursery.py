"""Where children come from: a process that has imported everything, and forks.

Importing the compiler takes seconds, a fork of a process that has done so milliseconds. So one
process (child.py) is started for a device, runs no candidate, and forks a child whenever one is
asked for. It is the parent of all of them: it ends them and knows what they died of.

What it is asked are two numbers: 0, which comes with the descriptors of a new child, or the number
of a child to end; and for how many milliseconds that may end by itself. It answers with one: the
number of the new child, or the return code.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Sequence

from analysis.errors import UserError

ENTRY = (sys.executable, "-P", "-m", "tuner.measuring.child")

START_SECONDS = 60.0
"""What imports and a fork may take."""

QUESTION, ANSWER = struct.Struct("qq"), struct.Struct("q")

ENDS = 4
"""A child gets two pipes for frames, one that tells of its parent's end, and a file to print to."""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Nursery:
    """The process that forks, as seen from the one that measures."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(START_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                [*ENTRY, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={**os.environ, **dict.fromkeys(ONE_THREAD, "1")},
            )
        self.pid = self._process.pid
        self._end = weakref.finalize(self, ended, self._process, self._socket)

    @property
    def is_alive(self) -> bool:
        """Whether it was not closed yet."""
        return self._end.alive

    def close(self) -> None:
        """End the process, and with it whatever waits for it."""
        self._end()

    def fork(self, ends: Sequence[int]) -> int:
        """A new child that has these descriptors; its number."""
        return self._ask(0, 0, ends)

    def end(self, pid: int, patience: float) -> int:
        """Kill a child that does not end by itself soon; what it returned, or minus its signal."""
        return self._ask(pid, round(1e3 * patience))

    def _ask(self, pid: int, milliseconds: int, ends: Sequence[int] = ()) -> int:
        try:
            socket.send_fds(self._socket, [QUESTION.pack(pid, milliseconds)], ends)
            answer = self._socket.recv(ANSWER.size)
            return ANSWER.unpack(answer)[0]
        except (OSError, struct.error):
            self.close()
            raise UserError(
                "the process that children are forked from has ended; what it printed says why"
            ) from None
        except BaseException:
            self.close()  # its answer would be taken for that to the next question
            raise


def ended(process: subprocess.Popen[bytes], ours: socket.socket) -> None:
    """End the process that forks."""
    ours.close()
    process.kill()
    process.wait()


def serve(ours: socket.socket, live: Callable[[Sequence[int]], None]) -> None:
    """Fork as often as the other side asks for it; a child does what `live` says and ends."""
    while True:
        question, ends, _, _ = socket.recv_fds(ours, QUESTION.size, ENDS)
        if len(question) < QUESTION.size:
            return
        pid, milliseconds = QUESTION.unpack(question)
        answer = code_of(pid, milliseconds / 1e3) if pid else forked(ours, ends, live)
        for end in ends:
            os.close(end)
        ours.sendall(ANSWER.pack(answer))


def forked(ours: socket.socket, ends: Sequence[int], live: Callable[[Sequence[int]], None]) -> int:
    """Fork; the child never returns."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        ours.close()
        os.setsid()
        for printed in (1, 2):
            os.dup2(ends[-1], printed)
        live(ends)
        code = 0
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        os._exit(code)


def code_of(pid: int, patience: float) -> int:
    """What a child returned that is given some time to end, and killed with all it started."""
    until = time.monotonic() + patience
    options = os.WEXITED | os.WNOWAIT | os.WNOHANG
    while os.waitid(os.P_PID, pid, options) is None and time.monotonic() < until:
        time.sleep(0.001)
    # it was not waited for yet, so that its number is still its own
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(pid, signal.SIGKILL)  # it has not got as far as its own group
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
