"""Which loops around a block are the axes of a tensor instruction.

A choice lets a loop of the right extent stand for each axis. It fits if each access of the block
is, with these loops, what the instruction declares of the operand: it depends on the same axes,
and its elements lie in memory in the same order. Both are derived from the accesses, so that the
order of the loops does not matter. A choice that does not fit has a reason; the best one of all
that were tried is what a user reads.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from analysis.affine import Affine, Interval, Quotient, from_expression
from analysis.integer_sets import Names
from dialects import loop
from dialects.layout import layout_map, physical_shape
from passes.loop.forms import coordinates, forms_of, ranges_of
from passes.loop.instances import bounds_of
from passes.loop.primitive import loops_around
from passes.loop.tensor_match import Axis, Part, Pattern

Access = loop.LoadOp | loop.StoreOp


@dataclass(frozen=True)
class Choice:
    """The loop that stands for each axis (None for one of a single element)."""

    loops: Mapping[Axis, loop.ForOp | None]

    @property
    def used(self) -> list[loop.ForOp]:
        return [op for op in self.loops.values() if op is not None]


@dataclass(frozen=True)
class Mismatch:
    """Why a choice does not fit; of several reasons the one with the largest `rank` is told."""

    rank: int
    reason: str
    choice: Choice | None = None

    @property
    def details(self) -> list[str]:
        """Which loops the reason takes for the axes."""
        if self.choice is None or not self.choice.used:
            return []
        pairs = [(axis, op) for axis, op in self.choice.loops.items() if op is not None]
        return [f"with {', '.join(f'{axis.name} = {op.loop_name.data}' for axis, op in pairs)}"]


@dataclass(frozen=True)
class Operand:
    """An access of the block as an operand of the instruction.

    `place` has its coordinates, over the block's variables, which count whole instructions, and
    the axes.
    """

    element: tuple[Axis, ...]
    access: Access
    place: tuple[Affine, ...]
    dense: bool
    """Whether its elements are neighbours in memory."""
    plain: bool
    """Whether its axes move the coordinates in their order, those of one element too."""


@dataclass(frozen=True)
class Moved:
    """How loops of a choice move a variable of the block: by these axes, outermost first.

    The variable of the call then counts whole instructions. Where they do not begin at multiples of
    their extent, it stays what it is, the first element (`counts` is not set).
    """

    axes: tuple[Axis, ...]
    counts: bool

    @property
    def extent(self) -> int:
        """The elements along the variable that one instruction has."""
        return math.prod(axis.extent for axis in self.axes)

    def element(self, variable: Affine) -> Affine:
        """The variable's value for an element of an instruction, from that of the call."""
        form = Affine({})
        for axis in self.axes:
            form = form * axis.extent + Affine.variable(axis)
        return variable * (self.extent if self.counts else 1) + form


@dataclass(frozen=True)
class Fit:
    """A choice with which a block is the instruction: its parts and the operands of each."""

    choice: Choice
    parts: tuple[Part, ...]
    moved: Mapping[Hashable, Moved]
    """The block's variables that the loops of the choice move."""
    operands: tuple[tuple[Operand, ...], ...]

    @property
    def dense(self) -> int:
        """How many operands have their elements as neighbours."""
        return sum(operand.dense for part in self.operands for operand in part)

    @property
    def plain(self) -> int:
        """How many operands have their axes in the order of the coordinates."""
        return sum(operand.plain for part in self.operands for operand in part)


def choices(axes: Sequence[Axis], around: Sequence[loop.ForOp]) -> Iterator[Choice]:
    """All ways to let loops of the right extents stand for axes, innermost loops first."""
    if not axes:
        yield Choice({})
        return
    axis, *others = axes
    loops: list[loop.ForOp | None] = [
        op for op in reversed(around) if op.constant_bounds == (0, axis.extent)
    ]
    if axis.extent == 1:
        loops.append(None)
    for op in loops:
        for rest in choices(others, [o for o in around if o is not op]):
            yield Choice({axis: op, **rest.loops})


