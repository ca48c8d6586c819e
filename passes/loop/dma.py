"""Tiles in memories that the target fills and drains by moving boxes.

Such a memory holds elements of a fixed shape, so a tile in it has the blocked layout of the buffer
it is a part of: whole elements are what a move can address. Such a move is one `loop.copy`, and
what lies outside the buffer is the pad, so that reads which were guarded need no guard.
"""

import math
from collections.abc import Hashable, Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, MemRefType, ModuleOp, StringAttr
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from analysis.affine import Affine, Interval, Quotient, from_expression, to_expression
from dialects import loop
from dialects.layout import LayoutAttr, layout_map, logical_shape, physical_shape
from dialects.target import Machine, target_of
from dialects.target import Scope as Memory
from passes.loop.elide_halo_guards import drop_guard, guards_the_domain
from passes.loop.primitive import Scope


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
    scope: Scope, buffer: SSAValue, memory: Memory, origin: Sequence[Affine], extents: Sequence[int]
) -> MemRefType:
    """The type of the tile of `buffer` that begins at `origin`: whole elements of the memory."""
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
    element = memory.element
    assert element is not None
    rank = len(element[0])
    sizes[len(sizes) - rank :] = element[0]
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


def check_capacity(scope: Scope, buffer: SSAValue, memory: Memory, size: int) -> None:
    """Refuse a tile that is larger than the memory."""
    if memory.capacity is not None and size > memory.capacity:
        raise scope.error(
            f"the tile of %{buffer.name_hint} has {size} bytes, and {memory.name} holds "
            f"{memory.capacity}; choose a loop further in, or smaller tiles"
        )


def size_of(buffer: SSAValue) -> list[int | str]:
    """The logical extents of a buffer."""
    assert isinstance(buffer.type, MemRefType)
    return list(logical_shape(buffer.type))


def elide_guards(
    scope: Scope, buffer: SSAValue, touched: Sequence[loop.LoadOp | loop.StoreOp]
) -> FloatAttr | IntegerAttr | None:
    """Drop the guards that keep reads inside the buffer; the value they read elsewhere.

    None where no read has a guard.
    """
    guarded = [a for a in touched if isinstance(a, loop.LoadOp) and a.otherwise is not None]
    pads: set[FloatAttr | IntegerAttr] = set()
    for load in guarded:
        owner = None if load.otherwise is None else load.otherwise.owner
        value = owner.value if isinstance(owner, arith.ConstantOp) else None
        if not isinstance(value, FloatAttr | IntegerAttr) or not guards_the_domain(load):
            raise scope.error(
                f"a read of %{buffer.name_hint} has a guard other than that it is inside the "
                "buffer, which a move into the tile cannot have"
            )
        pads.add(value)
    if len(pads) > 1:
        raise scope.error(f"reads of %{buffer.name_hint} have different values outside of it")
    for load in guarded:
        drop_guard(load)
    return pads.pop() if pads else None
