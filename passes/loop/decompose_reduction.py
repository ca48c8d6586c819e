"""decompose-reduction: the init region of a block becomes a nest of its own before a loop.

    for y_o                             for y_o
      for k                               for y_i' unrolled
        for y_i unrolled            ->      C_init: C = 0
          C: init { C = 0 }               for k
             C += a * b                     for y_i unrolled
                                              C: C += a * b

The nest is a clone of those loops from `loop` inwards that the results depend on, kinds included;
loops are called `<block>_init_<loop>`, the block `<block>_init`. Where loops of the reduction are
outside `loop`, it runs in their first iteration only.

Arguments: `block`, `loop` (one around the block), `function`.
Refuses: a block without an init region; a loop that is not around the block.
"""

from dataclasses import dataclass

from xdsl.ir import Block, SSAValue

from dialects import loop as loop_dialect
from passes.loop.forms import forms_of
from passes.loop.nests import (
    clone_into,
    clone_loops,
    first_iteration,
    loops_inside,
    loops_used,
    put_block,
    spatial_variables,
)
from passes.loop.primitive import Primitive, Scope, insert_before, loops_around


def decompose(scope: Scope, block: loop_dialect.BlockOp, at: loop_dialect.ForOp) -> None:
    """Move the init region of `block` before `at`."""
    assert block.init is not None
    spatial, reduction = loops_used(block, reduce=False), loops_used(block, reduce=True)
    around = loops_around(block)
    kept = [op for op in loops_inside(block, at, including=True) if op.induction in spatial]
    (name,) = scope.fresh(f"{block.block_name.data}_init")
    loops, values = clone_loops(scope, kept, name)
    dropped = {op.induction for op in loops_inside(block, at, including=True)} - spatial
    where = [
        form.substitute(values, {})
        for form in forms_of(block, "where")
        if not form.variables() & (reduction | dropped)
    ]
    where += [first_iteration(op) for op in around[: around.index(at)] if op.induction in reduction]
    source = block.init.block

    def fill(inner: Block) -> None:
        kept_arguments = [a for a, r in zip(source.args, block.is_reduce, strict=True) if not r]
        mapping: dict[SSAValue, SSAValue] = dict(zip(kept_arguments, inner.args, strict=True))
        clone_into(source, inner, mapping)

    root = put_block(loops, name, spatial_variables(block, values), where, fill)
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
        decompose(scope, block, at)
