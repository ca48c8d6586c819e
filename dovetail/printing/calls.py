"""What an accelerator does as one operation: moves of boxes and calls of tensor instructions.

    vdla.dma_copy2d(AL, A[k_o*8:k_o*8+8, y_o*8:y_o*8+8])
    ex.fused_gemm8x8_add(CL, AL, BL)

The name before the dot is the accelerator; in a function of virtual threads or tokens, where it
matters who waits for whom, it is the execution unit. A part of a buffer is a slice of it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import MemRefType, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.traits import SymbolTable

from analysis.affine import Affine, from_expression
from dialects import loop, te
from dialects.layout import logical_shape, scope_of
from dialects.target import Machine, TargetAttr
from dovetail.printing.boxes import box, has_origin, origin_of, size_of, slice_text
from dovetail.printing.expressions import affine, atom
from dovetail.printing.listing import Form, Listing
from dovetail.printing.scalars import constant


def list_copy(listing: Listing, op: loop.CopyOp) -> None:
    """`dma_copy2d(AL, A[k_o*8:k_o*8+8, y_o*8:y_o*8+8])`: target and source."""
    tile = min((op.target, op.source), key=lambda v: (not has_origin(v), size_of(v)))
    arguments = [box(listing, op.target, tile), box(listing, op.source, tile)]
    if op.pad is not None:
        arguments.append(f"pad={constant(op.pad).text}")
    assert isinstance(op.target.type, MemRefType)
    call = f"dma_copy{op.target.type.get_num_dims()}d({', '.join(arguments)})"
    listing.line(f"{prefix(op, unit_of(op))}{call}")


def list_intrinsic(listing: Listing, op: loop.IntrinsicOp) -> None:
    """The call that the declaration of the intrinsic names for this form."""
    declared = SymbolTable.lookup_symbol(op, op.callee)
    name, unit = f"{op.callee.string_value()}.{op.form.data}", None
    shapes: list[Sequence[int | str]] = []
    if isinstance(declared, te.IntrinsicOp):
        call = declared.properties.get(f"{op.form.data}_call")
        name = call.data if isinstance(call, StringAttr) else name
        unit = None if declared.unit is None else declared.unit.data
        shapes = operand_shapes(declared)
    arguments: list[str] = []
    for i, (tile, place) in enumerate(zip(op.tiles, op.places, strict=True)):
        if place is None or i >= len(shapes):
            arguments.append(listing.value(tile))
        else:
            arguments.append(Part(listing, op, tile, place, shapes[i]).text)
    arguments += map(str, op.immediate_values)
    listing.line(f"{prefix(op, unit)}{name}({', '.join(arguments)})")


def operand_shapes(declared: te.IntrinsicOp) -> list[Sequence[int | str]]:
    """The shapes of the results of an intrinsic, then of its tensors."""
    last = declared.behaviour.block.last_op
    assert isinstance(last, te.YieldOp)
    values = [*last.values, *declared.behaviour.block.args]
    return [logical_shape(v.type) for v in values if hasattr(v.type, "get_shape")]


@dataclass(frozen=True)
class Side:
    """A part of one dimension, and the indices of the operand that run over it, slowest first."""

    start: Affine
    size: int
    elements: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """The elements of a buffer that an operand is; `place` says where element (i0, i1, ..) lies."""

    listing: Listing
    call: loop.IntrinsicOp
    buffer: SSAValue
    place: AffineMap
    shape: Sequence[int | str]

    @property
    def text(self) -> str:
        """The buffer's name, and a slice where it is not all of it.

        Elements that are no slice, or one in another order, are written with their indices.
        """
        name, forms = self.listing.value(self.buffer), self.forms()
        extents = logical_shape(self.buffer.type)
        sides = [side for form in forms if (side := self.side(form)) is not None]
        order = [i for side in sides for i in side.elements]
        if len(sides) < len(forms) or order != sorted(set(order)):
            return f"{name}[{', '.join(affine(f, self.element_name).text for f in forms)}]"
        pairs = list(zip(sides, extents, strict=True))
        if all(side.start == Affine({}) and side.size == extent for side, extent in pairs):
            return name
        texts = [slice_text(self.listing, s.start, s.size, extent) for s, extent in pairs]
        return f"{name}[{', '.join(texts)}]"

    def forms(self) -> list[Affine]:
        """The coordinates, from the beginning of the buffer; elements are integers in them."""
        listing, block = self.listing, self.call.parent_op()
        assert isinstance(block, loop.BlockOp)
        region = self.call.parent_block()
        assert region is not None
        bindings = listing.forms_of(block, "bindings")
        bound = dict(zip(region.args, bindings, strict=True))
        count, rank = len(self.call.indices), len(self.shape)
        dims = [AffineExpr.dimension(i) for i in range(count + rank)]
        place = self.place.replace_dims_and_symbols(dims[:count], dims[count:], len(dims), 0)
        values = [bound.get(v) or listing.form(v) for v in self.call.indices]  # pyright: ignore
        values += [Affine.variable(i) for i in range(rank)]
        forms = [from_expression(e, values, listing.ranges) for e in place.results]
        origin = origin_of(listing, self.buffer)
        return [form - start for form, start in zip(forms, origin, strict=True)]

    def side(self, form: Affine) -> "Side | None":
        """The range without gaps that a coordinate runs over; None if it is no such range."""
        rank = range(len(self.shape))
        steps = sorted((form.coefficient(i), i) for i in rank if form.coefficient(i))
        size = 1
        for step, i in steps:
            extent = self.shape[i]
            if step != size or not isinstance(extent, int):
                return None
            size *= extent
            form = form - Affine({i: step})
        if any(isinstance(v, int) for v in form.variables()):
            return None
        return Side(form, size, tuple(i for _, i in reversed(steps)))

    def element_name(self, value: Hashable):
        """The text of a variable in a form."""
        return atom(f"i{value}") if isinstance(value, int) else self.listing.atom(value)


def machine_around(op: Operation) -> Machine | None:
    """The machine that the module around an operation is for, if it says one."""
    top = op
    while (parent := top.parent_op()) is not None:
        top = parent
    target = top.attributes.get("target") if isinstance(top, ModuleOp) else None
    return target.target.machine if isinstance(target, TargetAttr) else None


def unit_of(op: loop.CopyOp) -> str | None:
    """The unit that moves a box."""
    machine = machine_around(op)
    if machine is None:
        return None
    scopes = {scope.name: scope for scope in machine.scopes}
    target, source = scopes.get(scope_of(op.target.type)), scopes.get(scope_of(op.source.type))
    filled = None if target is None else target.fill
    return filled or (None if source is None else source.drain)


def prefix(op: Operation, unit: str | None) -> str:
    """Who does it: the unit, or the accelerator as a whole, or nobody in particular."""
    machine = machine_around(op)
    if unit is not None and (machine is None or waits(op)):
        return f"{unit}."
    return f"{machine.device}." if machine is not None and machine.units else ""


def waits(op: Operation) -> bool:
    """Whether the function around an operation has virtual threads or tokens."""
    function = op
    while not isinstance(function, FuncOp):
        parent = function.parent_op()
        if parent is None:
            return False
        function = parent
    return any(
        isinstance(o, loop.PushDepOp | loop.PopDepOp)
        or (isinstance(o, loop.ForOp) and o.kind.data == "vthread")
        for o in function.walk()
    )


FORMS: dict[type[Operation], Form] = {
    loop.CopyOp: list_copy,
    loop.IntrinsicOp: list_intrinsic,
}
