"""What follows an int8 reduction, element by element: its text in the te dialect and by NumPy.

Accumulators are int32 and wrap around, as those of accelerators do; the result is int8.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

NUMPY: Mapping[str, Callable[[Array, Any], Array]] = MappingProxyType(
    {
        "shrsi": np.right_shift,
        "shli": np.left_shift,
        "addi": np.add,
        "muli": np.multiply,
        "maxsi": np.maximum,
        "minsi": np.minimum,
    }
)
"""Operations of arith on 32-bit integers by NumPy."""

NAMES: Mapping[str, str] = MappingProxyType(
    {"shrsi": "S", "shli": "H", "addi": "T", "muli": "P", "maxsi": "M", "minsi": "L"}
)
"""What the result of an operation is called; of several the later ones have numbers."""


@dataclass(frozen=True)
class Step:
    """One operation of arith on each element; without a value its other operand is the bias."""

    op: str
    value: int | None = None


@dataclass(frozen=True)
class Epilogue:
    """Steps in order, then the cast to a byte: its low bits, or the nearest byte."""

    steps: tuple[Step, ...]
    saturating: bool = False

    def text(self, source: str, axes: Sequence[tuple[str, int]], bias: str) -> str:
        """Tensor expressions from the int32 tensor %`source` to the int8 tensor %O.

        `axes` are those of the tensor, with their extents; `bias` is what a step reads that has no
        value, as `%B[%n, %oc] : tensor<1x64xi32>`.
        """
        return "".join(self._text(source, axes, bias))

    def _text(self, source: str, axes: Sequence[tuple[str, int]], bias: str) -> Iterator[str]:
        shape = "x".join(str(extent) for _, extent in axes)
        domain = ", ".join(f"%{name} = 0 to {extent}" for name, extent in axes)
        indices = ", ".join(f"%{name}" for name, _ in axes)

        def compute(name: str, lines: Sequence[str], type: str = "i32") -> str:
            read = f"%c = te.read %{source}[{indices}] : tensor<{shape}xi32>"
            body = "\n    ".join((read, *lines, f"te.yield %r : {type}"))
            return (
                f'\n  %{name} = te.compute "{name}" ({domain}) {{\n    {body}\n'
                f"  }} : tensor<{shape}x{type}>"
            )

        for name, step in self._named():
            other = f"arith.constant {step.value} : i32" if step.value is not None else None
            lines = f"%b = {other or f'te.read {bias}'}", f"%r = arith.{step.op} %c, %b : i32"
            yield compute(name, lines)
            source = name
        yield compute("O", SATURATING_CAST if self.saturating else CAST, "i8")

    def _named(self) -> Iterator[tuple[str, Step]]:
        met: dict[str, int] = {}
        for step in self.steps:
            name = NAMES[step.op]
            met[name] = met.get(name, 0) + 1
            yield name + (str(met[name]) if met[name] > 1 else ""), step

    def reference(self, sums: Array, bias: Array) -> npt.NDArray[np.int8]:
        """The result of sums, of any integer type; the bias has a shape that broadcasts."""
        found = sums.astype(np.int32)
        for step in self.steps:
            other = bias if step.value is None else np.int32(step.value)
            found = NUMPY[step.op](found, other)
        return (np.clip(found, -128, 127) if self.saturating else found).astype(np.int8)


CAST = ("%r = arith.trunci %c : i32 to i8",)
SATURATING_CAST = (
    "%low = arith.constant -128 : i32",
    "%high = arith.constant 127 : i32",
    "%m = arith.maxsi %c, %low : i32",
    "%d = arith.minsi %m, %high : i32",
    "%r = arith.trunci %d : i32 to i8",
)

SHIFT = 8

QUANTISED = Epilogue((Step("shrsi", SHIFT), Step("addi"), Step("maxsi", 0), Step("minsi", 127)))
"""That of a quantised network: cast(min(max((sum >> 8) + bias, 0), 127))."""
