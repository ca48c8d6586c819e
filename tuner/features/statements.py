"""A function of loops as a set of statements: loops around accesses, in numbers.

A statement is a block, a call of a tensor instruction in one, or a copy. What is known of it are
the trips and kinds of the loops around it and, for each buffer that it touches, the physical place
as an affine form of these loops. Names, and the order of statements that stand side by side, are
not looked at.

Numbers are estimates: an extent that only a run knows counts as 64, a loop whose bounds depend on
outer ones has its mean trips, and guards let everything through.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

from xdsl.dialects import arith, func
from xdsl.dialects.builtin import FixedBitwidthType, MemRefType, ShapedType, TensorType
from xdsl.ir import Block, Operation, OpResult, SSAValue

from analysis.affine import Affine, Interval, from_expression
from dialects import loop, te
from dialects.layout import layout_map, logical_shape, physical_shape, scope_of
from passes.loop.forms import Ranges, coordinates, forms_of, variables_of
from passes.loop.primitive import loops_around
from passes.loop.regions import Region, declaration_of, origin_of, regions_of_call, regions_of_copy

UNKNOWN = 64
"""What an extent counts as that is only known when the kernel runs."""

SPECIAL = ("math.", "arith.div", "arith.rem")
"""Beginnings of the names of operations that take many times as long as an addition."""

CACHED = ("global", "local", "shared")
"""The scopes that lie in memory with caches."""

FREE = (arith.ConstantOp, arith.IndexCastOp)


@dataclass(frozen=True)
class Level:
    """A loop around a statement."""

    variable: Hashable
    kind: str
    trips: float


@dataclass(frozen=True)
class Touch:
    """What a statement touches of one buffer: the physical place, last coordinate fastest.

    `own` are the ranges of variables that run within one execution of the statement: the elements
    of a tile. `vary` are the variables that move the place, those inside of quotients too.
    """

    buffer: SSAValue
    scope: str
    bytes: float
    places: Sequence[Affine]
    extents: Sequence[int]
    own: Mapping[Hashable, Interval]
    reads: bool
    writes: bool
    counted: dict[tuple[tuple[Hashable, float], ...], tuple[float, float]] = field(
        default_factory=dict[tuple[tuple[Hashable, float], ...], tuple[float, float]],
        compare=False,
        repr=False,
    )

    @cached_property
    def vary(self) -> frozenset[Hashable]:
        return frozenset(v for place in self.places for v in place.variables())

    def elements(self, inner: Sequence[Level]) -> tuple[float, float]:
        """How many elements are touched while the loops `inner` run, and how many of these lie in
        one run, side by side."""
        key = tuple((v.variable, v.trips) for v in inner if v.variable in self.vary)
        if key not in self.counted:
            self.counted[key] = self._elements(key)
        return self.counted[key]

    def _elements(self, inner: Sequence[tuple[Hashable, float]]) -> tuple[float, float]:
        ranges: dict[Hashable, Interval] = dict(self.own)
        ranges |= {variable: (0, max(0, round(trips) - 1)) for variable, trips in inner}
        total, run, side_by_side = 1.0, 1.0, True
        for place, extent in zip(reversed(self.places), reversed(self.extents), strict=True):
            width = spread(place, extent, ranges)
            total *= width
            if side_by_side:
                run *= width
                side_by_side = width == extent
        return total, run

    def stride(self, level: Level) -> float:
        """The bytes from the place of one iteration of a loop to the next one's."""
        moved = 0.0
        for place, extent in zip(self.places, self.extents, strict=True):
            here = dict.fromkeys(place.variables(), 0)
            there = here | ({level.variable: 1} if level.variable in here else {})
            moved = moved * extent + place.evaluate(there) - place.evaluate(here)
        return abs(moved) * self.bytes


def spread(place: Affine, extent: int, ranges: Mapping[Hashable, Interval]) -> int:
    """How many values a coordinate takes while variables run over ranges and all others stand."""
    still: dict[Hashable, Interval] = {v: (0, 0) for v in place.variables() if v not in ranges}
    still |= {v: (None, None) for v in still if is_computed(v)}
    low, high = place.interval({**ranges, **still})
    if low is None or high is None:
        return extent
    points = 1
    for variable in place.variables():
        first, last = ranges.get(variable, (0, 0))
        points *= 1 if first is None or last is None else last - first + 1
    return max(1, min(extent, high - low + 1, points))


def is_computed(variable: Hashable) -> bool:
    """Whether a variable is an index that a body computes, so that it may be anything."""
    return isinstance(variable, OpResult) and not isinstance(variable.op, loop.DimOp)


