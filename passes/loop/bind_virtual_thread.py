"""bind-virtual-thread: the iterations of a loop become virtual threads, to be run interleaved.

    for t in 0..2 { ... }   ->   for t in 0..2 vthread { ... }

A buffer that is allocated inside the loop belongs to one thread. So while a unit of the target
computes on the buffers of one thread, another unit can move those of the next one; tokens keep the
units of each thread in order (insert-dependence-tokens), and lower-virtual-threads makes one stream
of all threads. It stands before those two; calls of tensor instructions and copies are seen as what
they touch, so it makes no difference whether it stands before or after tensorize.

Arguments: `loop`, `function`.
Refuses: an extent that is not a constant; a loop that a reduction runs over; a vectorized or
parallel loop around or inside it; an iteration that touches what another one writes; a loop that
already has a kind.
"""

from dataclasses import dataclass

from dialects import loop as loop_dialect
from passes.loop.primitive import Primitive, Scope, loops_around
from passes.loop.unroll_loop import (
    begin_at_zero,
    give_kind,
    require_constant_extent,
    require_serial,
)
from passes.loop.vectorize_loop import refuse_dependence

LANES = ("vectorized", "parallel")
"""Kinds of loops whose iterations are not one stream of operations."""


@dataclass(frozen=True)
class BindVirtualThreadPass(Primitive):
    """Make the iterations of a loop virtual threads."""

    name = "bind-virtual-thread"

    loop: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        op = scope.find_loop(self.loop)
        require_constant_extent(scope, op, "vthread")
        inner = (o for o in op.body.walk() if isinstance(o, loop_dialect.ForOp))
        for other in (*loops_around(op), *inner):
            if other.kind.data in LANES:
                raise scope.error(
                    f"loop '{self.loop}' is nested with '{other.loop_name.data}', which is "
                    f"{other.kind.data}; virtual threads are interleaved into one stream"
                )
        require_serial(scope, op)
        refuse_dependence(scope, op, "vthread")
        if op.extent is None:
            begin_at_zero(op)
        give_kind(scope, op, "vthread")
