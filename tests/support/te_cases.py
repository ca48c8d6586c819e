"""Tensor expressions with what they should compute, said in NumPy.

Sizes are odd, so that every tile has a tail; inputs are small integers, so that sums are exact in
any order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from native import small


@dataclass(frozen=True)
class Case:
    """A function of tensors, the inputs that it is called with and the outputs it should have."""

    text: str
    shapes: Sequence[tuple[int, ...]]
    reference: Callable[..., Sequence[np.ndarray]]
    kinds: Sequence[str] = ()
    tolerance: float = 0.0

    def inputs(self, seed: int = 0) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        kinds = self.kinds or ["float32"] * len(self.shapes)
        return [small(rng, *s, kind=k) for s, k in zip(self.shapes, kinds, strict=True)]

    def check(self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> None:
        expected = self.reference(*inputs)
        assert len(outputs) == len(expected)
        for got, want in zip(outputs, expected, strict=True):
            assert got.shape == want.shape
            if self.tolerance:
                np.testing.assert_allclose(got, want, rtol=self.tolerance, atol=1e-6)
            else:
                np.testing.assert_array_equal(got, want)


def matmul(m: int, n: int, k: int, element: str = "f32") -> Case:
    """C = A @ B."""
    floating = element.startswith("f")
    kind = {"f32": "float32", "f64": "float64", "i8": "int8", "i32": "int32", "i64": "int64"}
    text = f"""
func.func @matmul(%A: tensor<{m}x{k}x{element}>, %B: tensor<{k}x{n}x{element}>)
    -> tensor<{m}x{n}x{element}> {{
  %C = te.compute "C" (%y = 0 to {m}, %x = 0 to {n}) sum (%k = 0 to {k}) {{
    %a = te.read %A[%y, %k] : tensor<{m}x{k}x{element}>
    %b = te.read %B[%k, %x] : tensor<{k}x{n}x{element}>
    %p = arith.{"mulf" if floating else "muli"} %a, %b : {element}
    te.yield %p : {element}
  }} : tensor<{m}x{n}x{element}>
  func.return %C : tensor<{m}x{n}x{element}>
}}
"""
    return Case(text, [(m, k), (k, n)], lambda a, b: [a @ b], [kind[element]] * 2)


def conv_reference(
    x: np.ndarray, w: np.ndarray, pad: int, stride: int, dilation: int
) -> np.ndarray:
    """The direct convolution of c,h,w by o,c,kh,kw."""
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    o, _, kh, kw = w.shape
    oh = (padded.shape[1] - dilation * (kh - 1) - 1) // stride + 1
    ow = (padded.shape[2] - dilation * (kw - 1) - 1) // stride + 1
    out = np.zeros((o, oh, ow), x.dtype)
    for i in range(kh):
        for j in range(kw):
            part = padded[
                :,
                i * dilation : i * dilation + stride * (oh - 1) + 1 : stride,
                j * dilation : j * dilation + stride * (ow - 1) + 1 : stride,
            ]
            out += np.einsum("oc,chw->ohw", w[:, :, i, j], part).astype(x.dtype)
    return out


def conv(
    ci: int, co: int, size: int, pad: int = 1, stride: int = 1, dilation: int = 1, k: int = 3
) -> Case:
    """relu(conv(X, W) + bias): three computes; the padding is the guard of a read."""
    o = (size + 2 * pad - dilation * (k - 1) - 1) // stride + 1
    row = f"%oh * {stride} + %kh * {dilation} - {pad}"
    column = f"%ow * {stride} + %kw * {dilation} - {pad}"
    guard = ""
    if pad:
        guard = f" where ({row} >= 0, {row} < {size}, {column} >= 0, {column} < {size}) else %zero"
    x, w, out = f"tensor<{ci}x{size}x{size}xf32>", f"tensor<{co}x{ci}x{k}x{k}xf32>", ""
    out = f"tensor<{co}x{o}x{o}xf32>"
    text = f"""
