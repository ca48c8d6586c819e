"""fuse-loops: perfectly nested loops become one loop over all of their iterations.

    for y in 0..m                     for y_x_f in 0..m * n
      for x in 0..n            ->       ... y_x_f floordiv n, y_x_f mod n ...
        ... y, x ...

The iterations keep their order. It is the inverse of split-loop: where `y` and `x` are the loops
that a split by `n` has made, `y * n + x` becomes `y_x_f`, and nothing is divided. An extent that is
only known at run time may be that of the outermost loop. Loops that are all unrolled stay so, one
whose outermost loop is parallel is parallel as a whole. A bound may use a loop further out, if the
extent is the same in all of its iterations.

Arguments: `loops` (two or more, outermost first), `into` (the name, by default those of the loops
and `f`, joined by `_`), `function`.
Refuses: loops that are not perfectly nested, or not named in their order; a loop that is vectorized
or over threads; one inside a parallel loop that cannot be parallel itself; an inner extent that is
not a constant; a name that is taken.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from analysis.affine import Affine
from dialects import loop as loop_dialect
from passes.locations import fused, locate
from passes.loop.forms import for_with, forms_of, ranges_of, replace_variables
from passes.loop.primitive import (
    Primitive,
    Scope,
    insert_before,
    is_below,
    loops_around,
    only_child,
)
from passes.loop.split_loop import refuse_kind
from passes.loop.vectorize_loop import refuse_dependence

UNIT = Affine({}, 1)
BOUNDS = ("lower", "upper")


def extents_of(loops: Sequence[loop_dialect.ForOp]) -> list[Affine]:
    """The extents of nested loops, each loop of one iteration replaced by the value it has."""
    single: dict[Hashable, Affine] = {}
    extents: list[Affine] = []
    for op in loops:
        lower, upper = (forms_of(op, which)[0].substitute(single, {}) for which in BOUNDS)
        extents.append(upper - lower)
        if extents[-1] == UNIT:
            single[op.induction] = lower
    return extents


def fuse(loops: Sequence[loop_dialect.ForOp], name: str) -> None:
    """Fuse perfectly nested loops whose extents and kinds may be fused."""
    extents = extents_of(loops)
    outermost = next((i for i, extent in enumerate(extents) if extent != UNIT), 0)
    sizes = [max(0, extent.const) for extent in extents]
    count = extents[outermost]
    if count.is_constant:
        count = Affine({}, sizes[outermost])
    total = count * prod(sizes[outermost + 1 :])
    new = for_with(name, Affine({}), total, kind_of(loops))
    counter = Affine.variable(new.induction)
    ranges = ranges_of(loops_around(loops[0]))
    ranges[new.induction] = (0, total.const - 1 if total.is_constant else None)
    values: dict[Hashable, Affine] = {}
    for i, (op, extent) in enumerate(zip(loops, extents, strict=True)):
        value = forms_of(op, "lower")[0].substitute(values, ranges)
        if extent != UNIT:
            # nothing runs where an extent is 0, so that any divisor will do
            digit = counter.floordiv(max(1, prod(sizes[i + 1 :])), ranges)
            value += digit if i == outermost else digit.mod(max(1, sizes[i]), ranges)
        values[op.induction] = value
    locate(fused(op.location for op in loops), new)
    insert_before(loops[0], new)
    for child in list(loops[-1].body.block.ops):
        child.detach()
        new.body.block.add_op(child)
    replace_variables(new, values, ranges)
    loops[0].detach()
    loops[0].erase()


def refuse_nest(scope: Scope, loops: Sequence[loop_dialect.ForOp]) -> None:
    """Refuse loops of which one is not the only statement in the one before it."""
    for outer, inner in pairwise(loops):
        names = outer.loop_name.data, inner.loop_name.data
        if is_below(outer, inner):
            order = sorted(loops, key=lambda op: len(loops_around(op)))
            raise scope.error(
                f"loop '{names[0]}' is inside loop '{names[1]}'; name the outermost first: "
                f"loops={','.join(op.loop_name.data for op in order)}"
            )
        if not is_below(inner, outer):
            raise scope.error(
                f"loop '{names[1]}' is not inside loop '{names[0]}'; only nested loops can be fused"
            )
        child = only_child(outer)
        if child is None:
            raise scope.error(
                f"loop '{names[0]}' has more than one statement, which one loop would all repeat; "
                "fuse before statements are added"
            )
        if isinstance(child, loop_dialect.ForOp) and child is not inner:
            raise scope.error(
                f"loop '{child.loop_name.data}' is between '{names[0]}' and '{names[1]}'; "
                "name it too, or reorder first"
            )


def refuse_extents(scope: Scope, loops: Sequence[loop_dialect.ForOp]) -> None:
    """Refuse loops inside others whose extent is not a constant."""
    extents = extents_of(loops)
    pairs = zip(loops, extents, strict=True)
    moving = [(op, extent) for op, extent in pairs if extent != UNIT]
    for op, extent in moving[1:]:
        name = op.loop_name.data
        users = [o.loop_name.data for o in loops if o.induction in extent.variables()]
        if users:
            raise scope.error(
                f"the extent of loop '{name}' is another one in each iteration of loop "
                f"'{users[0]}', so no index can be divided by it"
            )
        if not extent.is_constant:
            raise scope.error(
                f"the extent of loop '{name}' is not a constant, and an index is only divided by "
                "constants; of fused loops the outermost one alone may have such an extent"
            )


def kind_of(loops: Sequence[loop_dialect.ForOp]) -> str:
    """The kind of the loop that is made of others: their own, if they have one, else that of the
    outermost one, if it is parallel."""
    kinds = {op.kind.data for op in loops}
    if len(kinds) == 1:
        return loops[0].kind.data
    return "parallel" if loops[0].kind.data == "parallel" else "serial"


def refuse_kinds(scope: Scope, loops: Sequence[loop_dialect.ForOp], name: str) -> None:
    """Refuse loops of which one would have to be parallel, too, and cannot be."""
    if kind_of(loops) == "parallel":
        for op in loops[1:]:
            refuse_dependence(scope, op, f"parallel, as a part of loop '{name}'")


@dataclass(frozen=True)
class FuseLoopsPass(Primitive):
    """Make one loop of perfectly nested ones."""

    name = "fuse-loops"

    loops: tuple[str, ...]
    into: str | None = None
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        found = [scope.find_loop(name) for name in self.loops]
        if len(set(self.loops)) != len(found) or len(found) < 2:
            raise scope.error(f"loops={','.join(self.loops)}: name two or more loops, each once")
        for op in found:
            refuse_kind(scope, op, "fuse")
        refuse_nest(scope, found)
        refuse_extents(scope, found)
        if self.into is None:
            (name,) = scope.fresh("_".join([*self.loops, "f"]))
        else:
            scope.require_free([self.into])
            name = self.into
        refuse_kinds(scope, found, name)
        fuse(found, name)
