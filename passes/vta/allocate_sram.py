"""allocate-sram: every tile in a scope of the accelerator gets an address there.

    %T = loop.alloc at [0, %k * 16] : memref<.., "inp">
      ->  %T = loop.alloc at [0, %k * 16] {address = 64 : i64} : memref<.., "inp">

Addresses count elements of the scope. Tiles are placed one after the other and never share room,
in whatever loops they are: one that is used while another one is filled must not be the same
memory, and units run ahead of each other. Only tiles that `share` a name, of which the tokens know,
have one place. A tile in a scope that is a view of another one lies where the tile is that its call
reads: OUT is the narrow view of ACC.

Takes loops after promote-memory-scope and lower-virtual-threads; the module's target says what
the scopes hold. It stands before lower-loop-to-vta, which puts the addresses into instructions.

Refuses: tiles that need more than a scope holds (with the list of them); a tile whose innermost
extents are not the scope's element; a view that no call, or that calls of different places, write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from analysis.errors import ScheduleError
from dialects import loop
from dialects.layout import physical_shape, scope_of
from dialects.target import Machine, Scope, target_of
from passes.loop.forms import forms_of, ranges_of
from passes.loop.primitive import loops_around
from passes.vta.elements import (
    ADDRESS,
    base_of,
    buffer_name,
    check_element,
    depth_of,
    operand_address,
    outer_extents,
)

NAME = "allocate-sram"


def tiles_of(function: func.FuncOp, machine: Machine) -> dict[str, list[loop.AllocOp]]:
    """The tiles by the scope they are in, in program order; global memory is left out."""
    found: dict[str, list[loop.AllocOp]] = {}
    for op in function.walk():
        if isinstance(op, loop.AllocOp) and scope_of(op.result.type) != "global":
            scope = machine.scope(scope_of(op.result.type))
            check_element(NAME, op.result, scope)
            found.setdefault(scope.name, []).append(op)
    return found


def elements_in(op: loop.AllocOp, scope: Scope) -> int:
    """How many elements of its scope a tile is."""
    assert scope.element is not None
    return prod(outer_extents(op.result, scope.element[0]))


def set_address(op: loop.AllocOp, address: int) -> None:
    op.attributes[ADDRESS] = IntegerAttr(address, i64)


def place(scope: Scope, tiles: Sequence[loop.AllocOp]) -> None:
    """Put tiles into a scope one after the other; those that share a name into one place."""
    total = 0
    rooms: dict[str, int] = {}
    for op in tiles:
        if op.share is not None:
            room = rooms.get(op.share.data, 0)
            rooms[op.share.data] = max(room, elements_in(op, scope))
    begins: dict[str, int] = {}
    for op in tiles:
        if op.share is not None and op.share.data in begins:
            set_address(op, begins[op.share.data])
            continue
        set_address(op, total)
        if op.share is None:
            total += elements_in(op, scope)
        else:
            begins[op.share.data] = total
            total += rooms[op.share.data]
    if total > depth_of(scope):
        raise ScheduleError(
            f"{NAME}: the tiles in {scope.name} are {total} elements, but {scope.name} holds "
            f"{depth_of(scope)}; smaller tiles fit",
            *(_row(op, scope) for op in tiles),
        )


def place_part(op: loop.AllocOp, memory: SSAValue, scope: Scope) -> None:
    """Put a tile where the part of a buffer lies that it is."""
    (number,) = forms_of(op, "part", ranges_of(loops_around(op)))
    if not number.is_constant:
        raise ScheduleError(
            f"{NAME}: which part of {buffer_name(memory)} {buffer_name(op.result)} is depends on "
            "a loop; a tile has one address"
        )
    set_address(op, base_of(memory) + number.const * elements_in(op, scope))


def _row(op: loop.AllocOp, scope: Scope) -> str:
    extents = "x".join(map(str, physical_shape(op.result.type)))
    return f"{elements_in(op, scope):6} elements: {buffer_name(op.result)} ({extents})"


def place_view(function: func.FuncOp, scope: Scope, view: loop.AllocOp, machine: Machine) -> None:
    """Put a tile where the one lies whose elements it shows."""
    assert scope.shadow is not None
    below = machine.scope(scope.shadow)
    places: dict[int, SSAValue] = {}
    for call in function.walk():
        if not isinstance(call, loop.IntrinsicOp) or view.result not in call.tiles[:1]:
            continue
        for position, source in enumerate(call.tiles):
            if scope_of(source.type) != below.name:
                continue
            shift = operand_address(NAME, call, position, below)
            shift = shift - operand_address(NAME, call, 0, scope)
            if not shift.is_constant:
                raise ScheduleError(
                    f"{NAME}: {buffer_name(view.result)} is a view of {below.name}, but its "
                    f"elements lie in another order than those of {buffer_name(source)}; give "
                    "both the same layout",
                    f"{view.result.type}",
                    f"{source.type}",
                )
            places[base_of(source) + shift.const] = source
    if len(places) != 1:
        shown = " and ".join(buffer_name(v) for v in places.values()) or "no call"
        raise ScheduleError(
            f"{NAME}: {buffer_name(view.result)} is a view of one tile in {below.name}, but "
            f"{shown} {'fill' if places else 'fills'} it"
        )
    set_address(view, next(iter(places)))


def allocate(function: func.FuncOp, machine: Machine) -> None:
    """Give every tile of a function its address."""
    tiles = tiles_of(function, machine)
    scopes = {name: machine.scope(name) for name in tiles}
    for name, scope in scopes.items():
        if scope.shadow is None:
            place(scope, [op for op in tiles[name] if op.memory is None])
            for op in tiles[name]:
                if op.memory is not None:
                    place_part(op, op.memory, scope)
    for name, scope in scopes.items():
        if scope.shadow is not None:
            for op in tiles[name]:
                place_view(function, scope, op, machine)


@dataclass(frozen=True)
class AllocateSramPass(ModulePass):
    """Give every tile in a scope of the accelerator an address."""

    name = NAME

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine = target_of(op).machine
        for inner in op.ops:
            if isinstance(inner, func.FuncOp):
                allocate(inner, machine)
