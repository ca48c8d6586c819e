"""What readers of a block would not find any more if it were computed elsewhere.

A block that moves to a loop of its readers computes, each time, what is read there. What others
read has to be among that, and has to be there in time: each reader is compared with the last
instance that wrote its element. Points in time are the iterations of the loops around.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import islpy as isl
from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue

from analysis.affine import Affine
from analysis.integer_sets import Names, coordinates_of, parameters_of
from dialects import loop
from passes.loop.instances import Touch, marked
from passes.loop.moves import common_loops
from passes.loop.primitive import block_of, loops_around
from passes.loop.witnesses import Witness, caller_of, meet

SET = isl.dim_type.set


def in_order(count: int, first: int, second: int, depth: int, same: int, strict: bool) -> isl.Set:
    """The points with `count` coordinates of which those from `first` on are, as a point in time
    of some depth, before those from `second` on; the outermost `same` are equal."""
    names = [f"x{i}" for i in range(count)]
    pairs = [(names[first + i], names[second + i]) for i in range(depth)]
    ways: list[str] = []
    for i in range(same, depth + (0 if strict else 1)):
        equal = [f"{a} = {b}" for a, b in pairs[:i]]
        ways.append(" and ".join([*equal, *(f"{a} < {b}" for a, b in pairs[i : i + 1])]) or "true")
    shown = " or ".join(f"({way})" for way in ways) or "false"
    return isl.Set(f"{{ [{', '.join(names)}] : {shown} }}")


@dataclass(frozen=True)
class Relocation:
    """A store of a block, in its place and in a new one, at the beginning of the loop `at`."""

    block: loop.BlockOp
    at: loop.ForOp
    buffer: SSAValue
    old: Touch
    new: Touch
    order: Mapping[Operation, int]
    names: Names = field(default_factory=Names)

    @cached_property
    def common(self) -> list[loop.ForOp]:
        """The loops around both places, outermost first."""
        return common_loops(self.block, self.at)

    @property
    def lives(self) -> int:
        """How many loops are around the memory, which is another one in each iteration."""
        owner = self.buffer.owner
        return len(loops_around(owner)) if isinstance(owner, loop.AllocOp) else 0

    def points(self, touch: Touch, loops: Sequence[loop.ForOp]) -> isl.Set:
        """When an element is touched: the iterations of loops, then its coordinates."""
        place = [*(Affine.variable(op.induction) for op in loops), *touch.place]
        conditions = [*touch.conditions, *(Affine.variable(size) for size in touch.sizes)]
        used = {v for form in (*place, *conditions) for v in form.variables()}
        return self.names.points(place, conditions, used - touch.sizes)

    def missed_by(self, read: loop.LoadOp) -> Witness | None:
        """An instance whose result a reader would not find."""
        block = block_of(read)
        shared = common_loops(block, self.at)
        times = [op for op in shared if op in self.common]
        touch, later = Touch.of(read), self.order[block] > self.order[self.block]
        if later:
            witness = self.missed_at_once(touch, times, shared, self.order[block])
            if witness is not None:
                return witness
        return self.missed_later(touch, times, later) if times else None

    def missed_at_once(
        self,
        read: Touch,
        times: Sequence[loop.ForOp],
        shared: Sequence[loop.ForOp],
        number: int,
    ) -> Witness | None:
        """One that is read in the same iteration of the loops around both places.

        Of the loops around the new place and the reader earlier iterations do their part.
        """
        depth, inner = len(times), len(shared) - len(times)
        rank = len(read.place)
        found = self.points(self.new, shared)
        strict = self.order[self.at] > number
        if inner:
            count = depth + 2 * inner + rank
            lifted = found.insert_dims(SET, depth + inner, inner)
            before = in_order(count, depth, depth + inner, inner, 0, strict)
            found = lifted.intersect(before).project_out(SET, depth, inner)
        elif strict:
            found = found.subtract(found)
        written = self.points(self.old, times).insert_dims(SET, depth, inner)
        missed = self.points(read, shared).intersect(written).subtract(found)
        return self.sample(missed, read, times, [(op, i) for i, op in enumerate(shared)])

    def missed_later(self, read: Touch, times: Sequence[loop.ForOp], later: bool) -> Witness | None:
        """One that is read in a later iteration of the loops around both places."""
        depth, rank, same = len(times), len(read.place), self.lives
        written = self.points(self.old, times)
        missing = written.subtract(self.points(self.new, times)).insert_dims(SET, depth, depth)
        needed = self.points(read, times).insert_dims(SET, 0, depth)
        count = 3 * depth + rank
        again = written.insert_dims(SET, 0, depth).insert_dims(SET, 2 * depth, depth)
        again = again.intersect(in_order(count, 0, depth, depth, same, True))
        again = again.intersect(in_order(count, depth, 2 * depth, depth, same, not later))
        missed = missing.intersect(needed).subtract(again.project_out(SET, depth, depth))
        missed = missed.intersect(in_order(2 * depth + rank, 0, depth, depth, same, True))
        return self.sample(missed, read, [], [(op, depth + i) for i, op in enumerate(times)], times)

    def missed_in_the_end(self, function: func.FuncOp) -> Witness | None:
        """One that the caller would not find."""
        depth, rank = len(self.common), len(self.old.place)
        written = self.points(self.old, self.common)
        missed = written.subtract(self.points(self.new, self.common))
        if depth:
            again = written.insert_dims(SET, 0, depth)
            again = again.intersect(in_order(2 * depth + rank, 0, depth, depth, 0, True))
            missed = missed.subtract(again.project_out(SET, depth, depth))
        reader = caller_of(function, self.buffer, writes=False)
        return self.sample(missed, reader, [], [], self.common)

    def sample(
        self,
        missed: isl.Set,
        read: Touch,
        fixed: Sequence[loop.ForOp],
        reading: Sequence[tuple[loop.ForOp, int]],
        writing: Sequence[loop.ForOp] = (),
    ) -> Witness | None:
        """The two instances of one of some points: iterations, then the element's coordinates.

        `reading` are loops around the reader and where their iterations are, `writing` those
        around the writer, which come first.
        """
        if missed.is_empty():
            return None
        point = (missed.lexmin() if missed.is_bounded() else missed).sample_point()
        values = coordinates_of(point)
        kept = {op.induction for op in fixed} | self.old.sizes | read.sizes
        equal = list(self.equalities(parameters_of(point)))
        for op, number in reading:
            equal.append(marked(Affine.variable(op.induction), kept) - values[number])
        for op, value in zip(writing, values, strict=False):
            equal.append(Affine.variable(op.induction) - value)
        element = values[len(values) - len(read.place) :]
        equal += [form - value for form, value in zip(self.old.place, element, strict=True)]
        both = [*equal, *(form * -1 for form in equal)]
        witness = meet(self.old, read, fixed, both)
        assert witness is not None, "what is missed is written and read"
        return witness

    def equalities(self, sizes: Mapping[str, int]) -> Iterator[Affine]:
        """That sizes are those of a point."""
        spelled: dict[str, Hashable] = {name: v for v, name in self.names.known.items()}
        for name, value in sizes.items():
            yield Affine.variable(spelled[name]) - value
