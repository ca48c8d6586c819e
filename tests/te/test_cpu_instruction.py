"""An instruction of a CPU that is declared in Python, with its machine code as LLVM IR."""

import numpy as np
import pytest

import dovetail as t

DOT2X4 = """
define internal void @dot2x4.reset(ptr %sums) alwaysinline {
  store <4 x i32> zeroinitializer, ptr %sums, align 4
  ret void
}
define internal void @dot2x4.update(ptr %sums, ptr %left, ptr %right) alwaysinline {
  %old = load <4 x i32>, ptr %sums, align 4
  %two = load i32, ptr %left, align 2
  %first = insertelement <4 x i32> poison, i32 %two, i64 0
  %four = shufflevector <4 x i32> %first, <4 x i32> poison, <4 x i32> zeroinitializer
  %all = bitcast <4 x i32> %four to <8 x i16>
  %y = load <8 x i16>, ptr %right, align 2
  %xw = sext <8 x i16> %all to <8 x i32>
  %yw = sext <8 x i16> %y to <8 x i32>
  %p = mul <8 x i32> %xw, %yw
  %even = shufflevector <8 x i32> %p, <8 x i32> poison, <4 x i32> <i32 0, i32 2, i32 4, i32 6>
  %odd = shufflevector <8 x i32> %p, <8 x i32> poison, <4 x i32> <i32 1, i32 3, i32 5, i32 7>
  %pairs = add <4 x i32> %even, %odd
  %new = add <4 x i32> %old, %pairs
  store <4 x i32> %new, ptr %sums, align 4
  ret void
}
"""


def declared(**more):
    left, right = t.placeholder((2,), "int16"), t.placeholder((4, 2), "int16")
    k = t.reduce_axis((0, 2))
    sums = t.compute(
        (4,), lambda n: t.sum(left[k].astype("int32") * right[n, k].astype("int32"), axis=k)
    )

    def lower(inputs, outputs):
        read = [value.access_ptr("r") for value in inputs]
        written = outputs[0].access_ptr("w")
        compute = t.hardware_intrin("dot2x4.compute", *read, written)
        reset = t.hardware_intrin("dot2x4.reset", written)
        update = t.hardware_intrin("dot2x4.update", *read, written)
        return compute, reset, update

    return t.decl_tensor_intrin(sums.op, lower, **more)


def test_it_runs():
    dot2x4 = declared(name="dot2x4", llvm=DOT2X4)
    A, B = t.placeholder((5, 6), "int16"), t.placeholder((12, 6), "int16")
    k = t.reduce_axis((0, 6))
    C = t.compute(
        (5, 12), lambda y, x: t.sum(A[y, k].astype("int32") * B[x, k].astype("int32"), axis=k)
    )
    s = t.create_schedule(C.op)
    y, x = s[C].op.axis
    xo, xi = s[C].split(x, factor=4)
    ko, ki = s[C].split(k, factor=2)
    s[C].reorder(y, xo, ko, xi, ki)
    s[C].pack(B, "(x, k) -> (k floordiv 2, x, k mod 2)")
    s[C].tensorize(xi, dot2x4)
    a = np.arange(30, dtype=np.int16).reshape(5, 6)
    b = np.arange(72, dtype=np.int16).reshape(12, 6) - 30
    c = np.empty((5, 12), np.int32)
    product = t.build(s, [A, B, C])
    assert "loop.intrinsic @dot2x4" in str(product.module)
    product(a, b, c)
    np.testing.assert_array_equal(c, a.astype(np.int32) @ b.T.astype(np.int32))


def test_features_without_code():
    with pytest.raises(t.UserError, match=r"^'dot2x4.compute' needs avx2, but has no llvm text"):
        declared(needs=["avx2"])
