"""bind-thread: the iterations of a loop become threads, or groups of threads, of a GPU.

    for i in 0..n { ... }   ->   for i in 0..n bind "threadIdx.x" { ... }

Loops over `blockIdx` count thread groups, those over `threadIdx` the threads of a group. The
threads of a group run side by side; barriers order them, and insert-thread-barriers puts them where
they are needed: bind first. The outermost bound loop is a kernel. In a kernel an axis may be bound
in several nests, and below a loop of the same axis: there each thread runs the one iteration that
is its own, so that threads share out work which each of them would do as a whole.

The meaning stays: with all threads in step, each statement is done by all of them before the next
one. So an element that one iteration writes and another one touches is for barriers to order, if
it is done in different statements, or in different iterations of a loop inside, and in the same
order as before.

Arguments: `loop`, `axis` (`blockIdx.x`, `threadIdx.y`, ...), `function`.
Refuses: a name that is no thread axis; a target without threads; an extent other than that of the
axis elsewhere in the kernel, or, of `threadIdx`, one that is not a constant; more threads than a
group has; a loop over groups that is not in a perfect nest of such loops around the whole kernel; a
loop that a reduction runs over; an iteration that touches what another one writes, in the same
statement, in another order, or in another group; a buffer in a memory that the threads do not
share, allocated outside of the loop; one in a memory that they do share, allocated inside; a loop
inside one of the same axis of which each thread does not do the same, or that needs what it has
changed; a loop that already has a kind.
"""

from dataclasses import dataclass
from itertools import pairwise, product
from math import prod

from xdsl.dialects.builtin import ModuleOp

from analysis.affine import Affine
from analysis.errors import nearest
from dialects import loop as loop_dialect
from dialects.layout import scope_of
from dialects.target import Machine, target_of
from passes.loop.forms import MAPS, index_operands
from passes.loop.instances import uses_of
from passes.loop.liveness import Liveness
from passes.loop.primitive import Primitive, Scope, is_below, loops_around, only_child
from passes.loop.thread_order import Event, Order, Relation, earlier, events_in, same
from passes.loop.threads import (
    is_group_axis,
    is_item_loop,
    is_thread_loop,
    kernel_of,
    loops_of_axes,
    outer_of_same_axis,
    own_axes,
    refuse_extents,
)
from passes.loop.unroll_loop import begin_at_zero, give_kind, require_constant_extent
from passes.loop.vectorize_loop import refuse_dependence, refuse_reduction

ForOp = loop_dialect.ForOp


