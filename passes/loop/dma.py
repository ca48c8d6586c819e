"""Tiles in memories that the target fills and drains by moving boxes.

Such a memory holds elements of a fixed shape, so a tile in it has the blocked layout of the buffer
it is a part of: whole elements are what a move can address. Such a move is one `loop.copy`, and
what lies outside the buffer is the pad, so that reads which were guarded need no guard.
"""

import math
from collections.abc import Hashable, Sequence
from typing import TypeGuard

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, MemRefType, ModuleOp, StringAttr
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from analysis.affine import Affine, Interval, Quotient, from_expression, to_expression
from dialects import loop
from dialects.layout import LayoutAttr, layout_map, logical_shape, pad_of, physical_shape
from dialects.target import Machine, target_of
from dialects.target import Scope as Memory
from passes.loop.elide_halo_guards import drop_guard, guards_the_domain
from passes.loop.primitive import Scope, block_of

Access = loop.LoadOp | loop.StoreOp


def machine_of(scope: Scope) -> Machine | None:
    """The machine that the function's module is compiled for, if it says one."""
    module = scope.function.parent_op()
    if not isinstance(module, ModuleOp) or "target" not in module.attributes:
        return None
    return target_of(module).machine


def memory_of(scope: Scope, name: str) -> Memory | None:
    """The target's memory of that name, if boxes are moved into it or out of it as a whole."""
    machine = machine_of(scope)
    if machine is None:
        return None
    moved = [m for m in machine.scopes if m.fill or m.drain]
    if not moved:
        return None
    memory = machine.scope(name)
    return memory if memory in moved else None


def shown(extents: Sequence[object]) -> str:
    """Extents as messages have them."""
    return "x".join(map(str, extents))


def tile_type(
    scope: Scope,
    buffer: SSAValue,
    memory: Memory,
    origin: Sequence[Affine],
    extents: Sequence[int],
    padded: bool,
) -> MemRefType:
    """The type of the tile of `buffer` that begins at `origin`: whole elements of the memory.

    `padded` says that what uses the tile goes beyond the buffer, to the end of its last elements.
    """
    type = buffer.type
    assert isinstance(type, MemRefType)
    if memory.element is None:
        check_capacity(scope, buffer, memory, math.prod(extents) * type.element_type.size)
        return MemRefType(type.element_type, extents, memory_space=StringAttr(memory.name))
    shape, element = memory.element
    name = f"%{buffer.name_hint}"
    if str(type.element_type) != element:
        raise scope.error(
            f"{name} has elements of {type.element_type}, but {memory.name} holds {element}"
        )
    physical = physical_shape(type)
    if tuple(physical[len(physical) - len(shape) :]) != shape:
        raise scope.error(
            f"an element of {memory.name} is {shown(shape)} of {element}, but the innermost "
            f"extents of %{buffer.name_hint} in memory are "
            f"{shown(physical[max(0, len(physical) - len(shape)) :])}: give it a blocked layout "
            "with transform-layout first"
        )
    found = blocked_type(scope, buffer, memory, origin, extents)
    if not padded:
        check_filled(scope, buffer, memory)
    layout = found.layout
    assert isinstance(layout, LayoutAttr)
    count = math.prod(e for e in layout.physical[: -len(shape) or None] if isinstance(e, int))
    size = math.prod(shape) * type.element_type.size
    check_capacity(scope, buffer, memory, count * size)
    return found


def blocked_type(
    scope: Scope, buffer: SSAValue, memory: Memory, origin: Sequence[Affine], extents: Sequence[int]
) -> MemRefType:
    """A tile with the layout of its buffer, over coordinates that count from its origin."""
    type = buffer.type
    assert isinstance(type, MemRefType)
    element = memory.element
    assert element is not None
    rank = len(element[0])
    ranges: dict[Hashable, Interval] = {i: (0, n - 1) for i, n in enumerate(extents)}
    local = [Affine.variable(i) for i in range(len(extents))]
    results: list[AffineExpr] = []
    sizes: list[int] = []
    for result in layout_map(type).results:
        form = from_expression(result, local, {})
        for atom in form.terms:
            if isinstance(atom, Quotient):
                check_alignment(scope, buffer, memory, atom, origin)
        form = Affine(form.terms)
        low, high = form.interval(ranges)
        assert low is not None and high is not None
        results.append(to_expression(form - low, position))
        sizes.append(high - low + 1)
    for i, extent in enumerate(element[0], len(sizes) - rank):
        if sizes[i] != extent:
            raise scope.error(
                f"the tile of %{buffer.name_hint} has {sizes[i]} of the {extent} numbers that an "
                f"element of {memory.name} holds along its dimension {i - len(sizes) + rank}, and "
                f"a move takes whole elements; choose a loop further out, or tiles of {extent}"
            )
    layout = LayoutAttr.of(AffineMap(len(extents), 0, tuple(results)), sizes)
    return MemRefType(type.element_type, extents, layout, StringAttr(memory.name))


