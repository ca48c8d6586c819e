"""What a tile must not meet: other ways to the elements that it holds for a while.

From where a tile is filled to where it is written back, its elements are in two places. What else
uses them then finds the wrong ones: by another name of the same memory, or in another iteration
that runs at the same time.
"""

from collections.abc import Hashable, Sequence
from itertools import product

from xdsl.ir import Operation, SSAValue

from analysis.affine import Affine
from dialects import loop
from passes.loop.instances import (
    Access,
    Actor,
    Touch,
    bounds_of,
    direct_uses,
    in_memory,
    loop_values,
    uses_of,
)
from passes.loop.moves import comes_before, race_in
from passes.loop.primitive import Scope, block_of, is_below, loops_around, memory_of
from passes.loop.witnesses import LOST, MISSED, TOGETHER, caller_of, meet

Limits = Sequence[tuple[Affine, Affine]]
"""For each dimension the first coordinate and the end."""


def refuse_other_names(
    scope: Scope, buffer: SSAValue, at: loop.ForOp, outer: Sequence[loop.ForOp]
) -> None:
    """Refuse a tile of a part of a buffer if `at` uses its elements by another name, too.

    What is written by one name is only found by the other one where that is done before the tile
    is filled, or after it is written back.
    """
    memory = memory_of(buffer)
    if memory is None:
        return
    uses = [use for op in at.walk() for use in direct_uses(op)]
    mine = [in_memory(use) for use in uses if use.buffer is buffer]
    others = [in_memory(use) for use in uses if use.buffer is not buffer]
    order = {op: i for i, op in enumerate(at.walk())}
    for use, other in product(mine, others):
        if other.buffer is not memory:
            continue
        pairs = [(use, other)] if use.writes else []
        pairs += [(other, use)] if other.writes and use.reads else []
        for first, second in pairs:
            for differ in comes_before(first.statement, second.statement, outer, order):
                witness = meet(first.touch, second.touch, outer, differ)
                if witness is not None:
                    raise scope.error(
                        f"%{buffer.name_hint} lies in a part of %{memory.name_hint}, and "
                        f"{other.subject} uses an element of it below loop "
                        f"'{at.loop_name.data}' by another name; choose a loop further in",
                        witness.line(MISSED if second.reads else LOST),
                    )


def crossing(
    scope: Scope, buffer: SSAValue, at: loop.ForOp, inside: Sequence[Access], inward: bool
) -> list[str]:
    """A line about two instances, one of them below `at`, of which the second one reads what the
    first one wrote; `inward` says that the second one is inside."""
    outer: Sequence[loop.ForOp] = ()
    others: list[tuple[Operation | None, Touch]] = []
    if isinstance(buffer.owner, loop.AllocOp):
        outer = loops_around(buffer.owner)
        for use in (use for op in scope.function.walk() for use in uses_of(op)):
            fits = use.writes if inward else use.reads
            if fits and use.buffer is buffer and not is_below(use.op, at):
                others.append((use.statement, use.touch))
    else:
        others.append((None, caller_of(scope.function, buffer, inward)))
    order = {op: i for i, op in enumerate(scope.function.walk())}
    for access, (statement, other) in product(inside, others):
        mine, block = Touch.of(access), block_of(access)
        first, second = (other, mine) if inward else (mine, other)
        ways = iter([list[Affine]()])
        if statement is not None:
            before, after = (statement, block) if inward else (block, statement)
            ways = comes_before(before, after, outer, order)
        for differ in ways:
            witness = meet(first, second, outer, differ)
            if witness is not None:
                return [witness.line(MISSED)]
    return []


def refuse_races(
    scope: Scope,
    buffer: SSAValue,
    at: loop.ForOp,
    outer: Sequence[loop.ForOp],
    boxes: tuple[Limits, Limits],
    name: str,
) -> None:
    """Refuse a block `name` that would write all that lies in two boxes at the end of `at`, if
    that is used in another iteration that runs at the same time."""
    place = [Affine.variable(("box", i)) for i in range(len(boxes[0]))]
    conditions = bounds_of(outer)
    for box in boxes:
        for coordinate, (low, end) in zip(place, box, strict=True):
            conditions += [coordinate - low, end - coordinate - 1]
    uses = [use for op in scope.function.walk() for use in uses_of(op) if use.buffer is buffer]
    sizes: set[Hashable] = {v for use in uses for v in use.touch.sizes}
    values = [(f"d{i}", form) for i, form in enumerate(place)]
    actor = Actor(f"block '{name}'", buffer, True, values, loop_values(outer))
    others = [use for use in uses if not is_below(use.op, at)]
    found = race_in(outer, [Touch(place, conditions, sizes, actor)], others)
    if found is not None:
        op, witness = found
        raise scope.error(
            f"where loop '{at.loop_name.data}' writes %{buffer.name_hint} is only known at run "
            f"time, so all of a tile is copied back, and loop '{op.loop_name.data}' is "
            f"{op.kind.data}; promote it before the loop gets its kind, or further out",
            witness.line(TOGETHER),
        )