@dataclass(frozen=True)
class Fitting:
    """Compares a block with an instruction."""

    block: loop.BlockOp
    pattern: Pattern

    def try_choice(self, choice: Choice, parts: tuple[Part, ...]) -> Fit | Mismatch:
        """The block as the instruction with these loops, or why it is not."""
        moved = self.variables(choice)
        if isinstance(moved, Mismatch):
            return moved
        found: list[tuple[Operand, ...]] = []
        right = 0
        for part in parts:
            operands: list[Operand] = []
            for name, element, access in self.accesses(part):
                operand = self.operand(name, element, access, moved)
                if isinstance(operand, Mismatch):
                    return Mismatch(operand.rank + right * 10, operand.reason, choice)
                operands.append(operand)
                right += 1
            found.append(tuple(operands))
        return Fit(choice, parts, moved, tuple(found))

    def variables(self, choice: Choice) -> dict[Hashable, Moved] | Mismatch:
        """The block's variables that the loops of a choice move, with their axes outermost first.

        The axes of a variable are the digits of its elements: with axes of 16 and 4 it is
        `4 * first + second`, plus what other loops say.
        """
        axis_of: dict[Hashable, Axis] = {
            op.induction: axis for axis, op in choice.loops.items() if op is not None
        }
        moved: dict[Hashable, Moved] = {}
        bindings = forms_of(self.block, "bindings")
        domains = dict(zip(self.block.variables, forms_of(self.block, "domains"), strict=True))
        for variable, binding, reduce in zip(
            self.block.variables, bindings, self.block.is_reduce, strict=True
        ):
            used = sorted((v for v in binding.variables() if v in axis_of), key=binding.coefficient)
            step, rest = 1, binding
            for loop_variable in used:
                axis = axis_of[loop_variable]
                rest = rest - Affine.variable(loop_variable) * step
                step *= axis.extent
                if axis.reduce != reduce:
                    kinds = "reduced", "not reduced"
                    mine, theirs = kinds if reduce else kinds[::-1]
                    return Mismatch(
                        1,
                        f"'{shown(variable)}' is {mine}, axis {axis.name} of {self.pattern.name} "
                        f"is {theirs}",
                    )
            if rest.variables() & set(axis_of):
                return Mismatch(0, f"'{shown(variable)}' is not a loop plus what other loops say")
            if used:
                begins = not reduce and self.stays_whole(rest, domains[variable], step)
                moved[variable] = Moved(tuple(axis_of[v] for v in reversed(used)), not begins)
        found = [axis for move in moved.values() for axis in move.axes]
        if set(found) != set(axis_of.values()) or len(found) != len(axis_of):
            return Mismatch(0, "a loop moves no variable of the block, or several")
        return moved

    def stays_whole(self, begin: Affine, domain: Affine, extent: int) -> bool:
        """Whether instructions that do not begin at multiples of their extent are in the domain of
        a variable, or outside of it, as a whole."""
        if not (has_rest(begin, extent) or has_rest(domain, extent)):
            return False
        around = loops_around(self.block)
        room = (domain - extent).interval(ranges_of(around))[0]
        conditions = [*bounds_of(around), *forms_of(self.block, "where")]
        last = begin + (extent - 1)
        across_the_end = [domain - begin - 1, last - domain]
        across_the_beginning = [begin * -1 - 1, last]
        hidden = {v for form in (*conditions, begin, domain) for v in form.variables()}
        return (room is not None and room >= 0) and all(
            Names().points([], [*conditions, *partly], hidden).is_empty()
            for partly in (across_the_end, across_the_beginning)
        )

    def accesses(self, part: Part) -> Iterator[tuple[str, tuple[Axis, ...], Access]]:
        """For each operand of a form its name, the axes that index it, and the block's access."""
        name = self.pattern.compute.compute_name.data
        yield name, tuple(self.pattern.spatial), part.store
        for tensor in self.pattern.tensors if part.form != "reset" else ():
            yield str(tensor.name_hint), self.pattern.element(tensor), part.reads[tensor]

    def operand(
        self,
        name: str,
        element: tuple[Axis, ...],
        access: Access,
        moved: Mapping[Hashable, Moved],
    ) -> Operand | Mismatch:
        """An access as an operand of the instruction, or why it is none."""
        buffer = f"%{access.memref.name_hint}"
        spelled = f"{name}[{', '.join(axis.name for axis in element)}]"
        if isinstance(access, loop.LoadOp) and access.otherwise is not None:
            return Mismatch(
                2,
                f"the read of {buffer} has a guard; promote-memory-scope moves what lies outside "
                f"of {buffer} into a tile as its pad, and drops the guard",
            )
        ranges = ranges_of_axes(moved)
        place = self.place(access, moved)
        used = {v for form in place for v in form.variables() if isinstance(v, Axis)}
        used = {axis for axis in used if axis.extent > 1}
        wanted = {axis for axis in element if axis.extent > 1}
        for axis in sorted(used - wanted, key=lambda a: a.number):
            return Mismatch(
                2, f"{buffer} depends on axis {axis.name}, which {spelled} does not have"
            )
        for axis in sorted(wanted - used, key=lambda a: a.number):
            return Mismatch(
                2,
                f"{buffer} is the same for all elements along axis {axis.name} of {spelled}, and "
                "an operand lies in memory as a whole",
            )
        physical = place_in_memory(access.memref, place, ranges)
        order = [axis for axis in element if axis.extent > 1]
        if not apart(place, order) or not in_order(physical, order):
            return self.out_of_order(buffer, spelled, physical, order)
        dense = is_dense(access.memref, physical, order)
        return Operand(element, access, place, dense, in_order(place, element))

    def out_of_order(
        self, buffer: str, spelled: str, physical: Sequence[Affine], order: Sequence[Axis]
    ) -> Mismatch:
        """That the elements of an operand lie in memory in another order."""
        last = sorted(order, key=lambda axis: (*significance(physical, axis), axis.number))
        found = ", ".join(axis.name for axis in last)
        return Mismatch(
            3,
            f"the elements of {buffer} lie in memory in another order than {self.pattern.name} "
            f"takes them: {spelled} has {order[-1].name} innermost, {buffer} lies as [{found}]; "
            f"transform-layout of {buffer} puts them so, or an intrinsic that reads [{found}]",
        )

    def place(self, access: Access, moved: Mapping[Hashable, Moved]) -> tuple[Affine, ...]:
        """The coordinates of an access; the variables that are moved count instructions."""
        region = access.parent_block()
        assert region is not None
        ranges = ranges_of_axes(moved)
        values: dict[Hashable, Affine] = {}
        for argument, variable in zip(region.args, self.block.variables, strict=True):
            form = Affine.variable(variable)
            values[argument] = moved[variable].element(form) if variable in moved else form
        return tuple(form.substitute(values, ranges) for form in coordinates(access))