def position(variable: Hashable) -> int:
    """The number of a dimension, which is its own variable here."""
    assert isinstance(variable, int)
    return variable


def check_alignment(
    scope: Scope, buffer: SSAValue, memory: Memory, atom: Quotient, origin: Sequence[Affine]
) -> None:
    """Refuse a tile that begins inside an element."""
    for variable, factor in atom.numerator.terms.items():
        assert isinstance(variable, int)
        form = origin[variable] * factor
        if any(number % atom.divisor for number in (form.const, *form.terms.values())):
            raise scope.error(
                f"the tile of %{buffer.name_hint} begins inside an element of {memory.name}: "
                f"dimension {variable} is blocked by {atom.divisor}, and the tile does not begin "
                f"at a multiple of it; split that loop by {atom.divisor} first"
            )


def check_filled(scope: Scope, buffer: SSAValue, memory: Memory) -> None:
    """Refuse a buffer whose last elements are partly empty."""
    assert memory.element is not None
    extents, _ = memory.element
    sizes = logical_shape(buffer.type)
    results = layout_map(buffer.type).results[-len(extents) :]
    for result, extent in zip(results, extents, strict=True):
        for variable in result.used_dims():
            size = sizes[variable]
            if not isinstance(size, int) or size % extent:
                raise scope.error(
                    f"%{buffer.name_hint} has {size} elements along dimension {variable}, no "
                    f"multiple of the {extent} that an element of {memory.name} holds, and is used "
                    "as far as that; pad-block computes whole elements"
                )


def check_capacity(scope: Scope, buffer: SSAValue, memory: Memory, size: int) -> None:
    """Refuse a tile that is larger than the memory."""
    if memory.capacity is not None and size > memory.capacity:
        raise scope.error(
            f"the tile of %{buffer.name_hint} has {size} bytes, and {memory.name} holds "
            f"{memory.capacity}; choose a loop further in, or smaller tiles"
        )


def pad_of_move(
    scope: Scope, buffer: SSAValue, touched: Sequence[Access], outside: Sequence[Access]
) -> FloatAttr | IntegerAttr | None:
    """What reads find outside the buffer, which the move puts into the tile; None if none does so.

    `outside` are the reads that go into the buffer's halo.
    """
    pads = {value_outside(scope, buffer, a) for a in touched if is_guarded(a)}
    known = pad_of(buffer.type)
    for _ in outside:
        if known is None:
            raise scope.error(
                f"reads of %{buffer.name_hint} go into its halo, and its layout does not say what "
                "lies there, so a move has no pad for it"
            )
        pads.add(known)
    if len(pads) > 1:
        raise scope.error(
            f"reads of %{buffer.name_hint} find different values outside of it, and a move has "
            "one pad; choose a loop around only one of them"
        )
    return pads.pop() if pads else None


def is_guarded(access: Access) -> TypeGuard[loop.LoadOp]:
    """Whether an access is a read with a guard."""
    return isinstance(access, loop.LoadOp) and access.otherwise is not None


def value_outside(scope: Scope, buffer: SSAValue, load: loop.LoadOp) -> FloatAttr | IntegerAttr:
    """What a guarded read gives outside the buffer; refuses a guard that says anything else."""
    owner = None if load.otherwise is None else load.otherwise.owner
    value = owner.value if isinstance(owner, arith.ConstantOp) else None
    tile = isinstance(buffer.owner, loop.AllocOp) and buffer.owner.has_origin
    if tile or not isinstance(value, FloatAttr | IntegerAttr) or not guards_the_domain(load):
        raise scope.error(
            f"a read of %{buffer.name_hint} in block '{block_of(load).block_name.data}' has a "
            "guard other than that it is inside the buffer, or else no constant, and a move into "
            "the tile cannot have that"
        )
    return value


def elide_guards(touched: Sequence[Access]) -> None:
    """Drop the guards that keep reads inside the buffer: the tile has the pad there."""
    for load in touched:
        if is_guarded(load):
            drop_guard(load)
