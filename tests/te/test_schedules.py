"""Schedules: what their value is, what primitives make of loops, and what is refused where."""

import traceback

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.passes import PassPipeline

import dovetail as t
from analysis.errors import UserError
from dovetail import vdla
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.printing.pseudo import listing_of
from dovetail.universe import DOVETAIL_UNIVERSE


def product(m=12, n=20, h=9):
    A = t.placeholder((m, h), name="A")
    B = t.placeholder((h, n), name="B")
    k = t.reduce_axis((0, h), name="k")
    C = t.compute((m, n), lambda y, x: t.sum(A[y, k] * B[k, x], axis=k), name="C")
    D = t.compute((m, n), lambda y, x: t.max(C[y, x], 0), name="D")
    return A, B, k, C, D


def integers(*shape):
    return np.random.default_rng(7).integers(-8, 9, shape).astype("float32")


def check(s, A, B, outputs):
    """What a schedule computes, by machine code; D is the last of the outputs."""
    a, b = integers(*A.shape), integers(*B.shape)
    arrays = [np.full(o.shape, np.nan, "float32") for o in outputs]
    t.build(s, [A, B, *outputs])(a, b, *arrays)
    assert np.array_equal(arrays[-1], np.maximum(a @ b, 0))


def test_a_schedule_for_a_cpu():
    A, B, k, C, D = product()
    s = t.create_schedule(D.op)
    y, x = s[C].op.axis
    yo, xo, yi, xi = s[C].tile(y, x, 4, 8)
    s[C].reorder(yo, xo, k, yi, xi)
    s[C].vectorize(xi)
    s[C].unroll(yi)
    s[C].decompose_reduction(k)
    s[D].compute_at(s[C], xo)
    CR = s.cache_write(C, "register")
    s[CR].compute_at(s[C], xo)
    ko, _ = s[CR].split(k, factor=3)
    assert str(ko) == "k_o"
    s[C].parallel(yo)
    assert listing_of(t.lower(s, [A, B, D])) == (
        """\
def main(A: f32[12, 9], B: f32[9, 20], D: f32[12, 20]):
    for y_o in parallel(3):
        for x_o in range(3):
            register CR[4, 8]
            CR[:, 0:min(8, 20-x_o*8)] = 0  # C_init: unrolled 4, vectorized 8
            for k_o in range(3):
                for k_i in range(3):
                    for y_i in unrolled(4):
                        for x_i in vectorized(8):
                            if x_o*8 + x_i < 20:
                                CR[y_i, x_i] += A[y_o*4 + y_i, k_o*3 + k_i] * B[k_o*3 + k_i, x_o*8 + x_i]
            for D_y_i in unrolled(4):
                for D_x_i in vectorized(8):
                    if x_o*8 + D_x_i < 20:
                        D[y_o*4 + D_y_i, x_o*8 + D_x_i] = max(CR[D_y_i, D_x_i], 0)
"""  # noqa: E501
    )
    check(s, A, B, [D])


def test_the_value_of_a_schedule_is_its_passes():
    def make(factor):
        _, _, _, C, _ = product()
        s = t.create_schedule(C.op)
        s[C].split(C.op.axis[0], factor=factor)
        return s

    assert make(4) == make(4) and hash(make(4)) == hash(make(4))
    assert make(4) != make(3)
    s = make(4)
    text = 'lower-te-to-loop,split-loop{loop="y" factor=4}'
    assert str(s) == text
    assert parse_passes(Source("the schedule", text), DOVETAIL_UNIVERSE.all_passes) == s.passes
    module = s.expression()
    PassPipeline(s.passes).apply(Context(), module)
    assert str(module) == str(s.loops)


def test_parts_and_inlining():
    A, B, k, C, D = product()
    s = t.create_schedule(D)
    outer, inner = s[C].split(k, nparts=2)
    assert (str(outer), str(inner)) == ("k_o", "k_i")
    assert "for k_o in range(2)" in listing_of(s.loops)
    check(s, A, B, [D])

    E = t.compute((12, 9), lambda i, j: A[i, j] + 1)
    F = t.compute((12, 9), lambda i, j: E[i, j] * 2)
    s = t.create_schedule(F.op)
    s[E].compute_inline()
    assert "F[F_i, F_j] = (A[F_i, F_j] + 1) * 2" in listing_of(s.loops)
    a = integers(12, 9)
    f = np.empty_like(a)
    t.build(s, [A, F])(a, f)
    assert np.array_equal(f, (a + 1) * 2)


