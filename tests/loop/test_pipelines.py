"""Schedules of the kinds that kernels use, native against NumPy on sizes with tails."""

import numpy as np
import pytest
from native import Machine, execute, run, small, transformed
from te_cases import (
    chain,
    conv,
    depthwise,
    extreme,
    gather,
    matmul,
    padded_conv,
    pool,
    scatter,
    softmax,
    symbolic,
)

LOWER = "lower-te-to-loop"

MATMUL = """lower-te-to-loop,
transform-layout{buffer="B" map="(k, x) -> (x floordiv 32, k, x mod 32)"},
split-loop{loop="y" factor=4}, split-loop{loop="x" factor=32},
split-loop{loop="x_i" factor=16 names="x_r","x_v"},
split-loop{loop="k" factor=8 names="k_b","k_l"}, split-loop{loop="k_l" factor=2 names="k_o","k_u"},
reorder-loops{loops="k_b","x_o","y_o","k_o","k_u","y_i","x_r","x_v"},
unroll-loop{loop="k_u"}, unroll-loop{loop="y_i"}, unroll-loop{loop="x_r"},
vectorize-loop{loop="x_v"}, decompose-reduction{block="C" loop="k_o"},
promote-memory-scope{buffer="C" scope="register" at="y_o"}"""

CONV = """lower-te-to-loop,
transform-layout{buffer="X" map="(c, h, w) -> (c floordiv 4, h, w, c mod 4)"},
transform-layout{buffer="O" map="(c, h, w) -> (c floordiv 4, h, w, c mod 4)"},
transform-layout{buffer="W"
  map="(o, i, a, b) -> (o floordiv 8, i floordiv 4, a, b, i mod 4, o mod 8)"},
inline-compute{block="biased"},
split-loop{loop="oc" factor=8}, split-loop{loop="oc_i" factor=4 names="oc_r","oc_v"},
split-loop{loop="oh" factor=2}, split-loop{loop="ow" factor=3},
split-loop{loop="ic" factor=4}, split-loop{loop="ic_i" factor=2 names="ic_m","ic_u"}"""

INSIDE = """,
reorder-loops{loops="oc_o","oh_o","ow_o","ic_o","kh","kw","ic_m","ic_u","oh_i","ow_i","oc_r","oc_v"},
unroll-loop{loop="ic_u"}, unroll-loop{loop="oh_i"}, unroll-loop{loop="ow_i"},
unroll-loop{loop="oc_r"}, vectorize-loop{loop="oc_v"},
decompose-reduction{block="conv" loop="ic_o"},
reverse-compute-at{block="relu" at="ow_o"},
promote-memory-scope{buffer="C" scope="register" at="ow_o"}"""

OUTSIDE = """,
transform-layout{buffer="C" map="(c, h, w) -> (c floordiv 4, h, w, c mod 4)"},
reorder-loops{loops="oc_o","ic_o","oh_o","ow_o","kh","kw","ic_m","ic_u","oh_i","ow_i","oc_r","oc_v"},
unroll-loop{loop="ic_u"}, unroll-loop{loop="oh_i"}, unroll-loop{loop="ow_i"},
unroll-loop{loop="oc_r"}, vectorize-loop{loop="oc_v"},
decompose-reduction{block="conv" loop="kh"},
reverse-compute-at{block="relu" at="ow_o"},
promote-memory-scope{buffer="C" scope="register" at="ow_o"}"""


def check(case, pipeline, threads=1):
    inputs = case.inputs()
    case.check(inputs, run(case.text, pipeline, *inputs, threads=threads))


@pytest.mark.parametrize(
    "case",
    [
        matmul(5, 7, 9),
        matmul(4, 6, 8, "f64"),
        matmul(5, 7, 9, "i8"),
        matmul(5, 7, 9, "i32"),
        matmul(5, 7, 9, "i64"),
        conv(3, 5, 6),
        conv(3, 5, 9, pad=2, stride=2, dilation=2),
        padded_conv(2, 3, 5),
        depthwise(5, 6),
        pool(3, 7),
        softmax(5, 7),
        chain(6, 5),
        extreme(6, 9, "argmax"),
        extreme(6, 9, "argmin"),
        gather(9, 5, 7),
        scatter(17, 11),
    ],
    ids=lambda c: c.text.split("@")[1].split("(")[0],
)
def test_naive_loops(case):
    check(case, LOWER)


@pytest.mark.parametrize("peel", ["", ',peel-loop{loop="y_o"}', ',peel-loop{loop="x_o"}'])
@pytest.mark.parametrize("sizes", [(13, 35, 17), (4, 32, 16), (3, 31, 7), (9, 65, 1)])
def test_matmul(sizes, peel):
    m, n, _ = sizes
    if ('"y_o"' in peel and (m % 4 == 0 or m < 4)) or ('"x_o"' in peel and (n % 32 == 0 or n < 32)):
        pytest.skip("nothing to peel")
    check(matmul(*sizes), MATMUL + peel)


