"""An init nest becomes the init region again of the block whose reduction it begins.

    for y                                  for y
      for x: C_init: C[y, x] = 0             for x, k
      for x, k                       ->        C: init C[y, x] = 0
        C: C[y, x] += A[y, k] * B[k, x]           C[y, x] += A[y, k] * B[k, x]

It is what decompose-reduction has made, or a program that was written so: in each iteration of the
loops around both, the one block writes just the elements that the other one begins to reduce.
"""

from collections.abc import Hashable

from xdsl.builder import Builder
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, BlockArgument, Region
from xdsl.rewriter import InsertPoint

from analysis.affine import Affine
from analysis.integer_sets import Names
from dialects import loop
from passes.loop.bodies import Rebuilding
from passes.loop.expand_unrolled_loops import erase_with_loops
from passes.loop.forms import coordinates, forms_of
from passes.loop.instances import Touch
from passes.loop.inverses import inverse_of
from passes.loop.permutations import accumulated, is_injective
from passes.loop.primitive import body_accesses, loops_around


def only_store(block: loop.BlockOp) -> loop.StoreOp | None:
    """The store of a block that has one, as its last operation."""
    stores = [a for a in body_accesses(block) if isinstance(a, loop.StoreOp)]
    return stores[0] if len(stores) == 1 and stores[0] is block.body.block.last_op else None


def begins(init: loop.BlockOp, block: loop.BlockOp) -> bool:
    """Whether a block, which comes first, does what an init region of another one would do."""
    start, store = only_store(init), only_store(block)
    if start is None or store is None or start.memref is not store.memref or block.init is not None:
        return False
    if any(init.is_reduce) or store.memref not in accumulated(block):
        return False
    if isinstance(inverse_of(init, coordinates(start), init.variables), BlockArgument):
        return False
    common = [op for op in loops_around(init) if op in loops_around(block)]
    if not is_injective(block, loops_around(block)[len(common) :]):
        return False
    names, fixed = Names(), {op.induction for op in common}
    first, begun = Touch.of(start), Touch.of(store)
    bindings = forms_of(block, "bindings")
    zero = [form * -1 for form, r in zip(bindings, block.is_reduce, strict=True) if r]
    sizes = first.sizes | begun.sizes
    sets = [
        names.points(
            touch.place,
            [*touch.conditions, *more, *map(Affine.variable, sizes)],
            {v for f in (*touch.place, *touch.conditions) for v in f.variables()} - fixed - sizes,
        )
        for touch, more in ((first, []), (begun, zero))
    ]
    return sets[0].is_equal(sets[1])


def join_init(init: loop.BlockOp, block: loop.BlockOp) -> None:
    """Make a block that begins another one its init region."""
    start, store = only_store(init), only_store(block)
    assert start is not None and store is not None
    region = Block(arg_types=[IndexType()] * len(block.variables))
    arguments: dict[Hashable, Affine] = {}
    for old, new in zip(block.variables, region.args, strict=True):
        new.name_hint = old.name_hint
        arguments[old] = Affine.variable(new)
    places = [form.substitute(arguments, {}) for form in coordinates(store)]
    told = inverse_of(init, coordinates(start), init.variables)
    assert not isinstance(told, BlockArgument)
    at: dict[Hashable, Affine] = {("dim", i): place for i, place in enumerate(places)}
    known = {variable: form.substitute(at, {}) for variable, form in told.items()}
    rebuilding = Rebuilding(Builder(InsertPoint.at_end(region)), known)
    for op in init.body.block.ops:
        rebuilding.insert(op)
    block.add_region(Region(region))
    erase_with_loops(init)
