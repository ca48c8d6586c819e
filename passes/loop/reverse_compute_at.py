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
live there; a place that does not reach all points of the consumer; an instance of another block
that writes what the consumer reads, or touches what it writes, between the two places, or in
another iteration of a loop whose iterations run at the same time; tiles that are filled ahead of
time.
"""

from collections.abc import Hashable
from dataclasses import dataclass

import islpy as isl

from analysis.affine import Affine
from analysis.integer_sets import Names
from dialects import loop as loop_dialect
from passes.loop.forms import coordinates, forms_of, ranges_of, set_forms, variables_of
from passes.loop.instances import (
    Access,
    Actor,
    Touch,
    computed_conditions,
    conditions_of,
    uses_of,
)
from passes.loop.moves import common_loops, hoist, race_in, root_of, sees, turned_around
from passes.loop.nests import clone_loops, last_iteration, loops_for, loops_inside, loops_used
from passes.loop.primitive import (
    Primitive,
    Scope,
    block_of,
    blocks_in,
    body_accesses,
    is_below,
    loops_around,
)
from passes.loop.witnesses import EARLIER, TOGETHER


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
    variables = block_of(store).variables
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
        if theirs not in variables:
            raise scope.error(
                f"block '{block_of(store).block_name.data}' writes %{store.memref.name_hint} at an "
                "index that it computes, so that the element is only known when it runs; compute "
                f"'{block_of(load).block_name.data}' after the whole of it"
            )
        pairs[mine] = theirs
    return pairs


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

    def touch(
        self, consumer: loop_dialect.BlockOp, at: loop_dialect.ForOp, access: Access
    ) -> Touch:
        """What an access of the consumer does in the new place."""
        values: dict[Hashable, Affine] = dict(zip(consumer.variables, self.bindings, strict=True))
        place = [form.substitute(values, {}) for form in coordinates(access)]
        conditions = [*self.conditions(consumer, at), *computed_conditions(access, place)]
        loops = [*loops_around(at), at, *self.kept]
        writes = isinstance(access, loop_dialect.StoreOp)
        actor = Actor.moved(consumer, self.bindings, loops, access.memref, writes)
        return Touch(place, conditions, self.sizes(consumer, at), actor)

    def sizes(self, consumer: loop_dialect.BlockOp, at: loop_dialect.ForOp) -> set[Hashable]:
        """The symbolic sizes that the conditions name."""
        loops = [*loops_around(at), at, *self.kept, *loops_around(consumer)]
        forms = [*self.conditions(consumer, at), *conditions_of(consumer, loops_around(consumer))]
        used = {v for form in forms for v in form.variables()}
        return used - {op.induction for op in loops}


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
        self.check_buffers(scope, consumer, at)
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

    def check_buffers(
        self, scope: Scope, consumer: loop_dialect.BlockOp, at: loop_dialect.ForOp
    ) -> None:
        """Refuse a consumer whose buffers do not live in the loop, or that comes before it."""
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
        if order[consumer] < order[at]:
            raise scope.error(
                f"block '{self.block}' comes before loop '{self.at}'; "
                "only a later block can move into it"
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
        self.check_dependences(scope, consumer, at, move)
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

    def check_dependences(
        self, scope: Scope, consumer: loop_dialect.BlockOp, at: loop_dialect.ForOp, move: Move
    ) -> None:
        """Refuse if something that the consumer touches is touched between its two places."""
        order = {op: i for i, op in enumerate(scope.function.walk())}
        touches = [(Touch.of(a), move.touch(consumer, at, a)) for a in body_accesses(consumer)]
        touched = {access.memref for access in body_accesses(consumer)}
        uses = [
            use
            for op in scope.function.walk()
            for use in uses_of(op)
            if use.buffer in touched and not is_below(use.op, consumer)
        ]
        witness = turned_around(consumer, at, touches, uses, order)
        if witness is not None:
            raise scope.error(
                f"in loop '{self.at}' {witness.reversal()}",
                witness.line(EARLIER),
            )
        found = race_in([*loops_around(at), at], [touch for _, touch in touches], uses)
        if found is not None:
            op, witness = found
            raise scope.error(
                f"loop '{op.loop_name.data}' is {op.kind.data}, and two of its iterations would "
                f"touch one element of %{witness.actors[0].buffer.name_hint}; compute block "
                f"'{self.block}' in it before it gets its kind",
                witness.line(TOGETHER),
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
