"""What it means for a reduction that its steps come in another order, and how the IR records it.

Integers, minima and maxima do not care. A sum or product of floats does: it rounds differently. A
primitive that changes the order of such steps asks here. By default it may, as everywhere in the
field, and marks the steps with `fastmath<reassoc>`, so that the schedule's text and the IR both say
that the result is no longer bit by bit the one of the unscheduled loops. With `reassociate=false`
it refuses, with two steps that would change places.

The mark is a record, not a permission: backends run the order that the schedule chose.
"""

from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations, product

from xdsl.dialects import arith
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import SSAValue

from analysis.affine import Affine
from dialects import loop
from passes.loop.forms import forms_of
from passes.loop.instances import Instances, Touch, conditions_of, marked, sizes_of
from passes.loop.primitive import Scope, body_accesses, loops_around

ROUNDS = (arith.AddfOp, arith.SubfOp, arith.MulfOp, arith.DivfOp)
"""The float operations whose results depend on the order of a reduction."""

Step = arith.AddfOp | arith.SubfOp | arith.MulfOp | arith.DivfOp


def rounding_steps(block: loop.BlockOp) -> list[Step]:
    """The float operations of a reduction through which its result of one point enters the next."""
    if not any(block.is_reduce):
        return []
    found = list(body_accesses(block))
    stores = [a for a in found if isinstance(a, loop.StoreOp)]
    written = {(s.memref, tuple(s.indices), s.map.data) for s in stores}
    carried: set[SSAValue] = {
        a.result
        for a in found
        if isinstance(a, loop.LoadOp) and (a.memref, tuple(a.indices), a.map.data) in written
    }
    steps: list[Step] = []
    for op in block.body.block.ops:
        if any(v in carried for v in op.operands):
            carried.update(op.results)
            if isinstance(op, ROUNDS):
                steps.append(op)
    return steps


def mark(steps: Sequence[Step]) -> None:
    """Record that the order of a reduction is not that of the unscheduled loops."""
    for op in steps:
        flags = {*op.fastmath.data, FastMathFlag.REASSOC}
        op.fastmath = arith.FastMathFlagsAttr([f for f in FastMathFlag if f in flags])


def reassociate_order(
    scope: Scope,
    block: loop.BlockOp,
    places: Sequence[loop.ForOp],
    wanted: Sequence[loop.ForOp],
    allowed: bool,
) -> None:
    """Mark or refuse the block's reduction if it runs in another order once loops change places.

    `places` are the loops from the outermost inwards, `wanted` those that take their places.
    """
    steps = rounding_steps(block)
    if not steps:
        return
    around = loops_around(block)
    old = around[around.index(places[0]) :]
    taken = dict(zip(places, wanted, strict=True))
    found = exchanged(block, old, [taken.get(op, op) for op in old])
    if found is None:
        return
    if not allowed:
        first, second = found
        raise scope.error(
            f"reassociate=false: block '{block.block_name.data}' would combine its floats in "
            f"another order, which rounds differently: {first} comes before {second} now, and "
            "would come after it"
        )
    mark(steps)


def exchanged(
    block: loop.BlockOp, old: Sequence[loop.ForOp], new: Sequence[loop.ForOp]
) -> tuple[str, str] | None:
    """Two points of one reduction that change places, as text; None if there are none."""
    bindings = list(zip(forms_of(block, "bindings"), block.is_reduce, strict=True))
    reduced = {v for form, reduce in bindings if reduce for v in form.variables()}
    others = {v for form, reduce in bindings if not reduce for v in form.variables()}
    before = [op for op in old if op.induction in reduced and op.extent != 1]
    apart = not any(op.induction in others for op in before)
    if apart and before == [op for op in new if op in before]:
        return None  # each point runs once, so the loops of the reduction alone make the order
    names = [v.name_hint or f"v{i}" for i, v in enumerate(block.variables)]
    for point, other in candidates(block, old, new, bindings):
        values = (
            [form.evaluate(point) for form, _ in bindings],
            [form.evaluate(other) for form, _ in bindings],
        )
        first, second = (
            f"({', '.join(f'{n}={v}' for n, v in zip(names, vs, strict=True))})" for vs in values
        )
        return first, second
    return None


def candidates(
    block: loop.BlockOp,
    old: Sequence[loop.ForOp],
    new: Sequence[loop.ForOp],
    bindings: Sequence[tuple[Affine, bool]],
) -> Iterator[tuple[dict[Hashable, int], dict[Hashable, int]]]:
    """Pairs of instances at one spatial point, of which the first comes first in the old order
    of loops, and last in the new one: obvious ones, then those that the sets know."""
    yield from swapped(block, old, new, bindings)
    around = loops_around(block)
    fixed = around[: around.index(old[0])]
    first_op = block.body.block.first_op
    assert first_op is not None
    spatial = [form for form, reduce in bindings if not reduce]
    touch, asks = Touch(spatial, conditions_of(block, around), sizes_of(first_op)), Instances()
    kept: set[Hashable] = {op.induction for op in fixed} | touch.sizes
    for p, q in product(range(len(old)), range(len(new))):
        if old[p] is new[q]:
            continue
        differ = [*comes(old, p, first=True), *comes(new, q, first=False)]
        found = asks.witness(touch, touch, fixed, differ)
        if found is not None:
            mine: dict[Hashable, int] = {v: found.get(v, 0) for v in (*kept, *inductions(around))}
            yield mine, {v: found.get(v if v in kept else ("other", v), 0) for v in mine}


LARGE = 1 << 10
"""What symbolic sizes are taken to be where some size will do."""


def swapped(
    block: loop.BlockOp,
    old: Sequence[loop.ForOp],
    new: Sequence[loop.ForOp],
    bindings: Sequence[tuple[Affine, bool]],
) -> Iterator[tuple[dict[Hashable, int], dict[Hashable, int]]]:
    """Pairs that differ in the first two iterations of two loops that change places.

    All other loops stand in their first iterations; no set is asked.
    """
    around = loops_around(block)
    conditions = conditions_of(block, around)
    base: dict[Hashable, int] = {v: LARGE for form in conditions for v in form.variables()}
    for op in around:
        base[op.induction] = forms_of(op, "lower")[0].evaluate(base)
    for outer, inner in combinations(old, 2):
        if new.index(outer) < new.index(inner):
            continue
        mine, other = dict(base), dict(base)
        mine[inner.induction] += 1
        other[outer.induction] += 1
        if all(
            form.evaluate(mine) == form.evaluate(other) for form, reduce in bindings if not reduce
        ) and all(form.evaluate(at) >= 0 for form in conditions for at in (mine, other)):
            yield mine, other


def inductions(loops: Sequence[loop.ForOp]) -> list[Hashable]:
    """The variables of loops."""
    return [op.induction for op in loops]


def comes(loops: Sequence[loop.ForOp], position: int, first: bool) -> list[Affine]:
    """The forms that are not negative where an instance comes before (or after) another one, and
    the loop at `position` is the outermost in which they differ."""
    mine = [Affine.variable(v) for v in inductions(loops[: position + 1])]
    *equal, apart = [marked(form, set()) - form for form in mine]
    return [*equal, *(form * -1 for form in equal), (apart if first else apart * -1) - 1]
