"""Operations and bytes of kernels, against counts by hand."""

import pytest
from native import transformed
from parse import parse_function
from xdsl.dialects.builtin import f32

from analysis.errors import UserError
from dovetail.measuring.work import work_of

MATMUL = """
func.func @matmul(%A: tensor<3x4xf32>, %B: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %C = te.compute "C" (%y = 0 to 3, %x = 0 to 5) sum (%k = 0 to 4) {
    %a = te.read %A[%y, %k] : tensor<3x4xf32>
    %b = te.read %B[%k, %x] : tensor<4x5xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<3x5xf32>
  func.return %C : tensor<3x5xf32>
}
"""

MAXIMUM = """
func.func @rows(%A: tensor<?x4xf64, #loop.layout<["n", 4]>>) -> tensor<?xf64, #loop.layout<["n"]>> {
  %n = te.dim "n"
  %C = te.compute "C" (%y = 0 to %n) max (%k = 0 to 4) {
    %a = te.read %A[%y, %k] : tensor<?x4xf64, #loop.layout<["n", 4]>>
    %s = arith.subf %a, %a : f64
    %one = arith.constant 1 : index
    %i = arith.addi %k, %one : index
    te.yield %s : f64
  } : tensor<?xf64, #loop.layout<["n"]>>
  func.return %C : tensor<?xf64, #loop.layout<["n"]>>
}
"""


def test_a_product():
    work = work_of(parse_function(MATMUL), {})
    assert (work.operations, work.bytes, work.element) == (2 * 3 * 5 * 4, 4 * (12 + 20 + 15), f32)


SPLIT = "split-loop{loop=y factor=2},split-loop{loop=k factor=3}"


@pytest.mark.parametrize("schedule", ["", SPLIT, f"{SPLIT},peel-loop{{loop=y_o}}"])
def test_loops_have_the_work_of_their_expression(schedule):
    (function,) = transformed(MATMUL, ",".join(["lower-te-to-loop", schedule]).strip(",")).ops
    assert work_of(function, {}) == work_of(parse_function(MATMUL), {})


def test_loops_with_named_sizes():
    (function,) = transformed(MAXIMUM, "lower-te-to-loop,split-loop{loop=y factor=4}").ops
    assert work_of(function, {"n": 7}) == work_of(parse_function(MAXIMUM), {"n": 7})


def test_named_sizes_and_what_is_no_work():
    """A maximum and an index are no operations."""
    work = work_of(parse_function(MAXIMUM), {"n": 7})
    assert (work.operations, work.bytes) == (28, 8 * (28 + 7))
    with pytest.raises(UserError, match="the dimension 'n' has no size: give --dim n=SIZE"):
        work_of(parse_function(MAXIMUM), {})
