"""reverse-inline: a producer writes what its consumer makes of its result.

    for y, x: C[y, x] = A[y, x] + b[x]
    for i: D[i] = max(C[i / 8, i % 8], 0)   ->   for y, x: D[8*y + x] = max(A[y, x] + b[x], 0)

The consumer's nest and the buffer between disappear. The producer keeps its loops and its name. The
consumer may read the elements at any coordinates that tell which point reads them: in another
order, shifted, as digits of a number or put together of digits. Where no point reads what the
producer computes, as where the consumer crops, the producer is not run: it gets a condition, or
the condition of a loop's end.

Arguments: `block` (the consumer), `function`.
Refuses: a consumer that reduces, reads the buffer under a guard, or at several places; a buffer
that is an argument, has several writers or other readers, or that copies, calls or prefetches use;
a producer that is a reduction, or that writes something else; coordinates that do not tell the
point, or that several points read; points that read what the producer does not write; inputs and
results of the consumer that blocks in between write or use, or that the producer does not see;
tiles that are filled ahead of time.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import islpy as isl
from xdsl.builder import Builder
from xdsl.ir import BlockArgument, Operation
from xdsl.rewriter import InsertPoint

from analysis.affine import Affine
from analysis.errors import ScheduleError
from analysis.integer_sets import Names
from dialects import loop
from passes.locations import fused
from passes.loop.bodies import Rebuilding
from passes.loop.expand_unrolled_loops import erase_with_loops
from passes.loop.forms import Ranges, coordinates, forms_of, ranges_of, set_forms, variables_of
from passes.loop.instances import Instances, Touch, conditions_of, uses_of
from passes.loop.inverses import inverse_of
from passes.loop.primitive import (
    Primitive,
    Scope,
    accesses,
    block_of,
    body_accesses,
    is_below,
    loops_around,
)
from passes.loop.reverse_compute_at import Access, hoist


@dataclass(frozen=True)
class Inlining:
    """One use of the primitive: the store of the producer, and a load of it in the consumer."""

    scope: Scope
    store: loop.StoreOp
    load: loop.LoadOp

    @property
    def producer(self) -> loop.BlockOp:
        return block_of(self.store)

    @property
    def consumer(self) -> loop.BlockOp:
        return block_of(self.load)

    @property
    def name(self) -> str:
        return self.consumer.block_name.data

    @property
    def buffer(self) -> str:
        return f"%{self.store.memref.name_hint}"

    @cached_property
    def places(self) -> list[Affine]:
        """The coordinates at which the consumer reads."""
        return coordinates(self.load)

    @cached_property
    def inverse(self) -> dict[Hashable, Affine]:
        """The consumer's variables as forms of the coordinates; refuses others that they tell."""
        found = inverse_of(self.consumer, self.places, self.consumer.variables)
        if isinstance(found, BlockArgument):
            raise self.not_told(found.name_hint)
        return found

    def not_told(self, variable: str | None) -> ScheduleError:
        """The refusal of coordinates from which a variable does not follow."""
        return self.scope.error(
            f"block '{self.name}' does not read each element of {self.buffer} at one point that "
            f"its coordinates tell: %{variable} does not follow from them",
            *self.read_twice(),
        )

    def read_twice(self) -> Iterator[str]:
        """An element that the consumer reads at two points, if there is one."""
        variables = self.consumer.variables
        points = [[Affine.variable((which, v)) for v in variables] for which in (0, 1)]
        conditions: list[Affine] = []
        places: list[list[Affine]] = []
        for point in points:
            for value, domain in zip(point, forms_of(self.consumer, "domains"), strict=True):
                conditions += [value, domain - value - 1]
            at: dict[Hashable, Affine] = dict(zip(variables, point, strict=True))
            places.append([place.substitute(at, {}) for place in self.places])
        for first, second in zip(*places, strict=True):
            conditions += [first - second, second - first]
        for mine, other in zip(*points, strict=True):
            apart = [*conditions, other - mine - 1]
            used = list({v: None for form in apart for v in form.variables()})
            found = Names().points([Affine.variable(v) for v in used], apart, used)
            if found.is_empty():
                continue
            sample = found.lexmin().sample_point()
            values: dict[Hashable, int] = {
                v: sample.get_coordinate_val(isl.dim_type.set, i).to_python()
                for i, v in enumerate(used)
            }
            element = [place.evaluate(values) for place in places[0]]
            shown = [
                ", ".join(
                    f"{v.name_hint} = {p.evaluate(values)}"
                    for v, p in zip(variables, point, strict=True)
                )
                for point in points
            ]
            yield f"{self.buffer}{element} is read at ({shown[0]}) and at ({shown[1]})"
            return

    @cached_property
    def forms(self) -> dict[Hashable, Affine]:
        """The consumer's variables as forms of the producer's."""
        ranges: Ranges = {}
        for variable, domain in zip(
            self.producer.variables, forms_of(self.producer, "domains"), strict=True
        ):
            ranges[variable] = (0, domain.const - 1 if domain.is_constant else None)
        written: dict[Hashable, Affine] = {
            ("dim", i): place for i, place in enumerate(coordinates(self.store))
        }
        return {v: form.substitute(written, ranges) for v, form in self.inverse.items()}

    @cached_property
    def conditions(self) -> list[Affine]:
        """Where the producer computes what the consumer reads, as forms of the loops that are not
        negative, without those that never are."""
        ranges = ranges_of(loops_around(self.producer))
        bound = variables_of(self.producer)
        found: list[Affine] = []
        for variable, domain in zip(
            self.consumer.variables, forms_of(self.consumer, "domains"), strict=True
        ):
            found += [self.forms[variable], domain - self.forms[variable] - 1]
        for read, written in zip(self.places, coordinates(self.store), strict=True):
            apart = read.substitute(self.forms, {}) - written
            found += [apart, apart * -1]
        loops = [form.substitute(bound, ranges) for form in found]
        lows = [form.interval(ranges)[0] for form in loops]
        known = conditions_of(self.producer, loops_around(self.producer))
        return [
            form
            for form, low in zip(loops, lows, strict=True)
            if (low is None or low < 0) and not self.follows(form, known)
        ]

    @staticmethod
    def follows(form: Affine, known: Sequence[Affine]) -> bool:
        """Whether a form is not negative where no known one is."""
        conditions = [*known, form * -1 - 1]
        used = {v for f in conditions for v in f.variables()}
        return Names().points([], conditions, used).is_empty()

    def check_points(self) -> None:
        """Refuse unless the producer has an instance for just the points of the consumer."""
        common = [op for op in loops_around(self.consumer) if op in loops_around(self.producer)]
        fixed = {op.induction for op in common}
        old = conditions_of(self.consumer, loops_around(self.consumer))
        new = [*conditions_of(self.producer, loops_around(self.producer)), *self.conditions]
        ranges = ranges_of(loops_around(self.producer))
        bound = variables_of(self.producer)
        targets = [self.forms[v].substitute(bound, ranges) for v in self.consumer.variables]
        sizes = {
            v
            for block in (self.producer, self.consumer)
            for form in conditions_of(block, loops_around(block))
            for v in form.variables()
        } - {op.induction for b in (self.producer, self.consumer) for op in loops_around(b)}
        names, sets = Names(), list[isl.Set]()
        for place, conditions in ((forms_of(self.consumer, "bindings"), old), (targets, new)):
            used = {v for form in (*place, *conditions) for v in form.variables()}
            known = [Affine.variable(v) for v in sizes]
            sets.append(names.points(place, [*conditions, *known], used - fixed - sizes))
        producer = self.producer.block_name.data
        if not sets[0].is_subset(sets[1]):
            raise self.scope.error(
                f"block '{self.name}' reads elements of {self.buffer} that block '{producer}' does "
                "not write"
            )
        if not sets[1].is_subset(sets[0]):
            raise self.scope.error(
                f"block '{self.name}' has a guard that block '{producer}' does not have; inline it "
                "before its loops are split"
            )

    def inline(self) -> None:
        """Rewrite."""
        store, consumer, producer = self.store, self.consumer, self.producer
        builder = Builder(InsertPoint.before(store))
        rebuilding = Rebuilding(builder, dict(self.forms))
        for op in consumer.body.block.ops:
            if isinstance(op, loop.LoadOp) and op.memref is store.memref:
                rebuilding.values[op.result] = store.value
            else:
                rebuilding.insert(op)
        set_forms(producer, where=[*forms_of(producer, "where"), *self.conditions])
        producer.location = fused([producer.location, consumer.location])
        alloc = store.memref.owner
        assert isinstance(alloc, loop.AllocOp)
        erase_with_loops(consumer)
        for op in (store, alloc):
            op.detach()
            op.erase()


