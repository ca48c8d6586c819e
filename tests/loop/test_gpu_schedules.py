"""Schedules for a GPU: run by threads in step, and natively as loops; without barriers they race.

A longer run of random schedules: `ROUNDS` in the environment, say 100.
"""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from native import Machine, apply, execute, parse, small
from random_kernels import (
    GPU,
    Counts,
    barriers_in,
    check_kernel,
    function_of,
    interpret,
    random_kernel,
    without_barrier,
)
from te_cases import ODD_CASES

import dovetail as t
from analysis.errors import UserError
from backends.interpreter.loop import run_loop
from backends.interpreter.races import RaceError
from dialects import loop
from dialects.target import TargetAttr

ROUNDS = int(os.environ.get("ROUNDS", "1"))

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAM = (EXAMPLES / "gpu_matmul.mlir").read_text()
PIPELINE = (EXAMPLES / "gpu_matmul.pipeline").read_text()


def for_gpu(text, pipeline):
    module = parse(text)
    module.attributes["target"] = TargetAttr.of(GPU)
    return apply(module, pipeline)


def cooperative(m, n, k, pipeline=PIPELINE):
    """The example in other sizes."""
    text = PROGRAM.replace("%y = 0 to 1024", f"%y = 0 to {m}")
    text = text.replace("%x = 0 to 1024", f"%x = 0 to {n}").replace(
        "%k = 0 to 1024", f"%k = 0 to {k}"
    )
    text = re.sub(r"(%A(?:\[%k, %y\])? ?: tensor<)1024x1024", rf"\g<1>{k}x{m}", text)
    text = re.sub(r"(%B(?:\[%k, %x\])? ?: tensor<)1024x1024", rf"\g<1>{k}x{n}", text)
    return for_gpu(text.replace("1024x1024", f"{m}x{n}"), pipeline)


def natively(module, *inputs):
    """What the threads compute one after the other."""
    apply(module, "expand-intrinsics,expand-copies,lower-threads-to-loops")
    return execute(Machine(parse(str(module))), *inputs, threads=2)


@pytest.mark.parametrize("m, n, k", [(32, 48, 8), (37, 21, 5), (3, 1, 1)])
def test_the_cooperative_matrix_product(m, n, k):
    rng = np.random.default_rng(0)
    a, b = small(rng, k, m), small(rng, k, n)
    module = cooperative(m, n, k)
    for compute in (interpret(module, (a, b)), natively(module, a, b)):
        np.testing.assert_array_equal(compute[0], a.T @ b)


def test_each_of_its_barriers_is_needed():
    rng = np.random.default_rng(0)
    inputs = small(rng, 3, 17), small(rng, 3, 19)
    module = cooperative(17, 19, 3)
    assert len(barriers_in(module)) == 2
    for number in range(2):
        with pytest.raises(RaceError) as error:
            interpret(without_barrier(module, number), inputs)
    assert error.value.message == (
        "a race on %AS[1, 0]: block 'C' reads it in thread (blockIdx.x = 0, blockIdx.y = 0, "
        "threadIdx.x = 1, threadIdx.y = 0), block 'AS_in' writes it in thread (blockIdx.x = 0, "
        "blockIdx.y = 0, threadIdx.x = 0, threadIdx.y = 0), with no barrier in between "
        "(insert-thread-barriers puts them)"
    )


def test_a_race_names_lines_of_the_source():
    module = parse("""
func.func @f(%A: memref<4xi32>, %B: memref<4xi32>) {
  loop.for %t = 0 to 4 bind "threadIdx.x" {
    loop.block "early" (%v < 4 = %t) {
      %c = arith.constant 1 : i32
      loop.store %c, %A[%v] : memref<4xi32>
    } loc("kernel.py":3:5)
    loop.block "late" (%v < 4 = %t) {
      %x = loop.load %A[-%v + 3] : memref<4xi32>
      loop.store %x, %B[%v] : memref<4xi32>
    }
  }
  func.return
}
""")
    with pytest.raises(RaceError) as error:
        run_loop(function_of(module), [np.zeros(4, np.int32), np.zeros(4, np.int32)])
    assert str(error.value).splitlines() == [
        "a race on %A[3]: block 'early' writes it in thread (threadIdx.x = 3), block 'late' reads "
        "it in thread (threadIdx.x = 0), with no barrier in between (insert-thread-barriers puts "
        "them)",
        "  block 'early' writes it in thread (threadIdx.x = 3), from loc(\"kernel.py\":3:5)",
        "  block 'late' reads it in thread (threadIdx.x = 0)",
    ]


