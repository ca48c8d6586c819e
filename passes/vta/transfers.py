"""Copies as loads and stores: the box of a tile as rows of elements, in memory and on the chip.

A tile's layout splits logical coordinates into digits: `c floordiv 16` and `c mod 16`. The digits
that are not inside an element are the dimensions of the box; in DRAM, where the layout of the
whole says so, each moves the address by a constant too. Dimensions that go on where the next one
ends are one. The innermost two are one instruction, loops of instructions run the others. What
lies outside the whole is a pad of the instruction, or, where nothing is to be written, left out.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, MemRefType
from xdsl.ir import SSAValue

from analysis.affine import Affine, Interval, Quotient, from_expression
from analysis.errors import ScheduleError
from dialects import loop
from dialects.layout import layout_map, layout_of, logical_shape, physical_shape, scope_of
from dialects.target import Machine, Scope
from dialects.vta_syntax import PAD_LIMIT, SIZE_LIMIT
from passes.loop.forms import Ranges, ranges_of
from passes.loop.primitive import loops_around
from passes.vta.elements import buffer_name, check_element, element_address, origin_of


@dataclass(frozen=True)
class Digit:
    """One physical dimension of a tile: the digit of a logical coordinate that it is."""

    position: int
    dimension: int
    scale: int
    count: int

    @property
    def form(self) -> Affine:
        """The digit as a variable; one that has a single value is zero."""
        return Affine.variable(("digit", self.position)) if self.count > 1 else Affine({})


@dataclass(frozen=True)
class Extent:
    """A dimension of what an instruction moves: pads, elements moved, and steps between them."""

    before: int
    count: int
    after: int
    sram: int
    dram: int

    @property
    def total(self) -> int:
        return self.before + self.count + self.after

    @property
    def has_pads(self) -> bool:
        return self.count != self.total


@dataclass(frozen=True)
class Box:
    """What a copy moves: addresses of the first element, and the dimensions, outermost first."""

    sram: int
    dram: Affine
    extents: tuple[Extent, ...]


@dataclass(frozen=True)
class Transfer:
    """A copy between global memory and a tile in a scope of the accelerator."""

    op: loop.CopyOp
    tile: SSAValue
    whole: SSAValue
    scope: Scope
    fills: bool

    @staticmethod
    def of(op: loop.CopyOp, machine: Machine, name: str) -> "Transfer":
        """The transfer that a copy is; anything else is refused."""
        sides = (op.source, op.target)
        scopes = [machine.scope(scope_of(side.type)) for side in sides]
        if scopes[0].name == "global" and scopes[1].fill is not None:
            found = Transfer(op, op.target, op.source, scopes[1], True)
        elif scopes[1].name == "global" and scopes[0].drain is not None:
            found = Transfer(op, op.source, op.target, scopes[0], False)
        else:
            ways = [f"global to {s.name}" for s in machine.scopes if s.fill is not None]
            ways += [f"{s.name} to global" for s in machine.scopes if s.drain is not None]
            raise ScheduleError(
                f"{name}: nothing copies {buffer_name(op.source)} in {scopes[0].name} to "
                f"{buffer_name(op.target)} in {scopes[1].name}: there are {', '.join(ways)}"
            )
        for side in sides:
            check_element(name, side, found.scope)
        return found

    @property
    def name(self) -> str:
        """How messages and labels name it: by its tile."""
        return self.tile.name_hint or "tile"

    @property
    def pad(self) -> int | float | None:
        """What elements outside the whole become; None if they are left alone."""
        pad = self.op.pad
        return pad.value.data if isinstance(pad, IntegerAttr | FloatAttr) else None

    def ranges(self) -> Ranges:
        return ranges_of(loops_around(self.op))

    def error(self, message: str) -> ScheduleError:
        return ScheduleError(
            f"lower-loop-to-vta: the copy between {buffer_name(self.whole)} and "
            f"{buffer_name(self.tile)}: {message}",
            f"{self.whole.type}",
            f"{self.tile.type}",
        )

    def digits(self) -> list[Digit]:
        """The physical dimensions of the tile, as digits of its logical coordinates."""
        shape, extents = sizes(self.tile)
        dims = [Affine.variable(i) for i in range(len(shape))]
        found: list[Digit] = []
        for position, expr in enumerate(layout_map(self.tile.type).results):
            atoms = from_expression(expr, dims, {})
            if atoms.is_constant:
                found.append(Digit(position, 0, 1, 1))
                continue
            # c floordiv s, c mod m, or (c floordiv s) mod m: the smallest divisor is the scale
            divisors = [a.divisor for a in atoms.terms if isinstance(a, Quotient)]
            plain = any(not isinstance(a, Quotient) for a in atoms.terms)
            scale = 1 if plain else min(divisors)
            dimension = min(v for v in atoms.variables() if isinstance(v, int))
            is_top = len(atoms.terms) == 1
            count = -(-shape[dimension] // scale) if is_top else extents[position]
            found.append(Digit(position, dimension, scale, count))
        self._check_digits(found)
        return found

    def _check_digits(self, digits: Sequence[Digit]) -> None:
        """Refuse a layout that the digits are not the inverse of."""
        shape, _ = sizes(self.tile)
        local, ranges = coordinates(digits, len(shape)), digit_ranges(digits)
        for digit, expr in zip(digits, layout_map(self.tile.type).results, strict=True):
            if from_expression(expr, local, ranges) != digit.form:
                raise self.error(
                    "the layout of the tile does not split each coordinate into digits, such as "
                    "(c floordiv 16) and (c mod 16)"
                )

    def bounds(self) -> list[Affine]:
        """Forms of the loops of which none is negative where the box lies inside the whole."""
        found: list[Affine] = []
        digits = self.digits()
        for dimension, (origin, extent) in enumerate(
            zip(self.relative_origin(), sizes(self.whole)[0], strict=True)
        ):
            found.append(origin)
            last = sum(
                d.scale * (d.count - 1) for d in self.outer(digits) if d.dimension == dimension
            )
            found.append(origin * -1 + (extent - 1 - last))
        return found

    def relative_origin(self) -> list[Affine]:
        """Where the tile begins, in coordinates of the whole."""
        pairs = zip(origin_of(self.tile), origin_of(self.whole), strict=True)
        return [tile - whole for tile, whole in pairs]

    def outer(self, digits: Sequence[Digit]) -> Sequence[Digit]:
        """The digits that are not inside an element."""
        assert self.scope.element is not None
        return digits[: len(digits) - len(self.scope.element[0])]

    def box(self) -> Box:
        """What is moved, as far as it lies inside the whole, with pads around it."""
        digits = self.digits()
        dram, steps = self.dram_address(digits)
        _, physical = sizes(self.tile)
        extents: list[Extent] = []
        sram = 1
        for digit in reversed(self.outer(digits)):
            low, high = self.inside(digit, digits)
            moved = max(0, high - low)
            extents.insert(
                0, Extent(low, moved, digit.count - low - moved, sram, steps[digit.position])
            )
            dram = dram + steps[digit.position] * low
            sram *= physical[digit.position]
        self._check_partial_elements(digits)
        return Box(0, dram, tuple(extents))

    def dram_address(self, digits: Sequence[Digit]) -> tuple[Affine, dict[int, int]]:
        """The DRAM address of the first element of the box, and the step of each digit."""
        ranges: dict[Hashable, Interval] = {**self.ranges(), **digit_ranges(digits)}
        local = coordinates(digits, len(sizes(self.tile)[0]))
        there = [o + c for o, c in zip(self.relative_origin(), local, strict=True)]
        outer = self.outer(digits)
        index = [digit.form for digit in digits[len(outer) :]]
        found = element_address(self.whole, there, index, ranges)
        variables: set[Hashable] = {("digit", d.position) for d in digits}
        if found is None or any(
            isinstance(a, Quotient) and a.numerator.variables() & variables for a in found.terms
        ):
            assert self.scope.element is not None
            raise self.error(
                f"an element of {self.scope.name} is not one piece of {buffer_name(self.whole)}: "
                "give both the same blocks with transform-layout, and let tiles begin at a "
                "multiple of a block"
            )
        steps = {d.position: found.coefficient(("digit", d.position)) for d in outer}
        rest = {a: c for a, c in found.terms.items() if a not in variables}
        return Affine(rest, found.const), steps

    def inside(self, digit: Digit, digits: Sequence[Digit]) -> tuple[int, int]:
        """The values of a digit for which its elements lie in the whole."""
        origin = self.relative_origin()[digit.dimension]
        extent = sizes(self.whole)[0][digit.dimension]
        low, high = origin.interval(self.ranges())
        last = sum(
            d.scale * (d.count - 1) for d in self.outer(digits) if d.dimension == digit.dimension
        )
        if low is not None and high is not None and low >= 0 and high + last < extent:
            return 0, digit.count
        if not origin.is_constant or last != digit.scale * (digit.count - 1):
            raise self.error(
                f"where it lies in dimension {digit.dimension} decides what is a pad, and that is "
                "no number here"
            )
        first = max(0, -(origin.const // digit.scale))
        end = min(digit.count, -((origin.const - extent) // digit.scale))
        return first, max(first, end)

    def _check_partial_elements(self, digits: Sequence[Digit]) -> None:
        """Refuse an element that lies partly outside, unless what is there is as good as a pad."""
        shape = sizes(self.whole)[0]
        scales = {d.dimension: d.scale for d in self.outer(digits)}
        ranges = self.ranges()
        for dimension, (origin, extent) in enumerate(
            zip(self.relative_origin(), shape, strict=True)
        ):
            inner = [d for d in digits[len(self.outer(digits)) :] if d.dimension == dimension]
            block = max((d.scale * d.count for d in inner), default=1)
            outer = [d for d in self.outer(digits) if d.dimension == dimension]
            last = sum(d.scale * (d.count - 1) for d in outer) + block
            high = origin.interval(ranges)[1]
            if block == 1 or (high is not None and high + last <= extent):
                continue
            if extent % scales.get(dimension, block) == 0:
                continue
            layout = layout_of(self.whole.type)
            pad = None if layout is None else layout.pad
            known = pad.value.data if isinstance(pad, IntegerAttr | FloatAttr) else None
            if self.fills and self.pad is not None and known != self.pad:
                raise self.error(
                    f"{extent} in dimension {dimension} is no multiple of {block}, and what fills "
                    f"the last element is not {self.pad}: give %{self.whole.name_hint} a layout "
                    f"with pad {self.pad}"
                )
            if not self.fills and known is not None:
                raise self.error(
                    f"{extent} in dimension {dimension} is no multiple of {block}, so the store "
                    f"overwrites the pad {known} of the last element; give it a layout without pad"
                )


def sizes(value: SSAValue) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The logical shape and the physical extents, which are numbers."""
    assert isinstance(value.type, MemRefType)
    found = logical_shape(value.type), physical_shape(value.type)
    shapes = [tuple(e for e in shape if isinstance(e, int)) for shape in found]
    if len(shapes[0]) != len(found[0]):
        raise ScheduleError(
            f"lower-loop-to-vta: {buffer_name(value)} has a symbolic extent; the accelerator is "
            "programmed for constant ones"
        )
    return shapes[0], shapes[1]


