"""What is legal is accepted in whatever form it is written, and keeps the results.

Each case is a function of loops that is run as it is, by the interpreter, and after a pipeline, by
the interpreter and as machine code. All arguments are compared, on odd sizes.
"""

import numpy as np
import pytest
from native import Machine, dtype, pack, parse, sized, transformed, unpack
from random_schedules import function_of

from backends.interpreter.loop import run_loop
from dialects.layout import logical_shape

DIMS = {"m": 7, "n": 5}


def arrays_of(function, bounds):
    """Small integers for each argument; indices are below the bound for the argument's name."""
    rng, found = np.random.default_rng(0), []
    for argument in function.body.block.args:
        shape, kind = sized(logical_shape(argument.type), DIMS), dtype(argument.type.element_type)
        low, high = (0, bounds[argument.name_hint]) if argument.name_hint in bounds else (-8, 9)
        found.append(rng.integers(low, high, shape).astype(kind))
    return found


def compare(text, pipeline, bounds=None):
    """Run a function before and after a pipeline."""
    before, after = parse(text), transformed(text, pipeline)
    arrays = arrays_of(function_of(before), bounds or {})
    outcomes = []
    for module, native in ((before, False), (after, False), (after, True)):
        types = [a.type for a in function_of(module).body.block.args]
        buffers = [pack(a, t, DIMS) for a, t in zip(arrays, types, strict=True)]
        if native:
            buffers = Machine(module).call(*buffers, dims=DIMS)
        else:
            run_loop(function_of(module), buffers, DIMS)
        outcomes.append([unpack(b, t, DIMS) for b, t in zip(buffers, types, strict=True)])
    for outcome in outcomes[1:]:
        for expected, got in zip(outcomes[0], outcome, strict=True):
            np.testing.assert_array_equal(got, expected)
    assert any(not np.array_equal(a, b) for a, b in zip(arrays, outcomes[0], strict=True))
    return after


GATHER = """
func.func @gather(%A: memref<5x11xf32>, %I: memref<7xindex>, %O: memref<7x11xf32>) {
  loop.for %i = 0 to 7 {
    loop.for %x = 0 to 11 {
      loop.block "O" (%v < 7 = %i, %w < 11 = %x) {
        %n = loop.load %I[%v] : memref<7xindex>
        %a = loop.load %A[%n, %w] : memref<5x11xf32>
        loop.store %a, %O[%v, %w] : memref<7x11xf32>
      }
    }
  }
  func.return
}
"""

SCATTER = """
func.func @scatter(%V: memref<7x11xf32>, %I: memref<7xindex>, %O: memref<5x11xf32>) {
  loop.for %i = 0 to 7 {
    loop.for %x = 0 to 11 {
      loop.block "O" (%v < 7 = %i, %w < 11 = %x) {
        %n = loop.load %I[%v] : memref<7xindex>
        %a = loop.load %V[%v, %w] : memref<7x11xf32>
        %o = loop.load %O[%n, %w] : memref<5x11xf32>
        %s = arith.addf %a, %o : f32
        loop.store %s, %O[%n, %w] : memref<5x11xf32>
      }
    }
  }
  func.return
}
"""

FRAME = """
!framed = memref<9xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [11]>>
func.func @halo(%X: !framed, %Z: memref<9xf32>) {
  loop.for %o = 0 to 3 {
    loop.for %n = 0 to 3 {
      loop.for %t = 0 to 3 {
        loop.block "Z" (%v < 9 = %o * 3 + %n, reduce %w < 3 = %t) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %Z[%v] : memref<9xf32>
        } {
          %z = loop.load %Z[%v] : memref<9xf32>
          %x = loop.load %X[%v + %w - 1] : !framed
          %s = arith.addf %z, %x : f32
          loop.store %s, %Z[%v] : memref<9xf32>
        }
      }
    }
  }
  func.return
}
"""

UNNAMED = """
!sized = memref<?x5xf32, #loop.layout<["m", 5]>>
func.func @sized(%M: !sized, %O: memref<5xf32>) {
  loop.for %i = 0 to 5 {
    loop.block "O" (%v < 5 = %i) {
      %m = loop.load %M[%v, %v] : !sized
      loop.store %m, %O[%v] : memref<5xf32>
    }
  }
  func.return
}
"""

