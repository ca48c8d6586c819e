"""Loop programs that only the emitter could get wrong, native against NumPy."""

import numpy as np
import pytest
from native import Machine, execute, parse, run, small, transformed

from analysis.errors import UnsupportedError


def rng():
    return np.random.default_rng(0)


def test_a_guarded_load_with_a_value_of_its_own_for_each_lane():
    """Where the guard fails, lanes take what another load has just read."""
    text = """
func.func @f(%A: memref<4x8xf32>, %B: memref<8xf32>, %C: memref<4xf32>, %O: memref<4x8xf32>) {
  loop.for %y = 0 to 4 {
    loop.for %x = 0 to 8 vectorized {
      loop.block "O" (%v < 4 = %y, %w < 8 = %x) {
        %b = loop.load %B[%w] : memref<8xf32>
        %c = loop.load %C[%v] : memref<4xf32>
        %a = loop.load %A[%v - 1, %w] where (%v >= 1) else %b : memref<4x8xf32>
        %d = loop.load %A[%v + 1, %w] where (%v < 3) else %c : memref<4x8xf32>
        %e = loop.load %C[%v - 1] where (%v >= 1) else %b : memref<4xf32>
        %s = arith.addf %a, %d : f32
        %t = arith.addf %s, %e : f32
        loop.store %t, %O[%v, %w] : memref<4x8xf32>
      }
    }
  }
  func.return
}
"""
    a, b, c = small(rng(), 4, 8), small(rng(), 8), small(rng(), 4)
    (got,) = run(text, "", a, b, c)
    above = np.vstack([b[None], a[:-1]])
    below = np.vstack([a[1:], np.full((1, 8), c[3])])
    left = np.vstack([b[None], np.repeat(c[:-1, None], 8, axis=1)])
    np.testing.assert_array_equal(got, above + below + left)


def test_threads_share_what_is_allocated_outside_of_loops():
    text = """
func.func @f(%A: memref<7xf32>, %O: memref<7xf32>) {
  %R = loop.alloc : memref<7xf32, "register">
  loop.for %i = 0 to 7 {
    loop.block "R" (%v < 7 = %i) {
      %a = loop.load %A[%v] : memref<7xf32>
      loop.store %a, %R[6 - %v] : memref<7xf32, "register">
    }
  }
  loop.for %j = 0 to 7 parallel {
    loop.block "O" (%v < 7 = %j) {
      %a = loop.load %R[%v] : memref<7xf32, "register">
      loop.store %a, %O[%v] : memref<7xf32>
    }
  }
  func.return
}
"""
    a = small(rng(), 7)
    for threads in (1, 2, 3):
        (got,) = run(text, "", a, threads=threads)
        np.testing.assert_array_equal(got, a[::-1])


def test_a_constant_index_from_outside_the_body():
    text = """
func.func @f(%A: memref<7xf32>, %O: memref<7xf32>) {
  %two = arith.constant 2 : index
  loop.for %i = 0 to 5 {
    loop.block "O" (%v < 5 = %i) {
      %a = loop.load %A[%v + %two] : memref<7xf32>
      loop.store %a, %O[%v] : memref<7xf32>
    }
  }
  func.return
}
"""
    a = small(rng(), 7)
    (got,) = run(text, "", a)
    np.testing.assert_array_equal(got[:5], a[2:])


def test_a_parallel_loop_inside_a_serial_one():
    """All threads run the serial loop; what stands beside the parallel one runs once."""
    text = """
func.func @f(%A: memref<6xf32>, %O: memref<3x6xf32>, %S: memref<3xf32>) {
  loop.for %i = 0 to 3 {
    loop.for %j = 0 to 6 parallel {
      loop.block "O" (%v < 3 = %i, %w < 6 = %j) {
        %a = loop.load %A[%w] : memref<6xf32>
        loop.store %a, %O[%v, %w] : memref<3x6xf32>
      }
    }
  }
  func.return
}
"""
    with pytest.raises(UnsupportedError, match="loop j is parallel inside loop i"):
        run(text, "", small(rng(), 6))


