"""Calls of an instruction run at once compute what they do one by one, bit by bit."""

import numpy as np
import pytest
from parse import parse_module
from tensor_cases import CONFIGS, function_of, random_case, random_inputs, with_target
from xdsl.context import Context
from xdsl.passes import PassPipeline
from xdsl.universe import Universe

from backends.interpreter import instances
from backends.interpreter.buffers import pack
from backends.interpreter.loop import run_loop

INTRINSICS = """
te.intrinsic @dot (%x: tensor<4xf32>, %y: tensor<4xf32>, %z: tensor<4xf32>) {
  %c = te.compute "c" () sum (%k = 0 to 4) {
    %a = te.read %x[%k] : tensor<4xf32>
    %b = te.read %y[%k] : tensor<4xf32>
    %e = te.read %z[%k] : tensor<4xf32>
    %p = arith.mulf %a, %b : f32
    %q = arith.mulf %p, %e : f32
    te.yield %q : f32
  } : tensor<f32>
  te.yield %c : tensor<f32>
} lower compute "dot" reset "zero" update "dot_add"
te.intrinsic @top (%x: tensor<2x4xi8>) {
  %c = te.compute "c" (%j = 0 to 4) max (%i = 0 to 2) {
    %a = te.read %x[%i, %j] : tensor<2x4xi8>
    te.yield %a : i8
  } : tensor<4xi8>
  te.yield %c : tensor<4xi8>
} lower compute "top" reset "least" update "top_max"
te.intrinsic @turn (%x: tensor<4x2xi32>, %imm: i32) {
  %c = te.compute "c" (%i = 0 to 2, %j = 0 to 4) {
    %a = te.read %x[%j, %i] : tensor<4x2xi32>
    %n = arith.index_cast %j : index to i32
    %b = arith.muli %a, %imm : i32
    %s = arith.addi %b, %n : i32
    te.yield %s : i32
  } : tensor<2x4xi32>
  te.yield %c : tensor<2x4xi32>
} lower compute "turn"
te.intrinsic @step (%x: tensor<4xi32>) {
  %c = te.compute "c" (%i = 0 to 4) {
    %a = te.read %x[%i] : tensor<4xi32>
    %s = arith.addi %a, %a : i32
    te.yield %s : i32
  } : tensor<4xi32>
  te.yield %c : tensor<4xi32>
} lower compute "step"
"""

DOT = """
func.func @f(%A: memref<5x12xf32>, %B: memref<3x12xf32>, %C: memref<5x3xf32>) {
  loop.for %k = 0 to 4 {
    loop.for %y = 0 to 5 {
      loop.for %x = 0 to 3 {
        loop.block "C" (%v < 5 = %y, %w < 3 = %x, reduce %r < 3 = %k) init {
          loop.intrinsic @dot "reset"(%C[%v, %w]) writes 1 : memref<5x3xf32>
        } {
          loop.intrinsic @dot "update"(%C[%v, %w], %A[%v, %r * 4 + i0],
            %B[%w, %r * 4 + i0], %B[%w, %r * 4 - i0 + 3]) writes 1
            : memref<5x3xf32>, memref<5x12xf32>, memref<3x12xf32>, memref<3x12xf32>
        }
      }
    }
  }
  func.return
}
"""
TOP = """
func.func @f(%A: memref<6x8xi8>, %C: memref<8xi8>) {
  loop.for %j = 0 to 2 {
    loop.for %i = 0 to 3 {
      loop.block "C" (%v < 2 = %j, reduce %r < 3 = %i) {
        loop.intrinsic @top "update"(%C[%v * 4 + i0], %A[%r * 2 + i0, %v * 4 + i1])
          writes 1 : memref<8xi8>, memref<6x8xi8>
      }
    }
  }
  func.return
}
"""
TURN = """
func.func @f(%A: memref<8x6xi32>, %C: memref<6x4xi32>) {
  loop.for %a = 0 to 2 {
    loop.for %b = 0 to 3 {
      loop.for %c = 0 to 2 {
        loop.block "C" (%v < 2 = %a, %w < 3 = %b, %u < 2 = %c) where (%a + %c - 1 >= 0) {
          loop.intrinsic @turn "compute"(%C[%w * 2 + i0, i1], %A[%v * 2 + i0, %w * 2 + i1])
            writes 1 imm [7] : memref<6x4xi32>, memref<8x6xi32>
        }
      }
    }
  }
  func.return
}
"""
CROSSED = """
func.func @f(%A: memref<16x16xf32>, %C: memref<1xf32>) {
  loop.for %a = 0 to 4 {
    loop.for %b = 0 to 4 {
      loop.for %c = 0 to 4 {
        loop.block "C" (%v < 4 = %a, %w < 4 = %b, %u < 4 = %c) where (%a + %c - 1 >= 0) {
          loop.intrinsic @dot "update"(%C[0], %A[%v * 4 + %u, %w * 4 + i0],
            %A[%u * 4 + %w, %v * 4 + i0], %A[%w * 4 + %v, %u * 4 + i0]) writes 1
            : memref<1xf32>, memref<16x16xf32>, memref<16x16xf32>, memref<16x16xf32>
        }
      }
    }
  }
  func.return
}
"""


