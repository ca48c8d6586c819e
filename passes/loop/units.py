"""Which execution unit of the target runs an operation, and which memory it touches there.

A copy runs on the unit that fills the scope it goes to, or drains the scope it comes from; a call
of a tensor instruction on the unit its te.intrinsic names. A block with such a call is one
operation. What has no unit cannot run on a target that has units, and is refused by name.

Memory is told apart by the buffer, as an accelerator has it: a tile has one address, so it is the
same memory in each iteration of the loops around it, but for virtual threads, of which each has its
own. Tiles that `share` a name are one memory, and so are those that lie in one part of a buffer. A
tile in a scope that is a view of another one (`shadow`) is the memory of the tile there that a call
makes it from. Two operations that touch different elements of a tile count as touching the same
memory.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from analysis.errors import ScheduleError, nearest
from dialects import loop
from dialects.layout import scope_of
from dialects.target import Machine, target_of
from passes.loop.forms import forms_of, ranges_of
from passes.loop.primitive import Scope, functions_of_loops, loops_around
from passes.loop.regions import declaration_of, regions_of_call, regions_of_copy

SILENT = (loop.AllocOp, loop.DimOp, loop.PopDepOp, loop.PushDepOp, func.ReturnOp)
"""Operations that touch nothing and that no unit has to run."""


@dataclass(frozen=True)
class Effect:
    """That a unit reads or writes a memory, which is named by one of its buffers."""

    unit: str
    memory: SSAValue
    writes: bool

    def conflicts(self, other: "Effect") -> bool:
        """Whether the order of the two matters."""
        return self.memory is other.memory and (self.writes or other.writes)


@dataclass(frozen=True)
class Units:
    """The units and memories of a function's operations."""

    scope: Scope
    machine: Machine

    @staticmethod
    def of(scope: Scope, module: ModuleOp) -> "Units":
        """What the target of `module` says about a function; refuses a target without units."""
        machine = target_of(module).machine
        if not machine.queues:
            raise scope.error(
                f"a {machine.device} target has no execution units that send each other tokens"
            )
        return Units(scope, machine)

    def unit_of(self, op: Operation) -> str | None:
        """The unit that runs an operation; None for one that needs none, and for a loop."""
        match op:
            case loop.CopyOp():
                return self._unit_of_copy(op)
            case loop.BlockOp():
                return self._unit_of_block(op)
            case loop.PushDepOp():
                return op.source.data
            case loop.PopDepOp():
                return op.target.data
            case loop.ForOp():
                return None
            case _ if isinstance(op, SILENT):
                return None
            case _:
                raise self.scope.error(f"no unit runs {op.name}; {self.known}")

    def units_in(self, op: Operation) -> frozenset[str]:
        """The units that run an operation, or what is in a loop."""
        return frozenset(u for leaf in leaves(op) if (u := self.unit_of(leaf)) is not None)

    def effects_of(self, op: Operation) -> frozenset[Effect]:
        """What the units that run an operation, or what is in a loop, do to memory."""
        found: set[Effect] = set()
        for leaf in leaves(op):
            unit = self.unit_of(leaf)
            for buffer, reads, writes in self._touched(leaf):
                assert unit is not None
                memory = self.memory_of(buffer)
                found |= {Effect(unit, memory, True)} if writes else set()
                found |= {Effect(unit, memory, False)} if reads else set()
        return frozenset(found)

    def memory_of(self, buffer: SSAValue) -> SSAValue:
        """The buffer whose memory this one is a view of, else itself."""
        while buffer in self._views:
            buffer = self._views[buffer]
        return buffer

    @property
    def known(self) -> str:
        """The units there are, for a message."""
        return f"the units of a {self.machine.device} target are {', '.join(self.machine.units)}"

    @cached_property
    def _views(self) -> dict[SSAValue, SSAValue]:
        """For each tile that is a view of another one, or shares its memory, the latter."""
        views: dict[SSAValue, SSAValue] = {}
        shared: dict[tuple[Hashable, ...], SSAValue] = {}
        for op in self.scope.function.walk():
            if isinstance(op, loop.AllocOp) and (room := self._room(op)) is not None:
                first = shared.setdefault(room, op.result)
                if first is not op.result:
                    views[op.result] = first

        def root(value: SSAValue) -> SSAValue:
            while value in views:
                value = views[value]
            return value

        for op in self.scope.function.walk():
            if not isinstance(op, loop.IntrinsicOp):
                continue
            written, read = op.tiles[: op.writes.data], op.tiles[op.writes.data :]
            for view in written:
                shadow = self.machine.scope(scope_of(view.type)).shadow
                for tile in read:
                    if scope_of(tile.type) == shadow and root(view) is not root(tile):
                        views[root(view)] = root(tile)
        return views

    def _room(self, op: loop.AllocOp) -> tuple[Hashable, ...] | None:
        """What is equal for tiles that lie in one and the same memory."""
        if op.memory is not None:
            (part,) = forms_of(op, "part", ranges_of(loops_around(op)))
            if not part.is_constant:
                raise self.scope.error(
                    f"which part of %{op.memory.name_hint} the tile %{op.result.name_hint} lies in "
                    "depends on a loop, and units take turns on tiles that are known"
                )
            return op.memory, part.const
        return None if op.share is None else (scope_of(op.result.type), op.share.data)

    def _unit_of_copy(self, op: loop.CopyOp) -> str:
        source, target = scope_of(op.source.type), scope_of(op.target.type)
        unit = None
        if source == "global":
            unit = self.machine.scope(target).fill
        elif target == "global":
            unit = self.machine.scope(source).drain
        if unit is None:
            raise self.scope.error(
                f"no unit of a {self.machine.device} target copies %{op.source.name_hint} in "
                f"{source} memory to %{op.target.name_hint} in {target} memory",
                *self._moves(),
            )
        return unit

    def _moves(self) -> Iterator[str]:
        """What copies there are, a line each."""
        for scope in self.machine.scopes:
            if scope.fill is not None:
                yield f"{scope.fill} copies from global to {scope.name}"
            if scope.drain is not None:
                yield f"{scope.drain} copies from {scope.name} to global"

    def _unit_of_block(self, op: loop.BlockOp) -> str:
        name = op.block_name.data
        calls = [o for o in op.walk() if isinstance(o, loop.IntrinsicOp)]
        regions = [region for region in (op.init, op.body) if region is not None]
        if len(calls) != len(regions):
            raise self.scope.error(
                f"block '{name}' has no unit, because it is not a call of an intrinsic; "
                "tensorize it first",
                self.known,
            )
        found: dict[str, str] = {}
        for call in calls:
            declared = declaration_of(call)
            unit = None if declared.unit is None else declared.unit.data
            if unit not in self.machine.units:
                what = "names no unit" if unit is None else f"names the unit '{unit}'"
                raise self.scope.error(
                    f"te.intrinsic @{declared.sym_name.data}, which block '{name}' calls, {what}; "
                    f"{self.known}"
                )
            found.setdefault(unit, declared.sym_name.data)
        if len(found) > 1:
            raise self.scope.error(
                f"block '{name}' has two units: "
                + ", ".join(f"@{callee} runs on {unit}" for unit, callee in found.items())
            )
        return next(iter(found))

    def _touched(self, leaf: Operation) -> Iterator[tuple[SSAValue, bool, bool]]:
        """The buffers that a leaf touches; whether it reads, and whether it writes them."""
        for op in leaf.walk():
            regions = ()
            if isinstance(op, loop.CopyOp):
                regions = regions_of_copy(op)
            elif isinstance(op, loop.IntrinsicOp):
                regions = regions_of_call(op)
            for region in regions:
                yield region.buffer, region.reads, region.writes


def leaves(op: Operation) -> Iterator[Operation]:
    """The operations in an operation that are run as a whole: itself, or what is in a loop."""
    if isinstance(op, loop.ForOp | func.FuncOp):
        for inner in op.body.block.ops:
            yield from leaves(inner)
    else:
        yield op


def scheduled_functions(primitive: str, module: ModuleOp, named: str | None) -> list[Scope]:
    """The functions of loops of a module; the one that is named, if there is a name."""
    found = [Scope(primitive, function) for function in functions_of_loops(module)]
    names = [scope.function.sym_name.data for scope in found]
    if named is not None and named not in names:
        raise ScheduleError(
            f"{primitive}: no function of loops is named '{named}': {nearest(named, names)}"
        )
    return [s for s in found if named in (None, s.function.sym_name.data)]