def test_groups_cannot_wait():
    module = parse("""
func.func @f(%A: memref<5xi32>) {
  loop.for %g = 0 to 4 bind "blockIdx.x" {
    loop.block "step" (%v < 4 = %g) {
      %x = loop.load %A[%v] : memref<5xi32>
      loop.store %x, %A[%v + 1] : memref<5xi32>
    }
  }
  func.return
}
""")
    with pytest.raises(RaceError, match="and thread groups cannot wait for each other"):
        run_loop(function_of(module), [np.zeros(5, np.int32)])


def test_threads_leave_a_loop_at_different_times():
    module = parse("""
func.func @f(%A: memref<4x4xi32>, %B: memref<4xi32>) {
  loop.for %t = 0 to 4 bind "threadIdx.x" {
    loop.for %k = 0 to %t + 1 {
      loop.block "sum" (%v < 4 = %t, reduce %r < 4 = %k) init {
        %zero = arith.constant 0 : i32
        loop.store %zero, %B[%v] : memref<4xi32>
      } {
        %b = loop.load %B[%v] : memref<4xi32>
        %a = loop.load %A[%v, %r] : memref<4x4xi32>
        %s = arith.addi %b, %a : i32
        loop.store %s, %B[%v] : memref<4xi32>
      }
    }
  }
  func.return
}
""")
    a, b = small(np.random.default_rng(0), 4, 4, kind="int32"), np.full(4, 9, np.int32)
    run_loop(function_of(module), [a, b])
    np.testing.assert_array_equal(b, np.tril(a).sum(1))
    inner = next(o for o in module.walk() if isinstance(o, loop.ForOp) and o.extent is None)
    inner.body.block.add_op(loop.BarrierOp())
    with pytest.raises(UserError, match="a barrier stands in the loops k, which the threads"):
        run_loop(function_of(module), [a, b])


def test_copies_of_threads():
    module = parse("""
func.func @f(%A: memref<10xi32>, %B: memref<10xi32>) {
  loop.for %g = 0 to 2 bind "blockIdx.x" {
    %T = loop.alloc at [%g * 6] : memref<6xi32, "shared">
    loop.for %t = 0 to 3 bind "threadIdx.x" {
      %L = loop.alloc at [%g * 6 + %t * 2] : memref<2xi32, "local">
      loop.copy %A to %L pad 7 : i32 : memref<10xi32> to memref<2xi32, "local">
      loop.copy %L to %T : memref<2xi32, "local"> to memref<6xi32, "shared">
    }
    loop.copy %T to %B : memref<6xi32, "shared"> to memref<10xi32>
  }
  func.return
}
""")
    a, b = np.arange(10, dtype=np.int32), np.zeros(10, np.int32)
    with pytest.raises(RaceError, match=r"the copy of %T to %B reads it in thread"):
        run_loop(function_of(module), [a, b])
    apply(module, "insert-thread-barriers")
    run_loop(function_of(module), [a, b])
    np.testing.assert_array_equal(b, a)
    apply(module, "expand-copies,lower-threads-to-loops")
    found = Machine(parse(str(module))).call(a, np.zeros(10, np.int32), threads=2)
    np.testing.assert_array_equal(found[1], a)


