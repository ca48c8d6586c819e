"""How a run reaches its threads, as LLVM IR: workers that stay in compiled code between runs.

    void dovetail_serve_1(ptr box, i32 spins)
    i32  dovetail_fork_join_1(ptr boxes, ptr f, ptr buffers, ptr dims, ptr workspace,
                              i32 nthreads, i32 step, ptr home, ptr before)

A worker calls `serve` once and waits at its box: it spins for a while, so that runs in quick
succession cost no switch of threads, then sleeps in the kernel (a futex on Linux). `fork_join` puts
a job into the boxes, does its own share as thread 0 and waits for the others; it returns the first
error number. If `home` is not null it is the set of cores (Linux's cpu_set_t) that the caller runs
on meanwhile, and `before` the one that it has afterwards; no signal handler comes between.
Both functions are exported from every library, so a process needs no other code for its threads;
the number in their names is the version of the box:

    byte  0  i32 posted    how many jobs were put in (written by the caller)
          4  i32 sleeping  whether the worker may be asleep
          8  ptr f, buffers, dims, workspace; i32 tid, nthreads, step: the job
         64  i32 done      how many jobs are done (written by the worker)
         68  i32 error     what the last one returned

No wake-up is lost: the worker says that it sleeps before the kernel compares `posted`, and the
caller posts before it looks whether the worker sleeps (both sequentially consistent).
"""

SERVE = "dovetail_serve_1"
FORK_JOIN = "dovetail_fork_join_1"
BOX_BYTES = 128
CORES_BYTES = 128
JOIN_SPINS = 4096
FUTEX_WAIT, FUTEX_WAKE = 128, 129
FUTEX_CALLS = {"x86_64": 202, "aarch64": 98}
JOB = ("buffers", "dims", "workspace")


def _sleep_and_wake(triple: str) -> tuple[str, str, str]:
    """Declaration, sleeping (at %box while it holds %seen) and waking (of %box) on this system."""
    number = FUTEX_CALLS.get(triple.partition("-")[0])
    if number is None or "linux" not in triple:
        nap = "%slept = call i32 @usleep(i32 100)"
        return "declare i32 @usleep(i32)", nap, "%woken = add i32 0, 0"
    call = f"call i64 (i64, ...) @syscall(i64 {number}, ptr %box"
    wait = f"%slept = {call}, i64 {FUTEX_WAIT}, i32 %seen, ptr null)"
    wake = f"%woken = {call}, i64 {FUTEX_WAKE}, i64 1)"
    return "declare i64 @syscall(i64, ...)", wait, wake


def _fields() -> str:
    """The places in %box."""
    offsets = {"sleeping": 4, "f": 8, "buffers": 16, "dims": 24, "workspace": 32}
    offsets |= {"tid": 40, "nthreads": 44, "step": 48, "done": 64, "error": 68}
    return "\n".join(
        f"  %{name}_at = getelementptr i8, ptr %box, i64 {offset}"
        for name, offset in offsets.items()
    )


def _serve(pause: str, sleep: str) -> str:
    pointers = "\n".join(f"  %{name} = load ptr, ptr %{name}_at, align 8" for name in JOB)
    numbers = "\n".join(
        f"  %{name} = load i32, ptr %{name}_at, align 4" for name in ("tid", "nthreads", "step")
    )
    return f"""
define weak_odr void @{SERVE}(ptr %box, i32 %spins) {{
entry:
{_fields()}
  br label %wait
wait:
  %seen = load atomic i32, ptr %done_at monotonic, align 4
  br label %look
look:
  %looks = phi i32 [ 0, %wait ], [ %more, %spin ], [ 0, %sleep ]
  %now = load atomic i32, ptr %box acquire, align 4
  %new = icmp ne i32 %now, %seen
  br i1 %new, label %begin, label %idle
idle:
  %patient = icmp ult i32 %looks, %spins
  br i1 %patient, label %spin, label %sleep
spin:
  {pause}
  %more = add i32 %looks, 1
  br label %look
sleep:
  store atomic i32 1, ptr %sleeping_at seq_cst, align 4
  {sleep}
  store atomic i32 0, ptr %sleeping_at seq_cst, align 4
  br label %look
begin:
  %f = load ptr, ptr %f_at, align 8
  %none = icmp eq ptr %f, null
  br i1 %none, label %end, label %work
work:
{pointers}
{numbers}
  %e = call i32 %f(ptr %buffers, ptr %dims, ptr %workspace, i32 %tid, i32 %nthreads, i32 %step)
  store i32 %e, ptr %error_at, align 4
  store atomic i32 %now, ptr %done_at release, align 4
  br label %wait
end:
  store atomic i32 %now, ptr %done_at release, align 4
  ret void
}}
"""