def coordinates(digits: Sequence[Digit], rank: int) -> list[Affine]:
    """The logical coordinates that digits make, counted from the tile's origin."""
    found = [Affine({})] * rank
    for digit in digits:
        found[digit.dimension] = found[digit.dimension] + digit.form * digit.scale
    return found


def digit_ranges(digits: Sequence[Digit]) -> dict[Hashable, Interval]:
    return {("digit", d.position): (0, d.count - 1) for d in digits}


def without_pads(box: Box) -> Box:
    """The same elements, and nothing around them."""
    sram = box.sram + sum(e.before * e.sram for e in box.extents)
    return Box(sram, box.dram, tuple(replace(e, before=0, after=0) for e in box.extents))


def folded(box: Box) -> Box:
    """The box with fewer dimensions: a row that ends where the next one begins is one with it."""
    found: list[Extent] = []
    for extent in reversed([e for e in box.extents if e.total > 1]):
        inner = found[0] if found else None
        if (
            inner is not None
            and not inner.has_pads
            and not extent.has_pads
            and extent.sram == inner.count * inner.sram
            and extent.dram == inner.count * inner.dram
        ):
            found[0] = Extent(0, extent.count * inner.count, 0, inner.sram, inner.dram)
        else:
            found.insert(0, extent)
    return replace(box, extents=tuple(found))


