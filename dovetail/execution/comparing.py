"""Whether two results are the same, and where they first differ if not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.interpreter.scalars import Array, is_float

RELATIVE, ABSOLUTE = 1e-4, 1e-6
"""|a - b| <= RELATIVE max|b| + ABSOLUTE; coarser types allow some of their own roundings."""

ROUNDINGS = 8


@dataclass(frozen=True)
class Difference:
    """The first element in which two arrays differ; `index` is None where their shapes do."""

    result: int
    index: tuple[int, ...] | None
    before: Any
    after: Any

    def describe(self, name: str) -> str:
        """`C[3, 5] was 1.0 and is 2.0`."""
        if self.index is None:
            return f"{name} had the shape {list(self.before)} and has {list(self.after)}"
        return f"{name}{list(self.index)} was {self.before} and is {self.after}"


@dataclass(frozen=True)
class Comparison:
    """The first difference, if there is one, and the largest one that was accepted."""

    difference: Difference | None
    largest: float = 0.0


def compare(before: Sequence[Array], after: Sequence[Array], exact: bool) -> Comparison:
    """Compare results: bit by bit (but for the sign of zero), or with a tolerance."""
    if len(before) != len(after):
        return Comparison(Difference(0, None, (len(before),), (len(after),)))
    largest = 0.0
    for number, (a, b) in enumerate(zip(before, after, strict=True)):
        if a.shape != b.shape:
            return Comparison(Difference(number, None, a.shape, b.shape))
        wrong, relative = mismatches(a, b, exact)
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            return Comparison(Difference(number, index, a[index].item(), b[index].item()))
        largest = max(largest, relative)
    return Comparison(None, largest)


def mismatches(before: Array, after: Array, exact: bool) -> tuple[Array, float]:
    """Where two arrays differ, and the largest relative difference elsewhere."""
    if exact or not is_float(before.dtype):
        with np.errstate(invalid="ignore"):
            same = (before == after) | ((before != before) & (after != after))
        return ~np.asarray(same), 0.0
    a, b = before.astype(np.float64), after.astype(np.float64)
    finite = np.isfinite(a) & np.isfinite(b)
    with np.errstate(invalid="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        distance = np.where(finite, abs(a - b), 0)
    scale = float(abs(a[np.isfinite(a)]).max(initial=0))
    epsilon = float(np.finfo(before.dtype).eps) if before.dtype.kind == "f" else 2.0**-7
    allowed = max(RELATIVE, ROUNDINGS * epsilon) * scale + ABSOLUTE
    wrong = ~(same | (finite & (distance <= allowed)))
    return wrong, float(distance.max(initial=0) / max(scale, 1e-30))