def test_matmul_peeled_in_both_directions():
    peel = ',peel-loop{loop="x_o"},peel-loop{loop="y_o"},peel-loop{loop="y_o_tail"}'
    check(matmul(13, 35, 17), MATMUL + peel)


def test_matmul_peeled_over_the_reduction():
    check(matmul(13, 35, 17), MATMUL + ',peel-loop{loop="k_b"}')


def test_inner_matmul_without_outer_reduction_needs_no_copy_in():
    pipeline = (
        MATMUL.replace('"k_b","x_o","y_o"', '"x_o","y_o","k_b"')
        .replace('loop="k_o"}', 'loop="k_b"}', 1)
        .replace('block="C" loop="k_o"', 'block="C" loop="k_b"')
    )
    case = matmul(13, 35, 17)
    assert "C_register_in" not in str(transformed(case.text, pipeline))
    check(case, pipeline)


@pytest.mark.parametrize("order", [INSIDE, OUTSIDE], ids=["inside", "outside"])
@pytest.mark.parametrize("shape", [(3, 5, 6), (9, 13, 7), (4, 8, 6)])
def test_direct_convolution(shape, order):
    check(conv(*shape), CONV + order)


@pytest.mark.parametrize("options", [{"stride": 2}, {"pad": 2, "dilation": 2}, {"k": 1, "pad": 0}])
def test_direct_convolution_of_other_kinds(options):
    check(conv(5, 9, 9, **options), CONV + INSIDE)


def test_direct_convolution_peeled_and_prefetched():
    more = """,prefetch-buffer{buffer="W" ahead="ic_o" over="oh_o","kh","kw","ic_m"},
    peel-loop{loop="oh_o"}"""
    check(conv(9, 13, 7), CONV + OUTSIDE + more)


def test_convolution_in_parallel():
    for threads in (1, 2, 3):
        check(conv(9, 13, 7), CONV + INSIDE + ',parallelize-loop{loop="oc_o"}', threads)


def test_halo():
    """An input whose buffer has a frame of zeros: reads of its cells need no guard."""
    case = padded_conv(3, 4, 6)
    text = case.text
    start = text.index("  %P = "), text.index("  %C = ")
    text = text[: start[0]] + text[start[1] :]
    text = text.replace("%P[%ic, %oh + %kh, %ow + %kw]", "%X[%ic, %oh + %kh - 1, %ow + %kw - 1]")
    text = text.replace("tensor<3x8x8xf32>", "tensor<3x6x6xf32>")
    pipeline = """lower-te-to-loop,
    transform-layout{buffer="X" map="(c, h, w) -> (c, h + 1, w + 1)" extents=3,8,8}"""
    inputs = case.inputs()
    case.check(inputs, run(text, pipeline, *inputs))
    tile = """,split-loop{loop="oh" factor=4},
    promote-memory-scope{buffer="X" scope="local" at="oh_o"}"""
    case.check(inputs, run(text, pipeline + tile, *inputs))


def test_padding_inlined_into_a_convolution():
    check(padded_conv(3, 5, 7), LOWER + ',inline-compute{block="pad"}')
    pipeline = """,inline-compute{block="pad"}, split-loop{loop="ow" factor=4},
    reorder-loops{loops="ow_i","ic","kh","kw"}, reorder-loops{loops="ic","kh","kw","ow_i"},
    vectorize-loop{loop="ow_i"}"""
    check(padded_conv(3, 5, 7), LOWER + pipeline)


def test_depthwise_with_weights_in_registers():
    pipeline = """lower-te-to-loop,
    transform-layout{buffer="X" map="(c, h, w) -> (c floordiv 8, h, w, c mod 8)"},
    transform-layout{buffer="W" map="(c, h, w) -> (c floordiv 8, h, w, c mod 8)"},
    transform-layout{buffer="S" map="(c, h, w) -> (c floordiv 8, h, w, c mod 8)"},
    split-loop{loop="c" factor=8 names="c_o","c_v"}, split-loop{loop="oh" factor=2},
    split-loop{loop="ow" factor=3},
    reorder-loops{loops="c_o","oh_o","ow_o","kh","kw","oh_i","ow_i","c_v"},
    unroll-loop{loop="kh"}, unroll-loop{loop="kw"}, unroll-loop{loop="oh_i"},
    unroll-loop{loop="ow_i"}, vectorize-loop{loop="c_v"},
    decompose-reduction{block="dw" loop="kh"}, reverse-compute-at{block="scale" at="ow_o"},
    promote-memory-scope{buffer="D" scope="register" at="ow_o"},
    promote-memory-scope{buffer="W" scope="register" at="c_o"},
    unroll-loop{loop="W_register_in_d1"}, unroll-loop{loop="W_register_in_d2"},
    reorder-loops{loops="W_register_in_d1","W_register_in_d2","W_register_in_d0"},
    vectorize-loop{loop="W_register_in_d0"}"""
    check(depthwise(13, 9), pipeline)