@dataclass(frozen=True)
class Rows:
    """One instruction and the loops of instructions around it."""

    box: Box
    loops: tuple[Extent, ...]
    y: Extent
    x: Extent

    @property
    def sizes(self) -> tuple[int, int, int]:
        stride = self.x.count if self.y.count == 1 else self.y.dram
        return self.y.count, self.x.count, stride

    @property
    def pads(self) -> tuple[int, int, int, int]:
        return self.y.before, self.y.after, self.x.before, self.x.after

    @property
    def is_possible(self) -> bool:
        """Whether the pads are such as an instruction has."""
        return max(self.pads) <= PAD_LIMIT and not any(e.has_pads for e in self.loops)


def rows_of(box: Box) -> Rows:
    """The innermost dimensions as the rows of an instruction, the others as loops."""
    box = folded(box)
    one = Extent(0, 1, 0, 1, 1)
    extents = list(box.extents)
    x = one
    if extents and extents[-1].sram == 1 and (extents[-1].dram == 1 or extents[-1].total == 1):
        x = extents.pop()
    y = replace(one, sram=x.total, dram=x.count)
    if extents and extents[-1].sram == x.total and 0 <= extents[-1].dram <= SIZE_LIMIT:
        y = extents.pop()
    return Rows(box, tuple(extents), y, x)


