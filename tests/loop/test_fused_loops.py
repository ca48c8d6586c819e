"""Fused loops below other primitives: the interpreter and machine code against NumPy."""

import numpy as np
import pytest
from native import Machine, apply, execute, parse, transformed
from te_cases import Case, chain, conv, matmul, padded_conv, symbolic, symbolic_case
from xdsl.dialects import func

from analysis.errors import ScheduleError
from backends.interpreter.loop import run_loop

MATMUL = matmul(7, 11, 9)
ALL_OF_MATMUL = [
    'decompose-reduction{block="C" loop="y"}',
    'fuse-loops{loops="y","x","k" into="f"}',
]
REDUCTION = ['fuse-loops{loops="ic","kh","kw" into="r"}', 'split-loop{loop="r" factor=4}']

SCHEDULES: dict[str, tuple[Case, list[str]]] = {
    "all loops": (conv(3, 5, 6), ['fuse-loops{loops="oc","oh","ow"}', *REDUCTION]),
    "a loop of results and one of a reduction": (MATMUL, ALL_OF_MATMUL),
    "parts that change places": (
        MATMUL,
        [
            *ALL_OF_MATMUL,
            'split-loop{loop="f" factor=5}',
            'reorder-loops{loops="f_i","f_o"}',
        ],
    ),
    "a reduction with a tail, begun in a nest of its own": (
        conv(3, 5, 6),
        [
            *REDUCTION,
            'reorder-loops{loops="r_i","r_o"}',
            'reorder-loops{loops="r_i","ow"}',
            'decompose-reduction{block="conv" loop="r_o"}',
        ],
    ),
    "an unrolled reduction": (
        padded_conv(2, 3, 5),
        ['fuse-loops{loops="kh","kw" into="r"}', 'unroll-loop{loop="r"}'],
    ),
    "lanes and threads": (
        matmul(7, 24, 9),
        [
            'fuse-loops{loops="y","x" into="f"}',
            'split-loop{loop="f" factor=8}',
            'reorder-loops{loops="f_o","k","f_i"}',
            'vectorize-loop{loop="f_i"}',
            'parallelize-loop{loop="f_o"}',
        ],
    ),
    "loops around tiles and in tiles, with tails": (
        MATMUL,
        [
            'tile-loops{loops="y","x" sizes=4,4}',
            'fuse-loops{loops="y_o","x_o"}',
            'fuse-loops{loops="y_i","x_i"}',
            'promote-memory-scope{buffer="C" scope="register" at="y_o_x_o_f"}',
            'parallelize-loop{loop="y_o_x_o_f"}',
        ],
    ),
    "what a peeled tail has of loops": (
        MATMUL,
        [
            'tile-loops{loops="y","x" sizes=4,4}',
            'peel-loop{loop="y_o"}',
            'fuse-loops{loops="y_o_tail","x_o_tail"}',
            'fuse-loops{loops="y_o","x_o"}',
        ],
    ),
    "a consumer": (
        chain(6, 5),
        [
            'fuse-loops{loops="P_y","P_x" into="p"}',
            'fuse-loops{loops="y","x" into="s"}',
            'split-loop{loop="s" factor=7}',
            'reverse-compute-at{block="P" at="s_o"}',
        ],
    ),
    "sizes only known at run time": (
        symbolic_case(5, 7),
        [
            'split-loop{loop="x" factor=4}',
            'reorder-loops{loops="x_o","y","x_i"}',
            'split-loop{loop="y" factor=3}',
            'fuse-loops{loops="y_i","x_i"}',
            'decompose-reduction{block="C" loop="k"}',
        ],
    ),
}


@pytest.mark.parametrize("what", SCHEDULES)
def test_results_are_kept(what):
    case, schedule = SCHEDULES[what]
    module = transformed(case.text, ",".join(["lower-te-to-loop", *schedule]))
    inputs = case.inputs()
    case.check(inputs, execute(Machine(module), *inputs, threads=2))
    outputs = [np.full_like(o, 77) for o in case.reference(*inputs)]
    (function,) = (op for op in module.ops if isinstance(op, func.FuncOp))
    run_loop(function, [*inputs, *outputs])
    case.check(inputs, outputs)


def test_one_kernel_for_many_sizes():
    pipeline = """lower-te-to-loop,decompose-reduction{block="C" loop="y"},
    reorder-loops{loops="x","y","k"},fuse-loops{loops="y","k" into="f"}"""
    machine = Machine(transformed(symbolic(), pipeline))
    rng = np.random.default_rng(0)
    for m, n in ((1, 1), (0, 5), (5, 0), (9, 17)):
        a, b, bias = (rng.integers(-8, 9, s).astype("f") for s in ((m, 9), (9, n), (n,)))
        (got,) = execute(machine, a, b, bias)
        np.testing.assert_array_equal(got, np.maximum(a @ b + bias, 0))


def test_a_tile_below_a_split_of_a_fused_loop_is_no_larger_than_the_buffer():
    schedule = ['split-loop{loop="f" factor=7}']
    for buffer in "ABC":
        schedule.append(f'promote-memory-scope{{buffer="{buffer}" scope="local" at="f_o"}}')
    pipeline = ",".join(["lower-te-to-loop", *ALL_OF_MATMUL, *schedule])
    module = transformed(MATMUL.text, pipeline)
    shapes = {"A": "7x9", "B": "9x11", "C": "7x11"}
    for buffer in "ABC":
        assert f'memref<{shapes[buffer]}xf32, "local">' in str(module)
    inputs = MATMUL.inputs()
    MATMUL.check(inputs, execute(Machine(module), *inputs))


def test_a_guard_that_divides_the_loop_is_none_to_peel():
    """The guard of `x` fails in iterations all over the loop, not in its last ones."""
    schedule = 'lower-te-to-loop,tile-loops{loops="y","x" sizes=7,4},fuse-loops{loops="y_o","x_o"}'
    module = apply(parse(matmul(14, 11, 9).text), schedule)
    before = str(module)
    with pytest.raises(ScheduleError, match="there is nothing to peel"):
        apply(module, 'peel-loop{loop="y_o_x_o_f"}')
    assert str(module) == before
