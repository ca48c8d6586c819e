"""Programs: what they compute, on how many threads, and what they refuse."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from llvm_networks import add_rows, axpy, axpy_weight, failing, mirror, mirror_result

from analysis.errors import UserError
from dovetail.program import CompiledModel
from dovetail.runtime import Kernel, Program, Tensor, aligned_empty
from dovetail.runtime.buffers import KEPT, WorkspacePool, address, aligned
from dovetail.runtime.library import JitLibrary, SharedLibrary, link_shared
from dovetail.runtime.manifest import storage_dtype
from dovetail.runtime.program import bind_inputs
from dovetail.runtime.threads import TEAM, usable_cores


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-8, 8, shape).astype(np.float32)


@pytest.fixture(scope="module")
def two_kernels() -> CompiledModel:
    return mirror(rounds=20)


@pytest.fixture(scope="module")
def symbolic() -> CompiledModel:
    return add_rows()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_elementwise_with_a_weight(threads):
    x = numbers(1000)
    result = axpy().program(threads).run({"x": x})
    assert list(result) == ["y"]
    np.testing.assert_array_equal(result["y"], x * axpy_weight(1000) + x)


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_threads_wait_for_each_other(two_kernels, threads):
    program = two_kernels.program(threads)
    for seed in range(20):
        x = numbers(1003, seed=seed)
        np.testing.assert_array_equal(program.run([x])["y"], mirror_result(x))


@pytest.mark.parametrize("rows", ["n", "2 * n - n"])
@pytest.mark.parametrize("threads", [1, 2])
def test_symbolic_dimension(threads, rows):
    program = add_rows(rows=rows).program(threads)
    for n in (1, 5, 0, 64, 5):
        x, b = numbers(n, 4), numbers(n, seed=1)
        np.testing.assert_array_equal(program.run([x, b])["y"], x + b[:, None])


def test_code_loads_without_a_system_linker():
    model = mirror()
    program = Program(model.manifest, JitLibrary(model.object_code), [], 2)
    x = numbers(1003)
    np.testing.assert_array_equal(program.run([x])["y"], mirror_result(x))


def test_outputs_are_the_callers_own():
    program = mirror().program(1)
    first = program.run([numbers(1003)])["y"]
    kept = first.copy()
    program.run([numbers(1003, seed=1)])
    np.testing.assert_array_equal(first, kept)


def test_inputs_of_any_strides_and_alignment(symbolic):
    program = symbolic.program(1)
    x = numbers(4, 12).T[::2][:5]
    b = np.frombuffer(b"\0" + numbers(5).tobytes(), np.uint8)[1:].view(np.float32)
    assert address(b) % 4 and not x.flags.c_contiguous
    np.testing.assert_array_equal(program.run([x, b])["y"], x + b[:, None])


def test_types_that_numpy_does_not_have():
    """bfloat16 comes as its own type, where a package adds that to NumPy, or as bits."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    tensor = Tensor("x", "bfloat16", (2,))
    for given in (np.zeros(2, ml_dtypes.bfloat16), np.zeros(2, np.uint16)):
        if given.dtype == np.uint16 and storage_dtype("bfloat16") != given.dtype:
            continue
        assert bind_inputs("p", [tensor], [given])[0] is given
    with pytest.raises(UserError, match=r"^p: input 'x' has dtype float16, expected bfloat16$"):
        bind_inputs("p", [tensor], [np.zeros(2, np.float16)])


def test_aligned_arrays_are_not_copied():
    there = aligned_empty((5, 3), np.dtype(np.float32))
    assert address(there) % 64 == 0
    assert aligned(there) is there


def test_concurrent_runs_of_one_program(two_kernels):
    """Several threads of the caller, each with inputs of its own, more runs than workspaces."""
    one, two = two_kernels.program(1), two_kernels.program(2)
    wrong: list[int] = []

    def work(seed: int) -> None:
        x = numbers(1003, seed=seed)
        for program in (one, two) * 25:
            if not np.array_equal(program.run([x])["y"], mirror_result(x)):
                wrong.append(seed)

    callers = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads Linux's /proc")