def test_lanes_inside_a_division():
    text = """
!cut = memref<8xf32, #loop.layout<affine_map<(d0) -> (d0 mod 2, d0 floordiv 2)>, [2, 4]>>
func.func @f(%O: !cut) {
  loop.for %x = 0 to 8 vectorized {
    loop.block "O" (%v < 8 = %x) {
      %n = arith.index_cast %v : index to i64
      %o = arith.sitofp %n : i64 to f32
      loop.store %o, %O[%v] : !cut
    }
  }
  func.return
}
"""
    (got,) = Machine(parse(text)).call(np.zeros((2, 4), "float32"))
    np.testing.assert_array_equal(got, np.arange(8).reshape(4, 2).T)


def test_facts_do_not_outlive_their_branch():
    """The guard of the first nest says nothing about the second, in any unrolled instance."""
    text = """
func.func @f(%A: memref<5x4xf32>, %O: memref<7x4xf32>) {
  loop.for %y = 0 to 3 {
    loop.for %i = 0 to 3 unrolled {
      loop.for %x = 0 to 4 {
        loop.block "first" (%v < 5 = %y * 3 + %i, %w < 4 = %x) {
          %a = loop.load %A[%v, %w] : memref<5x4xf32>
          loop.store %a, %O[%v, %w] : memref<7x4xf32>
        }
      }
      loop.for %z = 0 to 4 {
        loop.block "second" (%v < 7 = %y * 3 + %i, %w < 4 = %z) where (%y * 3 + %i >= 5) {
          %one = arith.constant 1.0 : f32
          loop.store %one, %O[%v, %w] : memref<7x4xf32>
        }
      }
    }
  }
  func.return
}
"""
    a = small(rng(), 5, 4)
    (got,) = execute(Machine(parse(text)), a)
    np.testing.assert_array_equal(got, np.vstack([a, np.ones((2, 4), np.float32)]))


DOUBLED = """
func.func @f(%A: memref<?xf32, #loop.layout<["n"]>>, %O: memref<?xf32, #loop.layout<["n"]>>) {
  %n = loop.dim "n"
  loop.for %i = 0 to %n {
    loop.block "O" (%v < %n = %i) {
      %a = loop.load %A[%v] : memref<?xf32, #loop.layout<["n"]>>
      %b = arith.addf %a, %a : f32
      loop.store %b, %O[%v] : memref<?xf32, #loop.layout<["n"]>>
    }
  }
  func.return
}
"""


@pytest.mark.parametrize(
    ("pipeline", "masked", "unmasked"),
    [
        ("split-loop{loop=i factor=8},vectorize-loop{loop=i_i}", 1, 0),
        ("split-loop{loop=i factor=8},vectorize-loop{loop=i_i},peel-loop{loop=i_o}", 1, 1),
        ("split-loop{loop=i factor=8},unroll-loop{loop=i_i},peel-loop{loop=i_o}", 0, 16),
        ("split-loop{loop=i factor=3},parallelize-loop{loop=i_o}", 0, 1),
    ],
)
def test_a_symbolic_loop_guards_its_last_iterations_only(pipeline, masked, unmasked):
    machine = Machine(transformed(DOUBLED, pipeline))
    assert machine.ir.count('call void @"llvm.masked.store') == masked
    assert machine.ir.count("  store ") == unmasked
    for size in (0, 1, 2, 7, 8, 9, 15, 16, 17, 40):
        a = small(rng(), size)
        for threads in (1, 3):
            (got,) = execute(machine, a, threads=threads)
            np.testing.assert_array_equal(got, 2 * a)


def test_full_iterations_of_a_symbolic_loop_have_no_guard():
    """One thread runs two loops; 7 of the 8 elements of the remainder are tested."""
    pipeline = "split-loop{loop=i factor=8},unroll-loop{loop=i_i},peel-loop{loop=i_o}"
    tests = Machine(transformed(DOUBLED, pipeline)).ir.count(" = icmp ")
    assert tests == 2 + 2 + 7
