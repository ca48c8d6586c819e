"""unroll-loop: the emitter writes the body once for each iteration.

    for i in 0..4 { ... }   ->   for i in 0..4 unrolled { ... }

The loop stays one operation in the IR; `-t loop-expanded` shows what the emitter makes of it.

Arguments: `loop`, `function`.
Refuses: an extent that is not a constant; a loop that already has a kind.
"""

from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr

from dialects import loop as loop_dialect
from passes.loop.primitive import Primitive, Scope


def require_serial(scope: Scope, op: loop_dialect.ForOp) -> None:
    """Refuse a loop that has a kind already."""
    if op.kind.data != "serial":
        raise scope.error(f"loop '{op.loop_name.data}' is already {op.kind.data}")


def give_kind(scope: Scope, op: loop_dialect.ForOp, kind: str) -> None:
    """Make a serial loop one of another kind."""
    require_serial(scope, op)
    op.kind = StringAttr(kind)


def require_constant_extent(scope: Scope, op: loop_dialect.ForOp, kind: str) -> int:
    """The extent of a loop; refuses one that is only known at run time."""
    if op.extent is None:
        raise scope.error(
            f"the extent of loop '{op.loop_name.data}' is only known at run time; "
            f"split it by a constant and make the inner loop {kind}"
        )
    return op.extent


@dataclass(frozen=True)
class UnrollLoopPass(Primitive):
    """Make a loop one whose body is written once for each iteration."""

    name = "unroll-loop"

    loop: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        op = scope.find_loop(self.loop)
        require_constant_extent(scope, op, "unrolled")
        give_kind(scope, op, "unrolled")