@dataclass(frozen=True)
class Statement:
    """A statement with the loops around it, outermost first.

    `operations` are done in each execution, `special` ones apart from the plain ones; `guarded` is
    how many executions there are for each that does something.
    """

    levels: tuple[Level, ...]
    touches: tuple[Touch, ...]
    operations: float
    special: float
    moves: bool
    calls: bool
    guarded: float

    @cached_property
    def executions(self) -> float:
        """How often it is executed."""
        return prod(level.trips for level in self.levels)

    def trips(self, *kinds: str) -> float:
        """The product of the trips of the loops of these kinds."""
        return prod(level.trips for level in self.levels if level.kind in kinds)

    @cached_property
    def lanes(self) -> float:
        """How many executions are one of vectors."""
        return self.trips("vectorized")

    @property
    def in_memory(self) -> Iterator[Touch]:
        """What it touches in memory that has caches."""
        return (touch for touch in self.touches if touch.scope in CACHED)


def statements_of(function: func.FuncOp) -> list[Statement]:
    """The statements of a function of loops."""
    found: list[Statement] = []
    for op in function.walk():
        if isinstance(op, loop.BlockOp):
            found.append(statement_of_block(op))
        elif isinstance(op, loop.CopyOp):
            found.append(statement_of_copy(op))
    return found


def ranges_around(op: Operation) -> tuple[tuple[Level, ...], Ranges]:
    """The loops around an operation, outermost first, and the ranges of their variables; sizes
    that only a run knows have the range of one number."""
    ranges: Ranges = {}
    levels: list[Level] = []
    for around in loops_around(op):
        for bound in around.bounds:
            if isinstance(bound.owner, loop.DimOp):
                ranges[bound] = (UNKNOWN, UNKNOWN)
        lower, upper = forms_of(around, "lower", ranges)[0], forms_of(around, "upper", ranges)[0]
        low, high = (upper - lower).interval(ranges)
        fewest, most = (UNKNOWN if end is None else max(0, end) for end in (low, high))
        trips = (fewest + most) / 2
        levels.append(Level(around.induction, around.kind.data, trips))
        ranges[around.induction] = (0, max(0, round(trips) - 1))
    return tuple(levels), ranges


def statement_of_block(block: loop.BlockOp) -> Statement:
    """A block, or the call in it; its init, which runs far less often, is left aside."""
    levels, ranges = ranges_around(block)
    for value in block.outer:
        if isinstance(value.owner, loop.DimOp):
            ranges[value] = (UNKNOWN, UNKNOWN)
    variables = variables_of(block)
    touches: dict[tuple[Hashable, ...], Touch] = {}
    plain = special = 0.0
    calls = False
    for op in block.body.block.ops:
        if isinstance(op, loop.LoadOp | loop.StoreOp):
            places = [form.substitute(variables, ranges) for form in coordinates(op)]
            reads = isinstance(op, loop.LoadOp)
            add(touches, touch_of(op.memref, places, {}, ranges, reads, not reads))
        elif isinstance(op, loop.IntrinsicOp):
            calls = True
            for region in regions_of_call(op):
                add(touches, touch_of_region(region, variables, ranges))
            more, slow = work_of_call(op)
            plain, special = plain + more, special + slow
        elif op.name.startswith(SPECIAL):
            special += 1
        elif op.name.startswith("arith.") and not isinstance(op, FREE):
            plain += 1
    guarded = 1.0
    for domain, binding in zip(
        forms_of(block, "domains", ranges), forms_of(block, "bindings", ranges), strict=True
    ):
        size, (low, high) = domain.interval(ranges)[1], binding.interval(ranges)
        if size is not None and low is not None and high is not None and size > 0:
            guarded *= max(1.0, (high + 1) / size) if high >= size else 1.0
    return Statement(levels, tuple(touches.values()), plain, special, False, calls, guarded)


def add(touches: dict[tuple[Hashable, ...], Touch], new: Touch) -> None:
    """Note a touch; a place that is read and written is one."""
    key = (new.buffer, *new.places)
    old = touches.get(key)
    if old is None:
        touches[key] = new
        return
    reads, writes = old.reads or new.reads, old.writes or new.writes
    touches[key] = replace(old, reads=reads, writes=writes)


