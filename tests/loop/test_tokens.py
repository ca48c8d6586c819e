"""Tokens on random loop nests: an independent execution of the units finds nothing out of order.

A longer run: `ROUNDS` in the environment, say 20.
"""

import os

import numpy as np
import pytest
from parse import parse_module
from random_units import CALLS, random_peeled, random_units
from token_oracle import Flattener, TokenError, check_steps, check_tokens
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from backends.interpreter.loop import run_loop
from backends.interpreter.scalars import dtype_of
from dialects import loop
from dialects.layout import physical_shape
from dialects.target import Target, TargetAttr
from dovetail.measuring.convolutions import Convolution, program
from passes.loop import token_plan
from passes.loop.insert_dependence_tokens import InsertDependenceTokensPass
from passes.loop.lower_virtual_threads import LowerVirtualThreadsPass
from passes.loop.schedule_kernels import ScheduleKernelsPass
from passes.te.import_intrinsics import ImportIntrinsicsPass
from passes.te.lower_te_to_loop import LowerTeToLoopPass

ROUNDS = int(os.environ.get("ROUNDS", "1"))
CASES = 40
"""Seeds a test; there are five."""


def execute(module: ModuleOp) -> np.ndarray:
    """What the function of a module makes of small integers."""
    (function,) = (op for op in module.ops if isinstance(op, func.FuncOp))
    rng = np.random.default_rng(0)
    sizes = [physical_shape(argument.type) for argument in function.body.block.args]
    types = [dtype_of(argument.type.element_type) for argument in function.body.block.args]
    arrays = [
        rng.integers(-8, 9, size).astype(type) for size, type in zip(sizes, types, strict=True)
    ]
    run_loop(function, arrays)
    return np.concatenate([array.ravel() for array in arrays])


def with_tokens(text: str, *, lowered: bool) -> ModuleOp:
    """A module with tokens, and its virtual threads interleaved."""
    module = parse_module(text)
    InsertDependenceTokensPass().apply(Context(), module)
    if lowered:
        LowerVirtualThreadsPass().apply(Context(), module)
    module.verify()
    return module


@pytest.mark.parametrize("part", range(5))
def test_random_nests(part):
    for seed in range(part * CASES * ROUNDS, (part + 1) * CASES * ROUNDS):
        text = random_units(seed)
        check_tokens(with_tokens(text, lowered=False))
        if "vthread" in text:
            module = with_tokens(text, lowered=True)
            assert "vthread" not in str(module)
            check_tokens(module)
            if seed % 4 == 0:
                np.testing.assert_array_equal(execute(module), execute(parse_module(text)))


@pytest.mark.parametrize("seed", [3789])
def test_nests_that_were_wrong(seed):
    check_tokens(with_tokens(random_units(seed), lowered=False))


def token_count(text: str) -> int:
    """The pushes and pops that a program gets."""
    module = with_tokens(text, lowered=False)
    check_tokens(module)
    return sum(isinstance(op, loop.PushDepOp | loop.PopDepOp) for op in module.walk())


def test_tokens_that_loops_pass_on(monkeypatch):
    """A loop goes on with the token that comes to it; seed 201 is one in which it may not."""
    texts = [random_peeled(seed) for seed in range(180, 180 + 60 * ROUNDS)]
    joined = [token_count(text) for text in texts]
    monkeypatch.setattr(token_plan, "join", lambda level: None)
    apart = [token_count(text) for text in texts[:60]]
    fewer = [a - b for a, b in zip(apart, joined, strict=False) if a != b]
    assert len(fewer) >= 5 and min(fewer) >= 2


def test_random_nests_cover_what_matters():
    counts = dict.fromkeys(("vthread", "push_dep", '"ex" to "st"', '"st" to "ex"', '"out"'), 0)
    for seed in range(20):
        text = str(with_tokens(random_units(seed), lowered=False))
        for what in counts:
            counts[what] += what in text
    assert min(counts.values()) >= 4, counts


