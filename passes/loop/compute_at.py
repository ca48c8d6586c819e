"""compute-at: a producer is computed inside a loop of its consumers, as far as they read it there.

    for y, x                               for y_o
      B: B[y, x] = f(A[y, x])                for B_y in 0..6, B_x in 0..10
    for y_o                         ->         B: B[y_o * 4 + B_y, B_x] = f(A[y_o * 4 + B_y, B_x])
      for y_i, x                             for y_i, x
        C: C[..] = B[.. + 0..2, x + 0..2]      C: C[..] = B[.. + 0..2, x + 0..2]

The producer's own loops go. At the beginning of the body of `at` it gets serial loops over the box
that the reads below `at` touch in one iteration, but for dimensions in which the box is one element
wide; they are called `<block>_<axis>` after the block's variables. Boxes that begin at different
places are in one that reaches from the first to the last; where the size of that is only known at
run time, or no smaller, it is the whole dimension. What leaves the buffer's shape is cut off by the
domains of the block. A reduction keeps its init region and, inside those over the box, its loops,
called `<block>_<loop>`. What two iterations both read is computed in both: the buffer stays, and
the values are the same. Iterations that run at the same time need a tile of it each before they do:
compute-at, then promote-memory-scope, then parallelize-loop.

Arguments: `block` (the producer), `at` (a loop after it, with a read below), `function`.
Refuses: a producer that does not write each element once at its own coordinates, that continues
what is there, or whose results other operations write or use as a whole; a place before the
producer or around it, a vectorized one, or one below which nothing reads it; reads before the
place, and reads after it, or results of the function, of which it would leave out elements; a part
of a producer, which has not all that the box holds; loops
that move result and reduction at once; inputs that do not live there or are written in between;
iterations that run at the same time and would compute the same element; tiles that are filled
ahead of time.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, product

import islpy as isl
from xdsl.ir import Operation, SSAValue

from analysis.affine import Affine, from_expression
from analysis.integer_sets import coordinates_of
from dialects import loop as loop_dialect
from passes.locations import locate
from passes.loop.boxes import Span, spans_of
from passes.loop.forms import coordinates, for_with, forms_of, ranges_of, set_forms
from passes.loop.instances import (
    Access,
    Actor,
    Instances,
    Touch,
    Use,
    bounds_of,
    computed_conditions,
    conditions_of,
    kept_of,
    marked,
    names_of,
    uses_of,
)
from passes.loop.lost_values import Relocation
from passes.loop.moves import common_loops, later_in, race_in, root_of, sees, turned_around
from passes.loop.nests import clone_loops, loops_for, loops_used, place_behind
from passes.loop.primitive import (
    Primitive,
    Scope,
    accesses,
    block_of,
    is_below,
    loops_around,
)
from passes.loop.signatures import Place, place_by_number, points_are_apart
from passes.loop.witnesses import EARLIER, MISSED, ONCE, TOGETHER, caller_of, meet


@dataclass(frozen=True)
class Side:
    """A new loop over one dimension of the box, for one variable of the producer."""

    variable: int
    origin: Affine
    extent: Affine

    @property
    def step(self) -> Affine:
        """The loop's variable, before there is a loop; nothing where it would run once."""
        if self.extent == Affine({}, 1):
            return Affine({})
        return Affine.variable(("box", self.variable))