def steps(place, source, extent):
    """@step in a loop, at places of one buffer."""
    return f"""
func.func @f(%A: memref<24xi32>) {{
  loop.for %i = 0 to {extent} {{
    loop.block "C" (%v < {extent} = %i) {{
      loop.intrinsic @step "compute"(%A[{place}], %A[{source}]) writes 1
        : memref<24xi32>, memref<24xi32>
    }}
  }}
  func.return
}}
"""


AT_ONCE = {
    "a reduction whose loop is outermost, in floats": DOT,
    "a maximum, with no init": TOP,
    "the last of several calls stays": TURN,
    "sums of floats, the outermost and the innermost loop in one guard": CROSSED,
    "in place": steps("%v * 4 + i0", "%v * 4 + i0", 6),
    "from one half to the other": steps("%v * 4 + i0", "%v * 4 + i0 + 12", 3),
}
ONE_BY_ONE = {
    "from the call before": steps("%v * 4 + i0 + 4", "%v * 4 + i0", 5),
    "regions that overlap": steps("%v * 2 + i0", "%v * 2 + i0", 6),
    "in place, more than once": steps("%v floordiv 2 * 4 + i0", "%v floordiv 2 * 4 + i0", 6),
    "regions that begin with one element": steps("(%v + i0 * 5) floordiv 2", "%v + i0 + 12", 3),
    "one element several times": steps("%v * 4 + i0 floordiv 2", "%v * 4 + i0 + 1", 5),
}


def run(module, monkeypatch, at_once, inputs=()):
    """What a function makes of its buffers; whether a nest of calls ran at once."""
    answers: list[bool] = []
    original = instances.run_calls

    def counted(*arguments):
        answers.append(original(*arguments) if at_once else False)
        return answers[-1]

    function = function_of(module)
    rng = np.random.default_rng(1)
    buffers = []
    for i, argument in enumerate(function.body.block.args):
        kind = {"f32": np.float32, "i8": np.int8, "i32": np.int32}[str(argument.type.element_type)]
        shape = argument.type.get_shape()
        drawn = rng.lognormal(0, 2, shape) if kind is np.float32 else rng.integers(-90, 90, shape)
        given = inputs[i] if i < len(inputs) else drawn.astype(kind)
        buffers.append(pack(given, argument.type))
    with monkeypatch.context() as patched:
        patched.setattr(instances, "run_calls", counted)
        run_loop(function, buffers)
    return buffers, any(answers)


@pytest.mark.parametrize("what", [*AT_ONCE, *ONE_BY_ONE])
def test_calls_at_once_do_what_they_do_one_by_one(what, monkeypatch):
    module = parse_module(INTRINSICS + {**AT_ONCE, **ONE_BY_ONE}[what])
    module.verify()
    got, at_once = run(module, monkeypatch, True)
    assert at_once == (what in AT_ONCE)
    wanted, _ = run(module, monkeypatch, False)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(100, 102))
def test_scheduled_convolutions(seed, monkeypatch):
    config, text, pipeline = random_case(seed)
    assert config in CONFIGS
    module = parse_module(with_target(config, text))
    inputs = random_inputs(function_of(module), seed)
    passes = Universe.get_multiverse().all_passes
    PassPipeline.parse_spec(passes, pipeline).apply(Context(), module)
    got, at_once = run(module, monkeypatch, True, inputs)
    assert at_once
    wanted, _ = run(module, monkeypatch, False, inputs)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_wrong_access_is_reported_by_the_call_that_makes_it(monkeypatch):
    module = parse_module(INTRINSICS + steps("%v * 4 + i0", "%v * 5 + i0", 6))
    with pytest.raises(Exception, match=r"at v = 5 \(loops i = 5\)"):
        run(module, monkeypatch, True)