func.func @conv(%X: {x}, %W: {w}, %bias: tensor<{co}xf32>) -> {out} {{
  %C = te.compute "conv" (%oc = 0 to {co}, %oh = 0 to {o}, %ow = 0 to {o})
      sum (%ic = 0 to {ci}, %kh = 0 to {k}, %kw = 0 to {k}) {{
    %zero = arith.constant 0.0 : f32
    %x = te.read %X[%ic, {row}, {column}]{guard} : {x}
    %w = te.read %W[%oc, %ic, %kh, %kw] : {w}
    %p = arith.mulf %x, %w : f32
    te.yield %p : f32
  }} : {out}
  %B = te.compute "biased" (%c = 0 to {co}, %h = 0 to {o}, %v = 0 to {o}) {{
    %s = te.read %C[%c, %h, %v] : {out}
    %b = te.read %bias[%c] : tensor<{co}xf32>
    %t = arith.addf %s, %b : f32
    te.yield %t : f32
  }} : {out}
  %O = te.compute "relu" (%c = 0 to {co}, %h = 0 to {o}, %v = 0 to {o}) {{
    %zero = arith.constant 0.0 : f32
    %s = te.read %B[%c, %h, %v] : {out}
    %t = arith.maximumf %s, %zero : f32
    te.yield %t : f32
  }} : {out}
  func.return %O : {out}
}}
"""

    def reference(x: np.ndarray, w: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
        return [np.maximum(conv_reference(x, w, pad, stride, dilation) + bias[:, None, None], 0)]

    return Case(text, [(ci, size, size), (co, ci, k, k), (co,)], reference)


def padded_conv(ci: int, co: int, size: int) -> Case:
    """A 3x3 convolution whose padding is a compute of its own."""
    big = size + 2
    x, p = f"tensor<{ci}x{size}x{size}xf32>", f"tensor<{ci}x{big}x{big}xf32>"
    w, out = f"tensor<{co}x{ci}x3x3xf32>", f"tensor<{co}x{size}x{size}xf32>"
    guard = f"%h - 1 >= 0, %h - 1 < {size}, %v - 1 >= 0, %v - 1 < {size}"
    text = f"""
func.func @conv(%X: {x}, %W: {w}) -> {out} {{
  %P = te.compute "pad" (%c = 0 to {ci}, %h = 0 to {big}, %v = 0 to {big}) {{
    %zero = arith.constant 0.0 : f32
    %x = te.read %X[%c, %h - 1, %v - 1] where ({guard}) else %zero : {x}
    te.yield %x : f32
  }} : {p}
  %C = te.compute "conv" (%oc = 0 to {co}, %oh = 0 to {size}, %ow = 0 to {size})
      sum (%ic = 0 to {ci}, %kh = 0 to 3, %kw = 0 to 3) {{
    %x = te.read %P[%ic, %oh + %kh, %ow + %kw] : {p}
    %w = te.read %W[%oc, %ic, %kh, %kw] : {w}
    %p = arith.mulf %x, %w : f32
    te.yield %p : f32
  }} : {out}
  func.return %C : {out}
}}
"""
    return Case(
        text,
        [(ci, size, size), (co, ci, 3, 3)],
        lambda x, w: [conv_reference(x, w, 1, 1, 1)],
    )


def depthwise(c: int, size: int) -> Case:
    """Each channel by a 3x3 filter of its own, then a scale; no padding."""
    o = size - 2
    x, w, out = f"tensor<{c}x{size}x{size}xf32>", f"tensor<{c}x3x3xf32>", f"tensor<{c}x{o}x{o}xf32>"
    text = f"""
func.func @depthwise(%X: {x}, %W: {w}) -> {out} {{
  %D = te.compute "dw" (%c = 0 to {c}, %oh = 0 to {o}, %ow = 0 to {o})
      sum (%kh = 0 to 3, %kw = 0 to 3) {{
    %x = te.read %X[%c, %oh + %kh, %ow + %kw] : {x}
    %w = te.read %W[%c, %kh, %kw] : {w}
    %p = arith.mulf %x, %w : f32
    te.yield %p : f32
  }} : {out}
  %S = te.compute "scale" (%c = 0 to {c}, %h = 0 to {o}, %v = 0 to {o}) {{
    %two = arith.constant 2.0 : f32
    %s = te.read %D[%c, %h, %v] : {out}
    %t = arith.mulf %s, %two : f32
    te.yield %t : f32
  }} : {out}
  func.return %S : {out}
}}
"""

    def reference(x: np.ndarray, w: np.ndarray) -> list[np.ndarray]:
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
        return [2 * np.einsum("chwij,cij->chw", windows, w)]

    return Case(text, [(c, size, size), (c, 3, 3)], reference)


def pool(c: int, size: int) -> Case:
    """3x3 max pooling, stride 2, padding 1."""
    o = (size - 1) // 2 + 1
    row, column = "%oh * 2 + %kh - 1", "%ow * 2 + %kw - 1"
    guard = f"{row} >= 0, {row} < {size}, {column} >= 0, {column} < {size}"
    text = f"""