def test_fused_loops():
    A, B, _, C, D = product()
    s = t.create_schedule(D.op)
    yo, xo, yi, _ = s[C].tile(*C.op.axis, 4, 8)
    outer = s[C].fuse(yo, xo)
    inner = s[D].fuse(*D.op.axis)
    assert (str(outer), str(inner)) == ("y_o_x_o_f", "D_y_D_x_f")
    with pytest.raises(UserError, match="loop 'y_i' is inside loop 'y_o_x_o_f'"):
        s[C].fuse(yi, outer)
    s[C].parallel(outer)
    assert str(s).endswith(
        'fuse-loops{loops="y_o","x_o"},fuse-loops{loops="D_y","D_x"},'
        'parallelize-loop{loop="y_o_x_o_f"}'
    )
    check(s, A, B, [D])


def test_intermediate_results_as_arguments():
    A, B, _, C, D = product()
    s = t.create_schedule(D.op)
    check(s, A, B, [C, D])


def test_names_that_are_taken_or_missing():
    def twice(value):
        return t.compute(value.shape, lambda i: value[i] * 2)

    A = t.placeholder((8,))
    B = twice(twice(A))
    s = t.create_schedule(B.op)
    (inner,) = B.op.inputs
    io, ii = s[inner].split(inner.op.axis[0], factor=4)
    A_1 = s.cache_read(A, "local")
    s[A_1].compute_at(s[inner], io)
    A1 = s.cache_read(A_1, "register")
    with pytest.raises(UserError, match="%A1 only lives inside loop 'i_o'"):
        s[A1].compute_at(s[inner], io)
    s[A1].compute_at(s[inner], ii)
    assert "local A1[4]" in t.listing(s) and "register A11[1]" in t.listing(s)
    a, b = integers(8), np.empty(8, "float32")
    t.build(s, [A, B])(a, b)
    assert np.array_equal(b, a * 4)


def test_the_order_of_arguments_moves_no_names():
    A, B = t.placeholder((8,), name="A"), t.placeholder((8,), name="A")
    P = t.compute((8,), lambda i: A[i] - B[i], name="P")
    Q = t.compute((8,), lambda i: A[i] * 2 + B[i], name="P_1")
    s = t.create_schedule([P.op, Q.op])
    s[P].vectorize(P.op.axis[0])
    BL = s.cache_read(B, "local")
    s[BL].compute_at(s[Q], Q.op.axis[0])
    text = t.listing(t.lower(s, [B, A, Q, P]))
    assert text.startswith("def main(A1: f32[8], A: f32[8], P1: f32[8], P: f32[8]):")
    assert "for i in vectorized(8):\n        P[i] = A[i] - A1[i]" in text
    assert "BL[0] = A1[" in text
    a, b, p, q = integers(8), integers(8)[::-1].copy(), np.empty(8, "f"), np.empty(8, "f")
    t.build(s, [B, A, Q, P])(b, a, q, p)
    assert np.array_equal(p, a - b) and np.array_equal(q, a * 2 + b)


def test_a_cache_for_some_readers():
    A = t.placeholder((8,), name="A")
    P = t.compute((8,), lambda i: A[i] + 1, name="P")
    Q = t.compute((8,), lambda i: A[i] * 2, name="Q")
    s = t.create_schedule([P.op, Q.op])
    AL = s.cache_read(A, "local", readers=[P])
    with pytest.raises(UserError, match=r"block 'Q' below loop 'Q_i' also uses %A"):
        s[AL].compute_at(s[Q], Q.op.axis[0])
    s[AL].compute_at(s[P], P.op.axis[0])
    assert "AL[0] = A[i]" in listing_of(s.loops) and "Q[Q_i] = A[Q_i] * 2" in listing_of(s.loops)


