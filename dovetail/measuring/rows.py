"""The kernels of `dovetail bench kernels`: each a row with a function of te and what limits it.

A convolution stands in its row as a network of ours runs it: the input blocked by channels with
the halo that its padding reads, the weights constants, which the schedule lays out as it likes,
bias and rectification behind the sum, the result blocked by channels without a halo.

    O[n, oc, oh, ow] = max(sum(X[n, ic, oh * s + kh - p, ow * s + kw - p] * W[...]) + B[oc], 0)
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import TensorType, f32

from dialects.target import Machine
from passes.te.transform_network_layout import SPATIAL, layout_for

SEED = 5
RANDOM_ROWS = 200
FEWEST_OPERATIONS, MOST_OPERATIONS = 20_000_000, 2_000_000_000
FEWEST_POINTS = 49

FMA = ("fma",)
ROOFLINE = ("fma", "copy")


@dataclass(frozen=True)
class Row(ABC):
    """A kernel to time.

    `limits` are the kinds of limits that count (see paired.py), the longest of them; `features`
    what a processor must have for the row to make sense, in LLVM's words.
    """

    name: str
    limits: tuple[str, ...] = FMA
    features: frozenset[str] = frozenset()

    @abstractmethod
    def text(self, machine: Machine) -> str:
        """The function, as text of the te dialect."""

    @abstractmethod
    def operations(self, machine: Machine) -> int:
        """What it has to do: multiplications and additions of its sum."""


@dataclass(frozen=True)
class MatmulRow(Row):
    """C = A @ B, square, in f32; B is a constant."""

    size: int = 0

    def text(self, machine: Machine) -> str:
        n = self.size
        t = f"tensor<{n}x{n}xf32>"
        return f"""func.func @matmul(%A: {t}, %B: {t} {{dovetail.weight}}) -> {t} {{
  %C = te.compute "C" (%y = 0 to {n}, %x = 0 to {n}) sum (%k = 0 to {n}) {{
    %a = te.read %A[%y, %k] : {t}
    %b = te.read %B[%k, %x] : {t}
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  }} : {t}
  func.return %C : {t}
}}
"""

    def operations(self, machine: Machine) -> int:
        return 2 * self.size**3


@dataclass(frozen=True)
class ConvolutionRow(Row):
    """A convolution of one sample in f32, padded so that stride 1 keeps the size.

    Its operations are counted with the output channels rounded up to whole vectors: blocked by
    channels, they are computed.
    """

    height: int = 0
    width: int = 0
    ic: int = 0
    oc: int = 0
    kernel: int = 1
    stride: int = 1
    depthwise: bool = False

    @property
    def pad(self) -> int:
        return self.kernel // 2

    @property
    def out(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        height, width = (
            (size + 2 * self.pad - self.kernel) // self.stride + 1
            for size in (self.height, self.width)
        )
        return height, width

    def multiply_adds(self, channels: int) -> int:
        """Those of `channels` output channels."""
        height, width = self.out
        return height * width * channels * self.kernel**2 * (1 if self.depthwise else self.ic)

    def operations(self, machine: Machine) -> int:
        lanes = machine.vector_bytes // f32.size
        return 2 * self.multiply_adds(-(-self.oc // lanes) * lanes)

    def halo(self) -> dict[int, tuple[int, int]]:
        """How far the reads of the input leave it on each side."""
        sizes = dict(zip(SPATIAL, (self.height, self.width), strict=True))
        outs = dict(zip(SPATIAL, self.out, strict=True))
        return {
            axis: (
                self.pad,
                max(0, (outs[axis] - 1) * self.stride + self.kernel - 1 - self.pad - size + 1),
            )
            for axis, size in sizes.items()
        }

    def text(self, machine: Machine) -> str:
        height, width = self.out
        lanes = machine.vector_bytes // f32.size
        channels = self.oc if self.depthwise else self.ic
        x = blocked((1, channels, self.height, self.width), lanes, self.halo())
        o = blocked((1, self.oc, height, width), lanes, dict.fromkeys(SPATIAL, (0, 0)))
        c = f"tensor<1x{self.oc}x{height}x{width}xf32>"
        w = f"tensor<{self.oc}x{1 if self.depthwise else self.ic}x{self.kernel}x{self.kernel}xf32>"
        b = f"tensor<{self.oc}xf32>"
        points = f"%n = 0 to 1, %oc = 0 to {self.oc}, %oh = 0 to {height}, %ow = 0 to {width}"
        taps = f"%ic = 0 to {1 if self.depthwise else self.ic}, %kh = 0 to {self.kernel}"
        taps += f", %kw = 0 to {self.kernel}"
        return f"""func.func @convolution(
    %X: {x}, %W: {w} {{dovetail.weight}}, %B: {b} {{dovetail.weight}}) -> {o} {{
  %S = te.compute "S" ({points}) sum ({taps}) {{
    %zero = arith.constant 0.0 : f32
    %x = {self.read()} : {x}
    %w = te.read %W[%oc, %ic, %kh, %kw] : {w}
    %p = arith.mulf %x, %w : f32
    te.yield %p : f32
  }} : {c}
  %O = te.compute "O" ({points}) {{
    %s = te.read %S[%n, %oc, %oh, %ow] : {c}
    %b = te.read %B[%oc] : {b}
    %t = arith.addf %s, %b : f32
    %zero = arith.constant 0.0 : f32
    %r = arith.maximumf %t, %zero : f32
    te.yield %r : f32
  }} : {o}
  func.return %O : {o}
}}
"""

    def read(self) -> str:
        """The element of the input under a tap; outside of the input it is zero."""
        places = [f"%o{a} * {self.stride} + %k{a} - {self.pad}" for a in "hw"]
        text = f"te.read %X[%n, {'%oc' if self.depthwise else '%ic'}, {', '.join(places)}]"
        guards = [f"{place} >= 0" for place in places if self.pad]
        halo = self.halo()
        for axis, place, size in zip(SPATIAL, places, (self.height, self.width), strict=True):
            if halo[axis][1]:
                guards.append(f"{place} < {size}")
        return f"{text} where ({', '.join(guards)}) else %zero" if guards else text


def blocked(shape: Sequence[int], lanes: int, halo: dict[int, tuple[int, int]]) -> TensorType:
    """A feature map as networks lay it out."""
    plain = TensorType(f32, shape)
    layout = layout_for(plain, lanes, halo)
    return plain if layout is None else TensorType(f32, shape, layout)


def square(
    name: str, size: int, ic: int, oc: int, kernel: int, stride: int, **more: object
) -> ConvolutionRow:
    """A convolution of a square image."""
    limits = ROOFLINE if more.get("depthwise") else FMA
    return ConvolutionRow(
        name, limits, height=size, width=size, ic=ic, oc=oc, kernel=kernel, stride=stride,
        depthwise=bool(more.get("depthwise")),
    )  # fmt: skip


RESNET18 = (
    square("C1", 224, 3, 64, 7, 2),
    square("C2", 56, 64, 64, 3, 1),
    square("C3", 56, 64, 64, 1, 1),
    square("C4", 56, 64, 128, 3, 2),
    square("C5", 56, 64, 128, 1, 2),
    square("C6", 28, 128, 128, 3, 1),
    square("C7", 28, 128, 256, 3, 2),
    square("C8", 28, 128, 256, 1, 2),
    square("C9", 14, 256, 256, 3, 1),
    square("C10", 14, 256, 512, 3, 2),
    square("C11", 14, 256, 512, 1, 2),
    square("C12", 7, 512, 512, 3, 1),
)
"""The convolutions of ResNet-18."""

MATMULS = tuple(MatmulRow(f"matmul{size}", size=size) for size in (512, 1024, 2048))

MOBILENET = tuple(
    square(f"D{number}", size, channels, channels, 3, stride, depthwise=True)
    for number, (size, channels, stride) in enumerate(
        (
            (112, 32, 1), (112, 64, 2), (56, 128, 1), (56, 128, 2), (28, 256, 1), (28, 256, 2),
            (14, 512, 1), (14, 512, 2), (7, 1024, 1),
        ),
        start=1,
    )
)  # fmt: skip
"""The depthwise convolutions of MobileNet."""


def channels(chance: random.Random, whole: bool, lanes: int = 16) -> int:
    """A number of channels that is a multiple of 16, or is none."""
    while True:
        found = chance.randint(16, 512)
        if (found % lanes == 0) == whole:
            return found


def random_convolutions(seed: int = SEED) -> Iterator[ConvolutionRow]:
    """Convolutions of any shape, without end; three quarters have odd numbers of channels."""
    chance = random.Random(seed)
    number = 0
    while True:
        whole = number % 4 == 3
        row = ConvolutionRow(
            f"R{number:03}",
            ROOFLINE,
            height=chance.randint(7, 112),
            width=chance.randint(7, 112),
            ic=channels(chance, whole),
            oc=channels(chance, whole),
            kernel=chance.choice((1, 3, 5, 7)),
            stride=chance.randint(1, 2),
        )
        height, width = row.out
        fits = FEWEST_OPERATIONS <= 2 * row.multiply_adds(row.oc) <= MOST_OPERATIONS
        if fits and height * width >= FEWEST_POINTS:
            yield row
            number += 1


def random_rows() -> list[ConvolutionRow]:
    """The random convolutions of the benchmark."""
    source = random_convolutions()
    return [next(source) for _ in range(RANDOM_ROWS)]


def all_rows() -> list[Row]:
    """Every row, in the order of the table."""
    return [*RESNET18, *MATMULS, *MOBILENET, *random_rows()]
