"""The convolutions of ResNet-18 as int8 tensor programs, with the epilogue of a quantised network.

    O = cast(min(max((conv(X, W) >> 8) + B, 0), 127))

X is [N, IC, H, W] and W [OC, IC, K, K] in int8, B [N, OC] in int32, O [N, OC, OH, OW] in int8.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.measuring.epilogues import QUANTISED, Epilogue


@dataclass(frozen=True)
class Convolution:
    """One layer: a square image, a square kernel of odd size, padded so that stride 1 keeps it."""

    name: str
    size: int
    ic: int
    oc: int
    kernel: int
    stride: int

    @property
    def pad(self) -> int:
        return self.kernel // 2

    @property
    def out(self) -> int:
        """Rows and columns of the result."""
        return (self.size + 2 * self.pad - self.kernel) // self.stride + 1


RESNET18 = (
    Convolution("C2", 56, 64, 64, 3, 1),
    Convolution("C3", 56, 64, 64, 1, 1),
    Convolution("C4", 56, 64, 128, 3, 2),
    Convolution("C5", 56, 64, 128, 1, 2),
    Convolution("C6", 28, 128, 128, 3, 1),
    Convolution("C7", 28, 128, 256, 3, 2),
    Convolution("C8", 28, 128, 256, 1, 2),
    Convolution("C9", 14, 256, 256, 3, 1),
    Convolution("C10", 14, 256, 512, 3, 2),
    Convolution("C11", 14, 256, 512, 1, 2),
    Convolution("C12", 7, 512, 512, 3, 1),
)
"""The layers that accelerators run; the first one of the network, C1, has three channels."""


def read_of_input(layer: Convolution, type: str) -> str:
    """The element of X under a tap, with the guard of the padding."""

    def place(out: str, tap: str) -> str:
        text = out if layer.stride == 1 else f"{out} * {layer.stride}"
        text += f" + {tap}" if layer.kernel > 1 else ""
        return text + (f" - {layer.pad}" if layer.pad else "")

    rows, columns = place("%oh", "%kh"), place("%ow", "%kw")
    read = f"te.read %X[%n, %ic, {rows}, {columns}]"
    if layer.pad:
        inside = ", ".join(f"{p} >= 0, {p} < {layer.size}" for p in (rows, columns))
        read += f" where ({inside}) else %zero"
    return f"{read} : {type}"


def program(
    layer: Convolution, batch: int = 1, name: str = "conv", epilogue: Epilogue = QUANTISED
) -> str:
    """The function of a layer as text of the te dialect."""
    x = f"tensor<{batch}x{layer.ic}x{layer.size}x{layer.size}xi8>"
    w = f"tensor<{layer.oc}x{layer.ic}x{layer.kernel}x{layer.kernel}xi8>"
    b = f"tensor<{batch}x{layer.oc}xi32>"
    shape = f"{batch}x{layer.oc}x{layer.out}x{layer.out}"
    c, o = f"tensor<{shape}xi32>", f"tensor<{shape}xi8>"
    axes = (("n", batch), ("oc", layer.oc), ("oh", layer.out), ("ow", layer.out))
    domain = ", ".join(f"%{axis} = 0 to {extent}" for axis, extent in axes)
    taps = f"(%ic = 0 to {layer.ic}, %kh = 0 to {layer.kernel}, %kw = 0 to {layer.kernel})"
    steps = epilogue.text("C", axes, f"%B[%n, %oc] : {b}")
    return f"""func.func @{name}(%X: {x}, %W: {w}, %B: {b}) -> {o} {{
  %C = te.compute "C" ({domain}) sum {taps} {{
    %zero = arith.constant 0 : i8
    %x = {read_of_input(layer, x)}
    %w = te.read %W[%oc, %ic, %kh, %kw] : {w}
    %x32 = arith.extsi %x : i8 to i32
    %w32 = arith.extsi %w : i8 to i32
    %p = arith.muli %x32, %w32 : i32
    te.yield %p : i32
  }} : {c}{steps}
  func.return %O : {o}
}}
"""


def random_inputs(
    layer: Convolution, batch: int = 1, seed: int = 0
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8], npt.NDArray[np.int32]]:
    """X, W and B, such that results neither all saturate nor all vanish."""
    generator = np.random.default_rng(seed)
    x = generator.integers(-128, 128, (batch, layer.ic, layer.size, layer.size))
    w = generator.integers(-16, 16, (layer.oc, layer.ic, layer.kernel, layer.kernel))
    b = generator.integers(-64, 64, (batch, layer.oc))
    return x.astype(np.int8), w.astype(np.int8), b.astype(np.int32)


def reference(
    layer: Convolution,
    x: npt.NDArray[np.int8],
    w: npt.NDArray[np.int8],
    b: npt.NDArray[np.int32],
    epilogue: Epilogue = QUANTISED,
) -> npt.NDArray[np.int8]:
    """The result by NumPy; sums of products of bytes are exact in doubles."""
    pad = ((0, 0), (0, 0), (layer.pad, layer.pad), (layer.pad, layer.pad))
    padded = np.pad(x.astype(np.float64), pad)
    total = np.zeros((x.shape[0], layer.oc, layer.out, layer.out))
    reach = (layer.out - 1) * layer.stride + 1
    for i in range(layer.kernel):
        for j in range(layer.kernel):
            taps = padded[:, :, i : i + reach : layer.stride, j : j + reach : layer.stride]
            total += np.einsum(
                "nchw,oc->nohw", taps, w[:, :, i, j].astype(np.float64), optimize=True
            )
    return epilogue.reference(total.astype(np.int64), b[:, :, None, None])
