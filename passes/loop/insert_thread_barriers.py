"""insert-thread-barriers: the threads of a group wait for each other where they have to.

    for k {                                   for k {
      T[i] = A[k, i]     (i: thread)            T[i] = A[k, i]
      C += T[0..n]       (all of it)    ->      barrier
    }                                           C += T[0..n]
                                                barrier
                                              }

What a thread writes and another thread of its group touches needs a barrier in between: before it
is read, and before the next iteration of a loop overwrites what a slow thread still reads. Which
instances of blocks these are is decided exactly (`passes/loop/thread_order.py`). A body gets as few
barriers as order all that is touched in it, inner bodies first, and every single one is needed:
without it two threads would race. Barriers that are there already count.

It stands after the last binding, and before lower-threads-to-loops.

Arguments: `function` (all functions of loops if it is left out).
Refuses: threads that touch one element in one and the same statement, which no barrier can order;
a place for a barrier in a loop that the threads of a group leave at different times; loops over one
axis with different extents; loops over groups that are not around all of a kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block
from xdsl.passes import ModulePass

from analysis.affine import Affine
from dialects import loop
from passes.locations import locate
from passes.loop.primitive import Scope
from passes.loop.thread_order import (
    Barrier,
    Event,
    Order,
    Relation,
    earlier,
    iteration_of,
    loop_of,
    same,
)
from passes.loop.threads import (
    divergent_loop,
    is_thread_loop,
    kernels_in,
    refuse_extents,
    refuse_places,
)
from passes.loop.units import scheduled_functions


@dataclass
class Conflict:
    """Pairs of instances that need a barrier in between, and those that have none yet."""

    relation: Relation
    known: dict[Barrier, isl.Set] = field(default_factory=dict[Barrier, isl.Set])

    def uncovered(self, barriers: Sequence[Barrier]) -> isl.Set:
        """The pairs that none of some barriers is between."""
        left = self.relation.points
        for barrier in barriers:
            if barrier not in self.known:
                self.known[barrier] = barrier.between(self.relation)
            left = left.subtract(self.known[barrier])
        return left

    def gaps_in(self, body: Block, barriers: Sequence[Barrier]) -> list[frozenset[int]]:
        """Sets of places in a body; a barrier in one of each set is what this body has to add.

        Place n is before operation n. What two iterations of the body's loop touch can be ordered
        at the end of the first one or at the beginning of the second one.
        """
        first, second = self.relation.first.path, self.relation.second.path
        if body not in first.bodies or body not in second.bodies:
            return []
        level = first.bodies.index(body)
        mine, theirs = first.places[level], second.places[level]
        left = self.uncovered(barriers)
        if left.is_empty():
            return []
        order = self.relation.order
        steps = [order.other(iteration_of(b)) - iteration_of(b) for b in first.bodies[: level + 1]]
        outside = [form for step in steps[:-1] for form in (step, step * -1)]
        step = steps[-1]
        every = frozenset(range(len(body.ops) + 1))
        found: list[frozenset[int]] = []

        def some(*conditions: Affine) -> bool:
            pairs = self.relation.where([[*outside, *conditions]], [])
            return not left.intersect(pairs).is_empty()

        if mine < theirs and some(step, step * -1):
            found.append(frozenset(range(mine + 1, theirs + 1)))
        if not is_thread_loop(loop_of(body)) and some(step - 1):
            near = some(step - 1, step * -1 + 1)
            around = {*range(mine + 1, len(body.ops) + 1), *range(theirs + 1)}
            found.append(frozenset(around) if near else every)
        return found


def fewest(sets: Sequence[frozenset[int]], count: int) -> list[int]:
    """The smallest choice of places with one of each set, late ones first.

    The sets are arcs of the circle of `count` places, so a choice that begins with some place
    goes on greedily: from arc to arc, each time the last place of the one that ends first.
    """
    if not sets:
        return []
    best: list[int] | None = None
    for start in reversed(range(count)):
        chosen = [start]
        left = [s for s in sets if start not in s]
        while left:
            order = [(start + 1 + i) % count for i in range(count - 1)]
            ends = [_first_run_end(s, order) for s in left]
            chosen.append(order[min(ends)])
            left = [s for s in left if chosen[-1] not in s]
        if best is None or len(chosen) < len(best):
            best = chosen
    assert best is not None
    return sorted(best)


def _first_run_end(places: frozenset[int], order: Sequence[int]) -> int:
    """Where the first run of some places ends in a list of all places but one."""
    begin = next(i for i, place in enumerate(order) if place in places)
    end = begin
    while end + 1 < len(order) and order[end + 1] in places:
        end += 1
    return end


@dataclass
class Planner:
    """The barriers of one kernel."""

    scope: Scope
    root: loop.ForOp
    order: Order
    conflicts: list[Conflict]
    barriers: list[Barrier] = field(default_factory=list[Barrier])
    """Those that are there."""
    new: list[Barrier] = field(default_factory=list[Barrier])

    @staticmethod
    def of(scope: Scope, root: loop.ForOp) -> "Planner":
        """A planner for a kernel; refuses threads that no barrier can order."""
        refuse_places(scope, root)
        refuse_extents(scope, root)
        order = Order.of(root)
        conflicts: list[Conflict] = []
        for first, second in order.pairs(order.events()):
            for one, other in {(first, second), (second, first)}:
                refuse_clash(scope, order, one, other)
                times = one.time(), [order.other(form) for form in other.time()]
                ways = product(order.apart(one, other), earlier(*times))
                relation = Relation.of(order, one, other, [[*a, *b] for a, b in ways])
                if not relation.points.is_empty():
                    conflicts.append(Conflict(relation))
        there = [Barrier.of(o, root) for o in root.walk() if isinstance(o, loop.BarrierOp)]
        return Planner(scope, root, order, conflicts, there)

    def race(self) -> Conflict | None:
        """A conflict that the barriers do not order."""
        barriers = [*self.barriers, *self.new]
        return next((c for c in self.conflicts if not c.uncovered(barriers).is_empty()), None)

    def plan(self) -> None:
        """Choose barriers, those of inner bodies first."""
        self.visit(self.root)
        for barrier in list(self.new):
            others = [*self.barriers, *(b for b in self.new if b is not barrier)]
            if all(c.uncovered(others).is_empty() for c in self.conflicts):
                self.new.remove(barrier)

    def visit(self, op: loop.ForOp) -> None:
        """Choose barriers for the body of a loop, and before that in it."""
        body = op.body.block
        for inner in body.ops:
            if isinstance(inner, loop.ForOp):
                self.visit(inner)
        barriers = [*self.barriers, *self.new]
        sets = [s for c in self.conflicts for s in c.gaps_in(body, barriers)]
        for gap in fewest(sets, len(body.ops) + 1):
            self.new.append(Barrier.at(body, gap, self.root))

    def write(self) -> None:
        """Put the barriers into the IR."""
        for body in {barrier.body: None for barrier in self.new}:
            self.refuse_divergence(body)
            ops = list(body.ops)
            for barrier in self.new:
                if barrier.body is not body:
                    continue
                new = loop.BarrierOp()
                locate(loop_of(body).location, new)
                if barrier.gap == len(ops):
                    body.add_op(new)
                else:
                    body.insert_op_before(new, ops[barrier.gap])

    def refuse_divergence(self, body: Block) -> None:
        """Refuse a body that some threads of a group leave before others."""
        assert body.first_op is not None
        found = divergent_loop(body.first_op, self.root)
        if found is not None:
            name, mover = (op.loop_name.data for op in found)
            race = next(c for c in self.conflicts if not c.uncovered(self.barriers).is_empty())
            raise self.scope.error(
                f"the bounds of loop '{name}' depend on the thread '{mover}', so the threads of a "
                "group leave it at different times and cannot wait for each other in it, which "
                f"%{race.relation.first.use.buffer.name_hint} needs; give it bounds that all "
                "threads have in common, and guard its blocks",
                *race.relation.describe(),
            )


def refuse_clash(scope: Scope, order: Order, first: Event, second: Event) -> None:
    """Refuse two threads that touch an element at the same time."""
    ways = product(
        order.apart(first, second), same(first.time(), [order.other(f) for f in second.time()])
    )
    relation = Relation.of(order, first, second, [[*a, *b] for a, b in ways])
    if not relation.points.is_empty():
        name = f"%{first.use.buffer.name_hint}"
        raise scope.error(
            f"two threads of a group touch the same element of {name} in {first.use.subject}, one "
            "of them writing, and no barrier orders one statement; share it out by binding its "
            "loops to the axes of the threads",
            *relation.describe(),
        )


def insert_barriers(scope: Scope) -> None:
    """Put barriers into the kernels of one function."""
    for root in kernels_in(scope.function):
        planner = Planner.of(scope, root)
        planner.plan()
        planner.write()


@dataclass(frozen=True)
class InsertThreadBarriersPass(ModulePass):
    """Let the threads of a group wait for each other where they have to."""

    name = "insert-thread-barriers"

    function: str | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for scope in scheduled_functions(self.name, op, self.function):
            insert_barriers(scope)
