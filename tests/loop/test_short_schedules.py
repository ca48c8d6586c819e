"""Short schedules, each with one thing that is easily got wrong."""

import numpy as np
import pytest
from native import apply, parse, run
from te_cases import chain, conv, depthwise, extreme, gather, matmul, pool, softmax, symbolic_case

from analysis.errors import ScheduleError


def promote(buffer, at, scope="local"):
    return f'promote-memory-scope{{buffer="{buffer}" scope="{scope}" at="{at}"}}'


def pad(block, *loops_and_multiples):
    loops = ",".join(f'"{name}"' for name in loops_and_multiples[::2])
    multiples = ",".join(map(str, loops_and_multiples[1::2]))
    return f'pad-block{{block="{block}" loops={loops} multiples={multiples}}}'


ACCEPTED = {
    "a tile that is read beside an init region": (matmul(7, 11, 9), [promote("B", "x")]),
    "a tile of what a guarded read reads": (pool(3, 6), [promote("X", "oh")]),
    "a tile that begins inside a reduction": (
        chain(6, 5),
        ['inline-compute{block="S"}', 'split-loop{loop="k" factor=5}', promote("A", "k_i")],
    ),
    "a product in whole tiles": (
        matmul(7, 11, 9),
        [
            pad("C", "y", 4, "x", 8, "k", 4),
            'split-loop{loop="y" factor=4}',
            'split-loop{loop="x" factor=8}',
            'reverse-compute-at{block="C_crop" at="y_i"}',
        ],
    ),
    "a product that is padded after its tile was made": (
        matmul(7, 11, 9),
        [
            'split-loop{loop="y" factor=4}',
            'split-loop{loop="k" factor=4}',
            promote("C", "y_o", "register"),
            pad("C", "y_i", 4, "k_i", 4),
            'decompose-reduction{block="C" loop="k_o"}',
        ],
    ),
    "layouts with room for whole blocks": (
        matmul(7, 11, 9),
        [
            'transform-layout{buffer="A" map="(y,k)->(y floordiv 4,k,y mod 4)" pad=0}',
            'transform-layout{buffer="B" map="(k,x)->(k,x)" extents=12,16 pad=0}',
            'transform-layout{buffer="C" map="(y,x)->(y,x floordiv 8,x mod 8)" extents=8,2,8}',
            pad("C", "y", 4, "x", 8),
            'split-loop{loop="x" factor=8}',
            'vectorize-loop{loop="x_i"}',
        ],
    ),
    "a chain of padded blocks": (
        conv(3, 5, 6),
        [pad("conv", "oc", 8, "ic", 4), pad("biased", "c", 8), pad("relu", "relu_c", 8)],
    ),
    "a gather in whole vectors": (
        gather(9, 5, 7),
        [
            pad("G", "y", 4, "x", 8),
            'split-loop{loop="x" factor=8}',
            'vectorize-loop{loop="x_i"}',
        ],
    ),
    "a padded maximum": (softmax(5, 7), [pad("M", "k", 4, "y", 4)]),
    "a padded search of the first of the largest": (
        extreme(5, 9, "argmax"),
        ['decompose-reduction{block="pick" loop="k"}', pad("pick", "k", 8)],
    ),
    "partial sums in lanes": (
        matmul(5, 7, 37),
        [
            'split-loop{loop="k" factor=8}',
            'rfactor{block="C" loop="k_i"}',
            promote("C_rf", "x"),
            'reorder-loops{loops="k_i","k_o"}',
        ],
    ),
    "partial results that get no term": (
        extreme(5, 9, "argmin"),
        ['split-loop{loop="k" factor=16}', 'rfactor{block="pick" loop="k_i"}'],
    ),
    "partial results of a fused loop, twice": (
        conv(3, 5, 6),
        [
            'fuse-loops{loops="kh","kw" into="taps"}',
            'split-loop{loop="taps" factor=4}',
            'rfactor{block="conv" loop="taps_i"}',
            'rfactor{block="conv_rf" loop="ic"}',
        ],
    ),
    "partial results of a remainder": (
        symbolic_case(9, 17),
        [
            'split-loop{loop="k" factor=4}',
            'peel-loop{loop="k_o"}',
            'rfactor{block="C_tail" loop="k_i_tail"}',
            'decompose-reduction{block="C" loop="k_o"}',
        ],
    ),
    "a tile larger than what is left": (
        conv(3, 5, 6),
        ['split-loop{loop="kw" factor=16}', promote("W", "kw_o")],
    ),
    "a tile of a tile that is only read": (
        depthwise(5, 6),
        [
            'decompose-reduction{block="dw" loop="kw"}',
            promote("D", "c"),
            promote("D_local", "D_local_out_oh", "register"),
        ],
    ),
    "a tile of a pair's first part": (extreme(5, 9, "argmax"), [promote("A", "y")]),
    "a place that does not depend on a loop whose bounds its loops use": (
        chain(6, 5),
        [
            'split-loop{loop="x" factor=8}',
            'peel-loop{loop="x_i"}',
            'split-loop{loop="y" factor=16}',
            'split-loop{loop="x_i_tail" factor=5}',
            promote("S", "y_o", "register"),
        ],
    ),
    "two tiles of one buffer": (
        matmul(7, 11, 9),
        [
            'split-loop{loop="k" factor=4}',
            promote("C", "x", "register"),
            promote("C", "y"),
            promote("A", "k_o"),
            promote("A", "y"),
        ],
    ),
    "an init nest in the first iteration of a reduction outside": (
        matmul(7, 11, 9),
        [
            'split-loop{loop="k" factor=4}',
            'reorder-loops{loops="k_o","y"}',
            'decompose-reduction{block="C" loop="x"}',
        ],
    ),
    "a consumer in a tile with a tail, sizes only known at run time": (
        symbolic_case(5, 7),
        ['split-loop{loop="y" factor=4}', 'reverse-compute-at{block="R" at="y_o"}'],
    ),
    "a consumer that was tiled itself": (
        chain(6, 5),
        [
            'split-loop{loop="P_y" factor=4}',
            'split-loop{loop="P_y_i" factor=3}',
            'reverse-compute-at{block="P" at="y"}',
        ],
    ),
}