def test_a_thousand_runs_take_no_more_memory():
    """Arrays of 200 kB, so that a leak of one an iteration would show as 200 MB."""
    program, symbolic = mirror(50_000).program(2), add_rows(1000).program(1)
    x = numbers(50_000)

    def runs(count: int) -> None:
        for i in range(count):
            program.run([x])
            symbolic.run([x[: 1000 * (i % 50)].reshape(-1, 1000), x[: i % 50]])

    runs(100)
    gc.collect()
    before = resident()
    runs(1000)
    gc.collect()
    assert resident() - before < 8 << 20


def test_programs_that_are_dropped_are_unloaded():
    code = link_shared(axpy().object_code)
    if code is None:
        pytest.skip("there is no system linker")

    def mapped() -> tuple[int, int]:
        """Open files and mapped libraries (workers keep those that they wait in)."""
        with open("/proc/self/maps") as file:
            return len(os.listdir("/proc/self/fd")), file.read().count("memfd:dovetail")

    gc.collect()
    before = mapped()
    library = SharedLibrary(code)
    assert library.address("network") and library.address("no_such_function") is None
    assert mapped() > before
    del library
    gc.collect()
    assert mapped() == before


def test_workspaces_are_zeroed_aligned_and_bounded():
    pool = WorkspacePool()
    block = pool.take((3, 1), 1000)
    assert address(block) % 64 == 0 and not block.any() and block.nbytes == 1000
    block[:] = 1
    pool.give((3, 1), block)
    assert pool.take((4, 1), 1000) is not block
    again = pool.take((3, 1), 1000)
    assert again is block and not again[:128].any() and again[128:].all()
    blocks = [pool.take((i,), 128) for i in range(KEPT + 2)]
    for i, made in enumerate(blocks):
        pool.give((i,), made)
    assert pool.take((0,), 128) is not blocks[0]
    assert pool.take((KEPT + 1,), 128) is blocks[KEPT + 1]


@pytest.mark.parametrize("threads", [1, 2])
def test_profile_runs_each_kernel(threads):
    program = mirror().program(threads)
    times = program.profile([numbers(1003)], rounds=3)
    assert [len(seconds) for seconds in times] == [3, 3]
    assert all(second > 0 for seconds in times for second in seconds)
    with pytest.raises(UserError, match=r"^program: it was compiled without the means to time"):
        axpy().program().profile([numbers(1000)])