@dataclass(frozen=True)
class Nest:
    """A producer in its new place, over the loops around it there.

    Those of its reduction stand for the clones that it will have of them.
    """

    block: loop_dialect.BlockOp
    outer: Sequence[loop_dialect.ForOp]
    sides: Sequence[Side]
    kept: Sequence[loop_dialect.ForOp]
    where: Sequence[Affine]

    @cached_property
    def bindings(self) -> list[Affine]:
        found = forms_of(self.block, "bindings")
        for side in self.sides:
            found[side.variable] = side.origin + side.step
        return found

    @cached_property
    def conditions(self) -> list[Affine]:
        """The forms that are not negative where the producer runs."""
        found = bounds_of([*self.outer, *self.kept])
        for side in self.sides:
            found += [side.step, side.extent - side.step - 1]
        for domain, binding in zip(forms_of(self.block, "domains"), self.bindings, strict=True):
            found += [binding, domain - binding - 1]
        return [*found, *self.where]

    @cached_property
    def sizes(self) -> set[Hashable]:
        """The symbolic sizes that bounds and domains name."""
        loops = [*self.outer, *loops_around(self.block)]
        values: set[Hashable] = {v for op in (*self.outer, *self.kept) for v in op.bounds}
        return {*values, *self.block.outer} - {op.induction for op in loops}

    def touch(self, access: Access) -> Touch:
        """What an access of the producer does in the new place."""
        region = access.parent_block()
        assert region is not None
        init = region is not self.block.body.block
        values: dict[Hashable, Affine] = dict(zip(region.args, self.bindings, strict=True))
        place = [form.substitute(values, {}) for form in coordinates(access)]
        conditions = list(self.conditions)
        if init:
            pairs = zip(self.bindings, self.block.is_reduce, strict=True)
            conditions += [binding * -1 for binding, reduce in pairs if reduce]
        if isinstance(access, loop_dialect.LoadOp):
            indices = [Affine.variable(v) for v in access.indices]
            guards = [from_expression(e, indices, {}) for e in access.where.data.results]
            conditions += [form.substitute(values, {}) for form in guards]
        conditions += computed_conditions(access, place)
        loops = [*self.outer, *self.kept]
        writes = isinstance(access, loop_dialect.StoreOp)
        actor = Actor.moved(self.block, self.bindings, loops, access.memref, writes)
        return Touch(place, conditions, self.sizes, actor)


