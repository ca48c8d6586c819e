"""The instances of blocks and the elements they touch, as exact integer sets.

What a primitive asks here decides between doing and refusing, so a refusal is never a guess: an
access whose index is only known at run time is taken to touch anything, all else is exact.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import islpy as isl

from analysis.affine import Affine, from_expression
from analysis.integer_sets import Names
from dialects import loop
from passes.loop.forms import coordinates, forms_of, ranges_of, variables_of
from passes.loop.primitive import block_of, loops_around
from passes.loop.signatures import iterations_are_apart

Access = loop.LoadOp | loop.StoreOp


def conditions_of(block: loop.BlockOp, loops: Sequence[loop.ForOp]) -> list[Affine]:
    """The forms that are not negative where an instance of the block runs inside `loops`."""
    found: list[Affine] = []
    for op in loops:
        value = Affine.variable(op.induction)
        found += [value - forms_of(op, "lower")[0], forms_of(op, "upper")[0] - value - 1]
    domains, bindings = forms_of(block, "domains"), forms_of(block, "bindings")
    for domain, binding in zip(domains, bindings, strict=True):
        found += [binding, domain - binding - 1]
    return [*found, *forms_of(block, "where")]


def place_of(access: Access) -> list[Affine]:
    """The logical coordinates of an access as forms of the loops."""
    block = block_of(access)
    ranges, variables = ranges_of(loops_around(block)), variables_of(block)
    return [form.substitute(variables, ranges) for form in coordinates(access)]


def run_conditions(access: Access) -> list[Affine]:
    """The forms that are not negative where an access touches memory."""
    block = block_of(access)
    around = loops_around(block)
    ranges, variables = ranges_of(around), variables_of(block)
    found = conditions_of(block, around)
    if access.parent_block() is not block.body.block:
        bindings = forms_of(block, "bindings")
        found += [b * -1 for b, r in zip(bindings, block.is_reduce, strict=True) if r]
    if isinstance(access, loop.LoadOp):
        indices = [Affine.variable(v) for v in access.indices]
        guards = [from_expression(e, indices, ranges) for e in access.where.data.results]
        found += [form.substitute(variables, ranges) for form in guards]
    return found


def sizes_of(access: Access) -> set[Hashable]:
    """The symbolic sizes that the bounds of loops around an access and its block's domains name."""
    block = block_of(access)
    around = loops_around(block)
    values: set[Hashable] = {v for op in around for v in op.bounds}
    values.update(block.outer)
    return values - {op.induction for op in around}


@dataclass
class Instances:
    """Asks about the instances of blocks below a loop, one iteration of the outer ones fixed."""

    names: Names = field(default_factory=Names)

    def elements(
        self, access: Access, fixed: Sequence[loop.ForOp], without: Sequence[Affine] = ()
    ) -> isl.Set:
        """What an access touches while the loops `fixed` stand still.

        `without` are conditions of its block that are left out.
        """
        place, sizes = place_of(access), sizes_of(access)
        conditions = [form for form in run_conditions(access) if form not in without]
        still = {op.induction for op in fixed} | sizes
        moving = {v for f in (*place, *conditions) for v in f.variables()} - still
        return self.names.points(place, [*conditions, *(Affine.variable(v) for v in sizes)], moving)

    def conflict(
        self,
        first: "Touch",
        second: "Touch",
        fixed: Sequence[loop.ForOp],
        differ: Sequence[Affine],
    ) -> bool:
        """Whether two instances touch one element; `differ` is over `first` and `marked` forms."""
        sizes = first.sizes | second.sizes
        kept = {op.induction for op in fixed} | sizes
        equal = [
            mine - marked(form, kept) for mine, form in zip(first.place, second.place, strict=True)
        ]
        conditions = [
            *first.conditions,
            *(marked(form, kept) for form in second.conditions),
            *equal,
            *(form * -1 for form in equal),
            *(Affine.variable(v) for v in sizes),
            *differ,
        ]
        hidden = {v for form in conditions for v in form.variables()}
        return not self.names.points([], conditions, hidden).is_empty()


@dataclass(frozen=True)
class Touch:
    """What an access does: the element, the forms that are not negative, the symbolic sizes."""

    place: Sequence[Affine]
    conditions: Sequence[Affine]
    sizes: set[Hashable]

    @staticmethod
    def of(access: Access) -> "Touch":
        """What an access in the IR does."""
        return Touch(place_of(access), run_conditions(access), sizes_of(access))


def marked(form: Affine, kept: set[Hashable]) -> Affine:
    """The form of a second instance: all variables but those that are `kept` are others."""

    def other(variable: Hashable) -> Affine | None:
        return None if variable in kept else Affine.variable(("other", variable))

    return form.rewrite(other, {})


def accesses_in(op: loop.ForOp) -> list[Access]:
    """The accesses in a loop to buffers that outlive its iterations."""
    inside = {o.result for o in op.walk() if isinstance(o, loop.AllocOp)}
    return [
        o for o in op.walk() if isinstance(o, loop.LoadOp | loop.StoreOp) and o.memref not in inside
    ]


def carried(op: loop.ForOp) -> tuple[loop.StoreOp, Access] | None:
    """A write in one iteration of a loop and an access of the same element in another one."""
    if iterations_are_apart(op):
        return None
    asks = Instances()
    found = accesses_in(op)
    fixed = loops_around(op)
    mine = Affine.variable(op.induction)
    other = marked(mine, set())
    for first in found:
        if not isinstance(first, loop.StoreOp):
            continue
        for second in found:
            if second.memref is not first.memref:
                continue
            touches = Touch.of(first), Touch.of(second)
            for apart in (mine - other - 1, other - mine - 1):
                if asks.conflict(*touches, fixed, [apart]):
                    return first, second
    return None