func.func @pool(%X: tensor<{c}x{size}x{size}xf32>) -> tensor<{c}x{o}x{o}xf32> {{
  %M = te.compute "pool" (%c = 0 to {c}, %oh = 0 to {o}, %ow = 0 to {o})
      max (%kh = 0 to 3, %kw = 0 to 3) {{
    %low = arith.constant -1000.0 : f32
    %x = te.read %X[%c, {row}, {column}] where ({guard}) else %low
      : tensor<{c}x{size}x{size}xf32>
    te.yield %x : f32
  }} : tensor<{c}x{o}x{o}xf32>
  func.return %M : tensor<{c}x{o}x{o}xf32>
}}
"""

    def reference(x: np.ndarray) -> list[np.ndarray]:
        padded = np.pad(x, ((0, 0), (1, 2), (1, 2)), constant_values=-1000)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
        return [windows.max(axis=(3, 4))[:, ::2, ::2][:, :o, :o]]

    return Case(text, [(c, size, size)], reference)


def softmax(rows: int, columns: int) -> Case:
    """exp(x - max) / sum of it: two reductions, then an elementwise compute."""
    full, row = f"tensor<{rows}x{columns}xf32>", f"tensor<{rows}xf32>"
    text = f"""
func.func @softmax(%X: {full}) -> {full} {{
  %M = te.compute "M" (%y = 0 to {rows}) max (%k = 0 to {columns}) {{
    %x = te.read %X[%y, %k] : {full}
    te.yield %x : f32
  }} : {row}
  %S = te.compute "S" (%y = 0 to {rows}) sum (%k = 0 to {columns}) {{
    %x = te.read %X[%y, %k] : {full}
    %m = te.read %M[%y] : {row}
    %d = arith.subf %x, %m : f32
    %e = math.exp %d : f32
    te.yield %e : f32
  }} : {row}
  %P = te.compute "P" (%y = 0 to {rows}, %x = 0 to {columns}) {{
    %v = te.read %X[%y, %x] : {full}
    %m = te.read %M[%y] : {row}
    %s = te.read %S[%y] : {row}
    %d = arith.subf %v, %m : f32
    %e = math.exp %d : f32
    %q = arith.divf %e, %s : f32
    te.yield %q : f32
  }} : {full}
  func.return %P : {full}
}}
"""

    def reference(x: np.ndarray) -> list[np.ndarray]:
        e = np.exp(x.astype(np.float64) - x.max(axis=1, keepdims=True))
        return [(e / e.sum(axis=1, keepdims=True)).astype(np.float32)]

    return Case(text, [(rows, columns)], reference, tolerance=1e-5)


def chain(m: int, n: int) -> Case:
    """Row sums of (A + B) * A, with the product a result too: two consumers of one tensor."""
    full = f"tensor<{m}x{n}xf32>"
    text = f"""
func.func @chain(%A: {full}, %B: {full}) -> ({full}, tensor<{m}xf32>) {{
  %S = te.compute "S" (%y = 0 to {m}, %x = 0 to {n}) {{
    %a = te.read %A[%y, %x] : {full}
    %b = te.read %B[%y, %x] : {full}
    %s = arith.addf %a, %b : f32
    te.yield %s : f32
  }} : {full}
  %P = te.compute "P" (%y = 0 to {m}, %x = 0 to {n}) {{
    %a = te.read %A[%y, %x] : {full}
    %s = te.read %S[%y, %x] : {full}
    %p = arith.mulf %a, %s : f32
    te.yield %p : f32
  }} : {full}
  %R = te.compute "R" (%y = 0 to {m}) sum (%k = 0 to {n}) {{
    %p = te.read %P[%y, %k] : {full}
    %s = te.read %S[%y, %k] : {full}
    %q = arith.addf %p, %s : f32
    te.yield %q : f32
  }} : tensor<{m}xf32>
  func.return %P, %R : {full}, tensor<{m}xf32>
}}
"""

    def reference(a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
        product = (a + b) * a
        return [product, (product + a + b).sum(axis=1)]

    return Case(text, [(m, n), (m, n)], reference)


def extreme(rows: int, columns: int, which: str) -> Case:
    """argmax or argmin along rows; the inputs have many ties."""
    text = f"""
func.func @pick(%A: tensor<{rows}x{columns}xf32>) -> (tensor<{rows}xf32>, tensor<{rows}xi64>) {{
  %V, %N = te.compute "pick" (%y = 0 to {rows}) {which} (%k = 0 to {columns}) {{
    %v = te.read %A[%y, %k] : tensor<{rows}x{columns}xf32>
    %n = arith.index_cast %k : index to i64
    te.yield %v, %n : f32, i64
  }} : tensor<{rows}xf32>, tensor<{rows}xi64>
  func.return %V, %N : tensor<{rows}xf32>, tensor<{rows}xi64>
}}
"""

    def reference(a: np.ndarray) -> list[np.ndarray]:
        values = a.max(axis=1) if which == "argmax" else a.min(axis=1)
        return [values, getattr(np, which)(a, axis=1)]

    return Case(text, [(rows, columns)], reference)


def gather(rows: int, columns: int, count: int) -> Case:
    """Rows of a table, chosen by an index tensor whose negative values count from the end."""
    table = f"tensor<{rows}x{columns}xf32>"
    text = f"""