def rows_to_move(transfer: Transfer) -> Rows | None:
    """How a copy is done; None if there is nothing to do."""
    box = transfer.box()
    empty = any(e.count == 0 for e in box.extents)
    if transfer.fills and transfer.pad is not None:
        if transfer.pad != 0:
            raise transfer.error(f"the accelerator pads with zeros, not with {transfer.pad}")
        if empty:
            raise transfer.error(
                "the whole tile is padding, and a load fills pads around elements only"
            )
        rows = rows_of(box)
        _check_pads(transfer, rows)
        return rows
    if empty:
        return None
    rows = rows_of(box)
    if transfer.fills and rows.is_possible and takes_pads(transfer):
        return rows
    return rows_of(without_pads(box))


def takes_pads(transfer: Transfer) -> bool:
    """Whether loads of a scope may have pads."""
    return transfer.scope.name in ("inp", "acc")


def _check_pads(transfer: Transfer, rows: Rows) -> None:
    if any(rows.pads) and not takes_pads(transfer):
        raise transfer.error(
            f"a load of {transfer.scope.name} takes no pads; pad the buffer in memory, with a "
            "layout that has a halo"
        )
    if max(rows.pads) > PAD_LIMIT:
        raise transfer.error(
            f"its pads {list(rows.pads)} (rows before and after, elements before and after) are "
            f"not all at most {PAD_LIMIT}; smaller tiles, or a layout with a halo, need less"
        )
    if any(extent.has_pads for extent in rows.loops):
        raise transfer.error(
            "it has pads in more dimensions than the rows and columns of a load; pad the others "
            "in memory, with a layout that has a halo"
        )
