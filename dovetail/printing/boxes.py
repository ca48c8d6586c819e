"""Boxes of buffers: where tiles begin, which slice of a buffer a tile is a copy of."""

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import SSAValue

from analysis.affine import Affine
from dialects import loop
from dialects.layout import logical_shape
from dovetail.printing.expressions import affine
from dovetail.printing.listing import Listing


def not_negative(listing: Listing, form: Affine) -> bool:
    """Whether the loops around the next line keep a form from being negative."""
    return smallest(listing, form) >= 0


def smallest(listing: Listing, form: Affine) -> float:
    """A lower bound of a form: loops are replaced by their ends, from the innermost outwards."""
    low = form.interval(listing.ranges)[0]
    found = float("-inf") if low is None else low
    for op in reversed(listing.loops):
        factor = form.coefficient(op.induction)
        if factor:
            end = listing.forms_of(op, "lower" if factor > 0 else "upper")[0]
            end = end if factor > 0 else end - 1
            form = form - Affine({op.induction: factor}) + end * factor
    low = form.interval(listing.ranges)[0]
    return found if low is None else max(found, low)


def origin_of(listing: Listing, buffer: SSAValue) -> list[Affine]:
    """The logical coordinates of the first element of a buffer."""
    if isinstance(buffer.owner, loop.AllocOp):
        return listing.forms_of(buffer.owner, "origin")
    assert isinstance(buffer.type, MemRefType)
    return [Affine({})] * buffer.type.get_num_dims()


def box(listing: Listing, buffer: SSAValue, tile: SSAValue) -> str:
    """The part of a buffer that a tile is a copy of; its name alone if that is all of it."""
    assert isinstance(buffer.type, MemRefType) and isinstance(tile.type, MemRefType)
    start = zip(origin_of(listing, tile), origin_of(listing, buffer), strict=True)
    lows = [low - begin for low, begin in start]
    sizes, whole = logical_shape(tile.type), logical_shape(buffer.type)
    name = listing.value(buffer)
    if sizes == whole and not any(low.terms or low.const for low in lows):
        return name
    texts: list[str] = []
    for low, size, extent in zip(lows, sizes, whole, strict=True):
        texts.append(slice_text(listing, low, size, extent))
    return f"{name}[{', '.join(texts)}]"


def slice_text(listing: Listing, low: Affine, size: int | str, extent: int | str) -> str:
    """`y_o*8:y_o*8+8`; a slice of one element is its index."""
    if low == Affine({}) and size == extent:
        return ":"
    start = affine(low, listing.atom, tight=True).text
    if size == 1:
        return affine(low, listing.atom).text
    if isinstance(size, str):
        return f"{start}:{size}" if start == "0" else f"{start}:{start}+{size}"
    return f"{start}:{affine(low + size, listing.atom, tight=True).text}"


def has_origin(value: SSAValue) -> bool:
    return isinstance(value.owner, loop.AllocOp) and value.owner.has_origin


def size_of(value: SSAValue) -> int:
    """How many elements a buffer has; symbolic extents count as many."""
    assert isinstance(value.type, MemRefType)
    count = 1
    for extent in logical_shape(value.type):
        count *= extent if isinstance(extent, int) else 1 << 20
    return count
