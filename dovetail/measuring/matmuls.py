"""Matrix products as int8 tensor programs, with the epilogue of a quantised network.

    O = cast(min(max((A @ B^T >> 8) + bias, 0), 127))

A is [M, K] and B [N, K] in int8, O [M, N] in int8. The bias is int32, [1, N] or [M, N]: an
accelerator whose elements have several rows adds what has as many.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.measuring.epilogues import QUANTISED, Epilogue

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Matmul:
    """The extents of a product, and the rows of its bias: 1 or all."""

    m: int
    n: int
    k: int
    bias_rows: int = 1

    @property
    def name(self) -> str:
        return f"{self.m}x{self.n}x{self.k}"


def program(product: Matmul, name: str = "matmul", epilogue: Epilogue = QUANTISED) -> str:
    """The function of a product as text of the te dialect."""
    m, n, k = product.m, product.n, product.k
    a, b = f"tensor<{m}x{k}xi8>", f"tensor<{n}x{k}xi8>"
    bias = f"tensor<{product.bias_rows}x{n}xi32>"
    row = "%y" if product.bias_rows > 1 else "0"
    steps = epilogue.text("C", (("y", m), ("x", n)), f"%bias[{row}, %x] : {bias}")
    return f"""func.func @{name}(%A: {a}, %B: {b}, %bias: {bias}) -> tensor<{m}x{n}xi8> {{
  %C = te.compute "C" (%y = 0 to {m}, %x = 0 to {n}) sum (%k = 0 to {k}) {{
    %a = te.read %A[%y, %k] : {a}
    %b = te.read %B[%x, %k] : {b}
    %a32 = arith.extsi %a : i8 to i32
    %b32 = arith.extsi %b : i8 to i32
    %p = arith.muli %a32, %b32 : i32
    te.yield %p : i32
  }} : tensor<{m}x{n}xi32>{steps}
  func.return %O : tensor<{m}x{n}xi8>
}}
"""


def random_inputs(product: Matmul, seed: int = 0) -> tuple[Int8, Int8, Int32]:
    """A, B and bias, such that results neither all saturate nor all vanish."""
    generator = np.random.default_rng(seed)
    a = generator.integers(-128, 128, (product.m, product.k))
    b = generator.integers(-16, 16, (product.n, product.k))
    bias = generator.integers(-64, 64, (product.bias_rows, product.n))
    return a.astype(np.int8), b.astype(np.int8), bias.astype(np.int32)


def reference(a: Int8, b: Int8, bias: Int32, epilogue: Epilogue = QUANTISED) -> Int8:
    """The result by NumPy."""
    return epilogue.reference(a.astype(np.int64) @ b.astype(np.int64).T, bias)
