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
several blocks, or a copy, below the loops; a block of which two points touch an element that one of
them writes, unless they differ in the reduction only; another order of a float sum where
`reassociate=false`.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise, product
from typing import ClassVar

from xdsl.ir import Operation

from analysis.affine import Affine
from dialects import loop as loop_dialect
from passes.loop.forms import forms_of, replace_variables
from passes.loop.instances import Instances, marked, uses_of
from passes.loop.primitive import (
    Primitive,
    Scope,
    blocks_in,
    is_below,
    loops_around,
    only_child,
)
from passes.loop.reassociation import reassociate_order
from passes.loop.signatures import points_are_apart


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


def check_blocks(scope: Scope, outermost: loop_dialect.ForOp) -> None:
    """Refuse blocks whose instances may depend on their order."""
    if any(isinstance(op, loop_dialect.CopyOp) for op in outermost.walk()):
        raise scope.error(
            f"a copy stands below loop '{outermost.loop_name.data}'; reorder before buffers are "
            "promoted to where they are copied as a whole"
        )
    blocks = blocks_in(outermost)
    if len(blocks) > 1:
        names = ", ".join(b.block_name.data for b in blocks)
        raise scope.error(
            f"the blocks {names} are all below loop '{outermost.loop_name.data}'; "
            "reorder before a second block is below the loops"
        )
    for block in blocks:
        refuse_order(scope, block, outermost)


def refuse_order(scope: Scope, block: loop_dialect.BlockOp, outermost: loop_dialect.ForOp) -> None:
    """Refuse a block of which two points, reductions left out, touch what one of them writes."""
    if points_are_apart(block):
        return
    asks = Instances()
    fixed = loops_around(outermost)
    bindings = forms_of(block, "bindings")
    points = [b for b, reduce in zip(bindings, block.is_reduce, strict=True) if not reduce]
    moving = {op.induction for op in loops_around(block)[len(fixed) :]}
    kept: set[Hashable] = {op.induction for op in fixed}
    kept.update(v for v in block.outer if v not in moving)
    found = [use for op in block.walk() for use in uses_of(op)]
    for write, other in product(found, found):
        if not write.writes or other.buffer is not write.buffer:
            continue
        for point in points:
            apart = point - marked(point, kept)
            for differ in (apart - 1, apart * -1 - 1):
                if asks.conflict(write.touch, other.touch, fixed, [differ]):
                    raise scope.error(
                        f"two points of block '{block.block_name.data}' touch one element of "
                        f"%{write.buffer.name_hint}; the order of its instances matters"
                    )


def refuse_dependent_bounds(scope: Scope, places: list[loop_dialect.ForOp]) -> None:
    """Refuse loops of which one has bounds that another one moves."""
    for op in places:
        inner = {v for name in ("lower", "upper") for v in forms_of(op, name)[0].variables()}
        users = [o.loop_name.data for o in places if o.induction in inner]
        if users:
            raise scope.error(
                f"the bounds of loop '{op.loop_name.data}' use loop '{users[0]}'; "
                "they must stay in this order"
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
        check_blocks(scope, places[0])
        refuse_dependent_bounds(scope, places)
        for block in blocks_in(places[0]):
            reassociate_order(scope, block, places, wanted, self.reassociate)
        permute(places, wanted)


def permute(places: list[loop_dialect.ForOp], wanted: list[loop_dialect.ForOp]) -> None:
    """Give each place the name, kind and bounds of the loop wanted there."""
    values: dict[Hashable, Affine] = {
        loop.induction: Affine.variable(place.induction)
        for place, loop in zip(places, wanted, strict=True)
    }
    headers = [(dict(op.properties), list(op.bounds)) for op in wanted]
    replace_variables(places[-1], values)
    for place, (properties, bounds) in zip(places, headers, strict=True):
        place.properties = properties
        place.operands = bounds
        place.induction.name_hint = place.loop_name.data