@dataclass(frozen=True)
class Binding:
    """One use of the primitive: a loop that was given its axis, and the kernel it is in."""

    scope: Scope
    op: ForOp
    axis: str
    machine: Machine

    @property
    def name(self) -> str:
        """How messages name the loop."""
        return f"loop '{self.op.loop_name.data}'"

    @property
    def root(self) -> ForOp:
        """The kernel."""
        found = kernel_of(self.op)
        assert found is not None
        return found

    def others(self) -> list[ForOp]:
        """The other loops of the axis in the kernel."""
        loops = loops_of_axes(self.root)
        return [o for o in loops if o is not self.op and o.kind.data == self.axis]

    def check(self) -> None:
        """Refuse what would not keep the meaning."""
        if is_group_axis(self.axis):
            self.check_groups()
        self.check_extent()
        if is_group_axis(self.axis):
            refuse_dependence(self.scope, self.op, f"bound to {self.axis}")
        else:
            self.check_threads()
        self.check_memories()
        for outer, inner in self.nested():
            self.check_share(outer, inner)
        if not is_group_axis(self.axis):
            refuse_reduction(self.scope, self.op, f"bound to {self.axis}")
            self.check_order()

    def check_extent(self) -> None:
        """Refuse a loop that does not count the same as the axis does elsewhere."""
        refuse_extents(self.scope, self.root)

    def check_groups(self) -> None:
        """Refuse a loop over groups inside the work of one."""
        chain = [op for op in loops_around(self.op) if op is self.root or is_below(op, self.root)]
        for outer, inner in pairwise([*chain, self.op]):
            if not is_thread_loop(outer) or is_item_loop(outer) or only_child(outer) is not inner:
                raise self.scope.error(
                    f"{self.name} is inside the kernel of loop '{self.root.loop_name.data}', and "
                    "loops over blockIdx stand directly in each other, around all of a kernel"
                )
        at: ForOp = self.op
        while isinstance(child := only_child(at), ForOp) and is_group_axis(child.kind.data):
            at = child
        self.refuse_groups_in(at)
        for other in self.others():
            raise self.scope.error(
                f"{self.axis} is bound to loop '{other.loop_name.data}' already, and there is one "
                "loop for each axis of blockIdx in a kernel"
            )

    def refuse_groups_in(self, outer: ForOp) -> None:
        """Refuse loops over groups in the body of a loop."""
        for op in outer.body.walk():
            if isinstance(op, ForOp) and is_group_axis(op.kind.data):
                raise self.scope.error(
                    f"loop '{op.loop_name.data}' inside {self.name} is bound to {op.kind.data}, "
                    "and loops over blockIdx stand directly in each other, around all of a kernel"
                )

    def check_threads(self) -> None:
        """Refuse more threads than a group has."""
        self.refuse_groups_in(self.op)
        require_constant_extent(self.scope, self.op, f"bound to {self.axis}")
        extents = {o.kind.data: o.extent or 1 for o in loops_of_axes(self.root) if is_item_loop(o)}
        count = prod(extents.values())
        if count > self.machine.group_threads:
            shown = " x ".join(f"{extent} of {axis}" for axis, extent in extents.items())
            raise self.scope.error(
                f"with {self.name} a group has {count} threads ({shown}), and on "
                f"{self.machine.cpu} it has at most {self.machine.group_threads}"
            )

    def check_memories(self) -> None:
        """Refuse buffers that are shared by more or by fewer threads than their memory is."""
        for buffer, value in self.scope.buffers.items():
            used = any(is_below(use.operation, self.op) for use in value.uses)
            memory = self.machine.scope(scope_of(value.type))
            shared = self.axis in memory.shared_by
            alloc = value.owner
            inside = isinstance(alloc, loop_dialect.AllocOp) and is_below(alloc, self.op)
            if used and not inside and not shared and self.axis not in own_axes(value):
                raise self.scope.error(
                    f"%{buffer} is allocated outside of {self.name} in {memory.name}, which the "
                    f"threads of {self.axis} do not share; promote it inside of the loop"
                )
            if inside and shared and memory.name != "global" and self.axis in own_axes(value):
                raise self.scope.error(
                    f"%{buffer} is allocated inside {self.name} in {memory.name}, which the "
                    f"threads of {self.axis} share; bind the loop first, then promote"
                )

    def nested(self) -> list[tuple[ForOp, ForOp]]:
        """The loops of the axis that stand in each other, of which this one is one."""
        found: list[tuple[ForOp, ForOp]] = []
        for other in self.others():
            if is_below(self.op, other):
                found.append((other, self.op))
            elif is_below(other, self.op):
                found.append((self.op, other))
        return found

    def check_share(self, outer: ForOp, inner: ForOp) -> None:
        """Refuse an inner loop that threads cannot share out, as they do not all do the same."""
        within = (
            f"loop '{inner.loop_name.data}' inside loop '{outer.loop_name.data}' of {self.axis}"
        )
        between = [o for o in loops_around(inner) if is_below(o, outer)]
        for op in (*between, *inner.walk()):
            if type(op) in MAPS and outer.induction in index_operands(op):
                raise self.scope.error(
                    f"{within}: what it does depends on '{outer.loop_name.data}', so the threads "
                    "cannot share its iterations out"
                )
        for use in (u for op in inner.walk() for u in uses_of(op)):
            if self.axis in own_axes(use.buffer) and not is_below(use.buffer.owner, inner):  # pyright: ignore[reportArgumentType]
                raise self.scope.error(
                    f"{within}: {use.subject} uses %{use.buffer.name_hint}, of which each thread "
                    "has its own, so each has to run all iterations"
                )
        for value in {u.buffer: u for op in inner.walk() for u in uses_of(op) if u.writes}:
            alloc = value.owner
            if isinstance(alloc, loop_dialect.AllocOp) and is_below(alloc, inner):
                continue
            opaque = (loop_dialect.CopyOp, loop_dialect.IntrinsicOp)
            called = any(
                u.buffer is value and u.reads and isinstance(u.op, opaque)
                for op in inner.walk()
                for u in uses_of(op)
            )
            if called or Liveness(self.scope, value, inner).missing:
                raise self.scope.error(
                    f"{within}: it reads what it has written to %{value.name_hint} before, so "
                    "running it once is not the same as running it in each thread"
                )

    def check_order(self) -> None:
        """Refuse a loop of which two iterations would touch an element in another order."""
        order = Order.of(self.root)
        order.kept |= {o.induction for o in loops_around(self.op) if not is_item_loop(o)}
        events = events_in(self.op, self.root, order.axes)
        outermost = outer_of_same_axis(self.op) or self.op
        mine = Affine.variable(outermost.induction)
        step = order.other(mine) - mine - 1
        for first, second in product(events, events):
            if first.use.buffer is not second.use.buffer:
                continue
            writes = first.use.writes or second.use.writes
            if writes and not order.is_own(first, second):
                self.check_pair(order, first, second, step)

    def check_pair(self, order: Order, first: Event, second: Event, step: Affine) -> None:
        """Refuse two events in an earlier and a later iteration that would not stay in order."""
        times = first.time(), [order.other(form) for form in second.time()]
        for ways, why in (
            (same(*times), "the same statement, so that no barrier can order them"),
            (earlier(times[1], times[0]), "another order, as the threads run side by side"),
        ):
            if not ways:
                continue
            relation = Relation.of(order, first, second, [[step, *way] for way in ways])
            if not relation.points.is_empty():
                raise self.scope.error(
                    f"{self.name} cannot be bound to {self.axis}: two of its iterations would "
                    f"touch an element of %{first.use.buffer.name_hint} in {why}",
                    *relation.describe(),
                )


def machine_of_threads(scope: Scope, machine: Machine) -> Machine:
    """The machine, if it has threads."""
    if not machine.group_threads:
        raise scope.error(
            f"the target {machine.device} has no threads to bind loops to; give "
            "dovetail-opt --set-target 'nvptx -mcpu=sm_90'"
        )
    return machine


@dataclass(frozen=True)
class BindThreadPass(Primitive):
    """Make the iterations of a loop threads, or groups of threads."""

    name = "bind-thread"

    loop: str
    axis: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        op = scope.find_loop(self.loop)
        if self.axis not in loop_dialect.THREAD_AXES:
            raise scope.error(
                f"no thread axis is called '{self.axis}': "
                f"{nearest(self.axis, loop_dialect.THREAD_AXES)}"
            )
        module = scope.function.parent_op()
        assert isinstance(module, ModuleOp)
        machine = machine_of_threads(scope, target_of(module).machine)
        give_kind(scope, op, self.axis)
        begin_at_zero(op)
        Binding(scope, op, self.axis, machine).check()
