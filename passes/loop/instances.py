"""The instances of blocks and the elements they touch, as exact integer sets.

What a primitive asks here decides between doing and refusing, so a refusal is never a guess: an
access whose index is only known at run time is taken to touch anything, all else is exact.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

import islpy as isl
from xdsl.ir import Operation, SSAValue

from analysis.affine import Affine, from_expression
from analysis.integer_sets import Names
from dialects import loop
from passes.loop.forms import coordinates, forms_of, ranges_of, variables_of
from passes.loop.primitive import block_of, loops_around
from passes.loop.regions import regions_of_call, regions_of_copy
from passes.loop.signatures import iterations_are_apart

Access = loop.LoadOp | loop.StoreOp


def bounds_of(loops: Sequence[loop.ForOp]) -> list[Affine]:
    """The forms that are not negative in the iterations of loops."""
    found: list[Affine] = []
    for op in loops:
        value = Affine.variable(op.induction)
        found += [value - forms_of(op, "lower")[0], forms_of(op, "upper")[0] - value - 1]
    return found


def conditions_of(block: loop.BlockOp, loops: Sequence[loop.ForOp]) -> list[Affine]:
    """The forms that are not negative where an instance of the block runs inside `loops`."""
    found = bounds_of(loops)
    domains, bindings = forms_of(block, "domains"), forms_of(block, "bindings")
    for domain, binding in zip(domains, bindings, strict=True):
        found += [binding, domain - binding - 1]
    return [*found, *forms_of(block, "where")]


def region_conditions(op: Operation, block: loop.BlockOp) -> list[Affine]:
    """The forms that are not negative where the region of a block that holds `op` runs."""
    found = conditions_of(block, loops_around(block))
    if op.parent_block() is not block.body.block:
        bindings = forms_of(block, "bindings")
        found += [b * -1 for b, r in zip(bindings, block.is_reduce, strict=True) if r]
    return found


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
    found = region_conditions(access, block)
    if isinstance(access, loop.LoadOp):
        indices = [Affine.variable(v) for v in access.indices]
        guards = [from_expression(e, indices, ranges) for e in access.where.data.results]
        found += [form.substitute(variables, ranges) for form in guards]
    return found


def sizes_of(access: Operation) -> set[Hashable]:
    """The symbolic sizes that the bounds of loops around an access and its block's domains name."""
    block = None if isinstance(access, loop.CopyOp) else block_of(access)
    around = loops_around(access if block is None else block)
    values: set[Hashable] = {v for op in around for v in op.bounds}
    values.update(() if block is None else block.outer)
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
        conditions = meeting(first, second, fixed, differ)
        hidden = {v for form in conditions for v in form.variables()}
        return not self.names.points([], conditions, hidden).is_empty()

    def witness(
        self,
        first: "Touch",
        second: "Touch",
        fixed: Sequence[loop.ForOp],
        differ: Sequence[Affine],
    ) -> dict[Hashable, int] | None:
        """The variables of two instances that touch one element, None if there are none."""
        conditions = meeting(first, second, fixed, differ)
        hidden = list({v: None for form in conditions for v in form.variables()})
        place = [Affine.variable(v) for v in hidden]
        found = self.names.points(place, conditions, hidden)
        if found.is_empty():
            return None
        point = found.sample_point()
        values = [
            point.get_coordinate_val(isl.dim_type.set, i).to_python() for i in range(len(hidden))
        ]
        return dict(zip(hidden, values, strict=True))


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


def meeting(
    first: Touch, second: Touch, fixed: Sequence[loop.ForOp], differ: Sequence[Affine]
) -> list[Affine]:
    """The forms that are not negative where two instances run and touch one element."""
    sizes = first.sizes | second.sizes
    kept = {op.induction for op in fixed} | sizes
    equal = [
        mine - marked(form, kept) for mine, form in zip(first.place, second.place, strict=True)
    ]
    return [
        *first.conditions,
        *(marked(form, kept) for form in second.conditions),
        *equal,
        *(form * -1 for form in equal),
        *(Affine.variable(v) for v in sizes),
        *differ,
    ]


def marked(form: Affine, kept: set[Hashable]) -> Affine:
    """The form of a second instance: all variables but those that are `kept` are others."""

    def other(variable: Hashable) -> Affine | None:
        return None if variable in kept else Affine.variable(("other", variable))

    return form.rewrite(other, {})


