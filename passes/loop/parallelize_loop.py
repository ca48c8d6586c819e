"""parallelize-loop: the iterations of a loop are shared among the threads of a run.

    for i in 0..n { ... }   ->   for i in 0..n parallel { ... }

Each thread runs one contiguous part of the iterations.

Arguments: `loop`, `function`.
Refuses: a loop inside another one; a loop that a reduction runs over; an iteration that touches
what another one writes; a loop that already has a kind.
"""

from dataclasses import dataclass

from passes.loop.primitive import Primitive, Scope, loops_around
from passes.loop.unroll_loop import give_kind, require_serial
from passes.loop.vectorize_loop import refuse_dependence


@dataclass(frozen=True)
class ParallelizeLoopPass(Primitive):
    """Share the iterations of an outermost loop among threads."""

    name = "parallelize-loop"

    loop: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        op = scope.find_loop(self.loop)
        around = loops_around(op)
        if around:
            raise scope.error(
                f"loop '{self.loop}' is inside loop '{around[0].loop_name.data}'; "
                "only an outermost loop can be parallel (reorder or fuse first)"
            )
        require_serial(scope, op)
        refuse_dependence(scope, op, "parallel")
        give_kind(scope, op, "parallel")
