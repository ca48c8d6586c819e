"""inline-compute keeps what is computed: producers that are split, or read under a guard, or that
write elsewhere than at their own point."""

import numpy as np
import pytest
from native import check_both, small

PADDED = """
func.func @padded(%A: tensor<7x13xf32>) -> tensor<7x13xf32> {{
  %B = te.compute "B" (%y = 0 to 7, %x = 0 to 13) {{
    %a = te.read %A[%y, %x] : tensor<7x13xf32>
    %one = arith.constant {addend} : f32
    %b = arith.addf %a, %one : f32
    te.yield %b : f32
  }} : tensor<7x13xf32>
  %pad = arith.constant {pad} : f32
  %C = te.compute "C" (%p = 0 to 7, %q = 0 to 13) {reducer} (%r = 0 to 3, %s = 0 to 3) {{
    %b = te.read %B[%p + %r - 1, %q + %s - 1] where (%p + %r >= 1, 7 - %p - %r >= 0, %q + %s >= 1, 13 - %q - %s >= 0) else %pad : tensor<7x13xf32>
    te.yield %b : f32
  }} : tensor<7x13xf32>
  func.return %C : tensor<7x13xf32>
}}
"""  # noqa: E501
INLINED = "inline-compute{block=B}"
SCHEDULES = {
    "as it is": [INLINED],
    "in vectors": [
        *(INLINED, "split-loop{loop=q factor=4}", "reorder-loops{loops=q_o,r,s,q_i}"),
        "vectorize-loop{loop=q_i}",
    ],
    "of a split producer": [
        *("split-loop{loop=x factor=5}", "split-loop{loop=x_i factor=3}", INLINED),
        "parallelize-loop{loop=p}",
    ],
    "in the elements of a tile": [
        *("split-loop{loop=p factor=4}", "compute-at{block=B at=p_o}"),
        *("promote-memory-scope{buffer=B scope=local at=p_o}", INLINED),
    ],
}


@pytest.mark.parametrize("what", SCHEDULES)
@pytest.mark.parametrize("addend, pad, reducer", [(1, 0, "sum"), (1, -900, "max")])
def test_a_guarded_window(what, addend, pad, reducer):
    a = small(np.random.default_rng(0), 7, 13)
    around = np.pad(a + addend, 1, constant_values=np.float32(pad))
    windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3))
    expected = getattr(windows, reducer)(axis=(2, 3)).astype(np.float32)
    text = PADDED.format(addend=f"{addend}.0", pad=f"{float(pad)}", reducer=reducer)
    check_both(text, ",".join(["lower-te-to-loop", *SCHEDULES[what]]), [a], expected)


PLACES = """
func.func @places(%A: memref<35xf32>, %O: memref<7x5xf32>) {
  %D = loop.alloc : memref<5x7x2xf32>
  loop.for %i = 0 to 3 {
    loop.for %j = 0 to 13 {
      loop.block "D" (%n < 35 = %i * 13 + %j, %u < 1 = 0) where (%j >= %i - 1) {
        %a = loop.load %A[%n + %u] : memref<35xf32>
        loop.store %a, %D[%n mod 5, %n floordiv 5, %u + 1] : memref<5x7x2xf32>
      }
    }
  }
  loop.for %y = 0 to 7 {
    loop.for %x = 0 to 5 vectorized {
      loop.block "O" (%r < 7 = %y, %c < 5 = %x) {
        %zero = arith.constant 0.0 : f32
        %a = loop.load %D[%c, %r, 1] where (%r * 5 + %c < 26) else %zero : memref<5x7x2xf32>
        loop.store %a, %O[%r, %c] : memref<7x5xf32>
      }
    }
  }
  func.return
}
"""


def test_a_place_that_tells_the_point():
    a = small(np.random.default_rng(1), 35)
    expected = np.where(np.arange(35) < 26, a, 0).reshape(7, 5)
    check_both(PLACES, "", [a], expected)
    check_both(PLACES, "inline-compute{block=D}", [a], expected)
