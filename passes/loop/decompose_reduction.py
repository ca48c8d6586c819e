"""decompose-reduction: the init region of a block becomes a nest of its own before a loop.

    for y_o                             for y_o
      for k                               for y_i' unrolled
        for y_i unrolled            ->      C_init: C = 0
          C: init { C = 0 }               for k
             C += a * b                     for y_i unrolled
                                              C: C += a * b

The nest is a clone of those loops from `loop` inwards that the results depend on, kinds included;
loops are called `<block>_init_<loop>`, the block `<block>_init`. Where loops of the reduction are
outside `loop`, it runs in their first iteration only. The init region of a block that was peeled
from the one that begins the reduction never runs, and goes.

Arguments: `block`, `loop` (one around the block), `function`.
Refuses: a block without an init region; a loop that is not around the block; a reduction that does
not begin where the loops do; a result that only lives inside the loop, or that is used below the
loop before the reduction begins there.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import product

from xdsl.ir import Block, SSAValue

from analysis.affine import Affine
from analysis.integer_sets import solve
from dialects import loop as loop_dialect
from passes.locations import locate
from passes.loop.forms import forms_of, ranges_of
from passes.loop.instances import Touch, region_conditions, uses_of
from passes.loop.moves import comes_before
from passes.loop.nests import (
    begin_forms,
    clone_into,
    clone_loops,
    loops_for,
    loops_inside,
    loops_used,
    put_block,
    spatial_variables,
)
from passes.loop.permutations import is_injective
from passes.loop.primitive import (
    Primitive,
    Scope,
    accesses,
    insert_before,
    loops_around,
)
from passes.loop.signatures import points_are_apart
from passes.loop.witnesses import EARLIER, meet


def per_unit(form: Affine) -> Affine:
    """A form that is not negative, divided by the common factor of its terms."""
    factor = math.gcd(form.const, *form.terms.values())
    return form.floordiv(factor, {}) if factor > 1 else form


def guards_at_beginning(block: loop_dialect.BlockOp, reduction: set[Hashable]) -> list[Affine]:
    """The conditions of a block where its reduction begins, but for those that always hold."""
    ranges = ranges_of(loops_around(block))
    found: list[Affine] = []
    for form in forms_of(block, "where"):
        for op in reversed(loops_around(block)):
            if op.induction in reduction:
                form = form.substitute({op.induction: forms_of(op, "lower")[0]}, ranges)
        low = form.interval(ranges)[0]
        if low is None or low < 0:
            found.append(form)
    return found


def decompose(scope: Scope, block: loop_dialect.BlockOp, at: loop_dialect.ForOp) -> None:
    """Move the init region of `block` before `at`."""
    assert block.init is not None
    spatial, reduction = loops_used(block, reduce=False), loops_used(block, reduce=True)
    kept = loops_for(spatial, loops_inside(block, at, including=True))
    (name,) = scope.fresh(f"{block.block_name.data}_init")
    loops, values = clone_loops(scope, kept, name)
    dropped = {op.induction for op in loops_inside(block, at, including=True) if op not in kept}
    where = [
        form.substitute(values, {})
        for form in guards_at_beginning(block, reduction - spatial)
        if not form.variables() & dropped
    ]
    inside = loops_inside(block, at, including=True)
    where += [per_unit(form) * -1 for form in begin_forms(block, inside)]
    source = block.init.block

    def fill(inner: Block) -> None:
        kept_arguments = [a for a, r in zip(source.args, block.is_reduce, strict=True) if not r]
        mapping: dict[SSAValue, SSAValue] = dict(zip(kept_arguments, inner.args, strict=True))
        clone_into(source, inner, mapping)

    root = put_block(loops, name, spatial_variables(block, values), where, fill)
    locate(block.location, root)
    insert_before(at, root)
    block.detach_region(block.init).erase()


@dataclass(frozen=True)
class DecomposeReductionPass(Primitive):
    """Make the init region of a block a nest of its own before a loop."""

    name = "decompose-reduction"

    block: str
    loop: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        block, at = scope.find_block(self.block), scope.find_loop(self.loop)
        if block.init is None:
            raise scope.error(f"block '{self.block}' has no init region to decompose")
        if at not in loops_around(block):
            names = ", ".join(op.loop_name.data for op in loops_around(block))
            raise scope.error(
                f"loop '{self.loop}' is not around block '{self.block}'; those around it: {names}"
            )
        if never_begins(block):
            block.detach_region(block.init).erase()
            return
        self.check(scope, block, at)
        decompose(scope, block, at)

    def check(self, scope: Scope, block: loop_dialect.BlockOp, at: loop_dialect.ForOp) -> None:
        """Refuse a place where the init nest would not do what the init region does."""
        inside = loops_inside(block, at, including=True)
        ranges = ranges_of(loops_around(block))
        for form in begin_forms(block, inside):
            low = form.interval(ranges)[0]
            if low is not None and low > 0:
                raise scope.error(
                    f"the reduction of block '{self.block}' does not begin in the first iterations "
                    f"of the loops in '{self.loop}'; decompose it before these are changed"
                )
        assert block.init is not None
        buffers = {a.memref for a in accesses(block) if isinstance(a, loop_dialect.StoreOp)}
        for op in at.walk():
            if isinstance(op, loop_dialect.AllocOp) and op.result in buffers:
                raise scope.error(
                    f"%{op.result.name_hint} only lives inside loop '{self.loop}'; "
                    "decompose at a loop further in"
                )
        self.check_order(scope, block, at)

    def check_order(
        self, scope: Scope, block: loop_dialect.BlockOp, at: loop_dialect.ForOp
    ) -> None:
        """Refuse where something runs before the reduction begins, and would run after it."""
        assert block.init is not None
        fixed = loops_around(at)
        stores = [a for a in block.init.walk() if isinstance(a, loop_dialect.StoreOp)]
        buffers = {a.memref for a in stores}
        order = {op: i for i, op in enumerate(at.walk())}
        uses = [use for op in at.walk() for use in uses_of(op) if use.buffer in buffers]
        for begin, use in product(stores, uses):
            other = use.statement
            if use.buffer is not begin.memref or (other is block and begins_once(block, at)):
                continue
            for differ in comes_before(other, block, fixed, order):
                witness = meet(use.touch, Touch.of(begin), fixed, differ)
                if witness is not None:
                    raise scope.error(
                        f"{use.subject} {'writes' if use.writes else 'reads'} an element of "
                        f"%{use.buffer.name_hint} below loop '{self.loop}' before block "
                        f"'{self.block}' begins it; decompose at a loop further in, or before "
                        "that is there",
                        witness.line(EARLIER),
                    )


def never_begins(block: loop_dialect.BlockOp) -> bool:
    """Whether the init region of a block never runs, as of one that was peeled off."""
    assert block.init is not None
    first = block.init.block.first_op
    return first is not None and solve([*region_conditions(first, block), *sizes(block)]) is None


def sizes(block: loop_dialect.BlockOp) -> list[Affine]:
    """That the symbolic sizes around a block are not negative."""
    around = loops_around(block)
    used = {*block.outer, *(v for op in around for v in op.bounds)}
    return [Affine.variable(v) for v in used - {op.induction for op in around}]


def begins_once(block: loop_dialect.BlockOp, at: loop_dialect.ForOp) -> bool:
    """Whether a reduction begins once at each of its points below `at`, by its signature."""
    return points_are_apart(block) and is_injective(block, loops_inside(block, at, including=True))