@pytest.mark.parametrize(
    ("shape", "axes", "read", "reference"),
    [
        ((5, 12), "%i = 0 to 60", "%i floordiv 12, %i mod 12", lambda c: c.reshape(-1)),
        ((60,), "%y = 0 to 5, %x = 0 to 12", "%y * 12 + %x", lambda c: c.reshape(5, 12)),
        ((5, 7), "%y = 0 to 7, %x = 0 to 5", "%x, %y", lambda c: c.T),
        ((9, 7), "%y = 0 to 4, %x = 0 to 5", "%y + 2, 5 - %x", lambda c: c[2:6, 5:0:-1]),
        ((9,), "%y = 0 to 4", "%y * 2 + 1", lambda c: c[1:9:2]),
        (
            (24,),
            "%p = 0 to 2, %q = 0 to 3, %r = 0 to 4",
            "%q * 8 + %p * 4 + %r",
            lambda c: c.reshape(3, 2, 4).transpose(1, 0, 2),
        ),
    ],
)
def test_results_that_a_producer_writes(shape, axes, read, reference):
    """A consumer that reads in another order, or some elements only, in whole loops and split."""
    x = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    want = -reference(x + x)
    whole, found = ("x".join(map(str, s)) for s in (shape, want.shape))
    mine = ", ".join(f"%i{n} = 0 to {size}" for n, size in enumerate(shape))
    text = f"""
func.func @moved(%A: tensor<{whole}xf32>) -> tensor<{found}xf32> {{
  %C = te.compute "C" ({mine}) {{
    %a = te.read %A[{", ".join(f"%i{n}" for n in range(len(shape)))}] : tensor<{whole}xf32>
    %s = arith.addf %a, %a : f32
    te.yield %s : f32
  }} : tensor<{whole}xf32>
  %D = te.compute "D" ({axes}) {{
    %c = te.read %C[{read}] : tensor<{whole}xf32>
    %n = arith.negf %c : f32
    te.yield %n : f32
  }} : tensor<{found}xf32>
  func.return %D : tensor<{found}xf32>
}}"""
    for split in ("", 'split-loop{loop="i0" factor=4},'):
        (got,) = run(text, f'lower-te-to-loop,{split}reverse-inline{{block="D"}}', x)
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("what", ACCEPTED)
def test_results_are_kept(what):
    case, schedule = ACCEPTED[what]
    inputs = case.inputs()
    case.check(inputs, run(case.text, ",".join(["lower-te-to-loop", *schedule]), *inputs))


REFUSED = {
    "a tile that an instruction could not compute": (
        matmul(7, 11, 9),
        [
            'split-loop{loop="x" factor=4}',
            'decompose-reduction{block="C" loop="k"}',
            'blockize{loop="x_i"}',
        ],
        "no multiple of 4",
    ),
    "a tile of a buffer that only lives below": (
        matmul(7, 11, 9),
        [promote("A", "k"), promote("A_local", "y")],
        "%A_local only lives inside loop 'y'",
    ),
    "a tile of a tile of the same loop": (
        matmul(7, 11, 9),
        [promote("A", "k"), promote("A_local", "k")],
        "%A_local only lives inside loop 'k'",
    ),
    "a prefetch of a tile": (
        matmul(5, 6, 7),
        [promote("C", "k"), 'prefetch-buffer{buffer="C_local" ahead="y" over="k"}'],
        "%C_local only lives inside loop 'y'",
    ),
    "a consumer of one peeled part": (
        chain(6, 5),
        [
            'split-loop{loop="y" factor=4}',
            'peel-loop{loop="y_o"}',
            'reverse-compute-at{block="P" at="y_o_tail"}',
        ],
        "does not run over all points",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals(what):
    case, schedule, message = REFUSED[what]
    module = apply(parse(case.text), ",".join(["lower-te-to-loop", *schedule[:-1]]))
    before = str(module)
    with pytest.raises(ScheduleError, match=message):
        apply(module, schedule[-1])
    assert str(module) == before, "a refusal leaves the module as it is"