MMA = """
func.func @matmul(%A: tensor<64x32xf16>, %B: tensor<32x48xf16>) -> tensor<64x48xf32> {
  %C = te.compute "C" (%y = 0 to 64, %x = 0 to 48) sum (%k = 0 to 32) {
    %a = te.read %A[%y, %k] : tensor<64x32xf16>
    %b = te.read %B[%k, %x] : tensor<32x48xf16>
    %wa = arith.extf %a : f16 to f32
    %wb = arith.extf %b : f16 to f32
    %p = arith.mulf %wa, %wb : f32
    te.yield %p : f32
  } : tensor<64x48xf32>
  func.return %C : tensor<64x48xf32>
}
"""

MMA_PIPELINE = """import-intrinsics{library=mma},lower-te-to-loop,
tile-loops{loops=y,x,k sizes=32,48,16 names=gy,gx,ko,yw,xw,ki block=C},
tile-loops{loops=yw,xw sizes=16,16 names=wy,wx,yi,xi block=C},
reorder-loops{loops=gy,gx,wy,wx,ko,yi,xi,ki},
bind-thread{loop=gy axis="blockIdx.y"},bind-thread{loop=gx axis="blockIdx.x"},
bind-thread{loop=wy axis="threadIdx.z"},bind-thread{loop=wx axis="threadIdx.y"},
decompose-reduction{block=C loop=ko},
promote-memory-scope{buffer=C scope=local at=wx tile=fragment},
promote-memory-scope{buffer=B scope=shared at=ko tile=BS},
promote-memory-scope{buffer=A scope=shared at=ko tile=AS},
split-loop{loop=AS_in_d0 factor=16 names=az,ai},bind-thread{loop=az axis="threadIdx.z"},
split-loop{loop=AS_in_d1 factor=3 names=ao,ay},bind-thread{loop=ay axis="threadIdx.y"},
split-loop{loop=BS_in_d0 factor=8 names=bz,bi},bind-thread{loop=bz axis="threadIdx.z"},
split-loop{loop=BS_in_d1 factor=16 names=by,bo},bind-thread{loop=by axis="threadIdx.y"},
tensorize{block=C_init intrinsic=mma16x16x16},tensorize{block=C intrinsic=mma16x16x16},
insert-thread-barriers"""


def test_matrix_instructions_of_warps():
    module = for_gpu(MMA, MMA_PIPELINE)
    assert str(module).count("loop.intrinsic @mma16x16x16") == 2
    rng = np.random.default_rng(0)
    a, b = small(rng, 64, 32, kind="float16"), small(rng, 32, 48, kind="float16")
    expected = a.astype(np.float32) @ b.astype(np.float32)
    np.testing.assert_array_equal(interpret(module, (a, b))[0], expected)
    with pytest.raises(RaceError, match="block 'C' reads it in thread"):
        interpret(without_barrier(module, 0), (a, b))
    np.testing.assert_array_equal(natively(module, a, b)[0], expected)


def test_a_schedule_in_python():
    A = t.placeholder((40, 8))
    B = t.compute((40, 8), lambda y, x: A[y, x] + A[y, 7 - x], name="B")
    s = t.create_schedule(B.op)
    s.use_target(GPU)
    y, x = s[B].op.axis
    s[B].bind(y, "blockIdx.x")
    s[B].bind(x, "threadIdx.x")
    s.insert_thread_barriers()
    assert str(s).endswith(
        'bind-thread{loop="y" axis="blockIdx.x"},bind-thread{loop="x" axis="threadIdx.x"},'
        "insert-thread-barriers"
    )
    a, b = small(np.random.default_rng(0), 40, 8), np.empty((40, 8), np.float32)
    t.build(s, [A, B])(a, b)
    np.testing.assert_array_equal(b, a + a[:, ::-1])
    s.lower_threads_to_loops()
    t.build(s, [A, B])(a, b)
    np.testing.assert_array_equal(b, a + a[:, ::-1])


@pytest.mark.parametrize("name", ["matmul", "chain", "softmax", "bytes"])
def test_random_schedules(name):
    counts = Counts()
    for seed in range(ROUNDS):
        _, module = random_kernel(ODD_CASES[name], seed, 24)
        check_kernel(ODD_CASES[name], module, counts)
    assert counts.kernels or ROUNDS == 1