def ranges_of_axes(moved: Mapping[Hashable, Moved]) -> dict[Hashable, Interval]:
    """What the axes that variables stand for run over."""
    return {axis: (0, axis.extent - 1) for move in moved.values() for axis in move.axes}


def has_rest(form: Affine, extent: int) -> bool:
    """Whether a form takes other values than multiples of an extent."""
    return any(number % extent for number in (form.const, *form.terms.values()))


def shown(variable: SSAValue) -> str:
    """The name of a block's variable, as messages have it."""
    return (variable.name_hint or "?").removeprefix("v_")


def place_in_memory(
    buffer: SSAValue, place: Sequence[Affine], ranges: Mapping[Hashable, Interval]
) -> list[Affine]:
    """Physical coordinates."""
    results = layout_map(buffer.type).results  # pyright: ignore[reportArgumentType]
    return [from_expression(result, place, ranges) for result in results]


def significance(physical: Sequence[Affine], axis: Axis) -> tuple[int, int]:
    """The innermost physical dimension that an axis moves, and how far, larger steps first."""
    moved = [i for i, form in enumerate(physical) if axis in form.variables()]
    return (moved[-1], -physical[moved[-1]].coefficient(axis)) if moved else (-1, 0)


def in_order(physical: Sequence[Affine], order: Sequence[Axis]) -> bool:
    """Whether elements follow each other in memory in the order of the axes."""
    last = [significance(physical, axis) for axis in order]
    return last == sorted(last) and len(set(last)) == len(last)


def apart(place: Sequence[Affine], order: Sequence[Axis]) -> bool:
    """Whether different elements of an operand are different elements of the buffer.

    They are if each axis is a digit of some coordinate.
    """
    found: set[Axis] = set()
    for form in place:
        axes = [axis for axis in order if axis in form.variables()]
        if (
            any(isinstance(atom, Quotient) for atom in form.terms)
            or min((form.coefficient(axis) for axis in axes), default=0) <= 0
        ):
            continue
        reached = 0
        for axis in sorted(axes, key=form.coefficient):
            if form.coefficient(axis) <= reached:
                break
            reached += form.coefficient(axis) * (axis.extent - 1)
        else:
            found |= set(axes)
    return found >= set(order)


def is_dense(buffer: SSAValue, physical: Sequence[Affine], order: Sequence[Axis]) -> bool:
    """Whether the elements of an operand are neighbours in memory, in the order of its axes."""
    address = Affine({})
    for form, extent in zip(physical, physical_shape(buffer.type), strict=True):
        if isinstance(extent, int):
            address = address * extent + form
            continue
        if address.variables() & set(order):
            return False
        address = form
    steps = [math.prod(a.extent for a in order[i + 1 :]) for i in range(len(order))]
    return all(address.coefficient(a) == step for a, step in zip(order, steps, strict=True))
