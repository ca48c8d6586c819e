"""The barrier that the threads of one run meet at, as LLVM IR.

A sense-reversing barrier (Mellor-Crummey and Scott 1991, section 3.1) whose sense is a counter of
the rounds, so that no thread has a state of its own. It lives in the first 128 bytes of the run's
zeroed workspace: how many threads have arrived (an i32 at byte 0) and the round (at byte 64, a
cache line of its own, which the waiting threads read). The last to arrive begins the next round.
A thread that waits spins for a while, then gives its core away between looks.

Modules declare it and CodeGenerator links it in, together with what runs jobs on threads
(forkjoin.py); it stays invisible outside of a library.
"""

import llvmlite.binding as llvm

from backends.llvm.forkjoin import fork_join_ir

BARRIER = "dovetail_barrier"
BARRIER_BYTES = 128
ROUND_OFFSET = 64
SPINS = 4096


def threads_ir(triple: str) -> str:
    """LLVM IR of `void @dovetail_barrier(ptr workspace, i32 nthreads)` and of forkjoin.py.

    `triple` decides on the instruction that tells the core it is spinning.
    """
    x86 = triple.startswith(("x86_64", "i686"))
    pause = "call void @llvm.x86.sse2.pause()" if x86 else 'call void asm sideeffect "", ""()'
    declare = "declare void @llvm.x86.sse2.pause()\n" if x86 else ""
    return f"""
declare i32 @sched_yield()
{declare}
define linkonce_odr hidden void @{BARRIER}(ptr %workspace, i32 %nthreads) noinline {{
entry:
  %alone = icmp sle i32 %nthreads, 1
  br i1 %alone, label %done, label %arrive
arrive:
  %round = getelementptr i8, ptr %workspace, i64 {ROUND_OFFSET}
  %mine = load atomic i32, ptr %round acquire, align 4
  %before = atomicrmw add ptr %workspace, i32 1 acq_rel, align 4
  %arrived = add i32 %before, 1
  %last = icmp eq i32 %arrived, %nthreads
  br i1 %last, label %release, label %look
release:
  store atomic i32 0, ptr %workspace monotonic, align 4
  %next = add i32 %mine, 1
  store atomic i32 %next, ptr %round release, align 4
  br label %done
look:
  %looks = phi i32 [ 0, %arrive ], [ %more, %spin ], [ %looks, %yield ]
  %now = load atomic i32, ptr %round acquire, align 4
  %begun = icmp ne i32 %now, %mine
  br i1 %begun, label %done, label %wait
wait:
  %patient = icmp ult i32 %looks, {SPINS}
  br i1 %patient, label %spin, label %yield
spin:
  {pause}
  %more = add i32 %looks, 1
  br label %look
yield:
  %ignored = call i32 @sched_yield()
  br label %look
done:
  ret void
}}
{fork_join_ir(triple, pause)}"""


def link_threads(module: llvm.ModuleRef) -> None:
    """Give `module` what its threads need: the barrier, if it calls it, and fork and join."""
    threads = llvm.parse_assembly(threads_ir(module.triple))
    threads.triple, threads.data_layout = module.triple, module.data_layout
    module.link_in(threads)
