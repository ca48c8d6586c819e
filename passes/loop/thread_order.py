"""What the threads of a kernel touch and when, as exact integer sets.

Time is the order of the text with all threads of a group in step: a point in time is, from the
outside inwards, the place of an operation in its body and the iteration of each loop that is not
over threads. Two threads that touch one cell, one of them writing, need a barrier between their
times; where they do it at one and the same time, no barrier can order them.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations_with_replacement

import islpy as isl
from xdsl.ir import Block, Operation, SSAValue

from analysis.affine import Affine
from analysis.integer_sets import Names
from dialects import loop
from passes.loop.forms import forms_of
from passes.loop.instances import Use, bounds_of, marked, sizes_of, uses_of
from passes.loop.primitive import block_of, is_below, loops_around
from passes.loop.threads import (
    is_group_axis,
    is_item_loop,
    is_thread_loop,
    own_axes,
    threads_around,
)

Time = list[Affine]
Conjunction = list[Affine]
"""Forms of which none is negative."""


@dataclass(frozen=True)
class Path:
    """Where an operation stands in a kernel: the bodies around it, and its place in each."""

    bodies: tuple[Block, ...]
    places: tuple[int, ...]

    @staticmethod
    def of(op: Operation, root: loop.ForOp) -> "Path":
        """The path from a kernel to an operation in it, or in a block in it."""
        bodies: list[Block] = []
        places: list[int] = []
        at: Operation = op
        while at is not root:
            body, parent = at.parent_block(), at.parent_op()
            assert body is not None and parent is not None
            if isinstance(parent, loop.ForOp):
                bodies.insert(0, body)
                places.insert(0, list(body.ops).index(at))
            at = parent
        return Path(tuple(bodies), tuple(places))


def loop_of(body: Block) -> loop.ForOp:
    """The loop that a body belongs to."""
    op = body.parent_op()
    assert isinstance(op, loop.ForOp)
    return op


def iteration_of(body: Block, serial: loop.ForOp | None = None) -> Affine:
    """The entry of a time for a loop: its iteration, nothing for a loop over threads."""
    op = loop_of(body)
    if is_thread_loop(op) and op is not serial:
        return Affine({})
    return Affine.variable(op.induction)


def time_of(
    bodies: Sequence[Block], places: Sequence[int], serial: loop.ForOp | None = None
) -> Time:
    """A point in time; `serial` is a loop that counts as one whose iterations follow each other.

    Places are odd numbers, so that there is one between any two of them.
    """
    time: Time = []
    for body, place in zip(bodies, places, strict=True):
        time += [iteration_of(body, serial), Affine({}, 2 * place + 1)]
    return time


def earlier(first: Time, second: Time) -> list[Conjunction]:
    """The ways in which one time is before another."""
    found: list[Conjunction] = []
    equal: Conjunction = []
    for a, b in zip(first, second, strict=False):
        step = b - a
        if step.is_constant and step.const < 0:
            return found
        if step.is_constant and step.const > 0:
            return [*found, equal]
        if not step.is_constant:
            found.append([*equal, step - 1])
            equal = [*equal, step, step * -1]
    return found


def same(first: Time, second: Time) -> list[Conjunction]:
    """The way in which two times are one, if there is one."""
    equal: Conjunction = []
    for a, b in zip(first, second, strict=False):
        step = b - a
        if step.is_constant and step.const:
            return []
        if not step.is_constant:
            equal += [step, step * -1]
    return [equal]


@dataclass(frozen=True, eq=False)
class Event:
    """A use of a cell of memory by the threads of a kernel."""

    use: Use
    path: Path
    cell: tuple[Affine, ...]
    conditions: tuple[Affine, ...]
    threads: Mapping[str, Affine]
    """For each axis of the threads of a group the form of the number along it."""
    own: tuple[str, ...]
    """The axes along which each thread has the memory of its own."""

    def time(self, serial: loop.ForOp | None = None) -> Time:
        """When it happens."""
        return time_of(self.path.bodies, self.path.places, serial)


def event_of(use: Use, root: loop.ForOp, axes: Sequence[str]) -> Event:
    """A use, as the threads of a kernel do it."""
    op = use.op if isinstance(use.op, loop.CopyOp) else block_of(use.op)
    around = threads_around(op)
    owner = use.buffer.owner
    origin = forms_of(owner, "origin") if isinstance(owner, loop.AllocOp) else None
    cell = tuple(use.touch.place)
    if origin is not None and is_below(use.buffer.owner, root):  # pyright: ignore[reportArgumentType]
        cell = tuple(c - o for c, o in zip(cell, origin, strict=True))
    conditions = list(use.touch.conditions)
    for inner in loops_around(op):
        outer = around.get(inner.kind.data)
        if outer is not None and outer is not inner:
            apart = Affine.variable(inner.induction) - Affine.variable(outer.induction)
            conditions += [apart, apart * -1]
    threads = {
        axis: Affine.variable(around[axis].induction) if axis in around else Affine({})
        for axis in axes
    }
    own = tuple(axis for axis in own_axes(use.buffer) if axis in axes)
    return Event(use, Path.of(op, root), cell, tuple(conditions), threads, own)


def events_in(op: loop.ForOp, root: loop.ForOp, axes: Sequence[str]) -> list[Event]:
    """The uses of memory below a loop of a kernel, those that others stand for left out."""
    found: list[Event] = []
    for inner in op.walk():
        for use in uses_of(inner):
            event = event_of(use, root, axes)
            if set(event.own) != set(axes) and not any(stands_for(f, event) for f in found):
                found = [f for f in found if not stands_for(event, f)]
                found.append(event)
    return found


def stands_for(first: Event, second: Event) -> bool:
    """Whether one event conflicts wherever another one does, at the same time."""
    return (
        first.use.buffer is second.use.buffer
        and (first.use.writes or not second.use.writes)
        and first.path == second.path
        and first.cell == second.cell
        and set(first.conditions) <= set(second.conditions)
    )


@dataclass
class Order:
    """The times at which the threads of a kernel touch the same memory.

    What is `kept` has the same value for both of two threads.
    """

    root: loop.ForOp
    axes: tuple[str, ...]
    """The axes of the threads of a group."""
    kept: set[Hashable]
    names: Names = field(default_factory=Names)

    @staticmethod
    def of(root: loop.ForOp) -> "Order":
        """The threads of a group of a kernel."""
        loops = [op for op in root.walk() if isinstance(op, loop.ForOp)]
        groups = [o for o in loops if is_thread_loop(o) and is_group_axis(o.kind.data)]
        axes = tuple(sorted({o.kind.data for o in loops if is_item_loop(o)}))
        fixed = {o.induction for o in (*loops_around(root), *groups)}
        return Order(root, axes, {*fixed, *symbols_in(root)})

    def events(self) -> list[Event]:
        """The uses of memory that threads have together."""
        return events_in(self.root, self.root, self.axes)

    def other(self, form: Affine) -> Affine:
        """A form of the second one of two threads."""
        return marked(form, self.kept)

    def meeting(self, first: Event, second: Event) -> Conjunction:
        """Where two threads touch one cell."""
        pairs = [*zip(first.cell, second.cell, strict=True)]
        pairs += [(first.threads[axis], second.threads[axis]) for axis in first.own]
        equal = [mine - self.other(form) for mine, form in pairs]
        sizes = [Affine.variable(v) for v in sizes_of(first.use.op) | sizes_of(second.use.op)]
        others = (self.other(form) for form in second.conditions)
        return [*first.conditions, *others, *equal, *(e * -1 for e in equal), *sizes]

    def apart(self, first: Event, second: Event) -> list[Conjunction]:
        """The ways in which two threads differ."""
        found: list[Conjunction] = []
        for axis in self.axes:
            step = first.threads[axis] - self.other(second.threads[axis])
            if not step.is_constant:
                found += [[step - 1], [step * -1 - 1]]
        return found

    def pairs(self, events: Sequence[Event]) -> Iterator[tuple[Event, Event]]:
        """The events of which two threads may touch one cell, one of them writing."""
        for first, second in combinations_with_replacement(events, 2):
            together = first.use.buffer is second.use.buffer
            if together and (first.use.writes or second.use.writes):
                relation = Relation.of(self, first, second, self.apart(first, second))
                if not relation.points.is_empty():
                    yield first, second


def symbols_in(root: loop.ForOp) -> set[SSAValue]:
    """The sizes that the operations in a loop use."""
    return {
        operand
        for op in root.walk()
        for operand in op.operands
        if isinstance(operand.owner, loop.DimOp)
    }


@dataclass
class Relation:
    """The pairs of instances of two events, in two threads, for which some conditions hold."""

    order: Order
    first: Event
    second: Event
    variables: list[Hashable]
    points: isl.Set

    @staticmethod
    def of(order: Order, first: Event, second: Event, ways: Sequence[Conjunction]) -> "Relation":
        """The pairs that meet in one of some ways."""
        meeting = order.meeting(first, second)
        every = [*meeting, *(form for way in ways for form in way)]
        variables = list({v: None for form in every for v in form.variables()})
        relation = Relation(order, first, second, variables, isl.Set("{ [] : false }"))
        relation.points = relation.where(ways, meeting)
        return relation

    @property
    def place(self) -> list[Affine]:
        return [Affine.variable(v) for v in self.variables]

    def where(self, ways: Sequence[Conjunction], common: Conjunction) -> isl.Set:
        """The pairs for which one of some ways holds, and what is common to all."""
        sets: list[isl.Set] = []
        for way in ways or [[Affine({}, -1)]]:
            conditions = [*common, *way]
            hidden = {v for form in conditions for v in form.variables()} | set(self.variables)
            sets.append(self.order.names.points(self.place, conditions, hidden))
        return reduce(isl.Set.union, sets)

    def restricted(self, ways: Sequence[Conjunction]) -> isl.Set:
        """Those of the pairs for which one of some ways holds, too."""
        return self.points.intersect(self.where(ways, []))

    def witness(self) -> dict[Hashable, int]:
        """The variables of one pair."""
        point = self.points.lexmin().sample_point()
        values = [
            point.get_coordinate_val(isl.dim_type.set, i).to_python()
            for i in range(len(self.variables))
        ]
        return dict(zip(self.variables, values, strict=True))

    def describe(self) -> tuple[str, str]:
        """A line for each of one pair of instances."""
        point = self.witness()

        def number(form: Affine) -> int:
            return form.evaluate({**dict.fromkeys(form.variables(), 0), **point})

        name = self.first.use.buffer.name_hint
        mine = [number(form) for form in self.first.use.touch.place]
        theirs = [number(self.order.other(form)) for form in self.second.use.touch.place]
        lines: list[str] = []
        for event, place, other in ((self.first, mine, False), (self.second, theirs, True)):
            verb = "writes" if event.use.writes else "reads"
            change = self.order.other if other else (lambda form: form)
            threads = ", ".join(
                f"{axis} = {number(change(event.threads[axis]))}" for axis in self.order.axes
            )
            loops = ", ".join(
                f"{op.loop_name.data} = {number(change(Affine.variable(op.induction)))}"
                for op in map(loop_of, event.path.bodies)
                if not is_thread_loop(op)
            )
            within = f" ({loops})" if loops else ""
            lines.append(f"{threads}: {event.use.subject} {verb} %{name}{place}{within}")
        return lines[0], lines[1]


@dataclass(frozen=True, eq=False)
class Barrier:
    """A point in time that no thread of a group passes before all have come to it."""

    body: Block
    time: Time
    loops: tuple[loop.ForOp, ...]
    """The loops in the kernel around it that are not over threads."""
    gap: int = -1
    """The number of operations before it in its body."""

    @staticmethod
    def of(op: Operation, root: loop.ForOp) -> "Barrier":
        """A barrier in the IR."""
        path = Path.of(op, root)
        return Barrier._with(path.bodies, time_of(path.bodies, path.places))

    @staticmethod
    def at(body: Block, gap: int, root: loop.ForOp) -> "Barrier":
        """A barrier before the operation of that number in a body of a kernel."""
        owner = loop_of(body)
        path = Path((), ()) if owner is root else Path.of(owner, root)
        time = [*time_of(path.bodies, path.places), iteration_of(body), Affine({}, 2 * gap)]
        return Barrier._with((*path.bodies, body), time, gap)

    @staticmethod
    def _with(bodies: Sequence[Block], time: Time, gap: int = -1) -> "Barrier":
        loops = tuple(op for op in map(loop_of, bodies) if not is_thread_loop(op))
        return Barrier(bodies[-1], time, loops, gap)

    def between(self, relation: Relation) -> isl.Set:
        """The pairs of a relation with this barrier between their times."""
        order = relation.order

        def mine(form: Affine) -> Affine:
            return form.rewrite(
                lambda v: None if v in order.kept else Affine.variable(("barrier", v)), {}
            )

        time = [mine(form) for form in self.time]
        before = earlier(relation.first.time(), time)
        after = earlier(time, [order.other(form) for form in relation.second.time()])
        ways = [[*a, *b] for a in before for b in after]
        return relation.where(ways, [mine(form) for form in bounds_of(self.loops)])
