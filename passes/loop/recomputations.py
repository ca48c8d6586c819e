"""Buffers that a nest writes again and again, and always the same.

    for y, x
      for B_y in 0..3, B_x in 0..3
        B: B[y + B_y, x + B_x] = f(A[y + B_y, x + B_x])
      C: C[y, x] = B[y + 0..3, x + 0..3]

compute-at leaves such nests: iterations that overlap both compute what both need. Their order does
not matter to B, although one iteration writes what another one wrote and read, since

- one block writes the buffer, and what it writes into an element only depends on which one it is:
  its variables follow from the place, and what it reads does not change, or is recomputed as well;
- whoever reads an element finds it computed by the iteration that it is in, the block coming first.

A reduction is one computation, if the iteration has all of it.
"""

from collections.abc import Hashable, Sequence

from xdsl.ir import BlockArgument, SSAValue

from analysis.affine import Affine
from analysis.integer_sets import Names
from dialects import loop
from passes.loop.forms import coordinates, forms_of
from passes.loop.instances import Touch, Use, conditions_of, direct_uses, sizes_of
from passes.loop.inverses import inverse_of
from passes.loop.permutations import accumulated, is_injective
from passes.loop.primitive import block_of, loops_around, memory_of


def recomputed(nest: loop.ForOp, loops: Sequence[loop.ForOp]) -> set[SSAValue]:
    """The buffers that a nest recomputes in each iteration of `loops`, which are in one another."""
    uses: dict[SSAValue, list[Use]] = {}
    for op in nest.walk():
        for use in direct_uses(op):
            uses.setdefault(use.buffer, []).append(use)
    tiles = {buffer: memory for buffer in uses if (memory := memory_of(buffer)) is not None}
    shared = {*tiles, *tiles.values()}
    changing = {buffer for buffer, found in uses.items() if any(use.writes for use in found)}
    found: set[SSAValue] = set()
    grown = True
    while grown:
        known = {
            buffer
            for buffer in changing - shared - found
            if is_recomputed(uses[buffer], loops, changing - found)
        }
        grown, found = bool(known), found | known
    return found


def is_recomputed(
    uses: Sequence[Use], loops: Sequence[loop.ForOp], changing: set[SSAValue]
) -> bool:
    """Whether each iteration of some loops computes what it reads of a buffer, all to the same."""
    stores = [use.op for use in uses if use.writes and isinstance(use.op, loop.StoreOp)]
    blocks = dict.fromkeys(block_of(store) for store in stores)
    if len(stores) != sum(use.writes for use in uses) or len(blocks) != 1:
        return False
    (block,) = blocks
    bodies = [store for store in stores if store.parent_block() is block.body.block]
    if len(bodies) != 1 or not depends_on_place(block, bodies[0], changing):
        return False
    fixed = [*loops_around(loops[-1]), loops[-1]]
    if any(block.is_reduce):
        inner = loops_around(block)[len(fixed) :]
        whole = block.init is not None and len(stores) == 2 and is_injective(block, inner)
        if not whole or not is_covered(bodies[0], Touch.of(bodies[0]), fixed):
            return False
    for use in uses:
        if not use.reads or use.op.parent_op() is block:
            continue
        outside = loops_around(use.op if isinstance(use.op, loop.CopyOp) else block_of(use.op))
        common = [op for op in loops_around(block) if op in outside]
        order = list(common[-1].walk())
        if not set(fixed) <= set(common) or order.index(block) > order.index(use.op):
            return False
        if not is_covered(bodies[0], use.touch, common):
            return False
    return True


def depends_on_place(block: loop.BlockOp, store: loop.StoreOp, changing: set[SSAValue]) -> bool:
    """Whether what a block computes for an element is the same whenever it does so."""
    if any(index not in block.variables for index in store.indices):
        return False
    used: set[Hashable] = set()
    for region in block.regions:
        if not region.blocks:
            continue
        numbered: dict[SSAValue, BlockArgument] = dict(
            zip(region.block.args, block.variables, strict=True)
        )
        same: dict[Hashable, Affine] = {a: Affine.variable(v) for a, v in numbered.items()}
        for op in region.walk():
            if not isinstance(op, loop.LoadOp | loop.StoreOp) or op.memref is not store.memref:
                used |= {numbered[v] for v in op.operands if v in numbered}
                if isinstance(op, loop.LoadOp) and op.memref in changing:
                    return False
                continue
            place = [form.substitute(same, {}) for form in coordinates(op)]
            begun = region is not block.body
            if place != coordinates(store) or (begun and isinstance(op, loop.LoadOp)):
                return False
            if isinstance(op, loop.LoadOp) and op.memref not in accumulated(block):
                return False
    reduce = {v for v, r in zip(block.variables, block.is_reduce, strict=True) if r}
    told = inverse_of(block, coordinates(store), used - reduce)
    return not isinstance(told, BlockArgument)


def is_covered(store: loop.StoreOp, read: Touch, common: Sequence[loop.ForOp]) -> bool:
    """Whether what is read in one iteration of the loops `common` is computed there, as a whole."""
    block = block_of(store)
    names, fixed = Names(), {op.induction for op in common}
    sizes = read.sizes | sizes_of(store)
    bindings, domains = forms_of(block, "bindings"), forms_of(block, "domains")
    bound: dict[Hashable, Affine] = dict(zip(block.variables, bindings, strict=True))
    written = [form.substitute(bound, {}) for form in coordinates(store)]
    needed, steps, inside = list(read.place), list[Affine](), list[Affine]()
    for variable, domain, reduce in zip(block.variables, domains, block.is_reduce, strict=True):
        if reduce:
            step = Affine.variable(("step", variable))
            steps.append(step)
            inside += [step, domain - step - 1]
            written.append(bound[variable])
    sets = [
        names.points(
            place,
            [*conditions, *map(Affine.variable, sizes)],
            {v for form in (*place, *conditions) for v in form.variables()} - fixed - sizes,
        )
        for place, conditions in (
            (written, conditions_of(block, loops_around(block))),
            ([*needed, *steps], [*read.conditions, *inside]),
        )
    ]
    return sets[1].is_subset(sets[0])
