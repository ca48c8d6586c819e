"""Random tensor programs of small, odd sizes, some of them only known when they run."""

import random
from collections.abc import Callable

import te_cases
from native import apply, parse
from te_cases import Case


def grouped(groups: int, ci: int, co: int, size: int, k: int, stride: int) -> str:
    """A convolution in groups of channels, no padding."""
    o = (size - k) // stride + 1
    x, out = f"tensor<{groups}x{ci}x{size}x{size}xf32>", f"tensor<{groups}x{co}x{o}x{o}xf32>"
    w = f"tensor<{groups}x{co}x{ci}x{k}x{k}xf32>"
    return f"""
func.func @grouped(%X: {x}, %W: {w}) -> {out} {{
  %C = te.compute "C" (%g = 0 to {groups}, %oc = 0 to {co}, %oh = 0 to {o}, %ow = 0 to {o})
      sum (%ic = 0 to {ci}, %kh = 0 to {k}, %kw = 0 to {k}) {{
    %x = te.read %X[%g, %ic, %oh * {stride} + %kh, %ow * {stride} + %kw] : {x}
    %w = te.read %W[%g, %oc, %ic, %kh, %kw] : {w}
    %p = arith.mulf %x, %w : f32
    te.yield %p : f32
  }} : {out}
  func.return %C : {out}
}}
"""


def transposed(m: int, n: int, k: int) -> str:
    """A tensor that is transposed, twice as large, and added to its rows backwards."""
    return f"""
func.func @transposed(%A: tensor<{m}x{n}x{k}xf32>) -> tensor<{k}x{m}x{n}xf32> {{
  %T = te.compute "T" (%i = 0 to {k}, %j = 0 to {m}, %l = 0 to {n}) {{
    %a = te.read %A[%j, %l, %i] : tensor<{m}x{n}x{k}xf32>
    %b = arith.addf %a, %a : f32
    te.yield %b : f32
  }} : tensor<{k}x{m}x{n}xf32>
  %O = te.compute "O" (%x = 0 to {k}, %y = 0 to {m}, %z = 0 to {n}) {{
    %t = te.read %T[%x, %y, %z] : tensor<{k}x{m}x{n}xf32>
    %b = te.read %T[%x, {m - 1} - %y, %z] : tensor<{k}x{m}x{n}xf32>
    %s = arith.addf %t, %b : f32
    te.yield %s : f32
  }} : tensor<{k}x{m}x{n}xf32>
  func.return %O : tensor<{k}x{m}x{n}xf32>
}}
"""


def stencil(m: int, n: int, symbolic: bool) -> str:
    """Two stencils, one after the other; the borders are guards."""
    full = 'tensor<?x?xf32, #loop.layout<["m", "n"]>>' if symbolic else f"tensor<{m}x{n}xf32>"
    dims = '%m = te.dim "m"\n  %n = te.dim "n"' if symbolic else ""
    rows, columns = ("%m", "%n") if symbolic else (str(m), str(n))
    return f"""
func.func @stencil(%A: {full}) -> {full} {{
  {dims}
  %zero = arith.constant 0.0 : f32
  %B = te.compute "B" (%y = 0 to {rows}, %x = 0 to {columns}) {{
    %u = te.read %A[%y - 1, %x] where (%y >= 1) else %zero : {full}
    %v = te.read %A[%y, %x] : {full}
    %s = arith.addf %u, %v : f32
    te.yield %s : f32
  }} : {full}
  %C = te.compute "C" (%p = 0 to {rows}, %q = 0 to {columns}) {{
    %u = te.read %B[%p, %q - 2] where (%q >= 2) else %zero : {full}
    %v = te.read %B[%p + 1, %q] where ({rows} - %p - 2 >= 0) else %zero : {full}
    %w = te.read %B[%p, %q] : {full}
    %s = arith.addf %u, %v : f32
    %t = arith.subf %s, %w : f32
    te.yield %t : f32
  }} : {full}
  func.return %C : {full}
}}
"""


