"""vectorize-loop: the iterations of a loop become the lanes of vectors.

    for i in 0..16 { ... }   ->   for i in 0..16 vectorized { ... }

Types in the IR stay scalar. Lanes are counted from 0, wherever the loop began. At emission an
access that the loop moves by one element is a vector access, one that it does not move is a scalar
access and a splat, any other one gathers its elements or scatters them, which is slower.

Arguments: `loop`, `function`.
Refuses: an extent that is not a constant; a loop that a
reduction runs over; a vectorized loop around or inside it; an allocation inside it; an iteration
that touches what another one writes; a loop that already has a kind.
"""

from dataclasses import dataclass

from dialects import loop as loop_dialect
from passes.loop.instances import uses_in
from passes.loop.permutations import accumulated
from passes.loop.primitive import Primitive, Scope, blocks_in, loops_around
from passes.loop.signatures import iterations_are_apart
from passes.loop.unroll_loop import (
    begin_at_zero,
    give_kind,
    require_constant_extent,
    require_serial,
)
from passes.loop.witnesses import TOGETHER, carried


def refuse_dependence(scope: Scope, op: loop_dialect.ForOp, kind: str) -> None:
    """Refuse a loop of whose iterations one touches what another one writes."""
    found = carried(op)
    if found is None:
        return
    refuse_reduction(scope, op, kind)
    first, second = found.witness.actors
    raise scope.error(
        f"loop '{op.loop_name.data}' cannot be {kind}: {second.subject} "
        f"{'writes' if second.writes else 'reads'} an element of %{first.buffer.name_hint} that "
        f"{first.subject} {'writes' if first.writes else 'reads'} in another iteration",
        found.witness.line(TOGETHER),
    )


def refuse_reduction(scope: Scope, op: loop_dialect.ForOp, kind: str) -> None:
    """Refuse a loop whose iterations add to the same elements."""
    if iterations_are_apart(op):
        return
    lasting = uses_in(op)
    for block in blocks_in(op):
        mine, sums = set(block.body.walk()), accumulated(block)
        steps = [use for use in lasting if use.op in mine and use.buffer in sums]
        found = carried(op, loops_around(op), steps)
        if found is not None:
            raise scope.error(
                f"loop '{op.loop_name.data}' runs over the reduction of block "
                f"'{block.block_name.data}'; only a spatial loop can be {kind}",
                found.witness.line(TOGETHER),
            )


@dataclass(frozen=True)
class VectorizeLoopPass(Primitive):
    """Make the iterations of a loop the lanes of vectors."""

    name = "vectorize-loop"

    loop: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        op = scope.find_loop(self.loop)
        require_constant_extent(scope, op, "vectorized")
        inner = (o for o in op.walk() if isinstance(o, loop_dialect.ForOp))
        for other in (*loops_around(op), *inner):
            if other.kind.data == "vectorized":
                raise scope.error(
                    f"loop '{self.loop}' is nested with '{other.loop_name.data}', "
                    "which is vectorized; lanes have one dimension"
                )
        for alloc in (o for o in op.walk() if isinstance(o, loop_dialect.AllocOp)):
            raise scope.error(
                f"%{alloc.result.name_hint} is allocated inside loop '{self.loop}', and lanes "
                "share their buffers; vectorize a loop further in"
            )
        require_serial(scope, op)
        refuse_dependence(scope, op, "vectorized")
        begin_at_zero(op)
        give_kind(scope, op, "vectorized")
