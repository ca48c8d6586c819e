"""The programs of the talks on TVM run as they stand, and print the listings of their slides.

The listings have loops named as the primitives name them, and slices for nests over whole tiles.
"""

import numpy as np
import pytest

import dovetail as t
from analysis.errors import ScheduleError, UserError
from dovetail import vdla
from dovetail.opt import run
from dovetail.printing.pseudo import listing_of

HEADER = "def main(A: f32[1024, 1024], B: f32[1024, 1024], C: f32[1024, 1024]):\n"

NAIVE = """\
    for y in range(1024):
        for x in range(1024):
            C[y, x] = 0
            for k in range(1024):
                C[y, x] += A[k, y] * B[k, x]
"""

TILED = """\
    for y_o in range(128):
        for x_o in range(128):
            C[y_o*8:y_o*8+8, x_o*8:x_o*8+8] = 0
            for k_o in range(128):
                for y_i in range(8):
                    for x_i in range(8):
                        for k_i in range(8):
                            C[y_o*8 + y_i, x_o*8 + x_i] += A[k_o*8 + k_i, y_o*8 + y_i] * B[k_o*8 + k_i, x_o*8 + x_i]
"""  # noqa: E501

BUFFERS = """\
    for y_o in range(128):
        for x_o in range(128):
            acc_buffer CL[8, 8]
            CL[:, :] = 0
            for k_o in range(128):
                inp_buffer AL[8, 8], BL[8, 8]
                vdla.dma_copy2d(AL, A[k_o*8:k_o*8+8, y_o*8:y_o*8+8])
                vdla.dma_copy2d(BL, B[k_o*8:k_o*8+8, x_o*8:x_o*8+8])
                for y_i in range(8):
                    for x_i in range(8):
                        for k_i in range(8):
                            CL[y_i, x_i] += AL[k_i, y_i] * BL[k_i, x_i]
            vdla.dma_copy2d(C[y_o*8:y_o*8+8, x_o*8:x_o*8+8], CL)
"""

TENSORIZED = """\
    for y_o in range(128):
        for x_o in range(128):
            acc_buffer CL[8, 8]
            vdla.fill_zero(CL)
            for k_o in range(128):
                inp_buffer AL[8, 8], BL[8, 8]
                vdla.dma_copy2d(AL, A[k_o*8:k_o*8+8, y_o*8:y_o*8+8])
                vdla.dma_copy2d(BL, B[k_o*8:k_o*8+8, x_o*8:x_o*8+8])
                vdla.fused_gemm8x8_add(CL, AL, BL)
            vdla.dma_copy2d(C[y_o*8:y_o*8+8, x_o*8:x_o*8+8], CL)
"""


def listing(s, args):
    """The listing of the function of a schedule, without the instructions declared before it."""
    return HEADER + listing_of(t.lower(s, args)).partition(HEADER)[2]


def test_matrix_product_step_by_step():
    A = t.placeholder((1024, 1024))
    B = t.placeholder((1024, 1024))
    k = t.reduce_axis((0, 1024))
    C = t.compute((1024, 1024), lambda y, x: t.sum(A[k, y] * B[k, x], axis=k))
    s = t.create_schedule(C.op)
    assert listing(s, [A, B, C]) == HEADER + NAIVE

    y, x = s[C].op.axis
    yo, xo, ko, yi, xi, ki = s[C].tile(y, x, k, 8, 8, 8)  # noqa: RUF059
    assert listing(s, [A, B, C]) == HEADER + TILED

    CL = s.cache_write(C, vdla.acc_buffer)
    AL = s.cache_read(A, vdla.inp_buffer)
    BL = s.cache_read(B, vdla.inp_buffer)
    s[CL].compute_at(s[C], xo)
    s[AL].compute_at(s[CL], ko)
    s[BL].compute_at(s[CL], ko)
    assert listing(s, [A, B, C]) == HEADER + BUFFERS

    s[CL].tensorize(yi, vdla.gemm8x8)
    assert listing(s, [A, B, C]) == HEADER + TENSORIZED


