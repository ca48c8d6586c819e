"""inline-compute: a producer is computed where its elements are read.

    for y, x: B[y, x] = C[y, x] + b[x]
    for y, x: D[y, x] = max(B[y, x], 0)    ->    for y, x: D[y, x] = max(C[y, x] + b[x], 0)

The producer's nest and buffer disappear. It is computed once for each read. A read under a guard
stays one: what the producer reads is read under it, and where it fails the value is chosen that the
read gives there, unless the producer computes that of pads by itself, as `max(0, 0)` is 0.

Arguments: `block` (the producer), `function`.
Refuses: a reduction; a result of the function; a producer that writes at coordinates from which the
variables it computes with do not follow; a buffer that copies, calls or prefetches use, too; a
guarded reader of a producer that could divide by zero where the guard fails; a reader that comes
before the producer; an input that the reader cannot see, or that is written again before it reads,
or at the same time; a reader of elements that the producer, with its guard, does not compute; tiles
that are filled ahead of time.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product, takewhile

import islpy as isl
import numpy as np
from xdsl.builder import Builder
from xdsl.dialects import arith
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.rewriter import InsertPoint

from analysis.affine import Affine, from_expression
from analysis.integer_sets import Names, solve
from dialects import loop as loop_dialect
from passes.loop.bodies import Rebuilding, index_value
from passes.loop.forms import coordinates, forms_of
from passes.loop.instances import (
    Access,
    Actor,
    Touch,
    Use,
    marked,
    meeting,
    place_of,
    uses_of,
)
from passes.loop.inverses import inverse_of
from passes.loop.moves import comes_before, race_in, root_of
from passes.loop.neutral import (
    DIVISIONS,
    Number,
    attribute_of,
    constant_number,
    known_values,
    value_of,
)
from passes.loop.primitive import (
    Primitive,
    Scope,
    accesses,
    block_of,
    body_accesses,
    is_below,
    loops_around,
)
from passes.loop.witnesses import EARLIER, TOGETHER, Witness


def store_of(producer: loop_dialect.BlockOp) -> loop_dialect.StoreOp:
    """The store in the body of a block that has one."""
    return next(a for a in body_accesses(producer) if isinstance(a, loop_dialect.StoreOp))


def guard_of(load: loop_dialect.LoadOp) -> list[Affine]:
    """The forms that are not negative where a load touches memory, of the values in its block."""
    indices = [Affine.variable(v) for v in load.indices]
    return [from_expression(e, indices, {}) for e in load.where.data.results]


def loads_before(store: loop_dialect.StoreOp) -> list[loop_dialect.LoadOp]:
    """What a producer reads to compute what it stores."""
    ops = takewhile(lambda op: op is not store, block_of(store).body.block.ops)
    return [op for op in ops if isinstance(op, loop_dialect.LoadOp)]


def point_of(store: loop_dialect.StoreOp) -> dict[Hashable, Affine] | BlockArgument:
    """The variables that a producer computes with, as forms of the coordinates that it stores at;
    or one that does not follow from these."""
    producer = block_of(store)
    used = {v for v in producer.variables if any(use.operation is not store for use in v.uses)}
    return inverse_of(producer, coordinates(store), used)


def pads_of(
    load: loop_dialect.LoadOp, store: loop_dialect.StoreOp, builder: Builder
) -> tuple[dict[loop_dialect.LoadOp, SSAValue], bool]:
    """What a producer reads where the guard of `load` fails, and whether it then computes what the
    load gives there, so that nobody needs to choose between the two."""
    assert load.otherwise is not None
    wanted = constant_number(load.otherwise)
    pads: dict[loop_dialect.LoadOp, SSAValue] = {}
    known: dict[loop_dialect.LoadOp, Number | None] = {}
    for inner in loads_before(store):
        if inner.otherwise is not None:
            known[inner] = constant_number(inner.otherwise)
        elif wanted is not None and wanted.type == inner.result.type:
            known[inner], pads[inner] = wanted, load.otherwise
        else:
            zero = attribute_of(inner.result.type, 0)
            known[inner], pads[inner] = zero, builder.insert(arith.ConstantOp(zero)).result
    value = known_values(block_of(store), known).get(store.value)
    agrees = wanted is not None and isinstance(value, np.ndarray) and value == value_of(wanted)
    return pads, bool(agrees)


def inline_at(load: loop_dialect.LoadOp, store: loop_dialect.StoreOp) -> None:
    """Compute what `load` reads in its place."""
    told = point_of(store)
    assert not isinstance(told, BlockArgument)
    place: dict[Hashable, Affine] = {("dim", i): f for i, f in enumerate(coordinates(load))}
    forms = {variable: form.substitute(place, {}) for variable, form in told.items()}
    builder = Builder(InsertPoint.before(load))
    guard = guard_of(load)
    pads, agrees = pads_of(load, store, builder) if guard else ({}, True)
    rebuilding = Rebuilding(builder, forms, guard=guard, pads=pads)
    for op in takewhile(lambda op: op is not store, block_of(store).body.block.ops):
        rebuilding.insert(op)
    value = rebuilding.value(store.value)
    if not agrees:
        assert load.otherwise is not None
        value = builder.insert(arith.SelectOp(holds(guard, builder), value, load.otherwise)).result
    load.result.replace_all_uses_with(value)
    load.detach()
    load.erase()


def holds(guard: Sequence[Affine], builder: Builder) -> SSAValue:
    """Operations that say whether no form is negative."""
    zero = index_value(Affine({}), builder)
    found: SSAValue | None = None
    for form in guard:
        value = index_value(form, builder)
        test = builder.insert(arith.CmpiOp(value, zero, "sge")).result
        found = test if found is None else builder.insert(arith.AndIOp(found, test)).result
    assert found is not None
    return found


def divides_by_constant(op: Operation) -> bool:
    """Whether a division is by a number that is not zero."""
    divisor = constant_number(op.operands[1])
    return divisor is not None and bool(value_of(divisor))


@dataclass(frozen=True)
class InlineComputePass(Primitive):
    """Compute a producer where its elements are read."""

    name = "inline-compute"

    block: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        producer = scope.find_block(self.block)
        scope.refuse_parts(producer)
        store = self.only_store(scope, producer)
        alloc = store.memref.owner
        assert isinstance(alloc, loop_dialect.AllocOp)
        for use in store.memref.uses:
            if not isinstance(use.operation, Access):
                raise scope.error(
                    f"%{store.memref.name_hint}, which block '{self.block}' writes, is used by "
                    f"{use.operation.name}, which needs it in memory"
                )
        reads = [a for a in accesses(scope.function, store.memref) if a is not store]
        for read in reads:
            if not isinstance(read, loop_dialect.LoadOp):
                raise scope.error(
                    f"%{store.memref.name_hint} is also written by block "
                    f"'{block_of(read).block_name.data}'"
                )
            if read.otherwise is not None:
                self.check_traps(scope, producer, read)
        self.check_place(scope, producer, reads)
        self.check_elements(scope, producer, reads)
        self.check_inputs(scope, producer, reads)
        for read in reads:
            assert isinstance(read, loop_dialect.LoadOp)
            inline_at(read, store)
        root = root_of(producer)
        root.detach()
        root.erase()
        alloc.detach()
        alloc.erase()

    def only_store(self, scope: Scope, producer: loop_dialect.BlockOp) -> loop_dialect.StoreOp:
        """The store of a producer that can be inlined."""
        stores = [a for a in body_accesses(producer) if isinstance(a, loop_dialect.StoreOp)]
        if any(producer.is_reduce) or len(stores) != 1:
            raise scope.error(
                f"block '{self.block}' is a reduction; only one value a point inlines"
            )
        (store,) = stores
        if not isinstance(store.memref.owner, loop_dialect.AllocOp):
            raise scope.error(
                f"%{store.memref.name_hint}, which block '{self.block}' writes, is a result of "
                f"@{scope.function.sym_name.data}; it must be stored"
            )
        lost = point_of(store)
        if isinstance(lost, BlockArgument):
            raise scope.error(
                f"block '{self.block}' computes with %{lost.name_hint}, which does not follow from "
                f"the coordinates at which it writes %{store.memref.name_hint}"
            )
        return store

    def check_traps(
        self, scope: Scope, producer: loop_dialect.BlockOp, read: loop_dialect.LoadOp
    ) -> None:
        """Refuse a guarded read of what must not be computed from anything."""
        for op in producer.body.block.ops:
            if isinstance(op, DIVISIONS) and not divides_by_constant(op):
                raise scope.error(
                    f"block '{block_of(read).block_name.data}' reads %{read.memref.name_hint} "
                    f"under a guard, and where it fails block '{self.block}' could divide integers "
                    "by zero"
                )

    def check_place(
        self, scope: Scope, producer: loop_dialect.BlockOp, reads: list[Access]
    ) -> None:
        """Refuse readers from which the producer or what it reads cannot be seen."""
        order = {op: i for i, op in enumerate(scope.function.walk())}
        owners = [a.memref.owner for a in body_accesses(producer)]
        allocs = [owner for owner in owners if isinstance(owner, loop_dialect.AllocOp)]
        place = store_of(producer).memref.owner
        assert isinstance(place, loop_dialect.AllocOp)
        for read in reads:
            reader = block_of(read)
            if order[reader] <= order[producer]:
                raise scope.error(
                    f"block '{reader.block_name.data}' reads %{read.memref.name_hint} before "
                    f"block '{self.block}' writes it"
                )
            for alloc in allocs:
                parent = alloc.parent_op()
                if isinstance(parent, loop_dialect.ForOp) and not (
                    is_below(reader, parent) and is_below(place, parent)
                ):
                    raise scope.error(
                        f"%{alloc.result.name_hint}, which block '{self.block}' reads, only "
                        f"lives inside loop '{parent.loop_name.data}'"
                    )

    def check_elements(
        self, scope: Scope, producer: loop_dialect.BlockOp, reads: list[Access]
    ) -> None:
        """Refuse a reader of elements that the producer does not compute."""
        store = store_of(producer)
        alloc = store.memref.owner
        assert isinstance(alloc, loop_dialect.AllocOp)
        fixed: set[Hashable] = {op.induction for op in loops_around(alloc)}
        names, written = Names(), Touch.of(store)
        for read in reads:
            reader = Touch.of(read)
            still = fixed | written.sizes | reader.sizes
            known = [Affine.variable(size) for size in written.sizes | reader.sizes]
            stored, needed = (
                names.points(
                    touch.place,
                    [*touch.conditions, *known],
                    {v for f in (*touch.place, *touch.conditions) for v in f.variables()} - still,
                )
                for touch in (written, reader)
            )
            if not needed.is_subset(stored):
                remedy = "; inline it before blocks are padded"
                reason = ", as it has a guard" if forms_of(producer, "where") else remedy
                raise scope.error(
                    f"block '{block_of(read).block_name.data}' reads elements of "
                    f"%{store.memref.name_hint} that block '{self.block}' does not compute{reason}",
                    *self.missing(reader, needed.subtract(stored), names),
                )

    def missing(self, reader: Touch, elements: isl.Set, names: Names) -> Iterator[str]:
        """An element that is read and not written, and who reads it."""
        values, element = names.sample(elements)
        known = [*((Affine.variable(v), n) for v, n in values.items())]
        known += zip(reader.place, element, strict=True)
        apart = [form - number for form, number in known]
        point = solve([*reader.conditions, *apart, *(form * -1 for form in apart)])
        if point is not None and reader.actor is not None:
            shown = ", ".join(f"{n}={f.evaluate(point)}" for n, f in reader.actor.values)
            yield (
                f"%{reader.actor.buffer.name_hint}[{', '.join(map(str, element))}] is read by "
                f"{reader.actor.subject} ({shown}), and no instance of block '{self.block}' "
                "writes it"
            )

    def check_inputs(
        self, scope: Scope, producer: loop_dialect.BlockOp, reads: list[Access]
    ) -> None:
        """Refuse a producer of which an input is written before a reader would read it."""
        loads = [a for a in body_accesses(producer) if isinstance(a, loop_dialect.LoadOp)]
        inputs = {load.memref for load in loads}
        writes = [
            use
            for op in scope.function.walk()
            for use in uses_of(op)
            if use.writes and use.buffer in inputs
        ]
        order = {op: i for i, op in enumerate(scope.function.walk())}
        for load, read, use in product(loads, reads, writes):
            if load.memref is not use.buffer:
                continue
            witness = written_between(store_of(producer), load, read, use, order)
            if witness is not None:
                raise scope.error(
                    f"{use.subject} writes %{use.buffer.name_hint}, which block '{self.block}' "
                    f"reads, before block '{block_of(read).block_name.data}' would read it",
                    witness.line(EARLIER),
                )
            self.check_race(scope, producer, load, read, use)

    def check_race(
        self,
        scope: Scope,
        producer: loop_dialect.BlockOp,
        load: loop_dialect.LoadOp,
        read: Access,
        use: Use,
    ) -> None:
        """Refuse a reader that would read what another iteration writes at the same time."""
        told = point_of(store_of(producer))
        assert not isinstance(told, BlockArgument)
        place: dict[Hashable, Affine] = {("dim", i): form for i, form in enumerate(place_of(read))}
        bound = {variable: form.substitute(place, {}) for variable, form in told.items()}
        block, mine = block_of(read), Touch.of(read)
        element = [form.substitute(bound, {}) for form in coordinates(load)]
        bindings, loops = forms_of(block, "bindings"), loops_around(block)
        actor = Actor.moved(block, bindings, loops, load.memref, writes=False)
        found = race_in(loops, [Touch(element, mine.conditions, mine.sizes, actor)], [use])
        if found is not None:
            op, witness = found
            raise scope.error(
                f"loop '{op.loop_name.data}' is {op.kind.data}, and {use.subject} in one of its "
                f"iterations writes %{load.memref.name_hint}, which {actor.subject} would read in "
                "another one",
                witness.line(TOGETHER),
            )


def written_between(
    store: loop_dialect.StoreOp,
    load: loop_dialect.LoadOp,
    read: Access,
    use: Use,
    order: Mapping[Operation, int],
) -> Witness | None:
    """A write of what a producer has loaded, before what it then stored is read."""
    assert isinstance(store.memref.owner, loop_dialect.AllocOp)
    fixed = loops_around(store.memref.owner)
    mine, stored, reader = Touch.of(load), Touch.of(store), Touch.of(read)
    kept: set[Hashable] = {op.induction for op in fixed}
    kept |= mine.sizes | reader.sizes | use.touch.sizes
    same = [
        form - marked(other, kept, "reader")
        for form, other in zip(stored.place, reader.place, strict=True)
    ]
    conditions = [*same, *(form * -1 for form in same)]
    conditions += [marked(form, kept, "reader") for form in reader.conditions]
    conditions += [Affine.variable(size) for size in reader.sizes]
    producer, user = block_of(store), block_of(read)
    writer = use.op if isinstance(use.op, loop_dialect.CopyOp) else block_of(use.op)
    befores = comes_before(producer, writer, fixed, order)
    afters = comes_before(writer, user, fixed, order, ("other", "reader"))
    for before, after in product(list(befores), list(afters)):
        asked = [*meeting(mine, use.touch, fixed, [*before, *after]), *conditions]
        point = solve(asked)
        if point is not None:
            return Witness(mine, use.touch, kept, point)
    return None