def test_split_of_a_split_with_tails():
    pipeline = """lower-te-to-loop, split-loop{loop="k" factor=20},
    split-loop{loop="k_i" factor=16}, split-loop{loop="y" factor=5}, split-loop{loop="y_i" factor=3}
    """
    check(matmul(13, 3, 47), pipeline)
    check(matmul(13, 3, 47), pipeline + ',parallelize-loop{loop="y_o"}', threads=2)


def test_vectorized_loop_with_a_tail_writes_nothing_outside():
    for n in (1, 15, 16, 17):
        pipeline = """lower-te-to-loop, split-loop{loop="x" factor=16},
        vectorize-loop{loop="x_i"}"""
        check(matmul(2, n, 3), pipeline)


def test_several_nests_in_parallel():
    pipeline = """lower-te-to-loop, parallelize-loop{loop="y"}, parallelize-loop{loop="P_y"},
    promote-memory-scope{buffer="A" scope="local" at="P_y"}"""
    for threads in (1, 2, 3):
        check(chain(6, 5), pipeline, threads)


def test_softmax_in_parallel_by_rows():
    pipeline = """lower-te-to-loop, parallelize-loop{loop="y"}, parallelize-loop{loop="S_y"},
    parallelize-loop{loop="P_y"}, split-loop{loop="x" factor=4}, vectorize-loop{loop="x_i"}"""
    for threads in (1, 2, 3):
        check(softmax(5, 7), pipeline, threads)


@pytest.mark.parametrize("which", ["argmax", "argmin"])
def test_ties_take_the_smallest_index_in_any_order(which):
    pipeline = """lower-te-to-loop, split-loop{loop="k" factor=4},
    reorder-loops{loops="k_i","k_o"}"""
    check(extreme(6, 23, which), pipeline)


def test_gather_and_scatter_in_tiles():
    check(gather(9, 7, 5), LOWER + ',split-loop{loop="x" factor=4},vectorize-loop{loop="x_i"}')
    check(scatter(17, 11), LOWER + ',split-loop{loop="i" factor=4}')


def test_truth_values():
    text = """
func.func @any(%A: tensor<5x19xi1>, %B: tensor<5x19xi1>) -> tensor<5x19xi1> {
  %R = te.compute "R" (%y = 0 to 5, %x = 0 to 19) {
    %a = te.read %A[%y, %x] : tensor<5x19xi1>
    %b = te.read %B[%y, %x] : tensor<5x19xi1>
    %r = arith.xori %a, %b : i1
    te.yield %r : i1
  } : tensor<5x19xi1>
  func.return %R : tensor<5x19xi1>
}
"""
    rng = np.random.default_rng(0)
    a, b = small(rng, 5, 19, kind="bool"), small(rng, 5, 19, kind="bool")
    for pipeline in (LOWER, LOWER + ',split-loop{loop="x" factor=8},vectorize-loop{loop="x_i"}'):
        (got,) = run(text, pipeline, a, b)
        np.testing.assert_array_equal(got, a ^ b)


SYMBOLIC = """lower-te-to-loop, split-loop{loop="y" factor=4}, split-loop{loop="x" factor=8},
reorder-loops{loops="y_o","x_o","k","y_i","x_i"}, unroll-loop{loop="y_i"},
vectorize-loop{loop="x_i"}, decompose-reduction{block="C" loop="k"},
reverse-compute-at{block="R" at="x_o"},
promote-memory-scope{buffer="C" scope="register" at="x_o"}"""


@pytest.mark.parametrize("more", ["", ',peel-loop{loop="y_o"}', ',parallelize-loop{loop="y_o"}'])
def test_one_kernel_for_many_sizes(more):
    machine = Machine(transformed(symbolic(), SYMBOLIC + more))
    rng = np.random.default_rng(0)
    for m, n in ((1, 1), (3, 8), (4, 7), (9, 17), (0, 5), (8, 16)):
        a, b, bias = small(rng, m, 9), small(rng, 9, n), small(rng, n)
        (got,) = execute(machine, a, b, bias, threads=2)
        np.testing.assert_array_equal(got, np.maximum(a @ b + bias, 0))
