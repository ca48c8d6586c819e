"""Proofs from the signatures of blocks alone: fast, and only ever for a yes.

A block that touches, of each buffer it writes, only the element at its own spatial point has no
two points that depend on each other. A variable that is a mixed-radix number of the loops has
another value in every iteration. What these do not prove, the integer sets decide.
"""

from collections.abc import Hashable, Sequence, Set

from analysis.affine import Affine, Quotient
from dialects import loop
from passes.loop.forms import Ranges, coordinates, forms_of, ranges_of
from passes.loop.primitive import accesses, blocks_in, loops_around, memory_of

Place = tuple[tuple[int, int], ...]
"""For each dimension of a buffer the number of a block's variable and a shift."""


def place_by_number(access: loop.LoadOp | loop.StoreOp) -> Place | None:
    """The coordinates of an access, if each is another variable of its region plus a constant."""
    block = access.parent_block()
    assert block is not None
    numbers: dict[Hashable, int] = {argument: i for i, argument in enumerate(block.args)}
    place: list[tuple[int, int]] = []
    for form in coordinates(access):
        if not form.terms:
            place.append((-1, form.const))
            continue
        ((atom, factor),) = tuple(form.terms.items()) if len(form.terms) == 1 else ((None, 0),)
        if factor != 1 or atom not in numbers:
            return None
        place.append((numbers[atom], form.const))
    used = [number for number, _ in place if number >= 0]
    return tuple(place) if len(set(used)) == len(used) else None


def points_are_apart(block: loop.BlockOp) -> bool:
    """Whether each point of a block touches nothing that another point writes."""
    if any(isinstance(o, loop.IntrinsicOp) for o in block.walk()):
        return False
    found = list(accesses(block))
    if any(memory_of(access.memref) is not None for access in found):
        return False
    spatial = {
        i
        for i, (reduce, domain) in enumerate(
            zip(block.is_reduce, forms_of(block, "domains"), strict=True)
        )
        if not reduce and domain != Affine({}, 1)
    }
    for buffer in {a.memref for a in found if isinstance(a, loop.StoreOp)}:
        places = {place_by_number(a) for a in found if a.memref is buffer}
        if len(places) != 1:
            return False
        (place,) = places
        if place is None or not spatial <= {number for number, _ in place}:
            return False
    return True


def is_radix(form: Affine, inductions: Sequence[Hashable], ranges: Ranges) -> bool:
    """Whether different values of some loops always give different values of a form."""
    digits: list[tuple[int, int | None]] = []
    for atom, factor in form.terms.items():
        if isinstance(atom, Quotient):
            if atom.numerator.variables() & set(inductions):
                return False
            continue
        if atom in inductions:
            low, high = ranges.get(atom, (None, None))
            digits.append((abs(factor), None if low is None or high is None else high - low))
    reach: int | None = 0
    for factor, span in sorted(digits, key=lambda digit: digit[0]):
        if reach is None or factor <= reach:
            return False
        reach = None if span is None else reach + factor * span
    return True


def tiles_are_apart(
    places: tuple[Sequence[Affine], Sequence[Affine]],
    loops: Sequence[loop.ForOp],
    ranges: Ranges,
    fixed: Set[Hashable] = frozenset(),
) -> bool:
    """Whether two accesses of one element stand in one and the same iteration of some loops.

    `places` are their coordinates as forms of all loops around them, of which some are `fixed`.
    """
    inductions: dict[Hashable, int | None] = {
        op.induction: op.extent for op in loops if op.extent != 1
    }
    found: set[Hashable] = set()
    for first, second in zip(*places, strict=True):
        still = {v: c for v, c in first.terms.items() if v in fixed and second.terms.get(v) == c}
        first, second = first - Affine(still), second - Affine(still)
        shared = Affine({v: c for v, c in first.terms.items() if v in inductions})
        others = first - shared, second - shared
        if any(other.variables() & inductions.keys() for other in others):
            continue
        lows, highs = zip(*(other.interval(ranges) for other in others), strict=True)
        if None in lows or None in highs:
            continue
        reach = max(highs) - min(lows)
        for factor, variable in sorted((abs(c), n) for n, c in enumerate(shared.terms.values())):
            extent = inductions[list(shared.terms)[variable]]
            if factor <= reach or extent is None:
                break
            reach += factor * (extent - 1)
        else:
            found |= shared.terms.keys()
    return found == inductions.keys()


def iterations_are_apart(op: loop.ForOp) -> bool:
    """Whether no iteration of a loop touches what another one writes, by the signature."""
    blocks = blocks_in(op)
    copies = any(isinstance(o, loop.CopyOp) for o in op.walk())
    if copies or len(blocks) != 1 or not points_are_apart(blocks[0]):
        return False
    (block,) = blocks
    around = loops_around(block)
    ranges = ranges_of(around)
    inside = [o.induction for o in around[around.index(op) :]]
    bindings = zip(forms_of(block, "bindings", ranges), block.is_reduce, strict=True)
    spatial = [binding for binding, reduce in bindings if not reduce]
    moved = [form for form in spatial if op.induction in form.variables()]
    return bool(moved) and all(is_radix(form, inside, ranges) for form in moved)
