"""expand-copies: each copy of a box becomes loops that move it element by element.

    loop.copy %A to %T          ->    for T_in_d0, T_in_d1
                                        T_in: T[y, x] = A[y, x] where A has such an element

On an accelerator a copy is one operation of a unit. A machine without such units runs these loops
instead, so the pass stands behind everything that looks for copies, before code is emitted. The
loops are serial and run over the box of the tile: the side that has an origin, or the smaller one.
Where a padded copy may leave elements of its target without a source, the target is filled with
the pad before; without a pad they are left alone.

Names: a block `<tile>_in`, or `<tile>_out` where the tile is the source, and `<tile>_pad`; loops
`<block>_d0`, ...
Refuses: a copy of which neither side has a constant size; a size that no loop.dim names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.passes import ModulePass

from analysis.affine import Affine
from dialects import loop
from dialects.layout import logical_shape
from passes.locations import locate
from passes.loop.forms import Ranges, forms_of, map_of, ranges_of
from passes.loop.nests import box_loops, put_block
from passes.loop.primitive import Scope, insert_before, loops_around

Fill = Callable[[Block, Sequence[SSAValue], AffineMap], None]
"""Writes the body of a block, given the coordinates of its element."""


@dataclass(frozen=True)
class Box:
    """The logical elements of a buffer: where they begin, and how many there are."""

    origin: tuple[Affine, ...]
    sizes: tuple[Affine, ...]

    @property
    def extents(self) -> list[int] | None:
        """The sizes, if they are constant."""
        return [s.const for s in self.sizes] if all(s.is_constant for s in self.sizes) else None


def box_of(scope: Scope, buffer: SSAValue) -> Box:
    """The box of a buffer, over the loops and symbolic dimensions around it."""
    sizes = tuple(size_of(scope, buffer, extent) for extent in logical_shape(buffer.type))
    if isinstance(buffer.owner, loop.AllocOp):
        return Box(tuple(forms_of(buffer.owner, "origin")), sizes)
    return Box((Affine({}),) * len(sizes), sizes)


def size_of(scope: Scope, buffer: SSAValue, extent: int | str) -> Affine:
    """The size of a dimension of a buffer."""
    if isinstance(extent, int):
        return Affine({}, extent)
    for op in scope.function.body.block.ops:
        if isinstance(op, loop.DimOp) and op.symbol.data == extent:
            return Affine.variable(op.result)
    raise scope.error(f"the size '{extent}' of %{buffer.name_hint} has no loop.dim in the function")


def tile_of(op: loop.CopyOp) -> SSAValue:
    """The side over whose box the copy runs."""

    def order(value: SSAValue) -> tuple[bool, int]:
        whole = not (isinstance(value.owner, loop.AllocOp) and value.owner.has_origin)
        size = 1
        for extent in logical_shape(value.type):
            size *= extent if isinstance(extent, int) else 1 << 20
        return whole, size

    return min((op.target, op.source), key=order)


@dataclass(frozen=True)
class Nests:
    """Makes nests over a box, in the place of an operation."""

    scope: Scope
    at: Operation

    def nest(self, wish: str, box: Box, other: Box, fill: Fill) -> None:
        """A nest over those elements of `box` that `other` has too, whose body `fill` writes."""
        extents = box.extents
        assert extents is not None
        (name,) = self.scope.fresh(wish)
        loops = box_loops(self.scope, extents, name)
        ranges = ranges_of([*loops_around(self.at), *loops])
        variables: list[tuple[str | None, Affine, Affine]] = []
        where: list[Affine] = []
        lows: list[int] = []
        for i, op in enumerate(loops):
            place = box.origin[i] + Affine.variable(op.induction)
            low, domain = bounds(place, box.origin[i] + extents[i], ranges)
            inside = [place - other.origin[i], other.origin[i] + other.sizes[i] - place - 1]
            if other.origin[i] == Affine({}):
                low, domain, inside = 0, other.sizes[i], []
            where += [form for form in inside if not never_negative(form, ranges)]
            variables.append((f"v_d{i}", domain - low, place - low))
            lows.append(low)

        def write(block: Block) -> None:
            forms = [Affine.variable(v) + low for v, low in zip(block.args, lows, strict=True)]
            operands: list[SSAValue] = []
            exprs = tuple(map_of(forms, operands))
            fill(block, operands, AffineMap(len(operands), 0, exprs))

        root = put_block(loops, name, variables, where, write)
        locate(self.at.location, root)
        insert_before(self.at, root)


def bounds(place: Affine, end: Affine, ranges: Ranges) -> tuple[int, Affine]:
    """The lowest value that a coordinate can have if it is negative, else 0; and its end."""
    low, high = place.interval(ranges)
    return min(0, low or 0), end if high is None else Affine({}, high + 1)


def never_negative(form: Affine, ranges: Ranges) -> bool:
    low = form.interval(ranges)[0]
    return low is not None and low >= 0


def expand_copy(scope: Scope, op: loop.CopyOp) -> None:
    """Put loops in the place of a copy."""
    tile = tile_of(op)
    whole = op.source if tile is op.target else op.target
    box, rest, target = (box_of(scope, value) for value in (tile, whole, op.target))
    if box.extents is None or (op.pad is not None and target.extents is None):
        raise scope.error(
            f"the copy of %{op.source.name_hint} to %{op.target.name_hint} has no constant size; "
            "copy a tile"
        )
    name = tile.name_hint or "tile"
    nests = Nests(scope, op)
    if op.pad is not None:
        pad = op.pad

        def fill(block: Block, operands: Sequence[SSAValue], place: AffineMap) -> None:
            block.add_op(value := arith.ConstantOp(pad))
            block.add_op(loop.StoreOp(value.result, op.target, operands, place))

        if leaves_some(op, target, box_of(scope, op.source)):
            nests.nest(f"{name}_pad", target, target, fill)

    def move(block: Block, operands: Sequence[SSAValue], place: AffineMap) -> None:
        block.add_op(load := loop.LoadOp(op.source, operands, place))
        block.add_op(loop.StoreOp(load.result, op.target, operands, place))

    nests.nest(f"{name}_{'in' if tile is op.target else 'out'}", box, rest, move)
    op.detach()
    op.erase()


def leaves_some(op: loop.CopyOp, target: Box, source: Box) -> bool:
    """Whether a target may have elements that the source does not have."""
    ranges = ranges_of(loops_around(op))
    sides = zip(target.origin, target.sizes, source.origin, source.sizes, strict=True)
    return not all(
        never_negative(mine - theirs, ranges)
        and never_negative(theirs + there - mine - here, ranges)
        for mine, here, theirs, there in sides
    )


@dataclass(frozen=True)
class ExpandCopiesPass(ModulePass):
    """Replace copies of boxes by loops."""

    name = "expand-copies"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.ops:
            if isinstance(function, func.FuncOp):
                scope = Scope(self.name, function)
                for inner in [o for o in function.walk() if isinstance(o, loop.CopyOp)]:
                    expand_copy(scope, inner)