@dataclass(frozen=True)
class Use:
    """One way in which an operation touches a buffer: an element, or a region of it."""

    op: Operation
    buffer: SSAValue
    touch: Touch
    reads: bool
    writes: bool

    @property
    def subject(self) -> str:
        """The operation, as a message names it."""
        if isinstance(self.op, loop.CopyOp):
            names = self.op.source.name_hint, self.op.target.name_hint
            return f"the copy of %{names[0]} to %{names[1]}"
        return f"block '{block_of(self.op).block_name.data}'"


def in_memory(use: Use) -> Use:
    """A use of a tile that lies in a part of another buffer, as one of that buffer."""
    tile = use.buffer.owner
    if not isinstance(tile, loop.AllocOp) or tile.memory is None:
        return use
    ranges = ranges_of(loops_around(tile))
    (part,), origin = forms_of(tile, "part", ranges), forms_of(tile, "origin", ranges)
    local = [place - start for place, start in zip(use.touch.place, origin, strict=True)]
    return replace(use, buffer=tile.memory, touch=replace(use.touch, place=[part, *local]))


def uses_of(op: Operation) -> list[Use]:
    """How an operation touches memory; nothing for one that does not.

    Tiles that lie in one buffer are told apart by their places in it.
    """
    return [in_memory(use) for use in direct_uses(op)]


def direct_uses(op: Operation) -> list[Use]:
    """How an operation touches the buffers that it names."""
    match op:
        case loop.LoadOp() | loop.StoreOp():
            writes = isinstance(op, loop.StoreOp)
            return [Use(op, op.memref, Touch.of(op), reads=not writes, writes=writes)]
        case loop.CopyOp():
            regions = regions_of_copy(op)
            variables: dict[Hashable, Affine] = {}
            around = loops_around(op)
            conditions = bounds_of(around)
        case loop.IntrinsicOp():
            regions = regions_of_call(op)
            block = block_of(op)
            variables = variables_of(block)
            around = loops_around(block)
            conditions = region_conditions(op, block)
        case _:
            return []
    ranges, sizes = ranges_of(around), sizes_of(op)
    found: list[Use] = []
    for region in regions:
        place = [form.substitute(variables, ranges) for form in region.place]
        limits = [form.substitute(variables, ranges) for form in region.conditions]
        touch = Touch(place, [*conditions, *limits], sizes)
        found.append(Use(op, region.buffer, touch, region.reads, region.writes))
    return found


def uses_in(op: loop.ForOp) -> list[Use]:
    """How a loop's body touches the buffers that outlive its iterations."""
    local = {o.result for o in op.walk() if isinstance(o, loop.AllocOp)}
    return [use for o in op.walk() for use in uses_of(o) if use.buffer not in local]


@dataclass(frozen=True)
class Carried:
    """Two uses of one element in two iterations of a loop, of which the first one writes."""

    first: Use
    second: Use
    iterations: tuple[int, int]
    element: tuple[int, ...]

    def details(self, op: loop.ForOp) -> tuple[str, str]:
        """A line for each of the two."""
        place = f"%{self.first.buffer.name_hint}[{', '.join(map(str, self.element))}]"
        first, second = (
            f"{op.loop_name.data} = {iteration}: {use.subject} "
            f"{'writes' if use.writes else 'reads'} {place}"
            for use, iteration in zip((self.first, self.second), self.iterations, strict=True)
        )
        return first, second


def carried(op: loop.ForOp) -> Carried | None:
    """A write in one iteration of a loop and a use of the same element in another one."""
    if iterations_are_apart(op):
        return None
    asks = Instances()
    found = uses_in(op)
    fixed = loops_around(op)
    mine = Affine.variable(op.induction)
    other = marked(mine, set())
    for first in found:
        if not first.writes:
            continue
        for second in found:
            if second.buffer is not first.buffer:
                continue
            for apart in (mine - other - 1, other - mine - 1):
                point = asks.witness(first.touch, second.touch, fixed, [apart])
                if point is not None:
                    iterations = mine.evaluate(point), other.evaluate(point)
                    element = tuple(form.evaluate(point) for form in first.touch.place)
                    return Carried(first, second, iterations, element)
    return None