def message(program: Program, inputs) -> str:
    with pytest.raises(UserError) as caught:
        program.run(inputs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_errors_about_inputs(symbolic):
    program = symbolic.program(1, "net.dove")
    x, b = numbers(3, 4), numbers(3)
    assert message(program, {"x": x, "c": b}) == (
        "net.dove: no input is called 'c': there are: x, b"
    )
    assert message(program, {"x": x}) == ("net.dove: input 'b' float32(n) is missing; given: x")
    assert message(program, {}) == ("net.dove: input 'x' float32(n, 4) is missing; given: nothing")
    assert message(program, [x]) == (
        "net.dove: 1 inputs given, expected 2: 'x' float32(n, 4), 'b' float32(n)"
    )
    assert message(program, [x, b.astype(np.float64)]) == (
        "net.dove: input 'b' has dtype float64, expected float32"
    )
    assert message(program, [x, b.astype(">f4")]) == (
        "net.dove: input 'b' has dtype >f4, expected float32"
    )
    assert message(program, [x, x]) == ("net.dove: input 'b' has shape (3, 4), expected (n)")
    assert message(program, [numbers(3, 5), b]) == (
        "net.dove: input 'x' has shape (3, 5), expected (n, 4)"
    )
    assert message(program, [x, numbers(5)]) == (
        "net.dove: dimension 'n' is 3 in axis 0 of input 'x' but 5 in axis 0 of input 'b'"
    )


def test_errors_of_programs():
    assert message(failing(3).program(2), []) == "program: the run stopped with error 3"
    model = axpy()
    fields = {name: getattr(model, name) for name in ("cpu", "features", "inputs", "outputs")}
    other = CompiledModel(model.object_code, "main", **fields)
    with pytest.raises(UserError, match=r"^m: its code has no function 'main'$"):
        other.program(name="m")
    vta = CompiledModel(model.object_code, "network", **fields, kernels=(Kernel("k", "vta"),))
    with pytest.raises(UserError, match=r"^m: kernel 'k' is for the device 'vta', this runtime"):
        vta.program(name="m")
    lacking = CompiledModel(model.object_code, "network", model.cpu, ("sse2", "avx1024"), (), ())
    with pytest.raises(UserError, match=r"^m: it needs a processor with avx1024, which this one l"):
        lacking.program(name="m")
    nowhere = CompiledModel(model.object_code, "network", model.cpu, (), (), (), dims=("n",))
    with pytest.raises(UserError, match=r"^m: no input tells the symbolic dimension 'n'$"):
        nowhere.program(name="m")
    undeclared = CompiledModel(
        model.object_code, "network", model.cpu, (), (Tensor("x", "float32", ("n",)),), ()
    )
    with pytest.raises(UserError, match=r"^m: the symbolic dimension 'n' of an input is not decl"):
        undeclared.program(name="m")


def test_an_interrupt_takes_effect_after_the_run():
    """A signal handler that raises; the threads are not left waiting for each other."""
    program = mirror(2000, rounds=300).program(2)
    x = numbers(2000)

    def interrupt(*_):
        raise KeyboardInterrupt

    cores = usable_cores()
    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(20):
            signal.setitimer(signal.ITIMER_REAL, 0.002)
            with pytest.raises(KeyboardInterrupt):
                while True:
                    program.run([x])
            np.testing.assert_array_equal(program.run([x])["y"], mirror_result(x))
            assert usable_cores() == cores
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_sleeping_workers_wake(two_kernels):
    """Pauses longer than a worker spins, so that each run finds it asleep."""
    program, x = two_kernels.program(3), numbers(1003)
    for _ in range(20):
        time.sleep(0.002)
        np.testing.assert_array_equal(program.run([x])["y"], mirror_result(x))


def test_workers_outlive_the_program_that_started_them():
    """The code that they wait in stays, while their program's is gone."""
    script = """
import gc, sys
import numpy as np
from llvm_networks import add_rows, mirror, mirror_result
x = np.arange(1003, dtype=np.float32)
program = mirror().program(2)
program.run([x])
del program
gc.collect()
for size in (3, 2, 4):
    for model in (mirror(), mirror(rounds=3)):
        assert np.array_equal(model.program(size).run([x])["y"], mirror_result(x))
    gc.collect()
"""
    path = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0


def worker_cores() -> list[set[int]]:
    """Where the workers of this process may run."""
    return [os.sched_getaffinity(worker._thread.native_id) for worker in TEAM._workers]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux only")
def test_threads_are_pinned_and_the_caller_is_freed(two_kernels):
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("needs two cores")
    x = numbers(1003)
    two_kernels.program(2).run([x])
    assert worker_cores()[0] == {sorted(before)[1]}
    assert os.sched_getaffinity(0) == before
    two_kernels.program(len(before) + 1).run([x])
    assert worker_cores()[: len(before)] == [before] * len(before)
    two_kernels.program(2).run([x])
    assert worker_cores()[0] == {sorted(before)[1]}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(two_kernels):
    program, x = two_kernels.program(2), numbers(1003)
    program.run([x])
    child = os.fork()
    if child == 0:
        os._exit(int(np.array_equal(program.run([x])["y"], mirror_result(x))))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    np.testing.assert_array_equal(program.run([x])["y"], mirror_result(x))


def test_threads_by_default():
    """As many as it was compiled for, but no more than there are cores."""
    cores = len(usable_cores())
    for compiled_for, expected in ((1, 1), (None, cores), (cores + 5, cores)):
        model = replace(axpy(), threads=compiled_for)
        assert model.program().threads == expected
        assert model.program(threads=3).threads == 3


def test_more_threads_than_there_can_be():
    with pytest.raises(UserError, match=r"^program: 257 threads: a run has at most 256$"):
        axpy().program(257)
