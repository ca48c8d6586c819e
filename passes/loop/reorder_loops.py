"""reorder-loops: nested loops change places.

    for a                                           for c
      for b            reorder-loops{loops=c,b,a}     for b
        for c                  ->                       for a
          ...                                             ...

The loops take, in the order given, the places that they have now; loops between them that are not
named stay where they are.

A sum of floats whose terms come in another order is marked (reassociation.py).

Arguments: `loops` (two or more), `reassociate` (default true), `function`.
Refuses: loops that are not perfectly nested; bounds that would be used before they are known;
tokens or barriers below the loops; an order in which of two instances that touch an element, one
of them writing it, the second one would come first, or run at the same time. Instances of a
reduction that differ in its variables only may come in any order, but for those of a float sum
where `reassociate=false`, and so may iterations that recompute the same (recomputations.py).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from xdsl.ir import Operation

from analysis.affine import Affine
from dialects import loop as loop_dialect
from passes.loop.forms import forms_of, replace_variables, set_forms
from passes.loop.permutations import made_concurrent, turned_around
from passes.loop.primitive import (
    Primitive,
    Scope,
    blocks_in,
    is_below,
    loops_around,
    only_child,
)
from passes.loop.reassociation import reassociate_order
from passes.loop.recomputations import recomputed
from passes.loop.witnesses import EARLIER, TOGETHER

ORDERED = loop_dialect.BarrierOp | loop_dialect.PushDepOp | loop_dialect.PopDepOp


def chain(scope: Scope, named: list[loop_dialect.ForOp]) -> list[loop_dialect.ForOp]:
    """The named loops from the outermost to the innermost; refuses what is no perfect nest."""
    order = sorted(named, key=lambda op: len(loops_around(op)))
    for outer, inner in pairwise(order):
        if not is_below(inner, outer):
            raise scope.error(
                f"loop '{inner.loop_name.data}' is not inside loop '{outer.loop_name.data}'; "
                "only nested loops can change places"
            )
    at: Operation | None = order[0]
    while at is not order[-1]:
        assert isinstance(at, loop_dialect.ForOp)
        child = only_child(at)
        if child is None:
            raise scope.error(
                f"loop '{at.loop_name.data}' has more than one statement, so the loops in it "
                f"cannot move out of it; reorder before statements are added"
            )
        at = child
    return order


def orders_of(
    places: list[loop_dialect.ForOp], wanted: list[loop_dialect.ForOp]
) -> tuple[list[loop_dialect.ForOp], list[loop_dialect.ForOp]]:
    """All loops from the first place to the last one, as they are and as they will be."""
    old = [*loops_around(places[-1]), places[-1]][len(loops_around(places[0])) :]
    named = iter(wanted)
    return old, [next(named) if op in places else op for op in old]


def check_order(
    scope: Scope, old: Sequence[loop_dialect.ForOp], new: Sequence[loop_dialect.ForOp]
) -> None:
    """Refuse an order of the loops that turns a dependence around."""
    refuse_dependent_bounds(scope, new)
    for op in old[0].walk():
        if isinstance(op, ORDERED):
            raise scope.error(
                f"{op.name} stands below loop '{old[0].loop_name.data}'; reorder before "
                "units or threads wait for each other"
            )
    order = ", ".join(op.loop_name.data for op in new)
    witness = turned_around(old, new)
    if witness is not None:
        witness = turned_around(old, new, recomputed(old[0], old))
    if witness is not None:
        raise scope.error(f"in the order {order} {witness.reversal()}", witness.line(EARLIER))
    found = made_concurrent(old, new)
    if found is not None:
        op, witness = found
        raise scope.error(
            f"in the order {order} two iterations of loop '{op.loop_name.data}', which is "
            f"{op.kind.data}, would touch one element of %{witness.actors[0].buffer.name_hint}",
            witness.line(TOGETHER),
        )


def refuse_dependent_bounds(scope: Scope, new: Sequence[loop_dialect.ForOp]) -> None:
    """Refuse an order in which bounds of a loop would use a loop inside it."""
    for i, op in enumerate(new):
        used = {v for name in ("lower", "upper") for v in forms_of(op, name)[0].variables()}
        users = [o.loop_name.data for o in new[i:] if o.induction in used]
        if users:
            raise scope.error(
                f"the bounds of loop '{op.loop_name.data}' use loop '{users[0]}', which must stay "
                "outside of it"
            )


@dataclass(frozen=True)
class ReorderLoopsPass(Primitive):
    """Let nested loops change places."""

    name = "reorder-loops"
    reassociates: ClassVar = True

    loops: tuple[str, ...]
    reassociate: bool = True
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        wanted = [scope.find_loop(name) for name in self.loops]
        if len(set(self.loops)) != len(self.loops) or len(wanted) < 2:
            raise scope.error(f"loops={','.join(self.loops)}: name two or more loops, each once")
        places = chain(scope, wanted)
        check_order(scope, *orders_of(places, wanted))
        for block in blocks_in(places[0]):
            reassociate_order(scope, block, places, wanted, self.reassociate)
        permute(places, wanted)


def permute(places: list[loop_dialect.ForOp], wanted: list[loop_dialect.ForOp]) -> None:
    """Give each place the name, kind and bounds of the loop wanted there."""
    values: dict[Hashable, Affine] = {
        loop.induction: Affine.variable(place.induction)
        for place, loop in zip(places, wanted, strict=True)
    }
    old, _ = orders_of(places, wanted)
    for op in old[:-1]:
        replace_bounds(op, values)
    replace_variables(places[-1], values)
    headers = [(dict(op.properties), list(op.bounds)) for op in wanted]
    for place, (properties, bounds) in zip(places, headers, strict=True):
        place.properties = properties
        place.operands = bounds
        place.induction.name_hint = place.loop_name.data


def replace_bounds(op: loop_dialect.ForOp, values: Mapping[Hashable, Affine]) -> None:
    """Put forms in the place of loop variables in the bounds of one loop."""
    if any(v in values for v in op.bounds):
        bounds = {which: forms_of(op, which)[0] for which in ("lower", "upper")}
        set_forms(op, **{which: [form.substitute(values, {})] for which, form in bounds.items()})
