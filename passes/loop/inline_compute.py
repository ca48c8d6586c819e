"""inline-compute: a producer is computed where its elements are read.

    for y, x: B[y, x] = C[y, x] + b[x]
    for y, x: D[y, x] = max(B[y, x], 0)    ->    for y, x: D[y, x] = max(C[y, x] + b[x], 0)

The producer's nest and buffer disappear. It is computed once for each read.

Arguments: `block` (the producer), `function`.
Refuses: a reduction; a producer with a `where`; a result of the function; a producer that does not
write each of its elements at its own coordinates; a buffer that copies, calls or prefetches use,
too; a reader that guards its read or comes before the producer; an input that the reader cannot
see, or that is written again before it reads, or at the same time; a reader of elements that the
producer does not compute; tiles that are filled ahead of time.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import product

from xdsl.builder import Builder
from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.rewriter import InsertPoint

from analysis.affine import Affine, Quotient, from_expression
from analysis.integer_sets import Names, solve
from dialects import loop as loop_dialect
from passes.loop.forms import coordinates, forms_of, map_of
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
from passes.loop.moves import comes_before, race_in, root_of
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


def index_value(form: Affine, builder: Builder) -> SSAValue:
    """Operations that compute a form of index values."""
    if form.const == 0 and list(form.terms.values()) == [1]:
        (atom,) = form.terms
        if isinstance(atom, SSAValue):
            return atom

    def number(value: int) -> SSAValue:
        return builder.insert(arith.ConstantOp(IntegerAttr(value, IndexType()))).result

    total = number(form.const)
    for atom, coefficient in form.terms.items():
        if isinstance(atom, Quotient):
            top = index_value(atom.numerator, builder)
            value = builder.insert(arith.FloorDivSIOp(top, number(atom.divisor))).result
        else:
            assert isinstance(atom, SSAValue)
            value = atom
        product = builder.insert(arith.MuliOp(value, number(coefficient))).result
        total = builder.insert(arith.AddiOp(total, product)).result
    return total


def store_of(producer: loop_dialect.BlockOp) -> loop_dialect.StoreOp:
    """The store in the body of a block that has one."""
    return next(a for a in body_accesses(producer) if isinstance(a, loop_dialect.StoreOp))


def inline_at(load: loop_dialect.LoadOp, producer: loop_dialect.BlockOp) -> None:
    """Compute what `load` reads in its place."""
    store = store_of(producer)
    forms: dict[Hashable, Affine] = {}
    for written, read in zip(coordinates(store), coordinates(load), strict=True):
        (variable,) = written.terms
        forms[variable] = read
    builder = Builder(InsertPoint.before(load))
    mapping: dict[SSAValue, SSAValue] = {}

    def value_of(value: SSAValue) -> SSAValue:
        if value in forms and value not in mapping:
            mapping[value] = index_value(forms[value], builder)
        return mapping.get(value, value)

    def composed(indices: list[Affine], map: AffineMap) -> list[Affine]:
        return [from_expression(e, indices, {}).substitute(forms, {}) for e in map.results]

    for op in producer.body.block.ops:
        if op is store:
            break
        if isinstance(op, loop_dialect.LoadOp):
            indices = [
                Affine.variable(mapping.get(v, v)) if v not in forms else forms[v]
                for v in op.indices
            ]
            values: list[SSAValue] = []
            place = map_of(composed(indices, op.map.data), values)
            guard = map_of(composed(indices, op.where.data), values)
            new = loop_dialect.LoadOp(
                op.memref,
                values,
                AffineMap(len(values), 0, tuple(place)),
                AffineMap(len(values), 0, tuple(guard)),
                None if op.otherwise is None else value_of(op.otherwise),
            )
            new.result.name_hint = op.result.name_hint
            new.location = op.location
            mapping[op.result] = builder.insert(new).result
        else:
            for operand in op.operands:
                value_of(operand)
            builder.insert(op.clone(mapping))
    load.result.replace_all_uses_with(mapping.get(store.value, store.value))
    load.detach()
    load.erase()


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
                raise scope.error(
                    f"block '{block_of(read).block_name.data}' reads %{store.memref.name_hint} "
                    "under a guard; inline the guard's producer into a plain read"
                )
        self.check_place(scope, producer, reads)
        self.check_elements(scope, producer, reads)
        self.check_inputs(scope, producer, reads)
        for read in reads:
            assert isinstance(read, loop_dialect.LoadOp)
            inline_at(read, producer)
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
        if forms_of(producer, "where"):
            raise scope.error(f"block '{self.block}' has a guard; inline it before loops are split")
        (store,) = stores
        if not isinstance(store.memref.owner, loop_dialect.AllocOp):
            raise scope.error(
                f"%{store.memref.name_hint}, which block '{self.block}' writes, is a result of "
                f"@{scope.function.sym_name.data}; it must be stored"
            )
        variables: list[Hashable] = []
        for form in coordinates(store):
            if form.const or list(form.terms.values()) != [1]:
                raise scope.error(
                    f"block '{self.block}' writes %{store.memref.name_hint} at other coordinates "
                    "than its own variables"
                )
            variables += form.terms
        if len(set(variables)) != len(variables):
            raise scope.error(f"block '{self.block}' writes a diagonal, not all elements")
        return store

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
                raise scope.error(
                    f"block '{block_of(read).block_name.data}' reads elements of "
                    f"%{store.memref.name_hint} that block '{self.block}' does not compute; inline "
                    "it before blocks are padded"
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
        pairs = zip(coordinates(store_of(producer)), place_of(read), strict=True)
        bound = {variable: form for written, form in pairs for variable in written.terms}
        block, mine = block_of(read), Touch.of(read)
        place = [form.substitute(bound, {}) for form in coordinates(load)]
        bindings, loops = forms_of(block, "bindings"), loops_around(block)
        actor = Actor.moved(block, bindings, loops, load.memref, writes=False)
        found = race_in(loops, [Touch(place, mine.conditions, mine.sizes, actor)], [use])
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
