"""One kernel for all sizes: symbolic extents under schedules with tails in every direction."""

import numpy as np
import pytest
from native import Machine, execute, transformed
from random_programs import stencil
from random_schedules import function_of

from backends.interpreter.loop import run_loop

A, B = 'tensor<?x?xf32, #loop.layout<["m", "k"]>>', 'tensor<?x?xf32, #loop.layout<["k", "n"]>>'
C = 'tensor<?x?xf32, #loop.layout<["m", "n"]>>'
MATMUL = f"""
func.func @matmul(%A: {A}, %B: {B}) -> {C} {{
  %m = te.dim "m"
  %n = te.dim "n"
  %k = te.dim "k"
  %C = te.compute "C" (%y = 0 to %m, %x = 0 to %n) sum (%r = 0 to %k) {{
    %a = te.read %A[%y, %r] : {A}
    %b = te.read %B[%r, %x] : {B}
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  }} : {C}
  func.return %C : {C}
}}
"""
TILES = """lower-te-to-loop,split-loop{loop="y" factor=4},
split-loop{loop="x" factor=32},split-loop{loop="x_i" factor=16 names="x_r","x_v"},
split-loop{loop="r" factor=8},reorder-loops{loops="x_o","y_o","r_o","r_i","y_i","x_r","x_v"},
unroll-loop{loop="y_i"},unroll-loop{loop="x_r"},vectorize-loop{loop="x_v"}"""
MATMULS = {
    "tiles": TILES,
    "register tiles": f"""{TILES},decompose-reduction{{block="C" loop="r_o"}},
    promote-memory-scope{{buffer="C" scope="register" at="y_o"}},parallelize-loop{{loop="x_o"}}""",
    "peeled": f"""{TILES},decompose-reduction{{block="C" loop="r_o"}},
    promote-memory-scope{{buffer="C" scope="register" at="y_o"}},peel-loop{{loop="y_o"}}""",
    "whole register tiles": """lower-te-to-loop,split-loop{loop="y" factor=4},
    split-loop{loop="x" factor=32},split-loop{loop="x_i" factor=16 names="x_r","x_v"},
    split-loop{loop="r" factor=8},reorder-loops{loops="x_o","y_o","r_o","r_i","y_i","x_r","x_v"},
    promote-memory-scope{buffer="C" scope="register" at="y_o"},
    pad-block{block="C" loops="y_i","x_r","r_i" multiples=4,32,8},
    unroll-loop{loop="y_i"},unroll-loop{loop="x_r"},vectorize-loop{loop="x_v"},
    decompose-reduction{block="C" loop="r_o"}""",
    "whole steps of the reduction": """lower-te-to-loop,pad-block{block="C" loops="r" multiples=4},
    split-loop{loop="r" factor=4}""",
    "the reduction outside": """lower-te-to-loop,tile-loops{loops="y","x" sizes=8,16},
    decompose-reduction{block="C" loop="y_o"},reorder-loops{loops="r","y_o","x_o"},
    vectorize-loop{loop="x_i"},parallelize-loop{loop="C_init_y_o"}""",
}
STENCILS = {
    "rows": 'lower-te-to-loop,split-loop{loop="p" factor=4},compute-at{block="B" at="p_o"}',
    "tiles": """lower-te-to-loop,tile-loops{loops="p","q" sizes=4,16},
    compute-at{block="B" at="q_o"},vectorize-loop{loop="q_i"},unroll-loop{loop="p_i"}""",
    "threads": """lower-te-to-loop,split-loop{loop="y" factor=3},parallelize-loop{loop="y_o"},
    split-loop{loop="q" factor=8},vectorize-loop{loop="q_i"},parallelize-loop{loop="p"}""",
}


def small(rng, *shape):
    return rng.integers(-2, 3, shape).astype("float32")


def interpreted(module, inputs, result):
    run_loop(function_of(module), [*inputs, result])
    return result


@pytest.mark.parametrize("name", MATMULS)
def test_matmul(name):
    module = transformed(MATMUL, MATMULS[name])
    machine = Machine(module)
    rng = np.random.default_rng(0)
    for m, n, k in ((3, 5, 7), (1, 1, 1), (17, 33, 9), (1024, 1024, 1024)):
        inputs = small(rng, m, k), small(rng, k, n)
        expected = inputs[0] @ inputs[1]
        (got,) = execute(machine, *inputs, threads=2)
        np.testing.assert_array_equal(got, expected)
        if m < 100:
            result = np.full((m, n), np.nan, "float32")
            np.testing.assert_array_equal(interpreted(module, inputs, result), expected)


def two_stencils(a):
    sums = a + np.pad(a, ((1, 0), (0, 0)))[:-1]
    left = np.pad(sums, ((0, 0), (2, 0)))[:, :-2]
    below = np.pad(sums, ((0, 1), (0, 0)))[1:]
    return left + below - sums


@pytest.mark.parametrize("name", STENCILS)
def test_stencil(name):
    module = transformed(stencil(0, 0, symbolic=True), STENCILS[name])
    machine = Machine(module)
    rng = np.random.default_rng(0)
    for m, n in ((3, 5), (1, 1), (17, 34), (1024, 1024)):
        a = small(rng, m, n)
        (got,) = execute(machine, a, threads=2)
        np.testing.assert_array_equal(got, two_stencils(a))
        if m < 100:
            result = np.full((m, n), np.nan, "float32")
            np.testing.assert_array_equal(interpreted(module, [a], result), two_stencils(a))