def product(y: int, x: int, k: int, read: str, again: str) -> str:
    """A matrix product, of which A is read so, twice its elements, and these plus some others."""
    a = f"tensor<{k}x{y}xf32>" if read == "%k, %y" else f"tensor<{y}x{k}xf32>"
    b, c = f"tensor<{k}x{x}xf32>", f"tensor<{y}x{x}xf32>"
    return f"""
func.func @product(%A: {a}, %B: {b}) -> {c} {{
  %C = te.compute "C" (%y = 0 to {y}, %x = 0 to {x}) sum (%k = 0 to {k}) {{
    %a = te.read %A[{read}] : {a}
    %b = te.read %B[%k, %x] : {b}
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  }} : {c}
  %D = te.compute "D" (%i = 0 to {y}, %j = 0 to {x}) {{
    %c = te.read %C[%i, %j] : {c}
    %d = arith.addf %c, %c : f32
    te.yield %d : f32
  }} : {c}
  %E = te.compute "E" (%i = 0 to {y}, %j = 0 to {x}) {{
    %d = te.read %D[%i, %j] : {c}
    %o = te.read %{again}[%i, %j] : {c}
    %e = arith.addf %d, %o : f32
    te.yield %e : f32
  }} : {c}
  func.return %E : {c}
}}
"""


def with_dots(text: str, i: int, j: int, k: int) -> str:
    """A program and an instruction for i x j dot products of k elements."""
    a, b, c = f"tensor<{i}x{k}xf32>", f"tensor<{k}x{j}xf32>", f"tensor<{i}x{j}xf32>"
    return f"""
te.intrinsic @dots (%a: {a}, %b: {b}) {{
  %c = te.compute "c" (%i = 0 to {i}, %j = 0 to {j}) sum (%k = 0 to {k}) {{
    %x = te.read %a[%i, %k] : {a}
    %y = te.read %b[%k, %j] : {b}
    %p = arith.mulf %x, %y : f32
    te.yield %p : f32
  }} : {c}
  te.yield %c : {c}
}} lower compute "dots" reset "clear" update "dots_add"
{text}"""


def with_library(text: str, library: str) -> str:
    """A program and the instructions of a library."""
    return str(apply(parse(text), f'import-intrinsics{{library="{library}"}}'))


def random_program(rng: random.Random) -> str:
    """The text of a function of tensors."""

    def size(low: int = 1, high: int = 9) -> int:
        return rng.randint(low, high)

    def case(made: Case) -> str:
        return made.text

    def convolution() -> str:
        k, dilation, pad = size(1, 3), size(1, 2), size(0, 2)
        low = max(1, dilation * (k - 1) + 1 - 2 * pad)
        stride = size(1, 2)
        return case(te_cases.conv(size(1, 4), size(1, 5), size(low, 7), pad, stride, dilation, k))

    kinds: list[Callable[[], str]] = [
        lambda: case(te_cases.matmul(size(), size(1, 11), size(), rng.choice(["f32", "i8"]))),
        convolution,
        lambda: case(te_cases.padded_conv(size(1, 3), size(1, 4), size(1, 5))),
        lambda: case(te_cases.depthwise(size(1, 6), size(3, 7))),
        lambda: grouped(size(1, 3), size(1, 3), size(1, 3), size(3, 6), size(1, 3), size(1, 2)),
        lambda: case(te_cases.pool(size(1, 4), size(1, 7))),
        lambda: case(te_cases.softmax(size(), size())),
        lambda: case(te_cases.chain(size(), size())),
        lambda: case(te_cases.extreme(size(), size(), rng.choice(["argmax", "argmin"]))),
        lambda: transposed(size(), size(), size(1, 5)),
        lambda: stencil(size(), size(), symbolic=False),
        lambda: stencil(0, 0, symbolic=True),
        lambda: case(te_cases.gather(size(9, 12), size(), size())),
        lambda: case(te_cases.scatter(size(17, 20), size())),
        te_cases.symbolic,
        lambda: with_dots(
            product(2 * size(1, 3), 3 * size(1, 3), size(), "%y, %k", rng.choice("CD")), 2, 3, 1
        ),
        lambda: with_library(product(8, 8 * size(1, 2), 8, "%k, %y", rng.choice("CD")), "vdla"),
    ]
    return rng.choice(kinds)()
