"""Nests that fill or copy a box, as one line of slices.

A nest is a move if its block stores a constant, or an element of another buffer, and its loops
run over a box without gaps: `C_register[:, :] = 0`, `C[y_o*8:y_o*8+8, 0:4] = C_register[:, :]`.
So are the nests that schedules make around tiles, and the init regions of reductions.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.ir import Operation, SSAValue

from analysis.affine import Affine
from dialects import loop
from dialects.layout import logical_shape, scope_of
from dovetail.printing.boxes import not_negative, origin_of
from dovetail.printing.expressions import affine, conditions
from dovetail.printing.listing import Listing
from dovetail.printing.scalars import constant
from passes.loop.forms import coordinates
from passes.loop.primitive import only_child

KINDS = ("serial", "unrolled", "vectorized")


@dataclass(frozen=True)
class Move:
    """Loops around a block that stores a constant or what it loads."""

    loops: tuple[loop.ForOp, ...]
    block: loop.BlockOp
    store: loop.StoreOp
    source: loop.LoadOp | arith.ConstantOp


Digits = tuple[tuple[SSAValue, int], ...]
"""Loops and their factors in one coordinate."""

Limits = dict[Digits, Affine]


@dataclass(frozen=True)
class Side:
    """A part of one dimension: where it begins, its size, and the loops that run over it."""

    start: Affine
    size: Affine
    digits: Digits


def move_of(root: Operation) -> Move | None:
    """The move that a nest is, if it is one."""
    loops: list[loop.ForOp] = []
    op: Operation | None = root
    while isinstance(op, loop.ForOp):
        if op.kind.data not in KINDS:
            return None
        loops.append(op)
        op = only_child(op)
    if not isinstance(op, loop.BlockOp) or op.init is not None:
        return None
    source, store = op.body.block.first_op, op.body.block.last_op
    if not isinstance(source, loop.LoadOp | arith.ConstantOp) or source.next_op is not store:
        return None
    if not isinstance(store, loop.StoreOp) or store.value is not source.results[0]:
        return None
    if isinstance(source, loop.LoadOp):
        if source.otherwise is not None or source.memref is store.memref:
            return None
        if any(v.owner is not op.body.block for v in source.indices):
            return None
    return Move(tuple(loops), op, store, source)


def list_move(listing: Listing, root: Operation) -> bool:
    """List a nest as one line, if it is a move that is better read so."""
    move = move_of(root)
    if move is None or not (root in listing.inits or has_tile(move)):
        return False
    for op in move.loops:
        listing.enter(op)
    found = line_of(listing, move)
    del listing.loops[len(listing.loops) - len(move.loops) :]
    if found is None:
        return False
    guards, text = found
    comment = "" if root in listing.inits else how(move)
    if guards:
        with listing.indented(f"if {conditions(guards, listing.atom, listing.ranges).text}:"):
            listing.line(text, comment)
    else:
        listing.line(text, comment)
    return True


def has_tile(move: Move) -> bool:
    """Whether one of the buffers is a tile in a scope of its own."""
    buffers = [move.store.memref]
    if isinstance(move.source, loop.LoadOp):
        buffers.append(move.source.memref)
    return any(scope_of(b.type) != "global" for b in buffers)


def how(move: Move) -> str:
    """The block and how its loops are executed, where that is not one after the other."""
    if all(op.kind.data == "serial" or op.extent == 1 for op in move.loops):
        return ""
    kinds = [
        f"{op.kind.data} {op.extent if op.extent is not None else op.loop_name.data}"
        for op in move.loops
        if op.extent != 1
    ]
    return f"{move.block.block_name.data}: {', '.join(kinds)}"


def line_of(listing: Listing, move: Move) -> tuple[list[Affine], str] | None:
    """The guards that all of a move has in common, and its line."""
    inside = {op.induction for op in move.loops}
    target = sides_of(listing, move, move.store)
    if target is None:
        return None
    guards: list[Affine] = []
    limits: Limits = {}
    for form, variable, domain in open_guards(listing, move.block):
        if not form.variables() & inside:
            guards.append(form)
            continue
        sides = [
            (side, place.const, origin)
            for side, place, origin in zip(
                target,
                coordinates(move.store),
                origin_of(listing, move.store.memref),
                strict=True,
            )
            if variable is not None and place.terms == {variable: 1}
        ]
        if domain is None or not sides:
            return None
        side, shift, origin = sides[0]
        limit = domain + shift - origin - side.start
        if not not_negative(listing, limit):
            return None
        limits[side.digits] = limit
    left = f"{listing.value(move.store.memref)}[{slices(listing, move.store, target, limits)}]"
    if isinstance(move.source, arith.ConstantOp):
        return guards, f"{left} = {constant(move.source.value).text}"
    source = sides_of(listing, move, move.source)
    if source is None or digits_of(source) != digits_of(target):
        return None
    right = slices(listing, move.source, source, limits)
    return guards, f"{left} = {listing.value(move.source.memref)}[{right}]"


def digits_of(sides: Sequence[Side]) -> list[Digits]:
    """The loops over each part that is more than one element."""
    return [side.digits for side in sides if side.digits]


def open_guards(
    listing: Listing, block: loop.BlockOp
) -> list[tuple[Affine, SSAValue | None, Affine | None]]:
    """The guards that can fail; with the variable and its domain, if that is what it is about."""
    found: list[tuple[Affine, SSAValue | None, Affine | None]] = []
    domains = listing.forms_of(block, "domains")
    bindings = listing.forms_of(block, "bindings")
    for variable, domain, binding in zip(block.variables, domains, bindings, strict=True):
        found.append((binding, None, None))
        found.append((domain - binding - 1, variable, domain))
    found += [(form, None, None) for form in listing.forms_of(block, "where")]
    return [guard for guard in found if not not_negative(listing, guard[0])]


def sides_of(listing: Listing, move: Move, access: loop.LoadOp | loop.StoreOp) -> list[Side] | None:
    """The box that an access runs over, or None if it is no box without gaps."""
    bindings = listing.forms_of(move.block, "bindings")
    variables: dict[Hashable, Affine] = dict(zip(move.block.variables, bindings, strict=True))
    origin = origin_of(listing, access.memref)
    found: list[Side] = []
    for form, start in zip(coordinates(access), origin, strict=True):
        place = form.substitute(variables, listing.ranges) - start
        side = side_of(listing, place, move.loops)
        if side is None:
            return None
        found.append(side)
    moved = [v for side in found for v, _ in side.digits]
    moving = {op.induction for op in move.loops if op.induction not in listing.fixed}
    return found if len(moved) == len(moving) and set(moved) == moving else None


def side_of(listing: Listing, form: Affine, loops: Sequence[loop.ForOp]) -> Side | None:
    """What a form runs over in some loops: a range without gaps, or None."""
    inside = {op.induction for op in loops}
    digits: list[tuple[int, SSAValue, Affine]] = []
    for op in loops:
        low, high = listing.forms_of(op, "lower")[0], listing.forms_of(op, "upper")[0]
        factor = form.coefficient(op.induction)
        if factor:
            digits.append((factor, op.induction, high - low))
            form = form - Affine({op.induction: factor}) + low * factor
    size = Affine({}, 1)
    for factor, _, extent in sorted(digits, key=lambda digit: digit[0]):
        if not size.is_constant or factor != size.const or extent.variables() & inside:
            return None
        size = extent * factor
    if form.variables() & inside:
        return None
    return Side(form, size, tuple((v, f) for f, v, _ in digits))


def slices(
    listing: Listing,
    access: loop.LoadOp | loop.StoreOp,
    sides: Sequence[Side],
    limits: Limits,
) -> str:
    """The parts of a buffer's dimensions; `limits` has the sizes that some may have at most."""
    texts: list[str] = []
    for side, extent in zip(sides, logical_shape(access.memref.type), strict=True):
        if not side.digits:
            texts.append(affine(side.start, listing.atom).text)
            continue
        size, limit = side.size, limits.get(side.digits)
        if limit is not None and limit.is_constant and size.is_constant:
            size, limit = Affine({}, min(size.const, limit.const)), None
        start, end = (
            affine(f, listing.atom, tight=True).text for f in (side.start, side.start + size)
        )
        if limit is not None:
            most = affine(side.start + limit, listing.atom, tight=True).text
            texts.append(f"{start}:min({end}, {most})")
        else:
            texts.append(":" if start == "0" and end == str(extent) else f"{start}:{end}")
    return ", ".join(texts) or "()"
