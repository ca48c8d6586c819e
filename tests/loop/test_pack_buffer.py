"""pack-buffer keeps what is computed: whole buffers and tiles, halos, results, symbolic sizes."""

import numpy as np
import pytest
from native import apply, check_both, parse, run, small
from te_cases import symbolic_case
from xdsl.dialects import func

import dovetail as t
from backends.interpreter.loop import run_loop

PROGRAM = """
func.func @main(%A: tensor<17x13xf32>) -> tensor<17x13xf32> {
  %zero = arith.constant 0.0 : f32
  %B = te.compute "B" (%y = 0 to 17, %x = 0 to 13) {
    %a = te.read %A[%y, %x] : tensor<17x13xf32>
    %b = arith.addf %a, %a : f32
    te.yield %b : f32
  } : tensor<17x13xf32>
  %S = te.compute "S" (%p = 0 to 17, %q = 0 to 13) sum (%r = 0 to 3) {
    %a = te.read %A[%p, %q] : tensor<17x13xf32>
    %b = te.read %B[%p + %r - 1, %q] where (%p + %r >= 1, 17 - %p - %r >= 0) else %zero : tensor<17x13xf32>
    %c = arith.mulf %a, %b : f32
    te.yield %c : f32
  } : tensor<17x13xf32>
  func.return %S : tensor<17x13xf32>
}
"""  # noqa: E501
BLOCKED = "(y, x) -> (x floordiv 4, y, x mod 4)"


def pack(buffer, map=BLOCKED, at=None):
    return f'pack-buffer{{buffer="{buffer}" map="{map}"' + (f' at="{at}"}}' if at else "}")


def pads(*arguments, **options):
    return pack(*arguments, **options).replace("}", " pads=true}")


SCHEDULES = {
    "what is read by two nests": [pack("A")],
    "what is read by one of them": [pack("A", at="p")],
    "what lives in the function": [pack("B")],
    "a part of it": ['split-loop{loop="p" factor=5}', pack("B", at="p_o")],
    "with what guarded reads find outside": [
        *("inline-compute{block=B}", pads("A"), 'vectorize-loop{loop="A_packed_in_d0"}'),
    ],
    "a tile with what they find": [
        *("inline-compute{block=B}", "split-loop{loop=p factor=5}", pads("A", at="p_o")),
    ],
    "the result": [pack("S")],
    "sums that go on": [
        *('split-loop{loop="r" factor=2}', 'reorder-loops{loops="r_o","p","q"}'),
        *('decompose-reduction{block="S" loop="r_i"}', pack("S"), pack("A", at="q")),
    ],
    "twice": [pack("A"), pack("A_packed", "(y, x) -> (x, y)", "p")],
    "in vectors, by threads": [
        *(pack("A"), 'split-loop{loop="A_packed_in_d1" factor=4}'),
        *('vectorize-loop{loop="A_packed_in_d1_i"}', 'parallelize-loop{loop="A_packed_in_d0"}'),
    ],
}


def expected(a):
    rows = np.pad(2 * a, ((1, 1), (0, 0)))
    return a * (rows[:-2] + rows[1:-1] + rows[2:])


@pytest.mark.parametrize("what", SCHEDULES)
def test_results_are_kept(what):
    pipeline = ",".join(["lower-te-to-loop", *SCHEDULES[what]])
    a = small(np.random.default_rng(0), 17, 13)
    check_both(PROGRAM, pipeline, [a], expected(a))


def test_a_frame_is_packed_too():
    text = """
    func.func @main(%X: memref<9xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [11]>>, %Z: memref<9xf32>) {
      loop.for %i = 0 to 9 {
        loop.for %t = 0 to 3 {
          loop.block "Z" (%v < 9 = %i, reduce %w < 3 = %t) init {
            %zero = arith.constant 0.0 : f32
            loop.store %zero, %Z[%v] : memref<9xf32>
          } {
            %z = loop.load %Z[%v] : memref<9xf32>
            %x = loop.load %X[%v + %w - 1] : memref<9xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [11]>>
            %s = arith.addf %z, %x : f32
            loop.store %s, %Z[%v] : memref<9xf32>
          }
        }
      }
      func.return
    }
    """  # noqa: E501
    module = apply(parse(text), pack("X", "(i) -> (i mod 4, i floordiv 4)"))
    function = next(op for op in module.ops if isinstance(op, func.FuncOp))
    x, z = small(np.random.default_rng(0), 11), np.full(9, np.nan, "float32")
    run_loop(function, [x, z])
    np.testing.assert_array_equal(z, x[:-2] + x[1:-1] + x[2:])


def test_sizes_that_are_only_known_at_run_time():
    case = symbolic_case(5, 7)
    inputs = case.inputs()
    pipeline = f"lower-te-to-loop,{pack('A', '(y, x) -> (x, y)')}"
    case.check(inputs, run(case.text, pipeline, *inputs))


def test_a_schedule_in_python():
    a, b = t.placeholder((5, 7), name="A"), t.placeholder((7, 9), name="B")
    k = t.reduce_axis((0, 7), name="k")
    c = t.compute((5, 9), lambda y, x: t.sum(a[y, k] * b[k, x], axis=k), name="C")
    s = t.create_schedule(c.op)
    s[c].pack(b, lambda k, x: (x, k))
    s[c].pack(a, "(y, k) -> (k, y)", c.op.axis[0])
    assert 'pack-buffer{buffer="B" map="(d0, d1) -> (d1, d0)"}' in str(s)
    rng = np.random.default_rng(0)
    x, y, z = small(rng, 5, 7), small(rng, 7, 9), np.empty((5, 9), "float32")
    t.build(s, [a, b, c])(x, y, z)
    np.testing.assert_array_equal(z, x @ y)