def work_of_call(op: loop.IntrinsicOp) -> tuple[float, float]:
    """The plain and the special operations of one call."""
    plain = special = 0.0
    for inner in declaration_of(op).walk():
        if isinstance(inner, te.ComputeOp):
            points = prod(e if isinstance(e, int) else UNKNOWN for e in inner.extent_names())
            names = [o.name for o in operations_of(inner)]
            slow = sum(name.startswith(SPECIAL) for name in names)
            special += points * slow
            plain += points * (len(names) - slow)
    return plain, special


def operations_of(compute: te.ComputeOp) -> Iterator[Operation]:
    """What a tensor expression does at a point; the addition of a sum is one of it."""
    for op in compute.walk():
        if op.name.startswith(("arith.", "math.")) and not isinstance(op, FREE):
            yield op


def statement_of_copy(op: loop.CopyOp) -> Statement:
    """A copy between a tile and the whole."""
    levels, ranges = ranges_around(op)
    boxes = [logical_shape(value.type) for value in (op.source, op.target)]
    sizes = [min(known(a), known(b)) for a, b in zip(*boxes, strict=True)]
    moving: dict[Hashable, Affine] = {}
    tile = op.target if isinstance(op.target.owner, loop.AllocOp) else op.source
    own: dict[Hashable, Interval] = {}
    for dimension, (start, size) in enumerate(zip(origin_of(tile), sizes, strict=True)):
        element = (op, dimension, "element")
        own[element] = (0, size - 1)
        moving[(op, dimension)] = start + Affine.variable(element)
    touches = tuple(
        touch_of(
            region.buffer,
            [form.substitute(moving, ranges) for form in region.place],
            own,
            ranges,
            region.reads,
            region.writes,
        )
        for region in regions_of_copy(op)
    )
    return Statement(levels, touches, 0.0, 0.0, True, False, 1.0)


def known(extent: int | str) -> int:
    """An extent, or what stands for one that is not known."""
    return extent if isinstance(extent, int) and extent >= 0 else UNKNOWN


def touch_of_region(region: Region, variables: Mapping[Hashable, Affine], ranges: Ranges) -> Touch:
    """What a call touches of an operand; its elements are bounded by the operand's extents."""
    own: dict[Hashable, Interval] = {}
    for form in region.conditions:
        for variable in form.variables():
            low, high = own.get(variable, (0, 0))
            assert low is not None and high is not None
            own[variable] = (low, max(high, form.const))
    places = [form.substitute(variables, ranges) for form in region.place]
    return touch_of(region.buffer, places, own, ranges, region.reads, region.writes)


def touch_of(
    buffer: SSAValue,
    places: Sequence[Affine],
    own: Mapping[Hashable, Interval],
    ranges: Ranges,
    reads: bool,
    writes: bool,
) -> Touch:
    """The touch of a buffer at logical coordinates, as forms of loops and of `own` variables."""
    type = buffer.type
    assert isinstance(type, MemRefType)
    inside = {**ranges, **own}
    local = [place - start for place, start in zip(places, origin_of(buffer), strict=True)]
    physical = [from_expression(e, local, inside) for e in layout_map(type).results]
    extents = [known(extent) for extent in physical_shape(type)]
    scope = scope_of(type)
    return Touch(buffer, scope, bytes_of(type), physical, extents, dict(own), reads, writes)


def bytes_of(type: ShapedType) -> float:
    """The bytes of an element."""
    assert isinstance(type, MemRefType | TensorType)
    element = type.element_type
    return element.bitwidth / 8 if isinstance(element, FixedBitwidthType) else 8


def executions_of(op: Operation, *kinds: str) -> float:
    """How often an operation among loops is executed; of loops of some kinds alone, if any."""
    return prod(v.trips for v in ranges_around(op)[0] if not kinds or v.kind in kinds)


def bytes_alive(block: Block) -> dict[str, float]:
    """The bytes of the buffers that a block and what is below allocate, by scope: of loops side by
    side those of the one with the most. Each virtual thread around has its own."""
    found: dict[str, float] = {}
    below: dict[str, float] = {}
    for op in block.ops:
        if isinstance(op, loop.AllocOp):
            type = op.result.type
            assert isinstance(type, MemRefType)
            size = bytes_of(type) * prod(known(extent) for extent in physical_shape(type))
            scope = scope_of(type)
            found[scope] = found.get(scope, 0) + size * executions_of(op, "vthread")
        elif isinstance(op, loop.ForOp):
            for scope, size in bytes_alive(op.body.block).items():
                below[scope] = max(below.get(scope, 0), size)
    return {s: found.get(s, 0) + below.get(s, 0) for s in (*found, *below)}