def _move(result: str, cores: str, linux: bool) -> str:
    """Let the calling thread run on the cores at %cores alone."""
    if not linux:
        return f"%{result} = add i32 0, 0"
    return f"%{result} = call i32 @sched_setaffinity(i32 0, i64 {CORES_BYTES}, ptr %{cores})"


def _fork_join(pause: str, wake: str, linux: bool) -> str:
    pointers = "\n".join(f"  store ptr %{name}, ptr %{name}_at, align 8" for name in ("f", *JOB))
    own = "ptr %buffers, ptr %dims, ptr %workspace, i32 0, i32 %nthreads, i32 %step"
    return f"""
define weak_odr i32 @{FORK_JOIN}(ptr %boxes, ptr %f, ptr %buffers, ptr %dims, ptr %workspace,
                                 i32 %nthreads, i32 %step, ptr %home, ptr %before) {{
entry:
  %pins = icmp ne ptr %home, null
  br i1 %pins, label %pin, label %start
pin:
  {_move("pinned", "home", linux)}
  br label %start
start:
  br label %fork
fork:
  %tid = phi i32 [ 1, %start ], [ %tid_next, %forked ]
  %more = icmp slt i32 %tid, %nthreads
  br i1 %more, label %post, label %own
post:
  %number = sub i32 %tid, 1
  %wide = zext i32 %number to i64
  %offset = mul i64 %wide, {BOX_BYTES}
  %box = getelementptr i8, ptr %boxes, i64 %offset
{_fields()}
{pointers}
  store i32 %tid, ptr %tid_at, align 4
  store i32 %nthreads, ptr %nthreads_at, align 4
  store i32 %step, ptr %step_at, align 4
  %last = load atomic i32, ptr %box monotonic, align 4
  %posted = add i32 %last, 1
  store atomic i32 %posted, ptr %box seq_cst, align 4
  %sleeping = load atomic i32, ptr %sleeping_at seq_cst, align 4
  %asleep = icmp ne i32 %sleeping, 0
  br i1 %asleep, label %wake, label %forked
wake:
  {wake}
  br label %forked
forked:
  %tid_next = add i32 %tid, 1
  br label %fork
own:
  %mine = call i32 %f({own})
  br label %join
join:
  %jtid = phi i32 [ 1, %own ], [ %jtid_next, %joined ]
  %first = phi i32 [ %mine, %own ], [ %error_new, %joined ]
  %left = icmp slt i32 %jtid, %nthreads
  br i1 %left, label %pick, label %end
pick:
  %jnumber = sub i32 %jtid, 1
  %jwide = zext i32 %jnumber to i64
  %joffset = mul i64 %jwide, {BOX_BYTES}
  %jbox = getelementptr i8, ptr %boxes, i64 %joffset
  %jdone_at = getelementptr i8, ptr %jbox, i64 64
  %jerror_at = getelementptr i8, ptr %jbox, i64 68
  %expected = load atomic i32, ptr %jbox monotonic, align 4
  br label %look
look:
  %looks = phi i32 [ 0, %pick ], [ %looks_more, %spin ], [ %looks, %yield ]
  %now = load atomic i32, ptr %jdone_at acquire, align 4
  %finished = icmp eq i32 %now, %expected
  br i1 %finished, label %joined, label %idle
idle:
  %patient = icmp ult i32 %looks, {JOIN_SPINS}
  br i1 %patient, label %spin, label %yield
spin:
  {pause}
  %looks_more = add i32 %looks, 1
  br label %look
yield:
  %yielded = call i32 @sched_yield()
  br label %look
joined:
  %theirs = load i32, ptr %jerror_at, align 4
  %clean = icmp eq i32 %first, 0
  %error_new = select i1 %clean, i32 %theirs, i32 %first
  %jtid_next = add i32 %jtid, 1
  br label %join
end:
  br i1 %pins, label %unpin, label %leave
unpin:
  {_move("unpinned", "before", linux)}
  br label %leave
leave:
  ret i32 %first
}}
"""


def fork_join_ir(triple: str, pause: str) -> str:
    """LLVM IR of the two functions; `pause` is the instruction for a core that spins.

    It relies on a declaration of sched_yield.
    """
    declare, sleep, wake = _sleep_and_wake(triple)
    linux = "linux" in triple
    if linux:
        declare += "\ndeclare i32 @sched_setaffinity(i32, i64, ptr)"
    return f"{declare}\n{_serve(pause, sleep)}{_fork_join(pause, wake, linux)}"