def scheduled(size, body, intrinsic):
    """The same program at another size and with another product, tensorized."""
    A = t.placeholder((size, size))
    B = t.placeholder((size, size))
    k = t.reduce_axis((0, size))
    C = t.compute((size, size), lambda y, x: t.sum(body(A, B, y, x, k), axis=k))
    s = t.create_schedule(C.op)
    y, x = s[C].op.axis
    yo, xo, ko, yi, xi, ki = s[C].tile(y, x, k, 8, 8, 8)  # noqa: RUF059
    CL = s.cache_write(C, vdla.acc_buffer)
    AL = s.cache_read(A, vdla.inp_buffer)
    BL = s.cache_read(B, vdla.inp_buffer)
    s[CL].compute_at(s[C], xo)
    s[AL].compute_at(s[CL], ko)
    s[BL].compute_at(s[CL], ko)
    s[CL].tensorize(yi, intrinsic)
    return s, [A, B, C]


def integers(*shape):
    return np.random.default_rng(1).integers(-8, 9, shape).astype("float32")


def test_the_tensorized_program_runs_and_every_step_keeps_its_results(tmp_path, capsys):
    s, args = scheduled(24, lambda A, B, y, x, k: A[k, y] * B[k, x], vdla.gemm8x8)
    a, b, c = integers(24, 24), integers(24, 24)[::-1].copy(), np.empty((24, 24), "float32")
    t.build(s, args, target="llvm")(a, b, c)
    assert np.array_equal(c, a.T @ b)
    source = tmp_path / "program.mlir"
    source.write_text(str(s.expression()))
    assert run([str(source), "-p", str(s), "--verify-each=run", "-t", "pseudo"]) == 0
    printed = capsys.readouterr()
    assert "vdla.fused_gemm8x8_add(CL, AL, BL)" in printed.out


def test_latency_hiding_keeps_results(tmp_path, capsys):
    A, B = t.placeholder((32, 32)), t.placeholder((32, 32))
    k = t.reduce_axis((0, 32))
    C = t.compute((32, 32), lambda y, x: t.sum(A[k, y] * B[k, x], axis=k))
    s = t.create_schedule(C.op)
    _, xo, ko, yi, *_ = s[C].tile(*s[C].op.axis, k, 8, 8, 8)
    _, thread = s[C].split(xo, factor=2)
    CL = s.cache_write(C, vdla.acc_buffer)
    AL = s.cache_read(A, vdla.inp_buffer)
    BL = s.cache_read(B, vdla.inp_buffer)
    s[CL].compute_at(s[C], thread)
    s[AL].compute_at(s[CL], ko)
    s[BL].compute_at(s[CL], ko)
    s[CL].tensorize(yi, vdla.gemm8x8)
    s[CL].vthread(thread)
    for step, line in (
        (lambda: None, "for vthread x_o_i in range(2):"),
        (s.insert_dependence_tokens, "ld.pop_dep_from(ex)"),
        (s.lower_virtual_threads, "ex.fused_gemm8x8_add(CL1, AL1, BL1)"),
    ):
        step()
        assert line in t.listing(s)
        a, b, c = integers(32, 32), integers(32, 32)[::-1].copy(), np.empty((32, 32), "float32")
        t.build(s, [A, B, C])(a, b, c)
        assert np.array_equal(c, a.T @ b)
    source = tmp_path / "program.mlir"
    source.write_text(str(s.expression()))
    assert run([str(source), "-p", str(s), "--verify-each=run", "-t", "pseudo"]) == 0
    capsys.readouterr()


