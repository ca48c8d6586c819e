"""Whether nested loops may change places: no dependence may be turned around by it.

Two instances that touch one element, of which one writes, differ by a number of iterations of each
loop of the nest. Their order is that of the first loop in which they differ; it is turned around if
the first such loop in the new order has the other sign. Loops whose iterations run at the same time
may not have a dependence between two of them at all, so one that gets further out is asked anew.

The instances of a reduction that differ in its variables only may run in any order: that is what a
variable says that is marked `reduce`, as long as the block combines what it reads with what it
writes. The instance that begins the reduction stays the first.
"""

from collections.abc import Collection, Iterator, Sequence

from xdsl.ir import SSAValue

from analysis.affine import Affine
from dialects import loop
from passes.loop.forms import forms_of, ranges_of
from passes.loop.instances import Use, kept_of, marked, uses_in
from passes.loop.primitive import block_of, blocks_in, loops_around
from passes.loop.signatures import is_radix, points_are_apart
from passes.loop.witnesses import (
    CONCURRENT,
    Witness,
    are_together,
    carried,
    conflicting,
    meet,
    step_of,
)


def accumulated(block: loop.BlockOp) -> set[SSAValue]:
    """The buffers whose elements a block combines with what it reads there: in any order.

    A call of a tensor instruction does so if it updates its result.
    """
    if not any(block.is_reduce):
        return set()
    loads = [op for op in block.body.walk() if isinstance(op, loop.LoadOp)]
    stores = [op for op in block.body.walk() if isinstance(op, loop.StoreOp)]
    found: set[SSAValue] = set()
    for store in stores:
        mine = (tuple(store.indices), store.map)
        others = [a for a in (*loads, *stores) if a.memref is store.memref]
        places = {(tuple(a.indices), a.map) for a in others}
        if places == {mine} and any(isinstance(a, loop.LoadOp) for a in others):
            found.add(store.memref)
    for call in (op for op in block.body.walk() if isinstance(op, loop.IntrinsicOp)):
        if call.form.data == "update":
            found |= set(call.tiles[: call.writes.data]) - set(call.tiles[call.writes.data :])
    return found


def is_one_reduction(first: Use, second: Use) -> bool:
    """Whether two uses may change places where they differ in reduce variables only."""
    if isinstance(first.op, loop.CopyOp) or isinstance(second.op, loop.CopyOp):
        return False
    block = block_of(first.op)
    bodies = first.op.parent_block(), second.op.parent_block()
    return bodies == (block.body.block,) * 2 and first.buffer in accumulated(block)


def apart(first: Use, second: Use, fixed: Sequence[loop.ForOp]) -> Iterator[list[Affine]]:
    """The ways in which two instances differ, but for those that no order matters to."""
    if not is_one_reduction(first, second):
        yield []
        return
    kept = kept_of(first.touch, second.touch, fixed)
    block = block_of(first.op)
    for form, reduce in zip(forms_of(block, "bindings"), block.is_reduce, strict=True):
        if not reduce:
            step = marked(form, kept) - form
            yield from ([step - 1], [step * -1 - 1])


def reversals(old: Sequence[loop.ForOp], new: Sequence[loop.ForOp]) -> Iterator[list[Affine]]:
    """When a second instance, after the first one in the old order of a nest, is before it in the
    new one: for each two loops that change their order."""
    for i, outer in enumerate(old):
        for inner in old[i + 1 :]:
            if new.index(inner) > new.index(outer):
                continue
            equal = dict.fromkeys([*old[:i], *new[: new.index(inner)]])
            steps = [step_of(op) for op in equal]
            conditions = [step_of(outer) - 1, step_of(inner) * -1 - 1]
            yield [*conditions, *steps, *(step * -1 for step in steps)]


def keeps_by_signature(nest: loop.ForOp) -> bool:
    """Whether a nest of one block has no two iterations whose order matters, by the signature."""
    blocks = blocks_in(nest)
    if len(blocks) != 1 or any(isinstance(op, loop.CopyOp) for op in nest.walk()):
        return False
    (block,) = blocks
    if not points_are_apart(block):
        return False
    around = loops_around(block)
    bindings = zip(forms_of(block, "bindings"), block.is_reduce, strict=True)
    reduces = any(reduce and form.variables() for form, reduce in bindings)
    stored = {op.memref for op in block.body.walk() if isinstance(op, loop.StoreOp)}
    if reduces and stored - accumulated(block):
        return False
    return is_injective(block, around[len(loops_around(nest)) :])


def is_injective(block: loop.BlockOp, loops: Sequence[loop.ForOp]) -> bool:
    """Whether a block is at another point in every iteration of some loops around it, and its
    reduction begins in the first one."""
    ranges = ranges_of(loops_around(block))
    moving = [op.induction for op in loops if op.extent != 1]
    moved: set[object] = set()
    bindings = forms_of(block, "bindings", ranges)
    for form, reduce in zip(bindings, block.is_reduce, strict=True):
        if not form.variables() & set(moving):
            continue
        if not is_radix(form, moving, ranges):
            return False
        if reduce and (form.interval(ranges)[0] != 0 or min(form.terms.values()) < 0):
            return False
        moved |= form.variables()
    return moved >= set(moving)


def turned_around(
    old: Sequence[loop.ForOp],
    new: Sequence[loop.ForOp],
    free: Collection[SSAValue] = (),
) -> Witness | None:
    """Two instances of a perfect nest that another order of its loops would turn around.

    They touch none of the buffers `free`, whose uses may come in any order.
    """
    nest = old[0]
    if keeps_by_signature(nest):
        return None
    fixed = loops_around(nest)
    orders = list(reversals(old, new))
    for first, second in conflicting(uses_in(nest)):
        if first.buffer in free or are_together(first, second, old, fixed):
            continue
        for a, b in dict.fromkeys(((first, second), (second, first))):
            for differ in apart(a, b, fixed):
                if meet(a.touch, b.touch, fixed, differ) is None:
                    continue
                for order in orders:
                    witness = meet(a.touch, b.touch, fixed, [*differ, *order])
                    if witness is not None:
                        return witness
    return None


def made_concurrent(
    old: Sequence[loop.ForOp], new: Sequence[loop.ForOp]
) -> tuple[loop.ForOp, Witness] | None:
    """A loop that would get further out, and two of its iterations that would touch one element."""
    outside = loops_around(old[0])
    for op in new:
        if op.kind.data in CONCURRENT:
            fixed = new[: new.index(op)]
            if not set(old[: old.index(op)]) <= set(fixed):
                found = carried(op, [*outside, *fixed], uses_in(old[0]))
                if found is not None:
                    return op, found.witness
    return None
