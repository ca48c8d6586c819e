"""Tiles that threads share and fill ahead: one barrier a step, and a race without it.

Tiles that each thread fills ahead for itself are run by loops.
"""

import numpy as np
import pytest
from native import Machine, apply, execute, parse, small
from xdsl.dialects import func

from backends.interpreter.loop import run_loop
from backends.interpreter.races import RaceError
from dialects import loop
from dialects.target import Target, TargetAttr
from dovetail.primitives import demonstrations

(AHEAD,) = (d for d in demonstrations() if (d.machine, d.name) == ("gpu", "ahead"))


def barriers(module):
    return [op for op in module.walk() if isinstance(op, loop.BarrierOp)]


def test_there_is_one_barrier_in_the_loop_and_one_before_it():
    found = barriers(AHEAD.scheduled())
    assert [op.parent_op().loop_name.data for op in found] == ["tx", "k"]


@pytest.mark.parametrize("number", range(2))
def test_without_a_barrier_there_is_a_race(number, monkeypatch):
    whole = type(AHEAD).scheduled

    def without(self):
        module = whole(self)
        op = barriers(module)[number]
        op.detach()
        op.erase()
        return module

    monkeypatch.setattr(type(AHEAD), "scheduled", without)
    with pytest.raises(RaceError, match="thread"):
        AHEAD.execute()


PRODUCT = """
func.func @matmul(%A: tensor<5x35xf32>, %B: tensor<5x37xf32>) -> tensor<35x37xf32> {
  %C = te.compute "C" (%y = 0 to 35, %x = 0 to 37) sum (%k = 0 to 5) {
    %a = te.read %A[%k, %y] : tensor<5x35xf32>
    %b = te.read %B[%k, %x] : tensor<5x37xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<35x37xf32>
  func.return %C : tensor<35x37xf32>
}
"""
OF_ITS_OWN = """
lower-te-to-loop, tile-loops{loops=y,x sizes=16,16 names=by,bx,y_i,x_i},
tile-loops{loops=y_i,x_i sizes=8,8 names=ty,tx,yi,xi}, reorder-loops{loops=by,bx,ty,tx,k,yi,xi},
bind-thread{loop=by axis="blockIdx.y"}, bind-thread{loop=bx axis="blockIdx.x"},
bind-thread{loop=ty axis="threadIdx.y"}, bind-thread{loop=tx axis="threadIdx.x"},
decompose-reduction{block=C loop=k}, promote-memory-scope{buffer=C scope=local at=tx tile=CL},
promote-memory-scope{buffer=B scope=local at=k tile=BL},
promote-memory-scope{buffer=A scope=shared at=k tile=AS},
fuse-loops{loops=AS_in_d0,AS_in_d1 into=a}, split-loop{loop=a factor=8 names=ay,ai},
split-loop{loop=ai factor=2 names=i,ax}, bind-thread{loop=ay axis="threadIdx.y"},
bind-thread{loop=ax axis="threadIdx.x"}, double-buffer{buffer=AS loop=k},
double-buffer{buffer=BL loop=k}, insert-thread-barriers, lower-threads-to-loops
"""


def test_tiles_that_each_thread_fills_ahead_for_itself():
    module = parse(PRODUCT)
    module.attributes["target"] = TargetAttr.of(Target.parse("nvptx -mcpu=sm_90"))
    module = apply(module, OF_ITS_OWN)
    del module.attributes["target"]
    assert "in %BL_copies[%ty_1 * 2 + %tx_1" in str(module)
    rng = np.random.default_rng(0)
    a, b, c = small(rng, 5, 35), small(rng, 5, 37), np.full((35, 37), np.nan, "float32")
    np.testing.assert_array_equal(execute(Machine(module), a, b, threads=2)[0], a.T @ b)
    run_loop(next(op for op in module.ops if isinstance(op, func.FuncOp)), [a, b, c])
    np.testing.assert_array_equal(c, a.T @ b)
