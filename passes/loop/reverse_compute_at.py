"""reverse-compute-at: a consumer is computed inside a loop of its producer.

    for y_o                          for y_o
      for y_i                          for y_i
        C[..] = ...            ->        C[..] = ...
    for y                              for y_i'
      relu: D[y] = f(C[y])               relu: D[..] = f(C[..])

The consumer's own loops go; it gets clones of those loops of the producer inside `at` that the
producer's results depend on, kinds included, called `<block>_<axis>`, as the last statement of
`at`. Where loops of the producer's reduction are around, it runs in their last iteration only.

Arguments: `block` (the consumer), `at` (a loop around the producer), `function`.
Refuses: a block that reads nothing that is written below `at`, or comes before it; a consumer that
reduces, has a guard of its own, or reads elsewhere than at its own points; buffers that do not
live there; inputs or results that blocks between the two places write or use; a place that does
not reach all points of the consumer; one where what it reads is not final;
tiles that are filled ahead of time.
"""

from collections.abc import Hashable
from dataclasses import dataclass

import islpy as isl
from xdsl.ir import Operation

from analysis.affine import Affine
from analysis.integer_sets import Names
from dialects import loop as loop_dialect
from passes.loop.forms import coordinates, forms_of, ranges_of, set_forms, variables_of
from passes.loop.instances import Instances, Touch, conditions_of, marked
from passes.loop.nests import clone_loops, last_iteration, loops_for, loops_inside, loops_used
from passes.loop.primitive import (
    Primitive,
    Scope,
    accesses,
    block_of,
    blocks_in,
    body_accesses,
    insert_before,
    is_below,
    loops_around,
    only_child,
)

Access = loop_dialect.LoadOp | loop_dialect.StoreOp


def producer_of(
    scope: Scope, consumer: loop_dialect.BlockOp, at: loop_dialect.ForOp
) -> tuple[loop_dialect.LoadOp, loop_dialect.StoreOp]:
    """The read of the consumer and the last write below `at` that feeds it."""
    stores = [
        a for b in blocks_in(at) for a in body_accesses(b) if isinstance(a, loop_dialect.StoreOp)
    ]
    for load in body_accesses(consumer):
        if isinstance(load, loop_dialect.LoadOp):
            for store in reversed(stores):
                if store.memref is load.memref:
                    return load, store
    raise scope.error(
        f"block '{consumer.block_name.data}' reads nothing that is written below loop "
        f"'{at.loop_name.data}'"
    )


def match_variables(
    scope: Scope, load: loop_dialect.LoadOp, store: loop_dialect.StoreOp
) -> dict[Hashable, Hashable]:
    """For each variable of the consumer the producer's variable that it equals."""
    pairs: dict[Hashable, Hashable] = {}
    for read, written in zip(coordinates(load), coordinates(store), strict=True):
        if read.is_constant and read == written:
            continue
        ((mine, factor),) = tuple(read.terms.items()) if len(read.terms) == 1 else ((None, 0),)
        ((theirs, other),) = (
            tuple(written.terms.items()) if len(written.terms) == 1 else ((None, 0),)
        )
        if (factor, other, read.const, written.const) != (1, 1, 0, 0):
            raise scope.error(
                f"block '{block_of(load).block_name.data}' reads %{load.memref.name_hint} at other "
                "places than its own element; compute it after the whole producer"
            )
        pairs[mine] = theirs
    return pairs


def root_of(block: loop_dialect.BlockOp) -> Operation:
    """The outermost operation that holds nothing but this block."""
    root: Operation = block
    parent = block.parent_op()
    while isinstance(parent, loop_dialect.ForOp) and only_child(parent) is root:
        root, parent = parent, parent.parent_op()
    return root


@dataclass(frozen=True)
class Move:
    """A consumer in its new place: the loops it gets clones of, its bindings and its guards.

    Bindings and guards are over the loops of the producer.
    """

    kept: list[loop_dialect.ForOp]
    bindings: list[Affine]
    where: list[Affine]

    def conditions(self, consumer: loop_dialect.BlockOp, at: loop_dialect.ForOp) -> list[Affine]:
        """The forms that are not negative where the consumer runs."""
        found: list[Affine] = []
        for op in (*loops_around(at), at, *self.kept):
            value = Affine.variable(op.induction)
            found += [value - forms_of(op, "lower")[0], forms_of(op, "upper")[0] - value - 1]
        for domain, binding in zip(forms_of(consumer, "domains"), self.bindings, strict=True):
            found += [binding, domain - binding - 1]
        return [*found, *self.where]

    def sizes(self, consumer: loop_dialect.BlockOp, at: loop_dialect.ForOp) -> set[Hashable]:
        """The symbolic sizes that the conditions name."""
        loops = [*loops_around(at), at, *self.kept, *loops_around(consumer)]
        forms = [*self.conditions(consumer, at), *conditions_of(consumer, loops_around(consumer))]
        used = {v for form in forms for v in form.variables()}
        return used - {op.induction for op in loops}


