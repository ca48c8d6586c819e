"""Products of narrow numbers as te functions: matrices and convolutions, and what they compute."""

import ml_dtypes
import numpy as np

KINDS = {
    "u8s8": ("i8", "i32", "arith.extui", "arith.extsi", "arith.muli"),
    "s8u8": ("i8", "i32", "arith.extsi", "arith.extui", "arith.muli"),
    "s8s8": ("i8", "i32", "arith.extsi", "arith.extsi", "arith.muli"),
    "bf16": ("bf16", "f32", "arith.extf", "arith.extf", "arith.mulf"),
}
"""For each kind the types of the factors and the sum, how both are widened, how multiplied."""

SIGNED = {"u": np.uint8, "s": np.int8}


def numbers(kind: str, which: int, *shape: int) -> np.ndarray:
    """A factor in the type that it means: the left (0) or right (1) one of a kind."""
    rng = np.random.default_rng(which)
    if kind == "bf16":
        return rng.integers(-8, 9, shape).astype(ml_dtypes.bfloat16)
    return rng.integers(0, 256, shape).astype(SIGNED[kind[0] if which == 0 else kind[2]])


def stored(array: np.ndarray) -> np.ndarray:
    """A factor as it lies in memory: bytes have no sign."""
    return array.view(np.int8) if array.dtype == np.uint8 else array


def matmul(m: int, n: int, k: int, kind: str, mark: str = "") -> str:
    """A product of matrices; `mark` are the attributes of the second one."""
    narrow, wide, left, right, times = KINDS[kind]
    return f"""
    func.func @matmul(%A: tensor<{m}x{k}x{narrow}>, %B: tensor<{k}x{n}x{narrow}> {mark})
        -> tensor<{m}x{n}x{wide}> {{
      %C = te.compute "C" (%y = 0 to {m}, %x = 0 to {n}) sum (%k = 0 to {k}) {{
        %a = te.read %A[%y, %k] : tensor<{m}x{k}x{narrow}>
        %b = te.read %B[%k, %x] : tensor<{k}x{n}x{narrow}>
        %aw = {left} %a : {narrow} to {wide}
        %bw = {right} %b : {narrow} to {wide}
        %p = {times} %aw, %bw : {wide}
        te.yield %p : {wide}
      }} : tensor<{m}x{n}x{wide}>
      func.return %C : tensor<{m}x{n}x{wide}>
    }}
    """


def wide(array: np.ndarray) -> np.ndarray:
    """An array in the type of the sum."""
    return array.astype(np.int32 if array.dtype.kind in "iu" else np.float32)


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What `matmul` computes."""
    return wide(a) @ wide(b)


def convolution(ic: int, oc: int, size: int, kernel: int, kind: str, step: int = 1) -> str:
    """A convolution of one image, padded, both sides blocked by channels as networks have them."""
    narrow, wide, left, right, times = KINDS[kind]
    pad, out = kernel // 2, (size + 2 * (kernel // 2) - kernel) // step + 1
    block, whole = min(ic, 64 if narrow == "i8" else 32), size + 2 * pad
    nothing = "0 : i8" if narrow == "i8" else "0.0 : bf16"
    x = f"""tensor<1x{ic}x{size}x{size}x{narrow}, #loop.layout<affine_map<(d0, d1, d2, d3) ->
      (d0, d1 floordiv {block}, d2 + {pad}, d3 + {pad}, d1 mod {block})>,
      [1, {ic // block}, {whole}, {whole}, {block}], pad {nothing}>>"""
    o = f"""tensor<1x{oc}x{out}x{out}x{wide}, #loop.layout<affine_map<(d0, d1, d2, d3) ->
      (d0, d1 floordiv 16, d2, d3, d1 mod 16)>, [1, {oc // 16}, {out}, {out}, 16]>>"""
    w = f"tensor<{oc}x{ic}x{kernel}x{kernel}x{narrow}>"
    return f"""
    func.func @convolution(%X: {x}, %W: {w} {{dovetail.weight}}) -> {o} {{
      %C = te.compute "C" (%n = 0 to 1, %oc = 0 to {oc}, %oh = 0 to {out}, %ow = 0 to {out})
          sum (%ic = 0 to {ic}, %kh = 0 to {kernel}, %kw = 0 to {kernel}) {{
        %x = te.read %X[%n, %ic, %oh * {step} + %kh - {pad}, %ow * {step} + %kw - {pad}] : {x}
        %w = te.read %W[%oc, %ic, %kh, %kw] : {w}
        %xw = {left} %x : {narrow} to {wide}
        %ww = {right} %w : {narrow} to {wide}
        %p = {times} %xw, %ww : {wide}
        te.yield %p : {wide}
      }} : {o}
      func.return %C : {o}
    }}
    """


def convolved(x: np.ndarray, w: np.ndarray, step: int = 1) -> np.ndarray:
    """What `convolution` computes."""
    pad, kernel = w.shape[2] // 2, w.shape[2]
    padded = np.pad(wide(x), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = (x.shape[2] + 2 * pad - kernel) // step + 1
    result = np.zeros((1, w.shape[0], out, out), padded.dtype)
    for kh in range(kernel):
        for kw in range(kernel):
            part = padded[:, :, kh : kh + step * out : step, kw : kw + step * out : step]
            result += np.einsum("ncyx,oc->noyx", part[:, :, :out, :out], wide(w[:, :, kh, kw]))
    return result
