"""Compiled functions that are called many times in a row without leaving compiled code."""

import ctypes
import os
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from backends.llvm.barrier import BARRIER
from backends.llvm.machine import CodeGenerator
from dovetail.runtime.buffers import Array, Bytes, address, aligned_bytes
from dovetail.runtime.library import Library, open_library
from dovetail.runtime.threads import Crew

REPEAT = "dovetail_repeat"
WORKSPACE_BYTES = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int32)


@dataclass
class Repeated:
    """A function with its arguments; `run(n)` is the time of n calls on all threads."""

    crew: Crew
    function: int
    workspace: Bytes
    buffers: Sequence[Array] = ()
    dims: Sequence[int] = ()
    pointers: ctypes.Array[ctypes.c_uint64] = field(init=False)
    sizes: ctypes.Array[ctypes.c_int64] = field(init=False)

    def __post_init__(self) -> None:
        self.pointers = (ctypes.c_uint64 * max(1, len(self.buffers)))(
            *(address(buffer) for buffer in self.buffers)
        )
        self.sizes = (ctypes.c_int64 * max(1, len(self.dims)))(*self.dims)

    def run(self, count: int) -> float:
        """The seconds that `count` calls take."""
        shared = ctypes.addressof(self.pointers), ctypes.addressof(self.sizes)
        start = time.perf_counter()
        error = self.crew.run(self.function, (*shared, address(self.workspace)), count)
        seconds = time.perf_counter() - start
        assert error == 0, f"the kernel returned error {error}"
        return seconds

    def count_for(self, seconds: float) -> int:
        """How many calls take about so many seconds, at least one."""
        count, taken = 1, self.run(1)
        while taken < seconds / 4 and count < 1 << 24:
            count *= 4
            taken = min(self.run(count) for _ in range(2))
        return max(1, round(count * seconds / max(taken, 1e-9)))


def library_of(generator: CodeGenerator, ir: str) -> Library:
    """The code of a module, loaded into this process."""
    return open_library(None, generator.object_code(ir))


def address_of(library: Library, name: str) -> int:
    found = library.address(name)
    assert found is not None, f"the module has no function {name}"
    return found


def repeating(ir: str, kernel: str) -> str:
    """The module `ir` with a function that calls `kernel` again and again, threads in step."""
    declare = (
        ""
        if f"@{BARRIER}" in ir or f'@"{BARRIER}"' in ir
        else (f"declare void @{BARRIER}(ptr, i32)")
    )
    return f"""{ir}
{declare}
define i32 @{REPEAT}(ptr %buffers, ptr %dims, ptr %workspace, i32 %tid, i32 %nthreads, i32 %step) {{
entry:
  br label %again
again:
  %done = phi i32 [ 0, %entry ], [ %next, %again ]
  %error = call i32 @"{kernel}"(ptr %buffers, ptr %dims, ptr %workspace, i32 %tid, i32 %nthreads)
  call void @{BARRIER}(ptr %workspace, i32 %nthreads)
  %next = add i32 %done, 1
  %more = icmp ult i32 %next, %step
  br i1 %more, label %again, label %end
end:
  ret i32 %error
}}
"""


def repeated_kernel(
    generator: CodeGenerator,
    ir: str,
    kernel: str,
    buffers: Sequence[Array],
    dims: Sequence[int],
    threads: int,
) -> Repeated:
    """The function `kernel` of the module `ir` on these buffers."""
    library = library_of(generator, repeating(ir, kernel))
    sizes = (ctypes.c_int64 * max(1, len(dims)))(*dims)
    ask = WORKSPACE_BYTES(address_of(library, f"{kernel}_workspace_bytes"))
    workspace = aligned_bytes(ask(ctypes.addressof(sizes), threads))
    crew = Crew(library, threads)
    return Repeated(crew, address_of(library, REPEAT), workspace, buffers, dims)


@contextmanager
def pinned(threads: int) -> Generator[None]:
    """With one thread, everything runs on one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    if threads == 1:
        os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
