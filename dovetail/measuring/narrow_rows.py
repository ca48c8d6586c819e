"""Rows of `dovetail bench kernels` for narrow numbers: sums of products of bytes and of bfloats.

The input of a convolution is blocked by 64 bytes of channels, with the halo that its padding reads,
weights are constants, sums are i32 or f32. The limit is what the processor's fastest unit for such
products does: AMX where there is one, else the dot products of AVX-512.
"""

from dataclasses import dataclass

from dialects.target import Machine
from dovetail.measuring.rows import Row

FACTORS = {
    "u8s8": ("i8", "i32", "arith.extui", "arith.extsi", "arith.muli", "0 : i8"),
    "bf16": ("bf16", "f32", "arith.extf", "arith.extf", "arith.mulf", "0.0 : bf16"),
}
"""The types of factors and sums, how the factors are widened, how multiplied, what a halo holds."""

FEATURES = {"u8s8": frozenset({"avx512vnni"}), "bf16": frozenset({"avx512bf16"})}


@dataclass(frozen=True)
class NarrowRow(Row):
    """A sum of products of the kind `factors`."""

    factors: str = "u8s8"

    def product(self) -> str:
        """The body after the reads %x and %y."""
        narrow, wide, left, right, times, _ = FACTORS[self.factors]
        return f"""    %xw = {left} %x : {narrow} to {wide}
    %yw = {right} %y : {narrow} to {wide}
    %p = {times} %xw, %yw : {wide}
    te.yield %p : {wide}
"""


@dataclass(frozen=True)
class NarrowMatmul(NarrowRow):
    """C = A @ B, square; B is a constant."""

    size: int = 0

    def text(self, machine: Machine) -> str:
        n, (narrow, wide, *_) = self.size, FACTORS[self.factors]
        t, r = f"tensor<{n}x{n}x{narrow}>", f"tensor<{n}x{n}x{wide}>"
        return f"""func.func @matmul(%A: {t}, %B: {t} {{dovetail.weight}}) -> {r} {{
  %C = te.compute "C" (%i = 0 to {n}, %j = 0 to {n}) sum (%k = 0 to {n}) {{
    %x = te.read %A[%i, %k] : {t}
    %y = te.read %B[%k, %j] : {t}
{self.product()}  }} : {r}
  func.return %C : {r}
}}
"""

    def operations(self, machine: Machine) -> int:
        return 2 * self.size**3


@dataclass(frozen=True)
class NarrowConvolution(NarrowRow):
    """A convolution of one sample with 3x3 taps, padded so that it keeps the size."""

    size: int = 0
    channels: int = 0

    def text(self, machine: Machine) -> str:
        n, c, (narrow, wide, *_, nothing) = self.size, self.channels, FACTORS[self.factors]
        block = 64 if narrow == "i8" else 32
        x = f"""tensor<1x{c}x{n}x{n}x{narrow}, #loop.layout<affine_map<(d0, d1, d2, d3) ->
    (d0, d1 floordiv {block}, d2 + 1, d3 + 1, d1 mod {block})>,
    [1, {c // block}, {n + 2}, {n + 2}, {block}], pad {nothing}>>"""
        o = f"""tensor<1x{c}x{n}x{n}x{wide}, #loop.layout<affine_map<(d0, d1, d2, d3) ->
    (d0, d1 floordiv 16, d2, d3, d1 mod 16)>, [1, {c // 16}, {n}, {n}, 16]>>"""
        w = f"tensor<{c}x{c}x3x3x{narrow}>"
        places = [f"%o{axis} + %k{axis} - 1" for axis in "hw"]
        inside = ", ".join(f"{place} >= 0, {n - 1} - ({place}) >= 0" for place in places)
        return f"""func.func @convolution(%X: {x}, %W: {w} {{dovetail.weight}}) -> {o} {{
  %C = te.compute "C" (%n = 0 to 1, %oc = 0 to {c}, %oh = 0 to {n}, %ow = 0 to {n})
      sum (%ic = 0 to {c}, %kh = 0 to 3, %kw = 0 to 3) {{
    %zero = arith.constant {nothing}
    %x = te.read %X[%n, %ic, %oh + %kh - 1, %ow + %kw - 1] where ({inside}) else %zero : {x}
    %y = te.read %W[%oc, %ic, %kh, %kw] : {w}
{self.product()}  }} : {o}
  func.return %C : {o}
}}
"""

    def operations(self, machine: Machine) -> int:
        return 2 * self.size**2 * self.channels**2 * 9


NARROW: tuple[Row, ...] = tuple(
    row
    for kind, features in FEATURES.items()
    for row in (
        NarrowMatmul(f"matmul1024-{kind}", features=features, factors=kind, size=1024),
        NarrowConvolution(f"C2-{kind}", features=features, factors=kind, size=56, channels=64),
        NarrowConvolution(f"C9-{kind}", features=features, factors=kind, size=14, channels=256),
    )
)
"""The product of matrices, and two convolutions of ResNet-18."""