PARTS = """
!part = memref<4xf32, "local">
!parts = memref<2x4xf32, "local">
func.func @parts(%A: memref<3xf32>, %O: memref<3x4xf32>) {
  %R = loop.alloc : !parts
  loop.for %k = 0 to 3 {
    %S = loop.alloc at [0] in %R[(%k + 1) mod 2] of !parts : !part
    %T = loop.alloc at [0] in %R[%k mod 2] of !parts : !part
    loop.for %h = 0 to 2 {
      loop.for %j = 0 to 2 {
        loop.block "S" (%v < 4 = %h * 2 + %j, %w < 3 = %k) {
          %a = loop.load %A[%w] : memref<3xf32>
          loop.store %a, %S[%v] : !part
        }
      }
      loop.for %i = 0 to 2 {
        loop.block "O" (%v < 4 = %h * 2 + %i, %w < 3 = %k) where (%k - 1 >= 0) {
          %t = loop.load %T[%v] : !part
          loop.store %t, %O[%w, %v] : memref<3x4xf32>
        }
      }
    }
  }
  func.return
}
"""


SLIDING = """
func.func @sliding(%A: memref<9xf32>, %O: memref<7x3xf32>) {
  loop.for %t = 0 to 7 {
    loop.for %s = %t to %t + 3 {
      loop.block "O" (%v < 7 = %t, %w < 9 = %s) {
        %a = loop.load %A[%w] : memref<9xf32>
        loop.store %a, %O[%v, %w - %v] : memref<7x3xf32>
      }
    }
  }
  func.return
}
"""

ROWS = """
func.func @rows(%A: memref<13x7xf32>, %O: memref<13xf32>) {
  loop.for %y = 0 to 13 {
    loop.for %k = 0 to 7 {
      loop.block "O" (%v < 13 = %y, reduce %w < 7 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %O[%v] : memref<13xf32>
      } {
        %o = loop.load %O[%v] : memref<13xf32>
        %a = loop.load %A[%v, %w] : memref<13x7xf32>
        %s = arith.addf %o, %a : f32
        loop.store %s, %O[%v] : memref<13xf32>
      }
    }
  }
  func.return
}
"""

TWO_READS = """
!sized = memref<?x11xf32, #loop.layout<["m", 11]>>
func.func @reads(%G: !sized, %I: memref<11xindex>, %O: memref<7x11xf32>) {
  %m = loop.dim "m"
  loop.for %g = 0 to %m {
    loop.for %h = 0 to 11 {
      loop.block "O" (%v < 7 = %g, %w < 11 = %h) {
        %i = loop.load %I[%w] : memref<11xindex>
        %x = loop.load %G[%v, %i] : !sized
        %y = loop.load %G[%v, %w] : !sized
        %z = arith.addf %x, %y : f32
        loop.store %z, %O[%v, %w] : memref<7x11xf32>
      }
    }
  }
  func.return
}
"""

HALVES = """
func.func @halves(%A: memref<10xf32>, %O: memref<10xf32>) {
  loop.for %e = 0 to 5 {
    %E = loop.alloc at [%e * 2] : memref<2xf32, "local">
    loop.block "left" (%v < 10 = %e * 2) {
      %a = loop.load %A[%v] : memref<10xf32>
      loop.store %a, %E[%v] : memref<2xf32, "local">
    }
    loop.block "first" (%v < 10 = %e * 2) {
      %a = loop.load %E[%v] : memref<2xf32, "local">
      loop.store %a, %O[%v] : memref<10xf32>
    }
    loop.block "right" (%v < 10 = %e * 2 + 1) {
      %a = loop.load %A[%v] : memref<10xf32>
      loop.store %a, %E[%v] : memref<2xf32, "local">
    }
    loop.block "second" (%v < 10 = %e * 2 + 1) {
      %a = loop.load %E[%v] : memref<2xf32, "local">
      loop.store %a, %O[%v] : memref<10xf32>
    }
  }
  func.return
}
"""