def common_loops(op: Operation, at: loop_dialect.ForOp) -> list[loop_dialect.ForOp]:
    """The loops around `op` that `at` is in, or that are `at`, outermost first."""
    outer = [*loops_around(at), at]
    return [o for o in loops_around(op) if o in outer]


def sees(at: loop_dialect.ForOp, alloc: loop_dialect.AllocOp, order: dict[Operation, int]) -> bool:
    """Whether a buffer is there at the end of the body of a loop, the same in all iterations of
    the loops between."""
    parent = alloc.parent_op()
    return parent is not None and order[alloc] < order[at] and is_below(at, parent)


def later_in(op: loop_dialect.ForOp) -> Affine:
    """That a second instance is in a later iteration of a loop than the first one."""
    mine = Affine.variable(op.induction)
    return marked(mine, set()) - mine - 1


def hoist(alloc: loop_dialect.AllocOp, root: Operation) -> None:
    """Move an allocation that comes after `root` before it."""
    block = root.parent_block()
    assert block is not None and block is alloc.parent_block()
    if block.get_operation_index(alloc) > block.get_operation_index(root):
        alloc.detach()
        insert_before(root, alloc)


@dataclass(frozen=True)
class ReverseComputeAtPass(Primitive):
    """Compute a consumer inside a loop of its producer."""

    name = "reverse-compute-at"

    block: str
    at: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        consumer, at = scope.find_block(self.block), scope.find_loop(self.at)
        scope.refuse_parts(consumer)
        if any(consumer.is_reduce):
            raise scope.error(f"block '{self.block}' reduces; only elementwise consumers move")
        if at in loops_around(consumer):
            raise scope.error(f"block '{self.block}' is already inside loop '{self.at}'")
        load, store = producer_of(scope, consumer, at)
        self.check_order(scope, consumer, at, load)
        pairs = match_variables(scope, load, store)
        missing = [v.name_hint for v in consumer.variables if v not in pairs]
        if missing:
            raise scope.error(
                f"variable %{missing[0]} of block '{self.block}' has no counterpart in block "
                f"'{block_of(store).block_name.data}'"
            )
        producer = block_of(store)
        plan = self.plan(scope, consumer, at, producer, pairs)
        self.move(scope, consumer, at, plan, producer.block_name.data)

    def check_order(
        self,
        scope: Scope,
        consumer: loop_dialect.BlockOp,
        at: loop_dialect.ForOp,
        feed: loop_dialect.LoadOp,
    ) -> None:
        """Refuse a consumer that another block between its new and its old place touches."""
        inputs = {a.memref for a in body_accesses(consumer) if isinstance(a, loop_dialect.LoadOp)}
        outputs = {a.memref for a in body_accesses(consumer) if isinstance(a, loop_dialect.StoreOp)}
        for buffer in inputs & outputs:
            raise scope.error(f"block '{self.block}' reads %{buffer.name_hint}, which it writes")
        order = {op: i for i, op in enumerate(scope.function.walk())}
        for buffer in inputs | outputs:
            alloc = buffer.owner
            if not isinstance(alloc, loop_dialect.AllocOp):
                continue
            if buffer in outputs and alloc.parent_op() is scope.function:
                continue  # it will move before the loops
            if not sees(at, alloc, order):
                raise scope.error(
                    f"%{buffer.name_hint}, which block '{self.block}' uses, does not live in "
                    f"loop '{self.at}'"
                )
        later, passed = False, False
        for block in blocks_in(scope.function):
            later = later or is_below(block, at)
            if block is consumer:
                if not later:
                    raise scope.error(
                        f"block '{self.block}' comes before loop '{self.at}'; "
                        "only a later block can move into it"
                    )
                passed = True
            if block is consumer or not later:
                continue
            for access in accesses(block):
                writes = isinstance(access, loop_dialect.StoreOp)
                if access.memref in outputs and not passed:
                    raise scope.error(
                        f"%{access.memref.name_hint}, which block '{self.block}' writes, is also "
                        f"used by block '{block.block_name.data}' before it"
                    )
                if writes and access.memref in inputs and access.memref is not feed.memref:
                    raise scope.error(
                        f"block '{self.block}' also reads %{access.memref.name_hint}, which block "
                        f"'{block.block_name.data}' writes after loop '{self.at}' has begun"
                    )

    def plan(
        self,
        scope: Scope,
        consumer: loop_dialect.BlockOp,
        at: loop_dialect.ForOp,
        producer: loop_dialect.BlockOp,
        pairs: dict[Hashable, Hashable],
    ) -> Move:
        """What the consumer becomes, in the producer's loops; refuses a change of results."""
        around = loops_around(producer)
        spatial, reduction = loops_used(producer, False), loops_used(producer, True)
        outer = [*loops_around(at), at]
        kept = loops_for(spatial, loops_inside(producer, at))
        seen = {op.induction for op in (*outer, *kept)}
        inductions = {op.induction for op in around}
        bound = variables_of(producer)
        where = [f for f in forms_of(producer, "where") if not f.variables() & (inductions - seen)]
        where = [f for f in where if not f.variables() & (reduction - spatial)]
        where += [last_iteration(op) for op in outer if op.induction in reduction]
        bindings = [bound[pairs[v]] for v in consumer.variables]
        own = {op.induction for op in loops_around(consumer) if op not in outer}
        where += [f for f in forms_of(consumer, "where") if not f.variables() & own]
        move = Move(kept, bindings, where)
        self.check_points(scope, consumer, at, move)
        self.check_writes(scope, consumer, at, move)
        return move

    def check_points(
        self, scope: Scope, consumer: loop_dialect.BlockOp, at: loop_dialect.ForOp, move: Move
    ) -> None:
        """Refuse if some point of the consumer would not be computed in its new place."""
        names = Names()
        common = common_loops(consumer, at)
        old = conditions_of(consumer, loops_around(consumer))
        new = move.conditions(consumer, at)
        places = forms_of(consumer, "bindings")
        sizes = move.sizes(consumer, at)
        still = {op.induction for op in common} | sizes
        known = [Affine.variable(v) for v in sizes]
        sets: list[isl.Set] = []
        for place, conditions in ((places, old), (move.bindings, new)):
            moving = {v for f in (*place, *conditions) for v in f.variables()} - still
            sets.append(names.points(place, [*conditions, *known], moving))
        if not sets[1].is_subset(sets[0]):
            raise scope.error(
                f"block '{self.block}' has a guard that loop '{self.at}' does not have; "
                "compute it before its own loops are split"
            )
        if not sets[0].is_subset(sets[1]):
            raise scope.error(
                f"loop '{self.at}' does not run over all points of block '{self.block}'; "
                "compute it in a loop further out, or before loops are peeled"
            )

    def check_writes(
        self, scope: Scope, consumer: loop_dialect.BlockOp, at: loop_dialect.ForOp, move: Move
    ) -> None:
        """Refuse if something that the consumer reads is written after its new place."""
        conditions, sizes = move.conditions(consumer, at), move.sizes(consumer, at)
        values: dict[Hashable, Affine] = dict(zip(consumer.variables, move.bindings, strict=True))
        outer = [*loops_around(at), at]
        order = {op: i for i, op in enumerate(scope.function.walk())}
        stores = [
            a
            for block in blocks_in(scope.function)
            if block is not consumer
            for a in accesses(block)
            if isinstance(a, loop_dialect.StoreOp)
        ]
        for load in body_accesses(consumer):
            place = [form.substitute(values, {}) for form in coordinates(load)]
            mine = Touch(place, conditions, sizes)
            for store in stores:
                if not isinstance(load, loop_dialect.LoadOp) or store.memref is not load.memref:
                    continue
                shared = common_loops(block_of(store), at)
                fixed = [[*shared[:i]] for i in range(len(shared))]
                times = [(f, [later_in(op)]) for f, op in zip(fixed, shared, strict=True)]
                if len(shared) < len(outer) and order[store] > order[outer[len(shared)]]:
                    times.append((shared, []))
                for still, differ in times:
                    if Instances().conflict(mine, Touch.of(store), still, differ):
                        raise scope.error(
                            f"block '{block_of(store).block_name.data}' writes "
                            f"%{store.memref.name_hint} after block '{self.block}' would read it "
                            f"in loop '{self.at}'"
                        )

    def move(
        self,
        scope: Scope,
        consumer: loop_dialect.BlockOp,
        at: loop_dialect.ForOp,
        move: Move,
        producer: str,
    ) -> None:
        """Put the consumer at the end of `at`, and the memory of its result before all loops."""
        for access in body_accesses(consumer):
            alloc = access.memref.owner
            if isinstance(alloc, loop_dialect.AllocOp) and alloc.parent_op() is scope.function:
                hoist(alloc, [*loops_around(at), at][0])
        root = root_of(consumer)
        consumer.detach()
        if root is not consumer:
            root.detach()
            root.erase()
        loops, values = clone_loops(scope, move.kept, self.block, producer)
        ranges = ranges_of([*loops_around(at), at, *move.kept])
        set_forms(
            consumer,
            bindings=[form.substitute(values, ranges) for form in move.bindings],
            where=[form.substitute(values, {}) for form in move.where],
        )
        (loops[-1] if loops else at).body.block.add_op(consumer)
        if loops:
            at.body.block.add_op(loops[0])