def declared():
    """The instruction that a hardware designer declares."""
    w, x = t.placeholder((8, 8)), t.placeholder((8, 8))
    k = t.reduce_axis((0, 8))
    y = t.compute((8, 8), lambda i, j: t.sum(w[i, k] * x[j, k], axis=k))

    def gemm_intrin_lower(inputs, outputs):
        ww_ptr = inputs[0].access_ptr("r")
        xx_ptr = inputs[1].access_ptr("r")
        zz_ptr = outputs[0].access_ptr("w")
        compute = t.hardware_intrin("gemm8x8", ww_ptr, xx_ptr, zz_ptr)
        reset = t.hardware_intrin("fill_zero", zz_ptr)
        update = t.hardware_intrin("fuse_gemm8x8_add", ww_ptr, xx_ptr, zz_ptr)
        return compute, reset, update

    gemm8x8 = t.decl_tensor_intrin(y.op, gemm_intrin_lower)
    assert gemm8x8.name == "gemm8x8"
    return gemm8x8


def test_a_declared_instruction_is_text():
    assert str(declared().declaration) == (
        """\
te.intrinsic @gemm8x8 (%w: tensor<8x8xf32>, %x: tensor<8x8xf32>) {
  %y = te.compute "y" (%i = 0 to 8, %j = 0 to 8) sum (%k = 0 to 8) {
    %w_element = te.read %w[%i, %k] : tensor<8x8xf32>
    %x_element = te.read %x[%j, %k] : tensor<8x8xf32>
    %0 = arith.mulf %w_element, %x_element : f32
    te.yield %0 : f32
  } : tensor<8x8xf32>
  te.yield %y : tensor<8x8xf32>
} lower compute "gemm8x8" reset "fill_zero" update "fuse_gemm8x8_add\""""
    )


def test_a_declared_instruction_is_refused_where_it_does_not_fit():
    with pytest.raises(ScheduleError) as caught:
        scheduled(16, lambda A, B, y, x, k: A[k, y] * B[k, x], declared())
    first, names, left, *_ = str(caught.value).splitlines()
    assert first.startswith("tensorize: block 'C' does not compute what @gemm8x8 does: ")
    assert names.split("    ")[0].strip() == "@gemm8x8" and names.endswith("block 'C'")
    assert left.startswith("  y[i, j] += w[i, k] * x[j, k]  ")
    assert left.endswith("  CL[y, x] += AL[k, y] * BL[k, x]")


def test_a_declared_instruction_is_accepted_where_it_fits():
    s, args = scheduled(16, lambda A, B, y, x, k: A[y, k] * B[x, k], declared())
    text = listing_of(t.lower(s, args))
    assert "vdla.fuse_gemm8x8_add(CL, AL, BL)" in text and "vdla.fill_zero(CL)" in text
    a, b, c = integers(16, 16), integers(16, 16).T.copy(), np.empty((16, 16), "float32")
    t.build(s, args)(a, b, c)
    assert np.array_equal(c, a @ b.T)


def test_symbolic_shapes():
    m, n, h = t.var("m"), t.var("n"), t.var("h")
    A = t.placeholder((m, h), name="A")
    B = t.placeholder((n, h), name="B")
    k = t.reduce_axis((0, h), name="k")
    with pytest.raises(UserError) as caught:
        t.compute((m, n), lambda y, x: t.sum(A[k, y] * B[k, x], axis=k))
    assert caught.value.message == "A[k, y]: cannot prove k < m (k ranges to h)"
    C = t.compute((m, n), lambda y, x: t.sum(A[y, k] * B[x, k], axis=k))
    assert listing_of(t.module([A, B, C])) == (
        "def main(A: f32[m, h], B: f32[n, h]) -> f32[m, n]:\n"
        "    C[y, x] = sum(A[y, k] * B[x, k] for k in range(h))\n"
        "    return C\n"
    )
    product = t.build(t.create_schedule(C.op), [A, B, C])
    for rows, columns, depth in ((5, 7, 3), (1, 1, 9)):
        a, b = integers(rows, depth), integers(columns, depth)
        c = np.empty((rows, columns), "float32")
        product(a, b, c)
        assert np.array_equal(c, a @ b.T)