func.func @gather(%T: {table}, %I: tensor<{count}xi64>) -> tensor<{count}x{columns}xf32> {{
  %G = te.compute "G" (%y = 0 to {count}, %x = 0 to {columns}) {{
    %i = te.read %I[%y] : tensor<{count}xi64>
    %rows = arith.constant {rows} : i64
    %zero = arith.constant 0 : i64
    %j = arith.addi %i, %rows : i64
    %negative = arith.cmpi slt, %i, %zero : i64
    %k = arith.select %negative, %j, %i : i64
    %n = arith.index_cast %k : i64 to index
    %v = te.read %T[%n, %x] : {table}
    te.yield %v : f32
  }} : tensor<{count}x{columns}xf32>
  func.return %G : tensor<{count}x{columns}xf32>
}}
"""
    assert rows > 8
    return Case(text, [(rows, columns), (count,)], lambda t, i: [t[i]], ["float32", "int64"])


def scatter(size: int, count: int) -> Case:
    """Values summed into the elements that an index tensor names, several into one."""
    text = f"""
func.func @scatter(%T: tensor<{size}xf32>, %I: tensor<{count}xi64>, %V: tensor<{count}xf32>)
    -> tensor<{size}xf32> {{
  %out = te.scatter "out" (%i = 0 to {count}) sum into %T {{
    %n = te.read %I[%i] : tensor<{count}xi64>
    %eight = arith.constant 8 : i64
    %m = arith.addi %n, %eight : i64
    %j = arith.index_cast %m : i64 to index
    %v = te.read %V[%i] : tensor<{count}xf32>
    te.yield %v, %j : f32, index
  }} : tensor<{size}xf32>
  func.return %out : tensor<{size}xf32>
}}
"""
    assert size > 16

    def reference(t: np.ndarray, i: np.ndarray, v: np.ndarray) -> list[np.ndarray]:
        out = t.copy()
        np.add.at(out, i + 8, v)
        return [out]

    return Case(text, [(size,), (count,), (count,)], reference, ["float32", "int64", "float32"])


def symbolic() -> str:
    """relu(A @ B + bias) with symbolic rows and columns; the text alone, the sizes vary."""
    a, b = 'tensor<?x9xf32, #loop.layout<["m", 9]>>', 'tensor<9x?xf32, #loop.layout<[9, "n"]>>'
    bias, out = 'tensor<?xf32, #loop.layout<["n"]>>', 'tensor<?x?xf32, #loop.layout<["m", "n"]>>'
    return f"""
func.func @matmul(%A: {a}, %B: {b}, %bias: {bias}) -> {out} {{
  %m = te.dim "m"
  %n = te.dim "n"
  %C = te.compute "C" (%y = 0 to %m, %x = 0 to %n) sum (%k = 0 to 9) {{
    %a = te.read %A[%y, %k] : {a}
    %b = te.read %B[%k, %x] : {b}
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  }} : {out}
  %R = te.compute "R" (%y = 0 to %m, %x = 0 to %n) {{
    %zero = arith.constant 0.0 : f32
    %c = te.read %C[%y, %x] : {out}
    %b = te.read %bias[%x] : {bias}
    %s = arith.addf %c, %b : f32
    %r = arith.maximumf %s, %zero : f32
    te.yield %r : f32
  }} : {out}
  func.return %R : {out}
}}
"""


def symbolic_case(m: int, n: int) -> Case:
    """The symbolic function, called with these sizes."""
    shapes = [(m, 9), (9, n), (n,)]
    return Case(symbolic(), shapes, lambda a, b, bias: [np.maximum(a @ b + bias, 0)])


ODD_CASES = {
    "matmul": matmul(7, 11, 9),
    "conv": conv(3, 5, 6),
    "dilated": conv(2, 3, 7, 2, 2, 2),
    "padded": padded_conv(2, 3, 5),
    "depthwise": depthwise(5, 6),
    "pool": pool(3, 6),
    "softmax": softmax(5, 7),
    "chain": chain(6, 5),
    "argmax": extreme(5, 9, "argmax"),
    "gather": gather(9, 5, 7),
    "scatter": scatter(17, 11),
    "symbolic": symbolic_case(5, 7),
    "bytes": matmul(5, 6, 7, "i8"),
}
"""One of each kind, of odd sizes."""
