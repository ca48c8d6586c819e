"""reverse-loop: the iterations of a loop run from the last to the first.

    for i in 0..n                  for i in 0..n
      ... i ...            ->        ... n - 1 - i ...

Arguments: `loop`, `function`.
Refuses: a loop that a reduction runs over; an iteration that touches what another one writes; a
loop that is no longer serial.
"""

from dataclasses import dataclass

from analysis.affine import Affine
from passes.loop.forms import forms_of, replace_variables
from passes.loop.primitive import Primitive, Scope
from passes.loop.vectorize_loop import refuse_dependence


@dataclass(frozen=True)
class ReverseLoopPass(Primitive):
    """Run the iterations of a loop in the opposite order."""

    name = "reverse-loop"

    loop: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        op = scope.find_loop(self.loop)
        if op.kind.data != "serial":
            raise scope.error(
                f"loop '{self.loop}' is {op.kind.data}; reverse it before it is given a kind"
            )
        refuse_dependence(scope, op, "reversed")
        lower, upper = forms_of(op, "lower")[0], forms_of(op, "upper")[0]
        mirrored = lower + upper - 1 - Affine.variable(op.induction)
        replace_variables(op, {op.induction: mirrored})
