"""Boxes of coordinates: what an access touches while loops stand still, what a buffer holds."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import islpy as isl
from xdsl.dialects.builtin import MemRefType

from analysis.affine import Affine, Interval, Quotient, from_expression
from analysis.integer_sets import Names
from dialects.layout import layout_map, physical_shape
from passes.loop.forms import ranges_of
from passes.loop.instances import Access, place_of
from passes.loop.primitive import block_of, loops_around


@dataclass(frozen=True)
class Span:
    """The coordinates from `base + low` to `base + high`; None where no constant bounds them."""

    base: Affine
    low: int | None
    high: int | None


def fixed_part(form: Affine, fixed: set[Hashable]) -> Affine:
    """The terms of a form that only depend on the loops `fixed`."""
    terms = form.terms.items()
    return Affine({a: c for a, c in terms if Affine({a: c}).variables() <= fixed})


def divided(form: Affine) -> set[Hashable]:
    """The variables in the quotients of a form."""
    quotients = (atom for atom in form.terms if isinstance(atom, Quotient))
    return {v for atom in quotients for v in atom.numerator.variables()}


def is_narrower(first: Interval, second: Interval) -> bool:
    """Whether an interval has bounds and holds fewer numbers than another one."""
    if first[0] is None or first[1] is None:
        return False
    return second[0] is None or second[1] is None or first[1] - first[0] < second[1] - second[0]


def spans_of(access: Access, fixed: set[Hashable]) -> list[Span]:
    """For each dimension the part that only the `fixed` loops move, and the rest's interval.

    A remainder of fixed and other loops is kept together where that bounds it better.
    """
    ranges = ranges_of(loops_around(block_of(access)))
    spans: list[Span] = []
    for form in place_of(access):
        base = fixed_part(form, fixed)
        ends = (form - base).interval(ranges)
        apart = fixed_part(form, fixed - divided(form - base))
        together = (form - apart).interval(ranges)
        if is_narrower(together, ends):
            base, ends = apart, together
        spans.append(Span(base, *ends))
    return spans


def bounding_box(points: isl.Set, rank: int) -> list[Interval]:
    """The least and the largest coordinate in each dimension, None where that is no constant."""
    found: list[Interval] = []
    for i in range(rank):
        ends = [points.dim_min_val(i), points.dim_max_val(i)]
        low, high = (end.to_python() if end.is_int() else None for end in ends)
        found.append((low, high))
    return found


def frame_of(type: MemRefType) -> list[tuple[int, int] | None]:
    """For each dimension the first and the last coordinate for which the layout has cells.

    None where that is no interval of constants, or depends on other coordinates.
    """
    coordinates = [Affine.variable(i) for i in range(type.get_num_dims())]
    cells = [
        (from_expression(result, coordinates, {}), extent)
        for result, extent in zip(layout_map(type).results, physical_shape(type), strict=True)
    ]
    return [frame_along(i, cells) for i in range(len(coordinates))]


def frame_along(
    dimension: int, cells: Sequence[tuple[Affine, int | str]]
) -> tuple[int, int] | None:
    """The coordinates of one dimension that have cells; `cells` are the layout and its extents."""
    mine = [(form, extent) for form, extent in cells if dimension in form.variables()]
    value, conditions = Affine.variable(dimension), list[Affine]()
    for form, extent in mine:
        if form.variables() != {dimension} or not isinstance(extent, int):
            return None
        conditions += [form, form * -1 + (extent - 1)]
    names = Names()
    held = names.points([value], conditions, {dimension})
    ((low, high),) = bounding_box(held, 1)
    if low is None or high is None:
        return None
    between = names.points([value], [value - low, value * -1 + high], {dimension})
    return (low, high) if between.is_subset(held) else None
