"""The instances of blocks and the elements they touch, as exact integer sets.

What a primitive asks here decides between doing and refusing, so a refusal is never a guess: an
access whose index is only known at run time is taken to touch anything in its buffer, all else is
exact. passes/loop/witnesses.py turns what is found into two instances that a message names.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

import islpy as isl
from xdsl.ir import Operation, OpResult, SSAValue

from analysis.affine import Affine, from_expression
from analysis.integer_sets import Names, solve
from dialects import loop
from dialects.layout import logical_shape
from passes.loop.forms import coordinates, forms_of, ranges_of, variables_of
from passes.loop.primitive import block_of, loops_around
from passes.loop.regions import dimension, origin_of, regions_of_call, regions_of_copy

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


def computed_conditions(access: Access, place: Sequence[Affine]) -> list[Affine]:
    """The forms that are not negative where indices that a body computes are inside the buffer."""
    found: list[Affine] = []
    box = zip(place, origin_of(access.memref), logical_shape(access.memref.type), strict=True)
    for form, start, size in box:
        if any(is_computed(v) for v in form.variables()):
            found.append(form - start)
            extent = Affine({}, size) if isinstance(size, int) else dimension(access, size)
            if extent is not None:
                found.append(start + extent - form - 1)
    return found


def is_computed(variable: Hashable) -> bool:
    """Whether a variable of a form is a value that only a run knows: neither loop nor size."""
    return isinstance(variable, OpResult) and not isinstance(variable.op, loop.DimOp)


def is_indirect(access: Access) -> bool:
    """Whether only a run knows which element an access touches."""
    known = {*block_of(access).variables}
    if (init := block_of(access).init) is not None:
        known |= {*init.block.args}
    return any(form.variables() - known for form in coordinates(access))


@dataclass(frozen=True, eq=False)
class Actor:
    """Who touches memory, as a message says it: the variables of a block, the loops around it."""

    subject: str
    buffer: SSAValue
    writes: bool
    values: Sequence[tuple[str, Affine]]
    loops: Sequence[tuple[str, Affine]]

    @staticmethod
    def of(op: Operation, buffer: SSAValue, writes: bool) -> "Actor":
        """An operation in a block, or a copy."""
        if isinstance(op, loop.CopyOp):
            names = op.source.name_hint, op.target.name_hint
            loops = loop_values(loops_around(op))
            return Actor(f"the copy of %{names[0]} to %{names[1]}", buffer, writes, loops, loops)
        block = block_of(op)
        around = loops_around(block)
        return Actor.moved(block, forms_of(block, "bindings"), around, buffer, writes)

    @staticmethod
    def moved(
        block: loop.BlockOp,
        bindings: Sequence[Affine],
        loops: Sequence[loop.ForOp],
        buffer: SSAValue,
        writes: bool,
    ) -> "Actor":
        """A block whose variables are bound to other forms, of other loops."""
        values = list(zip(names_of(block), bindings, strict=True))
        subject = f"block '{block.block_name.data}'"
        return Actor(subject, buffer, writes, values, loop_values(loops))


def names_of(block: loop.BlockOp) -> list[str]:
    """The variables of a block as messages and new loops call them: `y` of `%v_y`."""
    hints = (variable.name_hint or f"d{i}" for i, variable in enumerate(block.variables))
    return [hint.removeprefix("v_") for hint in hints]


def loop_values(loops: Sequence[loop.ForOp]) -> list[tuple[str, Affine]]:
    """The loops by name."""
    return [(op.loop_name.data, Affine.variable(op.induction)) for op in loops]


@dataclass(frozen=True, eq=False)
class Touch:
    """What an access does: the element, the forms that are not negative, the symbolic sizes."""

    place: Sequence[Affine]
    conditions: Sequence[Affine]
    sizes: set[Hashable]
    actor: Actor | None = None

    @staticmethod
    def of(access: Access) -> "Touch":
        """What an access in the IR does."""
        place = place_of(access)
        conditions = [*run_conditions(access), *computed_conditions(access, place)]
        actor = Actor.of(access, access.memref, isinstance(access, loop.StoreOp))
        return Touch(place, conditions, sizes_of(access), actor)


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
        first: Touch,
        second: Touch,
        fixed: Sequence[loop.ForOp],
        differ: Sequence[Affine],
    ) -> bool:
        """Whether two instances touch one element; `differ` is over `first` and `marked` forms."""
        return self.witness(first, second, fixed, differ) is not None

    def witness(
        self,
        first: Touch,
        second: Touch,
        fixed: Sequence[loop.ForOp],
        differ: Sequence[Affine],
    ) -> dict[Hashable, int] | None:
        """The variables of two instances that touch one element, None if there are none."""
        return solve(meeting(first, second, fixed, differ))


def kept_of(first: Touch, second: Touch, fixed: Sequence[loop.ForOp]) -> set[Hashable]:
    """The variables that two instances have in common."""
    return {op.induction for op in fixed} | first.sizes | second.sizes


def meeting(
    first: Touch, second: Touch, fixed: Sequence[loop.ForOp], differ: Sequence[Affine]
) -> list[Affine]:
    """The forms that are not negative where two instances run and touch one element."""
    kept = kept_of(first, second, fixed)
    equal = [
        mine - marked(form, kept) for mine, form in zip(first.place, second.place, strict=True)
    ]
    return [
        *first.conditions,
        *(marked(form, kept) for form in second.conditions),
        *equal,
        *(form * -1 for form in equal),
        *(Affine.variable(v) for v in first.sizes | second.sizes),
        *differ,
    ]


def marked(form: Affine, kept: set[Hashable], name: str = "other") -> Affine:
    """The form of a second instance: all variables but those that are `kept` are others."""

    def other(variable: Hashable) -> Affine | None:
        return None if variable in kept else Affine.variable((name, variable))

    return form.rewrite(other, {})


@dataclass(frozen=True, eq=False)
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
        return Actor.of(self.op, self.buffer, self.writes).subject

    @property
    def statement(self) -> Operation:
        """The block that it is in, or the copy that it is."""
        return self.op if isinstance(self.op, loop.CopyOp) else block_of(self.op)


def in_memory(use: Use) -> Use:
    """A use of a tile that lies in a part of another buffer, as one of that buffer."""
    tile = use.buffer.owner
    if not isinstance(tile, loop.AllocOp) or tile.memory is None:
        return use
    ranges = ranges_of(loops_around(tile))
    (part,), origin = forms_of(tile, "part", ranges), forms_of(tile, "origin", ranges)
    local = [place - start for place, start in zip(use.touch.place, origin, strict=True)]
    actor = use.touch.actor
    actor = None if actor is None else replace(actor, buffer=tile.memory)
    touch = replace(use.touch, place=[part, *local], actor=actor)
    return replace(use, buffer=tile.memory, touch=touch)


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
        actor = Actor.of(op, region.buffer, region.writes)
        touch = Touch(place, [*conditions, *limits], sizes, actor)
        found.append(Use(op, region.buffer, touch, region.reads, region.writes))
    return found


def uses_in(op: loop.ForOp) -> list[Use]:
    """How a loop's body touches the buffers that outlive its iterations."""
    local = {o.result for o in op.walk() if isinstance(o, loop.AllocOp)}
    return [use for o in op.walk() for use in uses_of(o) if use.buffer not in local]
