"""Addresses: from the logical coordinates of an access to an element offset in its buffer.

An offset is composed once for each access, from loops over block variables, logical coordinates
and the layout, as an affine form of the loops. An instance of an unrolled loop then only adds
constants.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from llvmlite import ir
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineMap

from analysis.affine import Affine, Ranges, from_expression
from dialects.layout import layout_map, physical_shape

Product = tuple[str, ...]
"""The symbolic dimensions that a stride is a product of."""


@dataclass(frozen=True)
class Buffer:
    """A memref at run time: where it is, and which logical element its box begins with."""

    pointer: ir.Value
    type: MemRefType
    origin: tuple[Affine, ...]
    start: Affine = field(default_factory=lambda: Affine({}))
    """How many elements behind `pointer` it begins."""

    def strides(self) -> list[tuple[int, Product]]:
        """For each physical dimension its stride in elements: a number times dimensions."""
        strides: list[tuple[int, Product]] = []
        number, symbols = 1, ()
        for extent in reversed(physical_shape(self.type)):
            strides.append((number, symbols))
            if isinstance(extent, int):
                number *= extent
            else:
                symbols = tuple(sorted((*symbols, extent)))
        return strides[::-1]


@dataclass(frozen=True)
class Offset:
    """An element offset: for each product of symbolic dimensions an affine form.

    `inside` says that it lies in the buffer for all values of the loops, guards left aside.
    """

    parts: Mapping[Product, Affine]
    inside: bool = False

    def shifted(self, distance: Affine) -> "Offset":
        """The offset some elements further."""
        return Offset({**self.parts, (): self.parts.get((), Affine({})) + distance})


def compose(buffer: Buffer, indices: Sequence[Affine], map: AffineMap, ranges: Ranges) -> Offset:
    """The offset of `map(indices)` in `buffer`."""
    logical = [from_expression(e, indices, ranges) for e in map.results]
    local = [place - start for place, start in zip(logical, buffer.origin, strict=True)]
    physical = [from_expression(e, local, ranges) for e in layout_map(buffer.type).results]
    parts: dict[Product, Affine] = {} if buffer.start == Affine({}) else {(): buffer.start}
    inside = all(
        is_within(place, extent, ranges)
        for place, extent in zip(physical, physical_shape(buffer.type), strict=True)
    )
    for place, (number, symbols) in zip(physical, buffer.strides(), strict=True):
        part = parts.get(symbols)
        scaled = place * number
        parts[symbols] = scaled if part is None else part + scaled
    return Offset(parts, inside)


def is_within(place: Affine, extent: int | str, ranges: Ranges) -> bool:
    """Whether a physical coordinate never leaves its dimension."""
    low, high = place.interval(ranges)
    if low is None or high is None or isinstance(extent, str):
        return False
    return low >= 0 and high < extent


@dataclass(frozen=True)
class Instance:
    """What the loops around an access stand for where it is emitted.

    `constants` has the loops that are unrolled there, `lane` the vectorized one, if there is one.
    """

    constants: Mapping[Hashable, int]
    lane: SSAValue | None

    def of(self, form: Affine, ranges: Ranges) -> tuple[Affine, int]:
        """The form with the constants put in, and its factor of the lane."""
        if not form.terms:
            return form, 0
        const, terms, step = form.const, dict[Hashable, int](), 0
        for atom, coefficient in form.terms.items():
            if atom in self.constants:
                const += coefficient * self.constants[atom]
            elif atom is self.lane and self.lane is not None:
                step = coefficient
            elif isinstance(atom, SSAValue):
                terms[atom] = coefficient
            else:
                return self._with_quotients(form, ranges)
        return Affine(terms, const), step

    def _with_quotients(self, form: Affine, ranges: Ranges) -> tuple[Affine, int]:
        def value(variable: Hashable) -> Affine | None:
            number = self.constants.get(variable)
            return None if number is None else Affine({}, number)

        put = form.rewrite(value, ranges)
        if self.lane is None:
            return put, 0
        step = put.coefficient(self.lane)
        rest = put - Affine({self.lane: step}) if step else put
        return rest, step

    def depends_on_lane(self, form: Affine) -> bool:
        """Whether the lane is in the form even after its linear part is taken out."""
        return self.lane is not None and self.lane in form.variables()
