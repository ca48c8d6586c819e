"""split-loop: one loop becomes two, of which the inner runs `factor` iterations.

    for i in 0..n                   for i_o in 0..ceil(n / factor)
      ... i ...            ->         for i_i in 0..factor
                                        ... i_o * factor + i_i ...

The names are `<loop>_o` and `<loop>_i`, or those of `names`. Where `factor` does not divide the
extent, the last iterations are cut off by a guard: the domain of a block's variable that equals
the loop, else a `where` that is added to the block. Of an unrolled loop both are unrolled, of a
parallel one the outer one is parallel.

Arguments: `loop`, `factor` (at least 1), `names` (two), `function`.
Refuses: a loop that is vectorized or over threads; a name that is taken.
"""

from dataclasses import dataclass

from analysis.affine import Affine
from dialects import loop as loop_dialect
from passes.locations import locate
from passes.loop.forms import (
    Ranges,
    for_with,
    forms_of,
    ranges_of,
    replace_variables,
    set_forms,
)
from passes.loop.primitive import Primitive, Scope, blocks_in, insert_before, loops_around

SPLIT = {
    "serial": ("serial", "serial"),
    "unrolled": ("unrolled", "unrolled"),
    "parallel": ("parallel", "serial"),
}
"""The kinds of the two loops that are made of a loop of some kind."""


def refuse_kind(scope: Scope, op: loop_dialect.ForOp, verb: str) -> None:
    """Refuse a loop whose iterations belong together: lanes, threads."""
    if op.kind.data not in SPLIT:
        raise scope.error(
            f"loop '{op.loop_name.data}' is {op.kind.data}, and its iterations belong together; "
            f"{verb} it before it is given that kind"
        )


def is_guarded(block: loop_dialect.BlockOp, op: loop_dialect.ForOp) -> bool:
    """Whether a variable of `block` equals the loop and its domain ends where the loop does."""
    upper = forms_of(op, "upper")[0]
    variable = Affine.variable(op.induction)
    pairs = zip(forms_of(block, "bindings"), forms_of(block, "domains"), strict=True)
    return any(binding == variable and domain == upper for binding, domain in pairs)


def split(op: loop_dialect.ForOp, factor: int, outer_name: str, inner_name: str) -> None:
    """Split `op`, whose kind `refuse_kind` lets pass."""
    lower, upper = forms_of(op, "lower")[0], forms_of(op, "upper")[0]
    extent = upper - lower
    count = (extent + (factor - 1)).floordiv(factor, {})
    kinds = SPLIT[op.kind.data]
    outer = for_with(outer_name, Affine({}), count, kinds[0])
    inner = for_with(inner_name, Affine({}), Affine({}, factor), kinds[1])
    value = Affine.variable(outer.induction) * factor + Affine.variable(inner.induction)
    if not extent.is_constant or extent.const % factor:
        for block in blocks_in(op):
            if not is_guarded(block, op):
                inside = upper - Affine.variable(op.induction) - 1
                set_forms(block, where=[*forms_of(block, "where"), inside])
    ranges: Ranges = {**ranges_of(loops_around(op)), inner.induction: (0, factor - 1)}
    replace_variables(op, {op.induction: value + lower}, ranges)
    locate(op.location, outer, inner)
    insert_before(op, outer)
    outer.body.block.add_op(inner)
    for child in list(op.body.block.ops):
        child.detach()
        inner.body.block.add_op(child)
    op.detach()
    op.erase()


@dataclass(frozen=True)
class SplitLoopPass(Primitive):
    """Split a loop in two; the inner one runs `factor` iterations."""

    name = "split-loop"

    loop: str
    factor: int
    names: tuple[str, ...] | None = None
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        op = scope.find_loop(self.loop)
        if self.factor < 1:
            raise scope.error(f"factor={self.factor} for loop '{self.loop}': it is at least 1")
        refuse_kind(scope, op, "split")
        if self.names is None:
            names = scope.fresh(f"{self.loop}_o", f"{self.loop}_i")
        elif len(self.names) == 2:
            scope.require_free(self.names)
            names = list(self.names)
        else:
            raise scope.error(f"names= gives {len(self.names)} names; a split makes two loops")
        split(op, self.factor, *names)
