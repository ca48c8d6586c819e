"""Two instances whose order a primitive may not change, and how a message names them.

    %C[3, 5] is written by block 'C' (y=3, x=5, k=0) and then read by block 'D' (y=4, x=5), which
    would run before it

A refusal for a dependence has such a line: whoever reads it can check it by hand, and the tests
check it by running all instances, one after the other. The variables are those of the blocks; the
loops are named too where two instances do not differ otherwise.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.ir import Operation, OpResult, SSAValue

from analysis.affine import Affine
from analysis.integer_sets import solve
from dialects import loop
from dialects.layout import logical_shape
from passes.loop.forms import ranges_of
from passes.loop.instances import (
    Actor,
    Touch,
    Use,
    is_computed,
    kept_of,
    marked,
    meeting,
    uses_in,
)
from passes.loop.primitive import block_of, loops_around
from passes.loop.regions import inside
from passes.loop.signatures import iterations_are_apart, tiles_are_apart

EARLIER = "would run before it"
TOGETHER = "would run at the same time"
MISSED = "would find nothing there"
OVERWRITTEN = "would find it overwritten"
ONCE = "would not run again"
LOST = "would be overwritten by a copy of the first one"
OVERWRITES = "would overwrite the operand too"
"""What would become of the second instance of a witness."""


CONCURRENT = ("parallel", "vectorized", "vthread")
"""Kinds of loops whose iterations run at the same time, with nothing that orders them."""


@dataclass(frozen=True)
class Witness:
    """Two instances that touch one element, the first one before the second one."""

    first: Touch
    second: Touch
    kept: set[Hashable]
    point: Mapping[Hashable, int]

    @property
    def element(self) -> tuple[int, ...]:
        """The logical coordinates of the element."""
        return tuple(form.evaluate(self.point) for form in self.first.place)

    def values(self, named: Sequence[tuple[str, Affine]], other: bool = False) -> str:
        """Forms of the first instance, or of the other one, as `y=3, x=5`."""
        kept = self.kept if other else self.point.keys()
        forms = ((name, marked(form, set(kept))) for name, form in named)
        return ", ".join(f"{name}={form.evaluate(self.point)}" for name, form in forms)

    @property
    def actors(self) -> tuple[Actor, Actor]:
        """Who the two instances are of."""
        assert self.first.actor is not None and self.second.actor is not None
        return self.first.actor, self.second.actor

    def reversal(self) -> str:
        """In short, what would be if the second instance ran before the first one."""
        first, second = self.actors
        return (
            f"{second.subject} would {'write' if second.writes else 'read'} an element of "
            f"%{first.buffer.name_hint} before {first.subject} "
            f"{'writes' if first.writes else 'reads'} it"
        )

    def flipped(self) -> "Witness":
        """The same two, the second one first."""

        def other(variable: Hashable) -> Hashable:
            if variable in self.kept:
                return variable
            match variable:
                case ("other", original):
                    return original
                case _:
                    return ("other", variable)

        point = {other(variable): value for variable, value in self.point.items()}
        return Witness(self.second, self.first, self.kept, point)

    def line(self, consequence: str) -> str:
        """The two instances, and what would become of the second one."""
        first, second = self.shown()
        guess = any(
            is_computed(v)
            for touch in (self.first, self.second)
            for form in touch.place
            for v in form.variables()
        )
        return (
            f"{self.cell} {'may be' if guess else 'is'} {first} and then {second}, "
            f"which {consequence}{self.sizes()}"
        )

    def added_line(self) -> str:
        """The two instances, of which the first one is not there yet."""
        first, second = self.shown()
        return (
            f"{self.cell} would be {first}, which does not run now, and then {second}{self.sizes()}"
        )

    def touch_line(self) -> str:
        """The first instance alone."""
        actor = self.actors[0]
        verb, values = "written" if actor.writes else "read", self.values(actor.values)
        return f"{self.cell} is {verb} by {actor.subject} ({values}){self.sizes()}"

    @property
    def cell(self) -> str:
        """The element, as a message names it."""
        return f"%{self.actors[0].buffer.name_hint}[{', '.join(map(str, self.element))}]"

    def shown(self) -> list[str]:
        """The two instances, as a message names them."""
        actors = self.actors
        shown = [self.values(a.values, other=i == 1) for i, a in enumerate(actors)]
        if shown[0] == shown[1] and actors[0].subject == actors[1].subject:
            loops = [self.values(a.loops, other=i == 1) for i, a in enumerate(actors)]
            shown = [" in ".join(filter(None, pair)) for pair in zip(shown, loops, strict=True)]
        return [
            f"{'written' if actor.writes else 'read'} by {actor.subject}"
            f"{f' ({values})' if values else ''}"
            for actor, values in zip(actors, shown, strict=True)
        ]

    def sizes(self) -> str:
        """The sizes for which it is so, where there are some that only a run knows."""
        named = [
            (v.owner.symbol.data, Affine.variable(v))
            for v in self.point
            if isinstance(v, OpResult) and isinstance(v.owner, loop.DimOp)
        ]
        return f" (for {self.values(sorted(named, key=lambda pair: pair[0]))})" if named else ""


def meet(
    first: Touch, second: Touch, fixed: Sequence[loop.ForOp], differ: Sequence[Affine]
) -> Witness | None:
    """Two instances that touch one element; `differ` is over `first` and `marked` forms."""
    point = solve(meeting(first, second, fixed, differ))
    return None if point is None else Witness(first, second, kept_of(first, second, fixed), point)


def caller_of(function: func.FuncOp, buffer: SSAValue, writes: bool) -> Touch:
    """What the caller of a function does with an argument, before or after the call."""
    place = [Affine.variable(("element", i)) for i in range(len(logical_shape(buffer.type)))]
    last = function.body.block.last_op
    assert last is not None
    conditions = inside(buffer, place, last)
    sizes = {v for form in conditions for v in form.variables()}
    sizes -= {v for form in place for v in form.variables()}
    actor = Actor(f"the caller of @{function.sym_name.data}", buffer, writes, (), ())
    return Touch(place, conditions, sizes, actor)


@dataclass(frozen=True)
class Carried:
    """Two uses of one element in two iterations of a loop, of which one writes."""

    first: Use
    second: Use
    witness: Witness


def carried(
    op: loop.ForOp, fixed: Sequence[loop.ForOp] | None = None, uses: Sequence[Use] | None = None
) -> Carried | None:
    """A write in one iteration of a loop and a use of the same element in another one.

    `fixed` are the loops that stand still, by default those around it.
    """
    if fixed is None and iterations_are_apart(op):
        return None
    fixed = loops_around(op) if fixed is None else fixed
    found = uses_in(op) if uses is None else uses
    later = step_of(op) - 1
    for first, second in conflicting(found):
        if are_together(first, second, [op], fixed):
            continue
        for pair in dict.fromkeys(((first, second), (second, first))):
            witness = meet(pair[0].touch, pair[1].touch, fixed, [later])
            if witness is not None:
                return Carried(*pair, witness)
    return None


def step_of(op: loop.ForOp) -> Affine:
    """How many iterations of a loop a second instance is later than the first one."""
    mine = Affine.variable(op.induction)
    return marked(mine, set()) - mine


def are_together(
    first: Use, second: Use, loops: Sequence[loop.ForOp], fixed: Sequence[loop.ForOp]
) -> bool:
    """Whether uses of one element are in the same iteration of some loops, by their signatures."""
    places = first.touch.place, second.touch.place
    ranges = ranges_of(around(first.op)) | ranges_of(around(second.op))
    return tiles_are_apart(places, loops, ranges, {op.induction for op in fixed})


def around(op: Operation) -> list[loop.ForOp]:
    """The loops around the block of a use, or around a copy."""
    return loops_around(op if isinstance(op, loop.CopyOp) else block_of(op))


def conflict_of(first: Touch, second: Touch) -> bool:
    """Whether two accesses are of one buffer and one of them writes."""
    assert first.actor is not None and second.actor is not None
    same = first.actor.buffer is second.actor.buffer
    return same and (first.actor.writes or second.actor.writes)


def conflicting(uses: Sequence[Use]) -> list[tuple[Use, Use]]:
    """The pairs of uses of one buffer, in program order, of which one writes."""
    return [
        (first, second)
        for i, first in enumerate(uses)
        for second in uses[i:]
        if first.buffer is second.buffer and (first.writes or second.writes)
    ]
