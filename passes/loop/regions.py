"""What a copy and a call of a tensor instruction touch: boxes of elements, in logical coordinates.

A load or a store touches one element; these touch a region, given by a form for each coordinate
over the loops, the variables of a block, and indices of elements that run over a box.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineExpr

from analysis.affine import Affine, from_expression
from analysis.errors import UserError
from backends.interpreter.dims import find_symbol
from dialects import loop, te
from dialects.layout import logical_shape
from passes.loop.forms import forms_of


@dataclass(frozen=True)
class Region:
    """A part of a buffer: an element for each value of the variables that the conditions allow."""

    buffer: SSAValue
    place: tuple[Affine, ...]
    conditions: tuple[Affine, ...]
    reads: bool
    writes: bool


def declaration_of(call: loop.IntrinsicOp) -> te.IntrinsicOp:
    """The te.intrinsic that a call names."""
    name = call.callee.string_value()
    found = find_symbol(call, name)
    if not isinstance(found, te.IntrinsicOp):
        raise UserError(
            f"loop.intrinsic: the module declares no te.intrinsic @{name}; import-intrinsics "
            "brings in a library of them"
        )
    return found


def origin_of(buffer: SSAValue) -> list[Affine]:
    """The logical coordinates at which a buffer begins, as forms of the loops around it."""
    if isinstance(buffer.owner, loop.AllocOp):
        return forms_of(buffer.owner, "origin")
    return [Affine({})] * len(logical_shape(buffer.type))


def inside(buffer: SSAValue, place: Sequence[Affine], user: Operation) -> list[Affine]:
    """The forms that are not negative where `place` is an element of a buffer.

    A size that the function has no dimension for is taken to be without end.
    """
    found: list[Affine] = []
    for form, start, size in zip(place, origin_of(buffer), logical_shape(buffer.type), strict=True):
        found.append(form - start)
        extent = Affine({}, size) if isinstance(size, int) else dimension(user, size)
        if extent is not None:
            found.append(start + extent - form - 1)
    return found


def dimension(user: Operation, name: str) -> Affine | None:
    """The dimension of that name, if the function around `user` has it."""
    function: Operation | None = user
    while function is not None and not isinstance(function, func.FuncOp):
        function = function.parent_op()
    if function is not None:
        for op in function.walk():
            if isinstance(op, loop.DimOp) and op.symbol.data == name:
                return Affine.variable(op.result)
    return None


def regions_of_copy(op: loop.CopyOp) -> list[Region]:
    """What a copy reads and what it writes: what both boxes hold, with a pad the whole target."""
    rank = len(logical_shape(op.source.type))
    place = tuple(Affine.variable((op, d)) for d in range(rank))
    both = (*inside(op.source, place, op), *inside(op.target, place, op))
    written = both if op.pad is None else tuple(inside(op.target, place, op))
    return [
        Region(op.source, place, both, reads=True, writes=False),
        Region(op.target, place, written, reads=False, writes=True),
    ]


def regions_of_call(op: loop.IntrinsicOp) -> list[Region]:
    """What a call reads and writes, as forms of the variables of its block."""
    declared = declaration_of(op)
    last = declared.behaviour.block.last_op
    assert isinstance(last, te.YieldOp)
    arguments = [a for a in declared.behaviour.block.args if isinstance(a.type, TensorType)]
    operands: list[SSAValue] = [*last.values, *arguments]
    return [
        Region(
            buffer,
            tuple(_place(op, number, buffer)),
            tuple(_ranges(op, number, operand)),
            reads=number >= op.writes.data or op.form.data == "update",
            writes=number < op.writes.data,
        )
        for number, (buffer, operand) in enumerate(zip(op.tiles, operands, strict=False))
    ]


def _element(op: loop.IntrinsicOp, number: int, dimension: int) -> Hashable:
    """The variable that is one index inside an operand of a call."""
    return (op, number, dimension)


def _place(op: loop.IntrinsicOp, number: int, buffer: SSAValue) -> list[Affine]:
    map = op.places[number]
    if map is None:
        return [
            start + Affine.variable(_element(op, number, d))
            for d, start in enumerate(origin_of(buffer))
        ]
    atoms = [Affine.variable(v) for v in op.indices]
    atoms += [Affine.variable(_element(op, number, d)) for d in range(map.num_symbols)]
    dims = [AffineExpr.dimension(i) for i in range(len(atoms))]
    plain = map.replace_dims_and_symbols(dims[: map.num_dims], dims[map.num_dims :], len(dims), 0)
    return [from_expression(e, atoms, {}) for e in plain.results]


def _ranges(op: loop.IntrinsicOp, number: int, operand: SSAValue) -> list[Affine]:
    assert isinstance(operand.type, TensorType)
    found: list[Affine] = []
    for d, size in enumerate(operand.type.get_shape()):
        index = Affine.variable(_element(op, number, d))
        found += [index, Affine({}, size - 1) - index]
    return found
