"""Small programs and pipelines that random schedules have found to go wrong."""

import numpy as np
import pytest
from native import apply, context, parse, run
from random_schedules import refuse_phantoms
from schedule_faults import inputs_of, interpreted

from analysis.errors import ScheduleError
from passes.loop.double_buffer import DoubleBufferPass

SUM = """
func.func @sum(%A: tensor<12xf32>) -> tensor<12xf32> {
  %B = te.compute "B" (%p = 0 to 12) {
    %a = te.read %A[%p] : tensor<12xf32>
    %b = arith.addf %a, %a : f32
    te.yield %b : f32
  } : tensor<12xf32>
  func.return %B : tensor<12xf32>
}
"""

SCATTER = """
func.func @scatter(%T: tensor<20xf32>, %I: tensor<4xi64>, %V: tensor<4xf32>) -> tensor<20xf32> {
  %out = te.scatter "out" (%i = 0 to 4) sum into %T {
    %n = te.read %I[%i] : tensor<4xi64>
    %j = arith.index_cast %n : i64 to index
    %v = te.read %V[%i] : tensor<4xf32>
    te.yield %v, %j : f32, index
  } : tensor<20xf32>
  func.return %out : tensor<20xf32>
}
"""


def test_lanes_of_a_loop_that_never_runs():
    """Seed 10222: there is no vector without elements."""
    lowered = str(apply(parse(SUM), "lower-te-to-loop"))
    empty = lowered.replace("= 0 to 12 {", "= 0 to 0 {")
    assert empty != lowered
    a = np.arange(12, dtype=np.float32)
    run(empty, 'vectorize-loop{loop="p"}', a)


def test_a_place_that_is_computed_has_no_counterpart():
    """Seed 10968: a copy of what was scattered does not move into the scattering loop."""
    packed = 'pack-buffer{buffer="out" map="(d0)->(d0 floordiv 4, d0 mod 4)"}'
    module = apply(parse(SCATTER), f"lower-te-to-loop,{packed}")
    with pytest.raises(ScheduleError, match="at an index that it computes"):
        apply(module, 'reverse-compute-at{block="out_packed_out" at="i"}')


PRODUCT = """
func.func @product(%A: tensor<9x4xi8>, %B: tensor<4x11xi8>) -> tensor<9x11xi8> {
  %C = te.compute "C" (%y = 0 to 9, %x = 0 to 11) sum (%k = 0 to 4) {
    %a = te.read %A[%y, %k] : tensor<9x4xi8>
    %b = te.read %B[%k, %x] : tensor<4x11xi8>
    %p = arith.muli %a, %b : i8
    te.yield %p : i8
  } : tensor<9x11xi8>
  func.return %C : tensor<9x11xi8>
}
"""


def test_a_packed_copy_has_no_room_for_pads():
    """Seed 20874: a copy holds the elements, not what pad-block computes beside them."""
    blocked = 'transform-layout{buffer="C" map="(d0, d1)->(d0, d1 floordiv 8, d1 mod 8)"}'
    padded = 'pad-block{block="C" loops="x" multiples=2}'
    packed = 'pack-buffer{buffer="C" map="(d0, d1)->(d0 floordiv 2, d1, d0 mod 2)"}'
    module = apply(parse(PRODUCT), f"lower-te-to-loop,{blocked},{padded}")
    with pytest.raises(ScheduleError, match="for which the copy has no room"):
        apply(module, packed)
    apply(parse(PRODUCT), f"lower-te-to-loop,{packed}")


def test_tiles_that_are_filled_ahead_are_not_padded():
    """Seeds 20668, 20903, 20940: the part of the buffer that a tile lies in has its size."""
    tiled = 'promote-memory-scope{buffer="B" scope="local" at="x"}'
    module = apply(
        parse(PRODUCT),
        f'lower-te-to-loop,{tiled},double-buffer{{buffer="B_local" loop="x"}}',
    )
    with pytest.raises(ScheduleError, match="do this before double-buffer"):
        apply(module, 'pad-block{block="B_local_in" loops="B_local_in_d0" multiples=8}')


def test_a_fill_that_never_runs_is_no_user():
    """Seed 21024: a loop of one iteration has no next one, so nothing else reads %A."""
    tiled = 'split-loop{loop="p" factor=12},promote-memory-scope{buffer="A" scope="local" at="p_o"}'
    module = apply(parse(SUM), f"lower-te-to-loop,{tiled}")
    DoubleBufferPass(("A_local",), "p_o").apply(context(), module)
    refuse_phantoms(module)


FLOATS = PRODUCT.replace("i8", "f32").replace("muli", "mulf")


@pytest.mark.parametrize(
    "pipeline",
    [
        'transform-layout{buffer="B" map="(k, x)->(k, x floordiv 8, x mod 8)"},'
        'pad-block{block="C" loops="x" multiples=8},'
        'pack-buffer{buffer="B" map="(k, x)->(k floordiv 4, x, k mod 4)"}',
        'transform-layout{buffer="B" map="(k, x)->(k floordiv 3, x, k mod 3)" pad=0},'
        'pad-block{block="C" loops="k" multiples=3},'
        'promote-memory-scope{buffer="B" scope="local" at="y"}',
    ],
)
def test_a_copy_holds_what_lies_beside_the_elements(pipeline):
    """Seed 30749: cells that a blocked layout has for pads are read, too."""
    inputs, (expected,) = inputs_of(parse(FLOATS))
    module = apply(parse(FLOATS), f"lower-te-to-loop,{pipeline}")
    (got,) = interpreted(module, inputs)
    np.testing.assert_array_equal(got, expected)
