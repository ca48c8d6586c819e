"""Tensor expressions of the graph ops that move elements: reads at other places."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineExpr

from dialects.graph import movement as mv
from dialects.graph.base import Extent, integer, ints, real
from passes.graph.expressions import (
    Kernel,
    Point,
    Scalar,
    axis,
    constant_index,
    element_of_value,
    extents,
)

Lowering = Callable[[Kernel, Any], SSAValue]


def moved(
    k: Kernel, op: Any, index: Callable[[list[AffineExpr]], Sequence[AffineExpr]]
) -> SSAValue:
    """Each element of the result is the element of `op.x` at `index` of its place."""
    shape = extents(op.result)
    places = [axis(i) for i in range(len(shape))]
    return k.compute("", shape, lambda p: p.read(op.x, index(places)))[0]


def strides(shape: Sequence[int]) -> list[int]:
    return [prod(shape[i + 1 :]) for i in range(len(shape))]


def reshaped(
    places: Sequence[AffineExpr], old: Sequence[int], new: Sequence[int]
) -> list[AffineExpr]:
    """The place in `old` of the element at `places` of `new`, row-major in both.

    Runs of dimensions with equal products are independent, so only what is split or merged
    divides.
    """
    found: list[AffineExpr] = []
    i = j = 0
    while i < len(old):
        first, last = i, j
        before = after = 1
        while True:
            if before <= after and i < len(old) and (before < after or i == first):
                before *= old[i]
                i += 1
            elif j < len(new) and after < before:
                after *= new[j]
                j += 1
            elif before == after:
                break
            else:
                break
        found += unravelled(places[last:j], new[last:j], old[first:i])
    return found


def unravelled(
    places: Sequence[AffineExpr], new: Sequence[int], old: Sequence[int]
) -> list[AffineExpr]:
    """`reshaped` for one run of dimensions."""
    flat = constant_index(0)
    for place, extent, stride in zip(places, new, strides(new), strict=True):
        if extent != 1:
            flat = flat + place * stride
    out: list[AffineExpr] = []
    wide = [n for n, extent in enumerate(old) if extent != 1]
    for n, (extent, stride) in enumerate(zip(old, strides(old), strict=True)):
        if extent == 1:
            out.append(constant_index(0))
            continue
        part = flat if stride == 1 else flat // stride
        out.append(part if n == wide[0] else part % extent)
    return out


def runs(shape: Sequence[Extent]) -> tuple[list[list[int]], list[str]]:
    """The runs of numbers in a shape, and the symbolic extents between them."""
    numbers, symbols = [list[int]()], list[str]()
    for extent in shape:
        if isinstance(extent, int):
            numbers[-1].append(extent)
        else:
            symbols.append(extent)
            numbers.append([])
    return numbers, symbols


def reshape(k: Kernel, op: mv.ReshapeOp) -> SSAValue:
    """Symbolic dimensions stay; the runs of numbers between them are reshaped one by one."""
    (old, symbols), (new, same) = runs(extents(op.x)), runs(extents(op.result))
    if symbols != same or [prod(run) for run in old] != [prod(run) for run in new]:
        old, new = [list(k.static_shape(op.x))], [list(k.static_shape(op.result))]

    def index(places: list[AffineExpr]) -> Sequence[AffineExpr]:
        found: list[AffineExpr] = []
        begin = 0
        for before, after in zip(old, new, strict=True):
            found += places[begin - 1 : begin] if begin else []
            found += reshaped(places[begin : begin + len(after)], before, after)
            begin += len(after) + 1
        return found

    return moved(k, op, index)


def transpose(k: Kernel, op: mv.TransposeOp) -> SSAValue:
    perm = ints(op.perm)
    return moved(k, op, lambda places: [places[perm.index(i)] for i in range(len(perm))])


def slice_(k: Kernel, op: mv.SliceOp) -> SSAValue:
    parts = list(zip(ints(op.starts), ints(op.steps), strict=True))
    return moved(k, op, lambda ps: [p * step + at for p, (at, step) in zip(ps, parts, strict=True)])


def tile(k: Kernel, op: mv.TileOp) -> SSAValue:
    sizes = [
        k.number(extent) if repeats != 1 else None
        for extent, repeats in zip(extents(op.x), ints(op.repeats), strict=True)
    ]
    return moved(
        k,
        op,
        lambda ps: [p if size is None else p % size for p, size in zip(ps, sizes, strict=True)],
    )


def expand(k: Kernel, op: mv.ExpandOp) -> SSAValue:
    return k.map("", extents(op.result), [op.x], lambda p, x: x)


def pad(k: Kernel, op: mv.PadOp) -> SSAValue:
    if op.mode.data != "constant":
        return pad_from_inside(k, op)
    shape, out, pads = extents(op.x), extents(op.result), ints(op.pads)
    indices = [axis(i) - pads[i] if pads[i] else axis(i) for i in range(len(shape))]
    guards = [indices[i] for i in range(len(shape)) if pads[i] > 0]
    for i, extent in enumerate(shape):
        if pads[len(shape) + i] > 0:
            guards.append(constant_index(k.number(extent) - 1) - indices[i])

    def body(p: Point) -> Scalar:
        value = p.constant(real(op.value), element_of_value(op.x)) if guards else None
        return p.read(op.x, indices, guards, value)

    return k.compute("", out, body)[0]


def pad_from_inside(k: Kernel, op: mv.PadOp) -> SSAValue:
    """Modes whose new elements are copies of others."""
    shape, pads = extents(op.x), ints(op.pads)
    padded = [i for i in range(len(shape)) if pads[i] > 0 or pads[len(shape) + i] > 0]

    def body(p: Point) -> Scalar:
        rank, values = len(shape), list[Scalar]()
        indices = [axis(i) - pads[i] if pads[i] else axis(i) for i in range(rank)]
        for i in padded:
            values.append(inside(p, op.mode.data, indices[i], pads[i], k.number(shape[i])))
            indices[i] = axis(rank + len(values) - 1)
        return p.read(op.x, indices, values=values)

    return k.compute("", extents(op.result), body)[0]


def inside(p: Point, mode: str, place: AffineExpr, low: int, extent: int) -> Scalar:
    """The index that a padded `place` (from -`low` on) of a dimension copies."""
    if mode == "edge":
        index = p.index(place)
        above = p.add(arith.MaxSIOp(index, p.like(0, index)))
        return p.add(arith.MinSIOp(above, p.like(extent - 1, index)))
    period = extent if mode == "wrap" else max(1, 2 * (extent - 1))
    turns = -(-max(low, 0) // period)
    index = p.index(place + turns * period)
    index = p.add(arith.RemSIOp(index, p.like(period, index)))
    if mode == "wrap":
        return index
    back = p.add(arith.SubiOp(p.like(period, index), index))
    return p.add(arith.MinSIOp(index, back))


def concat(k: Kernel, op: mv.ConcatOp) -> SSAValue:
    shape = extents(op.result)
    at = integer(op.axis) % len(shape)
    end = k.number(shape[at])

    def body(p: Point) -> Scalar:
        value, begin = p.constant(0, element_of_value(op.result)), 0
        for part in op.parts:
            extent = k.number(extents(part)[at])
            indices = [axis(i) for i in range(len(shape))]
            indices[at] = axis(at) - begin if begin else axis(at)
            guards = [indices[at]] if begin else []
            if begin + extent < end:
                guards.append(constant_index(extent - 1) - indices[at])
            if extent:
                value = p.read(part, indices, guards, value)
            begin += extent
        return value

    return k.compute("", shape, body)[0]


def index_at(
    k: Kernel, p: Point, indices: SSAValue, place: Sequence[AffineExpr], extent: Extent
) -> Scalar:
    """The index that stands in `indices`; a negative one counts from the end of `extent`."""
    number = p.read(indices, place)
    index = p.add(arith.IndexCastOp(number, IndexType()))
    below = p.add(arith.CmpiOp(index, p.like(0, index), "slt"))
    from_end = p.add(arith.AddiOp(index, k.count(p, [extent], index)))
    return p.add(arith.SelectOp(below, from_end, index))


def gather(k: Kernel, op: mv.GatherOp) -> SSAValue:
    shape, source = extents(op.result), extents(op.x)
    at, rank = integer(op.axis) % len(source), len(extents(op.indices))

    def body(p: Point) -> Scalar:
        index = index_at(k, p, op.indices, [axis(at + i) for i in range(rank)], source[at])
        places = [axis(i) for i in range(at)]
        places += [axis(len(shape)), *(axis(at + rank + i) for i in range(len(source) - at - 1))]
        return p.read(op.x, places, values=[index])

    return k.compute("", shape, body)[0]


def gather_elements(k: Kernel, op: mv.GatherElementsOp) -> SSAValue:
    shape, source = extents(op.result), extents(op.x)
    at = integer(op.axis) % len(source)

    def body(p: Point) -> Scalar:
        places = [axis(i) for i in range(len(shape))]
        index = index_at(k, p, op.indices, places, source[at])
        places[at] = axis(len(shape))
        return p.read(op.x, places, values=[index])

    return k.compute("", shape, body)[0]


MOVEMENT: dict[type[Operation], Lowering] = {
    mv.ConcatOp: concat,
    mv.ExpandOp: expand,
    mv.GatherElementsOp: gather_elements,
    mv.GatherOp: gather,
    mv.PadOp: pad,
    mv.ReshapeOp: reshape,
    mv.SliceOp: slice_,
    mv.TileOp: tile,
    mv.TransposeOp: transpose,
}
