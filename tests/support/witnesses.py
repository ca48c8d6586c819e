"""Checks witnesses by running all instances of a function, before a primitive and after it.

A refusal for a dependence names two instances and an element. Here the instances are enumerated one
by one. The two must be there and touch that element, one of them writing it, the first one before
the second one. Then the primitive is done regardless, and what was foretold must come true.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from unittest.mock import patch

from brute_force import instance_of
from native import context
from random_schedules import function_of
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)
from xdsl.passes import ModulePass

from analysis.errors import UserError
from dialects import loop
from dialects.layout import logical_shape
from passes.loop.primitive import Scope, memory_of
from passes.loop.regions import declaration_of
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.split_loop import SplitLoopPass
from passes.loop.tile_loops import TileLoopsPass
from passes.loop.witnesses import CONCURRENT

TOUCH = (
    r"(written|read) by (block '\w+'|the copy of %\w+ to %\w+|the caller of @\w+)"
    r"(?: \((?!for )(.*?)\))?"
)
LINE = re.compile(
    rf"^%(\w+)\[(.*?)\] (is|may be|would be) {TOUCH}(?:, which does not run now,)? and then {TOUCH}"
    r"(?:, which would (.*?))?(?: \(for (.*)\))?$"
)
CHECKS = (
    "passes.loop.compute_in_place.runs_after",
    "passes.loop.permutations.keeps_by_signature",
    "passes.loop.reorder_loops.turned_around",
    "passes.loop.reorder_loops.made_concurrent",
    "passes.loop.vectorize_loop.carried",
    "passes.loop.compute_at.turned_around",
    "passes.loop.compute_at.race_in",
    "passes.loop.compute_at.Placement.check_points",
    "passes.loop.compute_at.Placement.check_reads",
    "passes.loop.reverse_compute_at.turned_around",
    "passes.loop.reverse_compute_at.race_in",
    "passes.loop.decompose_reduction.DecomposeReductionPass.check_order",
    "passes.loop.double_buffer.Pipelining.check_early",
    "passes.loop.double_buffer.Pipelining.check_overtaking",
    "passes.loop.inline_compute.written_between",
    "passes.loop.inline_compute.race_in",
    "passes.loop.promote_memory_scope.refuse_other_names",
    "passes.loop.promote_memory_scope.refuse_races",
)
"""What finds dependences: with nothing found, primitives do what they are asked."""

MOST_EVENTS = 60_000


@dataclass(frozen=True)
class Event:
    """One access of one instance: who, which element of which memory, in which iterations."""

    subject: str
    values: Mapping[str, int]
    loops: tuple[tuple[str, int], ...]
    buffer: str
    memory: int
    element: tuple[int, ...] | None
    writes: bool
    init: bool = False


class TooLongError(Exception):
    """There are more events than there is time for."""


@cache
def compiled(map: AffineMap) -> list[tuple[tuple[int, ...], Callable[[list], int]]]:
    """For each result the dimensions that it uses, and a function of the values of all."""
    return [(tuple(e.used_dims()), eval(f"lambda known: {python_of(e)}")) for e in map.results]


def python_of(expr: AffineExpr) -> str:
    """An affine expression as Python computes it."""
    if isinstance(expr, AffineDimExpr):
        return f"known[{expr.position}]"
    if isinstance(expr, AffineConstantExpr):
        return f"({expr.value})"
    assert isinstance(expr, AffineBinaryOpExpr)
    signs = {"Add": "+", "Mul": "*", "Mod": "%", "FloorDiv": "//"}
    return f"({python_of(expr.lhs)} {signs[expr.kind.name]} {python_of(expr.rhs)})"


Wanted = Callable[[Operation, SSAValue], bool]
"""Whether events are asked for: of an operation, in some memory."""


def touched_by(op: Operation) -> list[SSAValue]:
    """The memory that a load, store or copy touches."""
    match op:
        case loop.LoadOp() | loop.StoreOp():
            buffers = [op.memref]
        case loop.CopyOp():
            buffers = [op.source, op.target]
        case loop.IntrinsicOp():
            buffers = list(op.tiles)
        case _:
            buffers = []
    return [memory_of(buffer) or buffer for buffer in buffers]


class Trace:
    """Events of a function, in program order; the index of a gather is not known (None)."""

    def __init__(
        self, module: ModuleOp, dims: Mapping[str, int], wanted: Wanted = lambda *_: True
    ) -> None:
        self.busy: set[Operation] = set()
        for op in module.walk():
            if any(wanted(op, buffer) for buffer in touched_by(op)):
                while op is not None and op not in self.busy:
                    self.busy.add(op)
                    op = op.parent_op()
        self.values = {}
        self.memory = {}
        self.origins = {}
        self.parts = {}
        self.loops: list[tuple[str, int]] = []
        self.dims = dims
        self.events: list[Event] = []
        self.allocations = 0
        function = function_of(module)
        for i, argument in enumerate(function.body.block.args):
            self.memory[argument] = -1 - i
        self.block(function.body.block)
        self.caller = f"the caller of @{function.sym_name.data}"

    def with_results(self) -> list[Event]:
        """The events, and that the caller reads what was written to arguments."""
        cells = {(e.buffer, e.memory, e.element) for e in self.events if e.writes}
        results = sorted((c for c in cells if c[1] < 0), key=str)
        return [*self.events, *(Event(self.caller, {}, (), *cell, False) for cell in results)]

    def map(self, map, operands):
        known = [self.values.get(o) for o in operands]
        return [
            None if any(known[d] is None for d in dims) else value(known)
            for dims, value in compiled(map.data)
        ]

    def block(self, block) -> None:
        for op in block.ops:
            match op:
                case loop.ForOp() | loop.BlockOp() | loop.CopyOp() if op not in self.busy:
                    pass
                case loop.ForOp():
                    (low,), (high,) = self.map(op.lower, op.bounds), self.map(op.upper, op.bounds)
                    for i in range(low, high):
                        self.values[op.induction] = i
                        self.loops.append((op.loop_name.data, i))
                        self.block(op.body.block)
                        self.loops.pop()
                case loop.BlockOp():
                    self.instance(op)
                case loop.AllocOp() if op.memory is not None:
                    (part,), origin = self.map(op.part, op.outer), self.map(op.origin, op.outer)
                    self.parts[op.result] = op.memory, part, origin
                    self.origins[op.result] = origin
                case loop.AllocOp():
                    self.allocations += 1
                    self.memory[op.result] = self.allocations
                    self.origins[op.result] = self.map(op.origin, op.outer)
                case loop.DimOp():
                    self.values[op.result] = self.dims[op.symbol.data]
                case loop.CopyOp():
                    self.copy(op)
                case _:
                    pass

    def instance(self, op: loop.BlockOp) -> None:
        variables, regions = instance_of(self.map, op)
        hints = [v.name_hint or f"d{i}" for i, v in enumerate(op.variables)]
        names = [hint.removeprefix("v_") for hint in hints]
        subject = f"block '{op.block_name.data}'"
        for region in regions:
            self.values.update(zip(region.block.args, variables, strict=True))
            for inner in region.block.ops:
                if inner in self.busy:
                    values = dict(zip(names, variables, strict=True))
                    show = self.call if isinstance(inner, loop.IntrinsicOp) else self.access
                    show(inner, subject, values, region is op.init)

    def access(self, op, subject: str, values: Mapping[str, int], init: bool) -> None:
        if isinstance(op, loop.LoadOp) and any(
            c is not None and c < 0 for c in self.map(op.where, op.indices)
        ):
            return
        place = self.map(op.map, op.indices)
        element = None if None in place else tuple(place)
        self.add(op.memref, subject, values, element, isinstance(op, loop.StoreOp), init)

    def call(self, op, subject: str, values: Mapping[str, int], init: bool) -> None:
        """A call touches a box of each operand, and reads the result first where it updates it."""
        behaviour = declaration_of(op).behaviour.block
        operands = [*behaviour.last_op.operands, *behaviour.args]
        indices = [self.values.get(index) for index in op.indices]
        for number, (tile, operand) in enumerate(zip(op.tiles, operands, strict=False)):
            writes, place = number < op.writes.data, op.places[number]
            origin = self.origins.get(tile, [0] * len(operand.type.get_shape()))
            for index in points([range(extent) for extent in operand.type.get_shape()]):
                if place is None:
                    element = tuple(o + i for o, i in zip(origin, index, strict=True))
                else:
                    element = tuple(place.eval(indices, list(index)))
                if not writes or op.form.data == "update":
                    self.add(tile, subject, values, element, False, init)
                if writes:
                    self.add(tile, subject, values, element, True, init)

    def copy(self, op: loop.CopyOp) -> None:
        names = op.source.name_hint, op.target.name_hint
        subject = f"the copy of %{names[0]} to %{names[1]}"
        boxes = []
        for buffer in (op.source, op.target):
            shape = [self.dims.get(s, s) for s in logical_shape(buffer.type)]
            origin = self.origins.get(buffer, [0] * len(shape))
            boxes.append([range(o, o + s) for o, s in zip(origin, shape, strict=True)])
        both = [
            range(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(*boxes, strict=True)
        ]
        for element in points(both):
            self.add(op.source, subject, dict(self.loops), element, False)
        for element in points(both if op.pad is None else boxes[1]):
            self.add(op.target, subject, dict(self.loops), element, True)

    def add(self, buffer, subject, values, element, writes, init=False) -> None:
        if len(self.events) > MOST_EVENTS:
            raise TooLongError
        if buffer in self.parts:
            buffer, part, origin = self.parts[buffer]
            if element is not None:
                element = (part, *(e - o for e, o in zip(element, origin, strict=True)))
        name, memory = buffer.name_hint, self.memory[buffer]
        self.events.append(
            Event(subject, values, tuple(self.loops), name, memory, element, writes, init)
        )


def points(box: list[range]) -> Iterator[tuple[int, ...]]:
    """The points of a box."""
    if not box:
        yield ()
        return
    for first in box[0]:
        for rest in points(box[1:]):
            yield (first, *rest)


@dataclass(frozen=True)
class Named:
    """One of the two instances that a line names."""

    buffer: str
    element: tuple[int, ...]
    guess: bool
    writes: bool
    subject: str
    values: Mapping[str, int]
    loops: Mapping[str, int]

    def is_in(self, event: Event) -> bool:
        """Whether an event is one of this instance."""
        here = event.element == self.element or (self.guess and event.element is None)
        subjects = self.subject, self.subject[:-1] + "_first'"  # which double-buffer makes
        same = event.subject in subjects and (event.buffer, event.writes) == (
            self.buffer,
            self.writes,
        )
        return (
            here
            and same
            and event.values == self.values
            and all(dict(event.loops).get(name) == value for name, value in self.loops.items())
        )


def numbers(text: str) -> dict[str, int]:
    """The values in `y=3, x=5`."""
    parts = (part.split("=") for part in text.split(", ") if part)
    return {name: int(value) for name, value in parts}


def parse(line: str) -> tuple[Named, Named, str, dict[str, int]]:
    """The two instances that a line names, what the second one would do, and for which sizes."""
    found = LINE.match(line)
    assert found is not None, f"no witness: {line}"
    buffer, place, certainty, *touches, consequence, sizes = found.groups()
    element = tuple(int(c) for c in place.split(", ") if c)
    named: list[Named] = []
    for verb, subject, values in (touches[:3], touches[3:]):
        inside, _, loops = (values or "").partition(" in ")
        shown = numbers(inside), numbers(loops)
        named.append(
            Named(buffer, element, certainty == "may be", verb == "written", subject, *shown)
        )
    shown = "be new" if certainty == "would be" else consequence
    return named[0], named[1], shown, numbers(sizes or "")


@contextmanager
def unchecked() -> Iterator[None]:
    """Primitives that are done although a dependence forbids it."""
    with ExitStack() as stack:
        for target in CHECKS:
            found = False if "keeps" in target else None
            stack.enter_context(patch(target, lambda *_, found=found, **__: found))
        yield


def confirm(
    before: ModuleOp, step: ModulePass, message: str, line: str, dims: Mapping[str, int]
) -> str | None:
    """Why a witness is wrong; None if it is right."""
    if isinstance(step, TileLoopsPass):  # its witnesses name the loops of the tiles
        before, step = as_reorder(before, step)
    first, second, consequence, sizes = parse(line)
    dims = {**dims, **sizes}
    if not first.writes and not second.writes:
        return "neither instance writes"
    after = before.clone()

    def wanted(_op: Operation, memory: SSAValue) -> bool:
        return memory.name_hint == first.buffer

    try:
        old = Trace(before, dims, wanted).with_results()
        with unchecked():
            step.apply(context(), after)
        new = Trace(after, dims, wanted).with_results()
    except TooLongError:
        return None
    except UserError:  # something else is in the way, too; what is there now is checked
        only_then = "at the same time", "find it overwritten", "be new"
        after_all = any(words in consequence for words in only_then)
        apart = after_all or ordered(old, first, second)
        return None if apart else "the first instance does not come before the second one"
    together = "at the same time" in consequence
    if "find it overwritten" in consequence:
        old = new  # in the result's memory, which only then is the operand's
    if consequence == "be new":
        if any(first.is_in(event) for event in old):
            return "the first instance is there already"
        old = new
    if not together and not ordered(old, first, second):
        return "the first instance does not come before the second one"
    named = any(event.buffer == first.buffer for event in new)  # else it has another name there
    if "before it" in consequence and named and not ordered(new, second, first):
        return "the order stays as it is"
    if "nothing there" in consequence and ordered(new, first, second):
        return "the second instance still finds what it needs"
    if "run again" in consequence and runs(new, second) >= runs(old, second):
        return "the second instance runs as often as before"
    if "by a copy" in consequence and not overwritten(new, first, second):
        return "nothing overwrites the second instance"
    names = re.findall(r"loop '(\w+)'", message)
    if together and not any(concurrent(new, first, second, name) for name in names):
        return f"the two are not in different iterations of {names}"
    return None


def as_reorder(before: ModuleOp, step: TileLoopsPass) -> tuple[ModuleOp, ModulePass]:
    """What tile-loops is: loops that are split, and a new order of them."""
    names = step.new_names(Scope(step.name, function_of(before)))
    module, count = before.clone(), len(step.loops)
    for i, (name, size) in enumerate(zip(step.loops, step.sizes, strict=True)):
        SplitLoopPass(name, size, (names[i], names[count + i])).apply(context(), module)
    return module, ReorderLoopsPass(tuple(names))


def ordered(events: list[Event], first: Named, second: Named) -> bool:
    """Whether an instance comes before another one, in one and the same memory."""
    seen: set[int] = set()
    for event in events:
        if second.is_in(event) and event.memory in seen:
            return True
        if first.is_in(event):
            seen.add(event.memory)
    return False


def runs(events: list[Event], named: Named) -> int:
    """How often an instance, whose loops do not matter, touches the element."""
    anywhere = replace(named, loops={})
    return sum(anywhere.is_in(event) for event in events)


def overwritten(events: list[Event], first: Named, second: Named) -> bool:
    """Whether something that is neither of two instances writes the element after the second."""
    after = False
    for event in events:
        same = (event.buffer, event.element) == (second.buffer, second.element)
        if after and same and event.writes and event.subject not in (first.subject, second.subject):
            return True
        after = after or second.is_in(event)
    return False


def concurrent(events: list[Event], first: Named, second: Named, name: str) -> bool:
    """Whether two instances are in different iterations of a loop, in the same ones around it."""

    def iterations(named: Named) -> Iterator[tuple[int, tuple[tuple[str, int], ...], int]]:
        for event in events:
            names = [n for n, _ in event.loops]
            if named.is_in(event) and name in names:
                depth = names.index(name)
                yield event.memory, event.loops[:depth], event.loops[depth][1]

    mine = set(iterations(first))
    return any(
        (memory, outer) == (m, o) and i != j
        for memory, outer, i in set(iterations(second))
        for m, o, j in mine
    )


def race_of(module: ModuleOp, dims: Mapping[str, int]) -> str | None:
    """Two iterations of a loop that run at the same time and touch one element; None if no two do.

    Elements of gathers are not known, and left out.
    """
    loops = [o for o in module.walk() if isinstance(o, loop.ForOp) and o.kind.data in CONCURRENT]
    together = {op.loop_name.data for op in loops}
    inside = {op for outer in loops for op in outer.walk()}
    written = {
        memory
        for op in inside
        if isinstance(op, loop.StoreOp | loop.CopyOp)
        for memory in touched_by(op)
    }
    try:
        events = Trace(module, dims, lambda op, memory: op in inside and memory in written).events
    except TooLongError:
        return None
    seen: dict[object, tuple[set[int], bool]] = {}
    for event in events:
        for depth, (name, iteration) in enumerate(event.loops):
            if name in together and event.element is not None:
                key = (event.memory, event.element, event.loops[:depth], name)
                iterations, written = seen.get(key, (set[int](), False))
                seen[key] = iterations | {iteration}, written or event.writes
                if len(seen[key][0]) > 1 and seen[key][1]:
                    place = f"%{event.buffer}{list(event.element)}"
                    return f"race: iterations {seen[key][0]} of loop '{name}' touch {place}"
    return None