def test_a_producer_is_computed_where_it_is_read():
    A = t.placeholder((14, 11), name="A")
    k = t.reduce_axis((0, 3), name="k")
    B = t.compute((12, 11), lambda y, x: t.sum(A[y + k, x], axis=k), name="B")
    C = t.compute((10, 9), lambda y, x: B[y, x] + B[y + 2, x + 2], name="C")
    s = t.create_schedule(C.op)
    yo, _ = s[C].split(C.op.axis[0], factor=4)
    s[B].compute_at(s[C], yo)
    s[B].vectorize(B.op.axis[1])
    BL = s.cache_read(B, "local")
    s[BL].compute_at(s[C], yo)
    s[C].parallel(yo)
    assert 'compute-at{block="B" at="C_y_o"},vectorize-loop{loop="B_x"}' in str(s)
    assert listing_of(t.lower(s, [A, C])) == (
        """\
def main(A: f32[14, 11], C: f32[10, 9]):
    for C_y_o in parallel(3):
        local BL[6, 11]
        for B_y in range(6):
            for B_x in vectorized(11):
                if C_y_o*4 + B_y < 12:
                    BL[B_y, B_x] = 0
                for B_k in range(3):
                    if C_y_o*4 + B_y < 12:
                        BL[B_y, B_x] += A[C_y_o*4 + B_y + B_k, B_x]
        for C_y_i in range(4):
            for C_x in range(9):
                if C_y_o*4 + C_y_i < 10:
                    C[C_y_o*4 + C_y_i, C_x] = BL[C_y_i, C_x] + BL[C_y_i + 2, C_x + 2]
"""
    )
    a, c = integers(*A.shape), np.full(C.shape, np.nan, "float32")
    t.build(s, [A, C])(a, c)
    b = a[:-2] + a[1:-1] + a[2:]
    assert np.array_equal(c, b[:10, :9] + b[2:, 2:])


def mistakes():
    A, B, k, C, D = product()
    s = t.create_schedule(D.op)
    y, x = s[C].op.axis
    return {
        "x is an axis of C, not of D, whose axes are y, x": lambda: s[D].split(x, factor=4),
        "k is no axis of D, whose axes are y, x": lambda: s[D].unroll(t.reduce_axis((0, 4))),
        "A is not computed by this schedule; C, D are": lambda: s[A],
        "split takes factor= or nparts=": lambda: s[C].split(y),
        "nparts=0: it is at least 1": lambda: s[C].split(y, nparts=0),
        "split-loop: factor=0 for loop 'y': it is at least 1": lambda: s[C].split(y, factor=0),
        "tile takes some axes, then as many factors: tile(y, x, 8, 8)": lambda: s[C].tile(y, x, 8),
        "vectorize-loop: loop 'k' runs over the reduction of block 'C'": lambda: s[C].vectorize(k),
        "parallelize-loop: loop 'x' is inside loop 'y'": lambda: s[C].parallel(x),
        "CL (register) has no place yet: say in which loop it lives with": unplaced,
        "the schedule is for the target 'vdla', so it cannot use 'other'": other_target,
        "build: target 'vdla' has no code of its own here; llvm has": lambda: t.build(
            t.create_schedule(C.op), [A, B, C], target="vdla"
        ),
        "C, which the schedule computes, is not in the arguments": lambda: t.lower(
            t.create_schedule([C.op, D.op]), [A, B, D]
        ),
        "D is not computed by this schedule": lambda: t.lower(
            t.create_schedule(C.op), [A, B, C, D]
        ),
        "C reads B, which is not among the arguments": lambda: t.lower(
            t.create_schedule(C.op), [A, C]
        ),
        "none of the arguments is computed": lambda: t.module([A, B]),
        "compute-at: nothing below loop 'D_y' reads what block 'E' writes": lambda: unread(),
        "A is a placeholder: nothing of it is computed": lambda: t.create_schedule(A.op),
    }


def unread():
    A, _, _, _, _ = product()
    E = t.compute(A.shape, lambda y, x: A[y, x] + 1, name="E")
    D = t.compute(A.shape, lambda y, x: A[y, x] * 2, name="D")
    s = t.create_schedule([E.op, D.op])
    s[E].compute_at(s[D], D.op.axis[0])


def unplaced():
    A, B, _, C, _ = product()
    s = t.create_schedule(C.op)
    CL = s.cache_write(C, "register")
    t.lower(s, [A, B, C])
    return CL


def other_target():
    _, _, _, C, _ = product()
    s = t.create_schedule(C.op)
    s.cache_write(C, vdla.acc_buffer)
    s.cache_write(C, t.te.MemoryScope("acc", t.target.vta().__class__("other")))


@pytest.mark.parametrize("message", mistakes())
def test_mistakes_are_told_at_the_users_line(message):
    with pytest.raises(UserError) as caught:
        mistakes()[message]()
    assert caught.value.message.startswith(message), caught.value.message
    frames = traceback.extract_tb(caught.value.__traceback__)
    ours = max(i for i, frame in enumerate(frames) if frame.filename == __file__)
    assert len(frames) - ours <= 4, "few frames of the library stand after the user's line"