NEST = """
builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @accumulate (%x: tensor<2xi32>) {
    %s = te.compute "s" (%i = 0 to 2) sum (%r = 0 to 1) {
      %v = te.read %x[%i] : tensor<2xi32>
      te.yield %v : i32
    } : tensor<2xi32>
    te.yield %s : tensor<2xi32>
  } lower compute "copy" reset "zero" update "add" on "ex"

  func.func @f(%A: memref<16xi32>, %C: memref<8xi32>) {
    loop.for %t = 0 to 2 vthread {
      loop.for %y = 0 to 2 {
        %acc = loop.alloc at [%t * 4 + %y * 2] : memref<2xi32, "acc">
        %out = loop.alloc at [%t * 4 + %y * 2] : memref<2xi32, "out">
        loop.block "zero" (%v_t < 2 = %t, %v_y < 2 = %y) {
          loop.intrinsic @accumulate "reset"(%acc[%v_t * 4 + %v_y * 2 + i0]) writes 1
              : memref<2xi32, "acc">
        }
        loop.for %k = 0 to 3 {
          %inp = loop.alloc at [%t * 8 + %k * 2] : memref<2xi32, "inp">
          loop.copy %A to %inp : memref<16xi32> to memref<2xi32, "inp">
          loop.block "add" (%v_t < 2 = %t, %v_y < 2 = %y, %v_k < 3 = %k) {
            loop.intrinsic @accumulate "update"(
                %acc[%v_t * 4 + %v_y * 2 + i0], %inp[%v_t * 8 + %v_k * 2 + i0]) writes 1
                : memref<2xi32, "acc">, memref<2xi32, "inp">
          }
        }
        loop.block "out" (%v_t < 2 = %t, %v_y < 2 = %y) {
          loop.intrinsic @accumulate "compute"(
              %out[%v_t * 4 + %v_y * 2 + i0], %acc[%v_t * 4 + %v_y * 2 + i0]) writes 1
              : memref<2xi32, "out">, memref<2xi32, "acc">
        }
        loop.copy %out to %C : memref<2xi32, "out"> to memref<8xi32>
      }
    }
    func.return
  }
}
"""


@pytest.mark.parametrize("lowered", [False, True])
def test_missing_tokens_are_found(lowered):
    """The oracle sees each push or pop that is missing, and each queue."""
    (function,) = (
        op for op in with_tokens(NEST, lowered=lowered).ops if isinstance(op, func.FuncOp)
    )
    tokens = [op for op in function.walk() if isinstance(op, loop.PushDepOp | loop.PopDepOp)]
    assert len(tokens) == (24 if lowered else 12)
    steps = Flattener(function).steps()
    check_steps(steps)
    for number in range(len(steps)):
        if steps[number].push or steps[number].pop:
            with pytest.raises(TokenError):
                check_steps(steps[:number] + steps[number + 1 :])
    for queue in {step.push for step in steps if step.push}:
        with pytest.raises(TokenError):
            check_steps([step for step in steps if queue not in (step.push, step.pop)])


def test_threads_keep_results():
    np.testing.assert_array_equal(
        execute(with_tokens(NEST, lowered=True)), execute(parse_module(NEST))
    )


PAIR = """
  func.func @f(%A: memref<16xi32>) {
    loop.for %t = 0 to 2 vthread {
      %a = loop.alloc at [%t * 2] : memref<2xi32, "inp">
      %b = loop.alloc at [%t * 2 + 8] : memref<2xi32, "inp">
      %c = loop.alloc at [%t * 2] : memref<2xi32, "acc">
      loop.copy %A to %a : memref<16xi32> to memref<2xi32, "inp">
      loop.copy %A to %b : memref<16xi32> to memref<2xi32, "inp">
      USES
    }
    func.return
  }
}
"""


def test_tokens_of_one_run_that_are_popped_in_two():
    """The pushes of both loads stand in one run of ld, the pops in two runs of ex."""
    use = (
        'loop.block "NAME" (%v < 2 = %t) { loop.intrinsic @on_UNIT "update"'
        "(%c[%v * 2 + i0], %TILE[%v * 2 + SHIFT + i0]) writes 1 "
        ': memref<2xi32, "acc">, memref<2xi32, "SCOPE"> }'
    )

    def call(name: str, unit: str, tile: str, scope: str, shift: int) -> str:
        text = use.replace("NAME", name).replace("UNIT", unit).replace("TILE", tile)
        return text.replace("SCOPE", scope).replace("SHIFT", str(shift))

    uses = [
        call("first", "ex", "a", "inp", 0),
        call("between", "st", "c", "acc", 0),
        call("second", "ex", "b", "inp", 8),
    ]
    head = 'builtin.module attributes {target = #target.target<"vta">} {'
    text = head + CALLS + PAIR.replace("USES", "\n".join(uses))
    (steps,) = check_tokens(with_tokens(text, lowered=True))
    units = [step.unit for step in steps if step.push == ("ld", "ex")]
    assert len(units) == 4


def test_a_scheduled_convolution():
    """The default schedule of odd extents: two threads, three units, an epilogue in place."""
    layer = Convolution("odd", 3, 32, 64, 1, 1)
    module = parse_module(program(layer))
    module.attributes["target"] = TargetAttr.of(Target.parse("vta"))
    for step in (ImportIntrinsicsPass("vta"), LowerTeToLoopPass(), ScheduleKernelsPass()):
        step.apply(Context(), module)
    assert "vthread" in str(module)
    before = execute(module)
    InsertDependenceTokensPass().apply(Context(), module)
    LowerVirtualThreadsPass().apply(Context(), module)
    assert "vthread" not in str(module)
    np.testing.assert_array_equal(execute(module), before)
    check_tokens(module)
