"""A block that moves from one place of the program to another, and what runs in between.

compute-at moves a producer forward, to the beginning of a loop of its consumers, reverse-compute-at
a consumer back, to the end of a loop of its producer. Of what the block touches, the instances of
other operations that would be passed decide: they came after it and would come before it, or the
other way round. Operations pass each other within one iteration of the loops around both places.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation

from analysis.affine import Affine
from dialects import loop
from passes.loop.instances import Touch, Use
from passes.loop.primitive import (
    insert_before,
    is_below,
    loops_around,
    only_child,
)
from passes.loop.witnesses import CONCURRENT, Witness, conflict_of, meet, step_of


def root_of(block: loop.BlockOp) -> Operation:
    """The outermost operation that holds nothing but this block."""
    root: Operation = block
    parent = block.parent_op()
    while isinstance(parent, loop.ForOp) and only_child(parent) is root:
        root, parent = parent, parent.parent_op()
    return root


def common_loops(op: Operation, at: loop.ForOp) -> list[loop.ForOp]:
    """The loops around `op` that `at` is in, or that are `at`, outermost first."""
    outer = [*loops_around(at), at]
    return [o for o in loops_around(op) if o in outer]


def sees(at: loop.ForOp, alloc: loop.AllocOp, order: Mapping[Operation, int]) -> bool:
    """Whether a buffer is there at the end of the body of a loop, the same in all iterations of
    the loops between."""
    parent = alloc.parent_op()
    return parent is not None and order[alloc] < order[at] and is_below(at, parent)


def later_in(op: loop.ForOp) -> Affine:
    """That a second instance is in a later iteration of a loop than the first one."""
    return step_of(op) - 1


def earlier_in(op: loop.ForOp) -> Affine:
    """That a second instance is in an earlier iteration of a loop than the first one."""
    return step_of(op) * -1 - 1


def hoist(alloc: loop.AllocOp, root: Operation) -> None:
    """Move an allocation that comes after `root` before it."""
    block = root.parent_block()
    assert block is not None and block is alloc.parent_block()
    if block.get_operation_index(alloc) > block.get_operation_index(root):
        alloc.detach()
        insert_before(root, alloc)


def comes_before(
    first: Operation,
    second: Operation,
    fixed: Sequence[loop.ForOp],
    order: Mapping[Operation, int],
    names: tuple[str, str] = ("", "other"),
) -> Iterator[list[Affine]]:
    """When an instance of one block or copy runs before one of another, in one iteration of the
    loops `fixed`: a list of conditions for each way. `names` tell their variables apart."""
    around = loops_around(second)
    shared = [op for op in loops_around(first) if op in around and op not in fixed]
    equal: list[Affine] = []
    for op in shared:
        step = tagged(op.induction, names[1]) - tagged(op.induction, names[0])
        yield [*equal, step - 1]
        equal += [step, step * -1]
    if order[first] < order[second]:
        yield equal


def tagged(variable: Hashable, name: str) -> Affine:
    """A variable of the instance that is called so; of the first one it keeps its name."""
    return Affine.variable((name, variable) if name else variable)


@dataclass(frozen=True)
class Passed:
    """When another operation runs between the two places: the loops that stand still, what else
    holds of the two instances, and whether the block's is that of its new place."""

    fixed: Sequence[loop.ForOp]
    differ: Sequence[Affine]
    new: bool


def passed_by(
    block: loop.BlockOp, at: loop.ForOp, other: Operation, order: Mapping[Operation, int]
) -> Iterator[Passed]:
    """When a block or copy runs between the place of `block` and the one it gets in `at`: the
    beginning of its body if the block comes before the loop, else the end."""
    common = common_loops(block, at)
    count = len(common)
    path = [*loops_around(other), other]
    if path[:count] != common or other is block:
        return
    old, new = [*loops_around(block), block], [*loops_around(at), at]
    forward = order[block] < order[at]
    root = path[count]
    if root is old[count]:
        shared = [op for op in loops_around(other) if op in old]
        step = later_in if forward else earlier_in
        yield from (Passed(shared[:i], [step(shared[i])], False) for i in range(count, len(shared)))
        if (order[other] > order[block]) == forward:
            yield Passed(shared, [], False)
    elif root is new[count]:
        shared = common_loops(other, at)
        step = earlier_in if forward else later_in
        yield from (Passed(shared[:i], [step(shared[i])], True) for i in range(count, len(shared)))
        if len(shared) < len(new) and (order[other] < order[new[len(shared)]]) == forward:
            yield Passed(shared, [], True)
    elif (
        min(order[old[count]], order[new[count]])
        < order[root]
        < max(order[old[count]], order[new[count]])
    ):
        yield Passed(common, [], True)


def turned_around(
    block: loop.BlockOp,
    at: loop.ForOp,
    touches: Sequence[tuple[Touch, Touch]],
    uses: Sequence[Use],
    order: Mapping[Operation, int],
) -> Witness | None:
    """Two instances that a block's move to `at` would let run in the other order.

    `touches` is what the block does, in its place and in the new one; `uses` what others do.
    """
    forward = order[block] < order[at]
    for use in uses:
        for touch in touches:
            if not conflict_of(touch[0], use.touch):
                continue
            for passed in passed_by(block, at, use.statement, order):
                witness = meet(touch[passed.new], use.touch, passed.fixed, passed.differ)
                if witness is not None:
                    return witness if forward else witness.flipped()
    return None


def race_in(
    loops: Sequence[loop.ForOp], touches: Sequence[Touch], uses: Sequence[Use]
) -> tuple[loop.ForOp, Witness] | None:
    """A loop around a new place whose iterations run at the same time, and two of them that touch
    one element: `touches` is what a block does in the new place, `uses` what others do below."""
    for i, op in enumerate(loops):
        if op.kind.data not in CONCURRENT:
            continue
        others = [use.touch for use in uses if is_below(use.op, op)]
        for touch in touches:
            for other in (*touches, *others):
                if not conflict_of(touch, other) or is_private(touch, op):
                    continue
                for step in (later_in(op), earlier_in(op)):
                    witness = meet(touch, other, loops[:i], [step])
                    if witness is not None:
                        return op, witness
    return None


def is_private(touch: Touch, op: loop.ForOp) -> bool:
    """Whether each iteration of a loop has a buffer of its own."""
    assert touch.actor is not None
    owner = touch.actor.buffer.owner
    return isinstance(owner, loop.AllocOp) and is_below(owner, op)
