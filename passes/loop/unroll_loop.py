"""unroll-loop: the emitter writes the body once for each iteration.

    for i in 0..4 { ... }   ->   for i in 0..4 unrolled { ... }

The loop stays one operation in the IR; `-t loop-expanded` shows what the emitter makes of it. One
from an expression to another one, a constant number of iterations further, counts from 0 then.

Arguments: `loop`, `function`.
Refuses: an extent that is not a constant; a loop that already has a kind.
"""

from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr

from analysis.affine import Affine
from dialects import loop as loop_dialect
from passes.loop.forms import forms_of, replace_variables, set_forms
from passes.loop.primitive import Primitive, Scope


def require_serial(scope: Scope, op: loop_dialect.ForOp) -> None:
    """Refuse a loop that has a kind already."""
    if op.kind.data != "serial":
        raise scope.error(f"loop '{op.loop_name.data}' is already {op.kind.data}")


def give_kind(scope: Scope, op: loop_dialect.ForOp, kind: str) -> None:
    """Make a serial loop one of another kind."""
    require_serial(scope, op)
    op.kind = StringAttr(kind)


def begin_at_zero(op: loop_dialect.ForOp) -> None:
    """Count the iterations of a loop from 0."""
    low, high = (forms_of(op, which)[0] for which in ("lower", "upper"))
    if low != Affine({}):
        replace_variables(op, {op.induction: Affine.variable(op.induction) + low})
        set_forms(op, lower=[Affine({})], upper=[high - low])


def require_constant_extent(scope: Scope, op: loop_dialect.ForOp, kind: str) -> None:
    """Refuse a loop of which only a run knows how many iterations it has."""
    low, high = (forms_of(op, which)[0] for which in ("lower", "upper"))
    if not (high - low).is_constant:
        raise scope.error(
            f"the extent of loop '{op.loop_name.data}' is only known at run time; "
            f"split it by a constant and make the inner loop {kind}"
        )


@dataclass(frozen=True)
class UnrollLoopPass(Primitive):
    """Make a loop one whose body is written once for each iteration."""

    name = "unroll-loop"

    loop: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        op = scope.find_loop(self.loop)
        require_constant_extent(scope, op, "unrolled")
        require_serial(scope, op)
        if op.extent is None:
            begin_at_zero(op)
        give_kind(scope, op, "unrolled")
