"""Which elements of a buffer a loop's body needs from outside, and which it leaves to others.

For promote-memory-scope: in one iteration of the loop `at`, a read that finds its element written
earlier in that iteration needs nothing from outside. What was written is compared with what is
read as exact sets, all loops that a write and a read have in common standing still, but for those
over threads that share the tile: what one of them has written in an earlier statement, all find.
"""

from dataclasses import dataclass, field
from functools import cached_property

import islpy as isl
from xdsl.ir import Operation, SSAValue

from analysis.affine import Affine
from dialects import loop
from passes.loop.forms import forms_of
from passes.loop.instances import Access, Instances, is_indirect, place_of
from passes.loop.nests import begin_forms, last_iteration, loops_for, loops_inside
from passes.loop.primitive import (
    Scope,
    accesses,
    block_of,
    is_below,
    loops_around,
    memory_of,
)

Conditions = list[Affine]
"""Where something is needed: where no form is negative, so everywhere if there is none."""


@dataclass(frozen=True)
class Liveness:
    """What one iteration of `at` needs and leaves of a buffer."""

    scope: Scope
    buffer: SSAValue
    at: loop.ForOp
    shared_by: tuple[str, ...] = ()
    """The thread axes around `at` whose threads need and leave elements together."""
    asks: Instances = field(default_factory=Instances)

    @cached_property
    def outer(self) -> list[loop.ForOp]:
        """The loops that stand still for one iteration."""
        around = [*loops_around(self.at), self.at]
        return [op for op in around if op.kind.data not in self.shared_by]

    @cached_property
    def touched(self) -> list[Access]:
        """The accesses below `at`."""
        return list(accesses(self.at, self.buffer))

    @cached_property
    def writes(self) -> list[loop.StoreOp]:
        """The stores below `at`, without those of init regions."""
        return [
            a
            for a in self.touched
            if isinstance(a, loop.StoreOp) and a.parent_block() is block_of(a).body.block
        ]

    @cached_property
    def order(self) -> dict[Operation, int]:
        return {op: i for i, op in enumerate(self.at.walk())}

    @cached_property
    def missing(self) -> dict[Access, Conditions]:
        """The reads that may find nothing in the tile, and where."""
        found: dict[Access, Conditions] = {}
        for access in self.touched:
            if isinstance(access, loop.LoadOp):
                where = self.missing_for(access)
                if where is not None:
                    found[access] = where
        return found

    def missing_for(self, read: loop.LoadOp) -> Conditions | None:
        """Where a read finds nothing in the tile; None if nowhere."""
        block = block_of(read)
        answers: list[Conditions] = []
        begun = self.begun(read)
        if begun is not None:
            answers.append(begun)
        for write in reversed(self.writes):
            if not is_indirect(write) and self.order[block_of(write)] < self.order[block]:
                where = self.uncovered(read, write)
                if where is not None:
                    answers.append(where)
        if any(not where for where in answers):
            return None
        return answers[0] if answers else []

    def begun(self, read: loop.LoadOp) -> Conditions | None:
        """Where the init region of a read's own block has not run before; None if it never does.

        The empty list stands for nowhere here.
        """
        block = block_of(read)
        stores = [
            a
            for a in accesses(block, self.buffer)
            if a.parent_block() is not block.body.block and place_of(a) == place_of(read)
        ]
        if not stores:
            return None
        total = Affine({})
        for form in begin_forms(block, loops_inside(block, self.at)):
            total = total + form
        return [] if total == Affine({}) else [total - 1]

    def uncovered(self, read: loop.LoadOp, write: loop.StoreOp) -> Conditions | None:
        """Where an earlier write does not reach what is read; None if it never does."""
        others = {op.induction for op in loops_around(block_of(write))}
        around = loops_around(block_of(read))
        common = [op for op in around if op.induction in others]
        fixed = [op for op in common if op.kind.data not in self.shared_by]
        needed = self.asks.elements(read, fixed)
        if needed.is_subset(self.asks.elements(write, fixed)):
            return []
        still = {op.induction for op in self.outer}
        inside = others - still
        where = [f for f in forms_of(block_of(write), "where") if not f.variables() & inside]
        if len(where) == 1 and needed.is_subset(self.asks.elements(write, fixed, where)):
            return [where[0] * -1 - 1]
        return None

    @cached_property
    def is_scattered(self) -> bool:
        """Whether only a run knows which elements are written."""
        return any(is_indirect(write) for write in self.writes)

    @cached_property
    def live_in(self) -> Conditions | None:
        """Where the tile must be filled: [] everywhere, None nowhere."""
        if self.is_scattered or any(not self.leaves_exactly(write) for write in self.left):
            return []
        answers = list(self.missing.values())
        if not answers:
            return None
        return answers[0] if all(a == answers[0] for a in answers) else []

    @cached_property
    def needed(self) -> list[isl.Set]:
        """The sets that a fill must reach."""
        found = [self.asks.elements(read, self.outer) for read in self.missing]
        found += [
            self.asks.elements(write, self.outer, self.dropped(write))
            for write in self.left
            if not self.leaves_exactly(write)
        ]
        return found

    def fills(self, write: loop.StoreOp) -> Conditions | None:
        """The guards with which the elements that a store writes are all that must be filled.

        All that a copy of its place can have, else none; None where it does not reach all.
        """
        where = forms_of(block_of(write), "where")
        dropped = self.dropped(write)
        for kept in ([f for f in where if f not in dropped], []):
            left_out = [f for f in where if f not in kept]
            reached = self.asks.elements(write, self.outer, left_out)
            if all(needed.is_subset(reached) for needed in self.needed):
                return kept
        return None

    def kept_loops(self, write: loop.StoreOp) -> list[loop.ForOp]:
        """The loops below `at` that the place of a store depends on, outermost first."""
        used = {v for form in place_of(write) for v in form.variables()}
        return loops_for(used, loops_inside(block_of(write), self.at))

    def dropped(self, write: loop.StoreOp) -> list[Affine]:
        """The conditions of a store's block that a copy of its place cannot have."""
        inside = loops_inside(block_of(write), self.at)
        gone = {op.induction for op in inside} - {op.induction for op in self.kept_loops(write)}
        return [f for f in forms_of(block_of(write), "where") if f.variables() & gone]

    def leaves_exactly(self, write: loop.StoreOp) -> bool:
        """Whether a copy of what a store writes copies nothing else."""
        dropped = self.dropped(write)
        if not dropped:
            return True
        copied = self.asks.elements(write, self.outer, dropped)
        return copied.is_subset(self.asks.elements(write, self.outer))

    @cached_property
    def left(self) -> list[loop.StoreOp]:
        """Stores that together write all that any store does, in program order."""
        kept: list[loop.StoreOp] = []
        sets: list[isl.Set] = []
        for write in reversed(self.writes):
            written = self.asks.elements(write, self.outer)
            if not any(written.is_subset(other) for other in sets):
                kept.append(write)
                sets.append(written)
        return kept[::-1]

    @cached_property
    def live_out(self) -> Conditions | None:
        """Where the tile must be written back: [] everywhere, None nowhere."""
        if not self.writes:
            return None
        if not isinstance(self.buffer.owner, loop.AllocOp):
            return []
        users = (use.operation for use in self.buffer.uses)
        if memory_of(self.buffer) is not None or any(
            not is_below(op, self.at) for op in users if not isinstance(op, loop.PrefetchOp)
        ):
            return []
        if self.live_in is None:
            return None
        carried = {v for form in self.live_in for v in form.variables()}
        loops = [op for op in self.outer if op.induction in carried]
        if not loops:
            return []
        remaining = Affine({})
        for op in loops:
            remaining = remaining - last_iteration(op)
        return [remaining - 1]
