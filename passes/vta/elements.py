"""Addresses on the chip: which element of its scope an operand of an instruction is.

An accelerator's memory is addressed by elements, such as rows of 16 numbers. In a buffer whose
layout has the scope's element as its innermost dimensions, the other dimensions, in row-major
order, count elements. So an address is an affine form: of the loops, for an operand of a call.
"""

from collections.abc import Hashable, Mapping, Sequence
from math import prod

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from analysis.affine import Affine, Interval, from_expression
from analysis.errors import ScheduleError
from dialects import loop
from dialects.layout import layout_map, physical_shape, scope_of
from dialects.target import Scope
from passes.loop.forms import forms_of, ranges_of, variables_of
from passes.loop.primitive import block_of, loops_around

ADDRESS = "address"
"""The attribute of a tile: its first element's address in its scope."""

SIZES = {"i8": 1, "i16": 2, "i32": 4, "i64": 8, "f16": 2, "f32": 4, "f64": 8}


def depth_of(scope: Scope) -> int:
    """How many elements a scope holds."""
    assert scope.capacity is not None and scope.element is not None
    shape, type = scope.element
    return scope.capacity // (prod(shape) * SIZES[type])


def spell_element(shape: Sequence[int], type: object) -> str:
    """Such as `1x16xi8`."""
    return "x".join([*map(str, shape), str(type)])


def buffer_name(value: SSAValue) -> str:
    """How messages name a buffer."""
    return f"%{value.name_hint or 'buffer'}"


def outer_extents(value: SSAValue, shape: Sequence[int]) -> tuple[int, ...]:
    """The physical extents of a buffer that count elements of a shape."""
    extents = physical_shape(value.type)
    sizes = tuple(e for e in extents if isinstance(e, int))
    assert len(sizes) == len(extents)
    return sizes[: len(sizes) - len(shape)]


def check_element(name: str, value: SSAValue, scope: Scope) -> None:
    """Refuse a buffer whose innermost dimensions are not an element of a scope."""
    assert isinstance(value.type, MemRefType) and scope.element is not None
    shape, type = scope.element
    extents = physical_shape(value.type)
    if not all(isinstance(e, int) for e in extents):
        raise ScheduleError(
            f"{name}: {buffer_name(value)} has a symbolic extent; a tile of {scope.name} has "
            "constant ones"
        )
    inner = extents[len(extents) - len(shape) :] if shape else ()
    found = str(value.type.element_type)
    if tuple(inner) != tuple(shape) or found != type:
        raise ScheduleError(
            f"{name}: the innermost extents of {buffer_name(value)} are "
            f"{spell_element(tuple(map(int, inner)), found)}, but an element of {scope.name} is "
            f"{spell_element(shape, type)}; transform-layout, before the tile is made, gives a "
            "buffer such a layout",
            f"{value.type}",
        )


def element_address(
    value: SSAValue,
    local: Sequence[Affine],
    index: Sequence[Affine],
    ranges: Mapping[Hashable, Interval],
) -> Affine | None:
    """The number of the element at logical coordinates, counted from the buffer's own beginning.

    `local` counts from the origin of the buffer; `index` is where inside an element that must be.
    None if it is elsewhere, so that the coordinates are not those of one whole element.
    """
    extents = [e for e in physical_shape(value.type) if isinstance(e, int)]
    expressions = layout_map(value.type).results
    physical = [from_expression(e, local, ranges) for e in expressions]
    count = len(extents) - len(index)
    if any(p != i for p, i in zip(physical[count:], index, strict=True)):
        return None
    total = Affine({})
    for coordinate, extent in zip(physical[:count], extents[:count], strict=True):
        total = total * extent + coordinate
    return total


def index_forms(shape: Sequence[int]) -> tuple[list[Affine], dict[Hashable, Interval]]:
    """The indices inside an element of a shape, and the ranges of their variables."""
    forms = [Affine.variable(("i", k)) if size > 1 else Affine({}) for k, size in enumerate(shape)]
    return forms, {("i", k): (0, size - 1) for k, size in enumerate(shape) if size > 1}


def origin_of(value: SSAValue) -> list[Affine]:
    """The origin of a buffer, as forms of the loops."""
    alloc = value.owner
    if isinstance(alloc, loop.AllocOp):
        return forms_of(alloc, "origin", ranges_of(loops_around(alloc)))
    assert isinstance(value.type, MemRefType)
    return [Affine({})] * value.type.get_num_dims()


def base_of(value: SSAValue) -> int:
    """The address that allocate-sram gave a tile."""
    alloc = value.owner
    assert isinstance(alloc, loop.AllocOp)
    found = alloc.attributes.get(ADDRESS)
    if found is None:
        raise ScheduleError(
            f"{buffer_name(value)} has no address in {scope_of(value.type)}; allocate-sram gives "
            "each tile one"
        )
    return found.value.data  # pyright: ignore[reportAttributeAccessIssue]


def operand_address(name: str, call: loop.IntrinsicOp, position: int, scope: Scope) -> Affine:
    """The element of a scope that an operand of a call is, counted from the buffer's beginning.

    The form is of the loops around the call's block. An operand that is no whole element is
    refused.
    """
    value, place = call.tiles[position], call.places[position]
    assert scope.element is not None
    shape = scope.element[0]
    block = block_of(call)
    ranges = ranges_of(loops_around(block))
    index, inner = index_forms(shape)
    ranges |= inner
    if place is None or place.num_symbols > len(shape):
        raise _no_element(name, call, value, scope)
    variables = variables_of(block)
    dims = [variables[v] for v in call.indices]
    operands = [*dims, *index]
    coordinates = [from_expression(e, operands, ranges) for e in _without_symbols(place)]
    local = [c - o for c, o in zip(coordinates, origin_of(value), strict=True)]
    found = element_address(value, local, index, ranges)
    if found is None:
        raise _no_element(name, call, value, scope)
    return found


def _without_symbols(place: AffineMap) -> tuple[AffineExpr, ...]:
    """The coordinates with the symbols as dimensions behind the others."""
    count = place.num_dims + place.num_symbols
    dims = [AffineExpr.dimension(i) for i in range(count)]
    new = place.replace_dims_and_symbols(dims[: place.num_dims], dims[place.num_dims :], count, 0)
    return new.results


def _no_element(name: str, call: loop.IntrinsicOp, value: SSAValue, scope: Scope) -> ScheduleError:
    assert scope.element is not None
    return ScheduleError(
        f"{name}: block '{block_of(call).block_name.data}': what {call.callee} takes of "
        f"{buffer_name(value)} is no element of {scope.name} "
        f"({spell_element(*scope.element)}): its layout and the origin of the tile put it across "
        "elements; transform-layout, or a tile that begins at a multiple of the element",
        f"{value.type}",
    )