@dataclass(frozen=True)
class ReverseInlinePass(Primitive):
    """Let a producer write what its consumer makes of its result."""

    name = "reverse-inline"

    block: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        consumer = scope.find_block(self.block)
        scope.refuse_parts(consumer)
        inlining = self.find(scope, consumer)
        self.check_order(scope, inlining)
        inlining.check_points()
        first = statement_of(inlining.producer, scope)
        for access in accesses(consumer):
            alloc = access.memref.owner
            if isinstance(alloc, loop.AllocOp) and alloc.parent_op() is scope.function:
                hoist(alloc, first)
        inlining.inline()

    def find(self, scope: Scope, consumer: loop.BlockOp) -> Inlining:
        """The producer of what the consumer reads, if that is for it alone."""
        if any(consumer.is_reduce):
            raise scope.error(
                f"block '{self.block}' reduces, so that its result is not there when one element "
                "of its producer's is"
            )
        reasons: list[str] = []
        for load in dict.fromkeys(a for a in body_accesses(consumer) if isinstance(a, loop.LoadOp)):
            found = self.producer_of(load)
            if isinstance(found, loop.StoreOp):
                return Inlining(scope, found, load)
            reasons.append(f"%{load.memref.name_hint} {found}")
        told = list(dict.fromkeys(reasons)) or ["it reads nothing"]
        raise scope.error(
            f"block '{self.block}' has no producer that could do its work: {told[0]}", *told[1:]
        )

    def producer_of(self, load: loop.LoadOp) -> loop.StoreOp | str:
        """The store that alone feeds a load, and nothing else; or why there is none."""
        buffer, consumer = load.memref, block_of(load)
        if not isinstance(buffer.owner, loop.AllocOp):
            return "is an argument of the function"
        users = [use.operation for use in buffer.uses]
        stores = [user for user in users if isinstance(user, loop.StoreOp)]
        for store in stores:
            if any(block_of(store).is_reduce):
                return (
                    f"is reduced by block '{block_of(store).block_name.data}', so that no instance "
                    "of it has the result; reverse-compute-at waits for it"
                )
        for user in users:
            if not isinstance(user, Access):
                return f"is used by {user.name}, which needs it in memory"
            name = block_of(user).block_name.data
            if isinstance(user, loop.StoreOp):
                continue
            if block_of(user) is not consumer:
                return f"is also read by block '{name}'"
            if user.otherwise is not None:
                return "is read under a guard, and where it fails no producer's element is there"
            if user.parent_block() is not consumer.body.block:
                return f"is read in the init region of block '{name}'"
            if coordinates(user) != coordinates(load):
                return f"is read at several places by block '{name}'"
        if any(index not in consumer.variables for index in load.indices):
            return "is read at an index that is only known at run time"
        if len(stores) != 1:
            return f"has {len(stores)} writers"
        return self.fit(stores[0])

    def fit(self, store: loop.StoreOp) -> loop.StoreOp | str:
        """The store, if its block does nothing else; or why it is not what can be inlined into."""
        producer = block_of(store)
        name = producer.block_name.data
        if any(isinstance(op, loop.StoreOp) for op in producer.walk() if op is not store):
            return f"is not all that block '{name}' writes"
        if any(index not in producer.variables for index in store.indices):
            return "is written at an index that is only known at run time"
        return store

    def check_order(self, scope: Scope, inlining: Inlining) -> None:
        """Refuse what would be computed before its time, or where it cannot be seen."""
        producer, consumer = inlining.producer, inlining.consumer
        order = {op: i for i, op in enumerate(scope.function.walk())}
        if order[producer] > order[consumer]:
            raise scope.error(
                f"block '{self.block}' comes before block '{producer.block_name.data}', which "
                f"writes what it reads"
            )
        loads = {a.memref for a in accesses(consumer) if isinstance(a, loop.LoadOp)}
        inputs = loads - {inlining.store.memref}
        outputs = {a.memref for a in accesses(consumer) if isinstance(a, loop.StoreOp)}
        for buffer in inputs & outputs:
            raise scope.error(f"block '{self.block}' reads %{buffer.name_hint}, which it writes")
        for buffer in inputs | outputs:
            alloc = buffer.owner
            if not isinstance(alloc, loop.AllocOp) or alloc.parent_op() is scope.function:
                continue
            parent = alloc.parent_op()
            assert parent is not None
            if not is_below(producer, parent) or order[alloc] > order[producer]:
                raise scope.error(
                    f"%{buffer.name_hint}, which block '{self.block}' uses, does not live where "
                    f"block '{producer.block_name.data}' is"
                )
        self.check_between(scope, inlining)

    def check_between(self, scope: Scope, inlining: Inlining) -> None:
        """Refuse operations between the old and the new place that touch the same elements."""
        producer, consumer = inlining.producer, inlining.consumer
        around = loops_around(consumer)
        first: Operation = producer
        while (parent := first.parent_op()) is not scope.function and parent not in around:
            assert parent is not None
            first = parent
        common = [op for op in around if op in loops_around(producer)]
        moved = [a for a in accesses(consumer) if a.memref is not inlining.store.memref]
        seen, asks = False, Instances()
        for op in scope.function.walk():
            seen = seen or op is first
            if op is consumer:
                return
            for use, access in product(uses_of(op) if seen else (), moved):
                writes = isinstance(access, loop.StoreOp)
                if use.buffer is not access.memref or not (writes or use.writes):
                    continue
                mine = Touch.of(access)
                point = asks.witness(mine, use.touch, common, [])
                if point is not None:
                    place = [form.evaluate(point) for form in mine.place]
                    raise scope.error(
                        f"{use.subject} {'writes' if use.writes else 'reads'} "
                        f"%{use.buffer.name_hint}{place} before block '{self.block}' "
                        f"{'writes' if writes else 'reads'} it, and would do so after it"
                    )


def statement_of(block: loop.BlockOp, scope: Scope) -> Operation:
    """The statement of the function that a block is in."""
    found: Operation = block
    while found.parent_op() is not scope.function:
        parent = found.parent_op()
        assert parent is not None
        found = parent
    return found