def test_what_is_refused_leaves_the_schedule_as_it_was():
    _, _, k, C, _ = product(8, 8, 16)
    s = t.create_schedule(C.op)
    y, x = C.op.axis
    before, text = s.passes, str(s.loops)
    with pytest.raises(UserError, match="does not compute what @gemm8x8 does"):
        s[C].tensorize(y, vdla.gemm8x8)
    assert s.passes == before and str(s.loops) == text and s.target is None
    with pytest.raises(UserError):
        s[C].tile(x, k, 4, 0)
    assert s.passes == before and str(s.loops) == text
    s[C].split(k, factor=8)


def test_layouts_and_prefetches():
    A, B, k, C, D = product()
    s = t.create_schedule(D.op)
    _, x = s[C].op.axis
    s.transform_layout(B, lambda k, x: (x // 16, k, x % 16))
    xo, xi = s[C].split(x, factor=16)
    s[C].reorder(xo, k, C.op.axis[0], xi)
    s[C].prefetch(B, ahead=xo, over=k)
    s[C].vectorize(xi)
    assert 'prefetch-buffer{buffer="B" ahead="x_o" over="k"' in str(s)
    a, b = integers(12, 9), integers(9, 20)
    f, d = t.build(s, [A, B, D]), np.empty((12, 20), np.float32)
    packed = f.pack("B", b)
    assert packed.shape == (2, 9, 16) and np.array_equal(f.unpack("B", packed), b)
    f(a, packed, d)
    assert np.array_equal(d, np.maximum(a @ b, 0))
    with pytest.raises(t.UserError, match=r"not \(2, 9, 16\): its layout wants pack\('B', "):
        f(a, b, d)
    with pytest.raises(t.UserError, match="main has no argument 'b': "):
        f.pack("b", b)


def test_results_in_the_place_of_operands():
    A, B, _, C, D = product()
    E = t.compute((12, 20), lambda y, x: D[y, x] * 2, name="E")
    s = t.create_schedule(E.op)
    s[D].compute_in_place(C)
    assert str(s).endswith('compute-in-place{block="D" buffer="C"}')
    a, b = integers(12, 9), integers(9, 20)
    e = np.empty((12, 20), np.float32)
    t.build(s, [A, B, E])(a, b, e)
    assert np.array_equal(e, 2 * np.maximum(a @ b, 0))


def test_a_sum_whose_order_is_to_stay():
    _, _, k, C, _ = product()
    s = t.create_schedule(C.op)
    ko, ki = s[C].split(k, factor=3)
    with pytest.raises(t.ScheduleError, match="reassociate=false: block 'C' would combine"):
        s[C].reorder(ki, ko, reassociate=False)
    s[C].reorder(ki, ko)
    assert "fastmath<reassoc" in str(s.loops)


def test_whole_tiles():
    A, B, k, C, D = product()
    s = t.create_schedule(D.op)
    y, x = C.op.axis
    s[C].pad(y, x, k, 4, 8, 4)
    assert str(s).endswith('pad-block{block="C" loops="y","x","k" multiples=4,8,4}')
    with pytest.raises(UserError, match=r"pad takes some axes, then .* pad\(y, x, 8, 16\)"):
        s[C].pad(y, x, 4)
    check(s, A, B, [D])


def test_partial_sums():
    A, B, k, C, D = product()
    s = t.create_schedule(D.op)
    _, inner = s[C].split(k, factor=4)
    with pytest.raises(UserError, match="reassociate=false: block 'C' would sum up its floats"):
        s[C].rfactor(inner, reassociate=False)
    s[C].rfactor(inner)
    assert str(s).endswith('rfactor{block="C" loop="k_i"}')
    check(s, A, B, [D])


def test_a_producer_writes_what_its_consumer_makes_of_it():
    A = t.placeholder((12, 20), name="A")
    C = t.compute((12, 20), lambda y, x: A[y, x] * 2, name="C")
    D = t.compute((20, 12), lambda y, x: C[x, y] + 1, name="D")
    s = t.create_schedule(D.op)
    s[D].reverse_compute_inline()
    assert str(s).endswith('reverse-inline{block="D"}')
    a, d = integers(12, 20), np.empty((20, 12), "float32")
    t.build(s, [A, D])(a, d)
    assert np.array_equal(d, (a * 2 + 1).T)
