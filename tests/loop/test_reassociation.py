"""A sum of floats is marked exactly when its terms come in another order than before."""

import random
from collections import defaultdict

import pytest
from brute_force import BruteForce, instance_of
from parse import parse_module
from xdsl.context import Context
from xdsl.dialects import arith

from analysis.errors import ScheduleError
from passes.loop.fuse_loops import FuseLoopsPass
from passes.loop.primitive import Scope
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.split_loop import SplitLoopPass
from passes.loop.tile_loops import TileLoopsPass

SUM = """
func.func @f(%A: memref<3x4x5xi32>, %S: memref<3xi32>) {
  loop.for %r = 0 to 3 {
    loop.for %j = 0 to 4 {
      loop.for %k = 0 to 5 {
        loop.block "S" (%v_r < 3 = %r, reduce %v_j < 4 = %j, reduce %v_k < 5 = %k) {
          %s = loop.load %S[%v_r] : memref<3xi32>
          %a = loop.load %A[%v_r, %v_j, %v_k] : memref<3x4x5xi32>
          %t = arith.addi %s, %a : i32
          loop.store %t, %S[%v_r] : memref<3xi32>
        }
      }
    }
  }
  func.return
}
"""


class Order(BruteForce):
    """Notes the terms of each sum in the order in which they come."""

    def __init__(self, function):
        self.terms = defaultdict(list)
        arrays = [[], []]
        super().__init__(function, arrays)

    def instance(self, op):
        variables, regions = instance_of(self.map, op)
        if regions:
            self.terms[variables[0]].append(tuple(variables[1:]))


def scope_of(module):
    return Scope("test", next(iter(module.ops)))


def is_marked(module):
    return any(
        arith.FastMathFlag.REASSOC in op.fastmath.data
        for op in module.walk()
        if isinstance(op, arith.AddfOp)
    )


def unmarked(module):
    for op in module.walk():
        if isinstance(op, arith.AddfOp):
            op.fastmath = arith.FastMathFlagsAttr("none")


def random_step(rng, loops):
    start = rng.randrange(len(loops))
    chosen = tuple(loops[start : start + rng.randint(1, 4)])
    match rng.choice(["split", "fuse", "reorder", "tile"]):
        case "split":
            return SplitLoopPass(chosen[0], rng.randint(1, 4))
        case "fuse":
            return FuseLoopsPass(chosen[:2])
        case "tile":
            return TileLoopsPass(chosen, tuple(rng.randint(1, 3) for _ in chosen))
        case _:
            return ReorderLoopsPass(tuple(rng.sample(chosen, len(chosen))))


def order_of(module):
    whole = parse_module(str(module).replace("f32", "i32").replace("addf", "addi")
                         .replace(" fastmath<reassoc>", ""))  # fmt: skip
    return Order(next(iter(whole.ops))).terms


@pytest.mark.parametrize("seed", range(40))
def test_the_mark_says_whether_terms_are_exchanged(seed):
    rng = random.Random(seed)
    module = parse_module(SUM.replace("i32", "f32").replace("addi", "addf"))
    for _ in range(6):
        unmarked(module)
        before = order_of(module)
        step = random_step(rng, list(scope_of(module).loops))
        trial = module.clone()
        try:
            step.apply(Context(), trial)
        except ScheduleError:
            continue
        assert is_marked(trial) == (order_of(trial) != before), (str(step), str(module))
        if hasattr(step, "reassociate"):
            strict = type(step)(**{**vars(step), "reassociate": False})
            if is_marked(trial):
                untouched = str(module)
                with pytest.raises(ScheduleError, match="reassociate=false: "):
                    strict.apply(Context(), module)
                assert str(module) == untouched
            else:
                strict.apply(Context(), module)
                continue
        module = trial


def test_whole_numbers_and_maxima_are_not_marked():
    for old, new in [("", ""), ("arith.addi", "arith.maxsi")]:
        module = parse_module(SUM.replace(old, new))
        ReorderLoopsPass(("k", "j"), reassociate=False).apply(Context(), module)