@dataclass(frozen=True)
class Placement:
    """One use of the primitive: a producer and the loop that it goes into."""

    scope: Scope
    block: loop_dialect.BlockOp
    at: loop_dialect.ForOp
    asks: Instances = field(default_factory=Instances)

    @property
    def name(self) -> str:
        return self.block.block_name.data

    @property
    def at_name(self) -> str:
        return self.at.loop_name.data

    @cached_property
    def order(self) -> dict[Operation, int]:
        return {op: i for i, op in enumerate(self.scope.function.walk())}

    @cached_property
    def outer(self) -> list[loop_dialect.ForOp]:
        """The loops around the new place, outermost first."""
        return [*loops_around(self.at), self.at]

    @cached_property
    def common(self) -> list[loop_dialect.ForOp]:
        """The loops around both places, outermost first."""
        return common_loops(self.block, self.at)

    @cached_property
    def own(self) -> list[loop_dialect.ForOp]:
        """The producer's loops that are not around the new place."""
        return loops_around(self.block)[len(self.common) :]

    @cached_property
    def places(self) -> dict[SSAValue, Place]:
        """The buffers that the producer writes, and at which of its variables."""
        found: dict[SSAValue, Place] = {}
        for access in accesses(self.block):
            if isinstance(access, loop_dialect.StoreOp):
                place = place_by_number(access)
                assert place is not None
                found[access.memref] = place
        return found

    @cached_property
    def reads(self) -> list[loop_dialect.LoadOp]:
        """All reads of what the producer writes, but for its own."""
        return [
            access
            for access in accesses(self.scope.function)
            if isinstance(access, loop_dialect.LoadOp)
            and access.memref in self.places
            and block_of(access) is not self.block
        ]

    def check_producer(self) -> None:
        """Refuse a block that may not be computed again, or not by itself."""
        if not points_are_apart(self.block) or not any(
            isinstance(a, loop_dialect.StoreOp) for a in accesses(self.block)
        ):
            raise self.scope.error(
                f"block '{self.name}' does not write each element once, at coordinates that are "
                "its own variables, so it cannot be computed for a part of them"
            )
        body = self.block.body.block
        begun = {
            a.memref
            for a in accesses(self.block)
            if isinstance(a, loop_dialect.StoreOp) and a.parent_block() is not body
        }
        for access in accesses(self.block):
            own = isinstance(access, loop_dialect.LoadOp) and access.memref in self.places
            if own and (access.parent_block() is not body or access.memref not in begun):
                raise self.scope.error(
                    f"block '{self.name}' continues what is in %{access.memref.name_hint}, so it "
                    "may only be computed once; a reduction moves before it is decomposed"
                )
        for buffer in self.places:
            self.check_uses(buffer)

    def check_uses(self, buffer: SSAValue) -> None:
        """Refuse a result that has other writers, or is used as a whole."""
        for use in buffer.uses:
            op = use.operation
            if isinstance(op, loop_dialect.IntrinsicOp | loop_dialect.CopyOp):
                raise self.scope.error(
                    f"%{buffer.name_hint} is used by {op.name}; compute '{self.name}' in its new "
                    "place before blocks are tensorized and tiles are moved"
                )
            if isinstance(op, loop_dialect.StoreOp) and block_of(op) is not self.block:
                raise self.scope.error(
                    f"block '{block_of(op).block_name.data}' also writes %{buffer.name_hint}; "
                    f"compute '{self.name}' in its new place before it is peeled or decomposed"
                )

    def check_place(self) -> None:
        """Refuse a loop that the producer cannot go into."""
        if self.at in loops_around(self.block):
            raise self.scope.error(f"block '{self.name}' is already inside loop '{self.at_name}'")
        if self.order[self.at] < self.order[self.block]:
            raise self.scope.error(
                f"loop '{self.at_name}' begins before block '{self.name}'; a producer moves into "
                "the loops of what comes after it"
            )
        for op in self.outer:
            if op.kind.data == "vectorized":
                raise self.scope.error(
                    f"loop '{op.loop_name.data}' is vectorized, and its lanes run together; "
                    "choose a loop around it"
                )
        if not any(is_below(read, self.at) for read in self.reads):
            readers = dict.fromkeys(block_of(read).block_name.data for read in self.reads)
            known = f"those that do: {', '.join(readers)}" if readers else "nothing does"
            raise self.scope.error(
                f"nothing below loop '{self.at_name}' reads what block '{self.name}' writes; "
                f"{known}"
            )
        for access in accesses(self.block):
            alloc = access.memref.owner
            if isinstance(alloc, loop_dialect.AllocOp) and not sees(self.at, alloc, self.order):
                raise self.scope.error(
                    f"%{access.memref.name_hint}, which block '{self.name}' uses, does not live "
                    f"in loop '{self.at_name}'"
                )

    def sides(self) -> list[Side]:
        """The box that is read below the new place, a loop for each spatial variable."""
        fixed: set[Hashable] = {op.induction for op in self.outer}
        spans: dict[int, list[tuple[loop_dialect.LoadOp, Span]]] = {}
        for read in self.reads:
            if is_below(read, self.at):
                for span, (variable, shift) in zip(
                    spans_of(read, fixed), self.places[read.memref], strict=True
                ):
                    moved = Span(span.base - shift, span.low, span.high)
                    spans.setdefault(variable, []).append((read, moved))
        domains = forms_of(self.block, "domains")
        return [
            self.side(variable, domain, spans.get(variable, []))
            for variable, domain in enumerate(domains)
            if not self.block.is_reduce[variable]
        ]

    def side(
        self, variable: int, domain: Affine, spans: Sequence[tuple[loop_dialect.LoadOp, Span]]
    ) -> Side:
        """The loop for one variable: over a box that holds all spans, wherever they begin, or over
        the domain if one has no bounds, or they lie far from each other."""
        whole = Side(variable, Affine({}), domain)
        if not spans:
            return whole
        (_, first), ranges = spans[0], ranges_of(self.outer)
        lows: list[int] = []
        highs: list[int] = []
        for _, span in spans:
            start, end = (span.base - first.base).interval(ranges)
            if span.low is None or span.high is None or start is None or end is None:
                return whole
            lows.append(start + span.low)
            highs.append(end + span.high)
        low, high = min(lows), max(highs)
        apart = any(span.base != first.base for _, span in spans)
        if apart and domain.is_constant and high - low + 1 >= domain.const:
            return whole
        if first.base.is_constant:
            low = max(low, -first.base.const)
            if domain.is_constant:
                high = min(high, domain.const - first.base.const - 1)
        return Side(variable, first.base + low, Affine({}, max(0, high - low + 1)))

    def plan(self) -> Nest:
        """The producer in its new place."""
        mine = {op.induction for op in self.own}
        kept = loops_for(loops_used(self.block, reduce=True), self.own)
        reducing = {op.induction for op in kept}
        moved = loops_used(self.block, reduce=False) & reducing
        where = [f for f in forms_of(self.block, "where") if not f.variables() & (mine - reducing)]
        dropped = [f for f in forms_of(self.block, "where") if f not in where]
        domains = forms_of(self.block, "domains")
        if (
            moved
            or any(f.variables() & reducing for f in dropped)
            or any(f.variables() & mine for f in domains)
        ):
            raise self.scope.error(
                f"a loop or guard of block '{self.name}' is about its reduction and its results at "
                "once; compute it in its new place before its loops are split"
            )
        return Nest(self.block, self.outer, self.sides(), kept, where)

    def elements(
        self, place: Sequence[Affine], conditions: Sequence[Affine], fixed: set[Hashable]
    ) -> isl.Set:
        """Points, the variables `fixed` standing still."""
        used = {v for form in (*place, *conditions) for v in form.variables()}
        return self.asks.names.points(place, conditions, used - fixed)

    def stored(self, nest: Nest, buffer: SSAValue) -> tuple[Touch, Touch]:
        """What the producer stores in a buffer, in its old place and in the new one."""
        stores = [a for a in accesses(self.block, buffer) if isinstance(a, loop_dialect.StoreOp)]
        store = max(stores, key=lambda a: a.parent_block() is self.block.body.block)
        return Touch.of(store), nest.touch(store)

    def check_points(self, nest: Nest) -> None:
        """Refuse a box of which the producer did not compute all before."""
        fixed = {op.induction for op in self.common} | nest.sizes
        known = [Affine.variable(v) for v in nest.sizes]
        old = conditions_of(self.block, loops_around(self.block))
        before = self.elements(forms_of(self.block, "bindings"), [*old, *known], fixed)
        after = self.elements(nest.bindings, [*nest.conditions, *known], fixed)
        if not after.is_subset(before):
            raise self.scope.error(
                f"block '{self.name}' does not compute all that is read below loop "
                f"'{self.at_name}', as a guard or a loop around both leaves out a part of it; "
                "compute it in its new place first",
                self.added(nest, after.subtract(before)),
            )
        if nest.kept:
            self.check_once(nest)

    def check_once(self, nest: Nest) -> None:
        """Refuse a reduction that adds a term twice: it would do so once in the new place.

        Loops around all of the reduction may repeat it, as each time it begins anew.
        """
        begin = self.own.index(nest.kept[0])
        stores = (self.stored(nest, buffer)[0] for buffer in self.places)
        for touch, (i, op) in product(stores, enumerate(self.own[begin:], begin)):
            still = [*self.common, *self.own[:i]]
            kept = kept_of(touch, touch, still)
            same = [marked(form, kept) - form for form in forms_of(self.block, "bindings")]
            differ = [later_in(op), *same, *(form * -1 for form in same)]
            witness = meet(touch, touch, still, differ)
            if witness is not None:
                raise self.scope.error(
                    f"block '{self.name}' runs more than once at a point, in iterations of loop "
                    f"'{op.loop_name.data}'; compute it in its new place before that loop is there",
                    witness.line(ONCE),
                )

    def added(self, nest: Nest, points: isl.Set) -> str:
        """A line about an instance that would be new, and one that reads its element, if any."""
        point = (points.lexmin() if points.is_bounded() else points).sample_point()
        values = coordinates_of(point)
        for buffer in self.places:
            (_, new), last = self.stored(nest, buffer), self.scope.function
            reads = [Touch.of(r) for r in self.reads if r.memref is buffer and is_below(r, self.at)]
            if not isinstance(buffer.owner, loop_dialect.AllocOp):
                reads.append(caller_of(last, buffer, writes=False))
            at = [form - value for form, value in zip(nest.bindings, values, strict=True)]
            for read, fixed in product(reads, (self.outer, [])):
                witness = meet(new, read, fixed, [*at, *(form * -1 for form in at)])
                if witness is not None:
                    return witness.added_line()
        return f"the point [{', '.join(map(str, values))}] is one"

    def check_reads(self, nest: Nest) -> None:
        """Refuse reads and results that would miss what the producer computed for them."""
        for buffer in self.places:
            old, new = self.stored(nest, buffer)
            moved = Relocation(self.block, self.at, buffer, old, new, self.order, self.asks.names)
            for read in self.reads:
                if read.memref is not buffer or is_below(read, self.at):
                    continue
                witness = moved.missed_by(read)
                if witness is not None:
                    raise self.scope.error(self.unmet(read), witness.line(MISSED))
            if isinstance(buffer.owner, loop_dialect.AllocOp):
                continue
            witness = moved.missed_in_the_end(self.scope.function)
            if witness is not None:
                raise self.scope.error(
                    f"%{buffer.name_hint} is a result of @{self.scope.function.sym_name.data}, and "
                    f"loop '{self.at_name}' does not need all of it",
                    witness.line(MISSED),
                )

    def unmet(self, read: loop_dialect.LoadOp) -> str:
        """What is wrong with a read that would miss something."""
        reader, buffer = block_of(read).block_name.data, f"%{read.memref.name_hint}"
        if self.order[read] < self.order[self.at]:
            return f"block '{reader}' reads {buffer} before loop '{self.at_name}' begins"
        return (
            f"block '{reader}' reads elements of {buffer} that loop '{self.at_name}' does not "
            f"need; compute '{reader}' in that loop first"
        )

    def others(self) -> list[Use]:
        """How other operations touch what the producer does."""
        touched = {access.memref for access in accesses(self.block)}
        return [
            use
            for op in self.scope.function.walk()
            for use in uses_of(op)
            if use.buffer in touched and not is_below(use.op, self.block)
        ]

    def check_inputs(self, nest: Nest) -> None:
        """Refuse a producer if one of its inputs is written between its two places."""
        loads = [a for a in accesses(self.block) if isinstance(a, loop_dialect.LoadOp)]
        inputs = [load for load in loads if load.memref not in self.places]
        touches = [(Touch.of(load), nest.touch(load)) for load in inputs]
        writes = [use for use in self.others() if use.writes]
        witness = turned_around(self.block, self.at, touches, writes, self.order)
        if witness is not None:
            _, writer = witness.actors
            name = writer.buffer.name_hint
            raise self.scope.error(
                f"{writer.subject} writes %{name}, which block '{self.name}' reads, "
                f"before it would be computed in loop '{self.at_name}'",
                witness.line(EARLIER),
            )

    def check_overlap(self, nest: Nest) -> None:
        """Refuse iterations that run at the same time if two of them touch one element."""
        touches = [nest.touch(access) for access in accesses(self.block)]
        found = race_in(self.outer, touches, self.others())
        if found is None:
            return
        op, witness = found
        first, second = witness.actors
        kind, name = op.kind.data, first.buffer.name_hint
        if first.subject == second.subject:
            raise self.scope.error(
                f"loop '{op.loop_name.data}' is {kind}, and its iterations would compute the same "
                f"elements of %{name}; give that a tile in the loop before it gets its kind",
                witness.line(TOGETHER),
            )
        raise self.scope.error(
            f"loop '{op.loop_name.data}' is {kind}, and {second.subject} in one of its iterations "
            f"touches what {first.subject} would in another one; compute it before the loop gets "
            "its kind",
            witness.line(TOGETHER),
        )

    def axis(self, side: Side) -> str:
        """The name of a variable's axis."""
        return names_of(self.block)[side.variable]

    def move(self, nest: Nest) -> None:
        """Put the producer at the beginning of the loop."""
        root = root_of(self.block)
        self.block.detach()
        if root is not self.block:
            root.detach()
        sides = [side for side in nest.sides if side.step.terms]
        names = self.scope.fresh(*(f"{self.name}_{self.axis(side)}" for side in sides))
        values: dict[Hashable, Affine] = {}
        loops: list[loop_dialect.ForOp] = []
        for side, name in zip(sides, names, strict=True):
            op = for_with(name, Affine({}), side.extent, "serial")
            values[("box", side.variable)] = Affine.variable(op.induction)
            loops.append(op)
        for around, op in pairwise(loops):
            around.body.block.add_op(op)
        clones, stand = clone_loops(self.scope, nest.kept, self.name, self.name)
        if loops and clones:
            loops[-1].body.block.add_op(clones[0])
        loops += clones
        values |= stand
        ranges = ranges_of([*self.outer, *loops])
        set_forms(
            self.block,
            bindings=[form.substitute(values, ranges) for form in nest.bindings],
            where=[form.substitute(values, ranges) for form in nest.where],
        )
        if root is not self.block:
            root.erase()
        if loops:
            loops[-1].body.block.add_op(self.block)
        top = loops[0] if loops else self.block
        locate(self.block.location, top)
        place_behind(self.at.body.block, (loop_dialect.AllocOp,), top)


@dataclass(frozen=True)
class ComputeAtPass(Primitive):
    """Compute a producer inside a loop of its consumers."""

    name = "compute-at"

    block: str
    at: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        placement = Placement(scope, scope.find_block(self.block), scope.find_loop(self.at))
        scope.refuse_parts(placement.block)
        placement.check_producer()
        placement.check_place()
        nest = placement.plan()
        placement.check_points(nest)
        placement.check_reads(nest)
        placement.check_inputs(nest)
        placement.check_overlap(nest)
        placement.move(nest)