SOONER = """
func.func @sooner(%A: memref<10xf32>, %O: memref<10xf32>) {
  %Q = loop.alloc : memref<11xf32>
  loop.for %t = 0 to 5 {
    loop.for %i = 0 to 2 {
      loop.block "Q" (%v < 10 = %t * 2 + %i) {
        %a = loop.load %A[%v] : memref<10xf32>
        loop.store %a, %Q[%v] : memref<11xf32>
      }
    }
    loop.block "sooner" (%v < 5 = %t) where (%t - 1 >= 0) {
      %a = loop.load %Q[%v * 2 - 1] : memref<11xf32>
      %b = arith.addf %a, %a : f32
      loop.store %b, %O[%v * 2 - 2] : memref<10xf32>
    }
    loop.for %now = 0 to 2 {
      loop.block "needs" (%v < 10 = %t * 2 + %now) {
        %a = loop.load %Q[%v] : memref<11xf32>
        loop.store %a, %O[%v] : memref<10xf32>
      }
    }
  }
  func.return
}
"""


def promote(buffer, at, scope="local"):
    return f'promote-memory-scope{{buffer="{buffer}" scope="{scope}" at="{at}"}}'


def pack_at(buffer, at):
    return f'pack-buffer{{buffer="{buffer}" map="(d0, d1) -> (d1, d0)" at="{at}"}}'


CASES = {
    "a tile of all that may be gathered": (GATHER, [promote("A", "i")], {"I": 5}),
    "a tile of a column that may be gathered": (GATHER, [promote("A", "x")], {"I": 5}),
    "a tile of where something is scattered": (SCATTER, [promote("O", "i")], {"I": 5}),
    "a tile of a scattered column, by threads": (
        SCATTER,
        [
            'reorder-loops{loops="x","i"}',
            promote("O", "x"),
            'parallelize-loop{loop="x"}',
        ],
        {"I": 5},
    ),
    "a packed tile of where something is scattered": (SCATTER, [pack_at("O", "i")], {"I": 5}),
    "a tile of a tile that begins before the buffer": (
        FRAME,
        [promote("X", "o"), promote("X_local", "n", "register")],
        {},
    ),
    "a size that no operation names": (UNNAMED, [promote("M", "i")], {}),
    "lanes of a loop that begins at an expression": (SLIDING, ['vectorize-loop{loop="s"}'], {}),
    "an unrolled loop that begins there": (SLIDING, ['unroll-loop{loop="s"}'], {}),
    "an unrolled loop is peeled, its tail begins nothing": (
        ROWS,
        [
            'split-loop{loop="k" factor=4}',
            'unroll-loop{loop="k_o"}',
            'peel-loop{loop="k_o"}',
            'decompose-reduction{block="O_tail" loop="k_o_tail"}',
            'decompose-reduction{block="O" loop="k_o"}',
        ],
        {},
    ),
    "several reads, one of them by its address alone": (
        TWO_READS,
        ['prefetch-buffer{buffer="G" ahead="g" over="h"}'],
        {"I": 11},
    ),
    "a layout in the place of another one": (
        ROWS,
        [
            'transform-layout{buffer="A" map="(y, k) -> (k floordiv 4, y, k mod 4)" pad=3}',
            'transform-layout{buffer="A" map="(y, k) -> (k, y + 1)" extents=7,15}',
        ],
        {},
    ),
    "a tile of which each half is filled before it is used": (
        HALVES,
        ['double-buffer{buffer="E" loop="e" copies=3}'],
        {},
    ),
    "an unrolled loop whose tiles are filled ahead": (
        HALVES,
        ['unroll-loop{loop="e"}', 'double-buffer{buffer="E" loop="e"}'],
        {},
    ),
    "a read of what an earlier iteration has computed": (
        SOONER,
        ['compute-at{block="Q" at="now"}'],
        {},
    ),
    "tiles in parts of a buffer beside each other": (
        PARTS,
        [promote("T", "h"), promote("S", "h")],
        {},
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_results_are_kept(what):
    text, pipeline, bounds = CASES[what]
    compare(text, ",".join(pipeline), bounds)
