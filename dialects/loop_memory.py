"""Operations of the loop dialect on memory: elements are read and written, buffers allocated."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Self

from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    IndexType,
    MemRefType,
    StringAttr,
)
from xdsl.ir import (
    Attribute,
    Operation,
    SSAValue,
)
from xdsl.ir.affine import AffineConstantExpr, AffineExpr, AffineMap
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    EffectInstance,
    MemoryEffect,
    MemoryEffectKind,
    MemoryReadEffect,
)
from xdsl.utils.exceptions import VerifyException

from dialects.affine_syntax import (
    Access,
    AffineReader,
    parse_type_of,
    print_access,
    print_expressions,
    print_guard,
    verify_access,
    verify_dims,
    verify_read,
)
from dialects.layout import physical_shape

THREAD_AXES = tuple(f"{axis}.{dim}" for axis in ("blockIdx", "threadIdx") for dim in "xyz")


@irdl_op_definition
class LoadOp(IRDLOperation):
    """The element of a memref at logical coordinates, or `otherwise` where a guard fails.

        %x = loop.load %X[%c, %h + %kh - 1] where (%h + %kh - 1 >= 0) else %zero : memref<...>

    An index that a body computes (a gather) stands in an expression like a variable does.
    """

    name = "loop.load"

    memref = operand_def(MemRefType)
    indices = var_operand_def(IndexType)
    otherwise = opt_operand_def()
    map = prop_def(AffineMapAttr)
    where = prop_def(AffineMapAttr)
    result = result_def()

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(MemoryReadEffect())

    def __init__(
        self,
        memref: SSAValue,
        indices: Sequence[SSAValue],
        map: AffineMap,
        where: AffineMap | None = None,
        otherwise: SSAValue | None = None,
    ) -> None:
        assert isinstance(memref.type, MemRefType)
        super().__init__(
            operands=[memref, indices, otherwise],
            properties={
                "map": AffineMapAttr(map),
                "where": AffineMapAttr(where or AffineMap(map.num_dims, 0, ())),
            },
            result_types=[memref.type.element_type],
        )

    def verify_(self) -> None:
        verify_access(self, self.memref.type, len(self.indices), self.map.data)
        verify_dims(self, "the guard", self.where.data, len(self.indices))
        verify_read(self, self.memref.type, self.where.data, self.otherwise, self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        access = Access.parse(parser)
        memref, otherwise = access.resolve(parser, cls.name, MemRefType)
        return cls(memref, access.operands, access.map, access.where, otherwise)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_access(printer, self.memref, self.indices, self.map.data)
        print_guard(printer, self.indices, self.where.data, self.otherwise)
        printer.print_string(" : ")
        printer.print_attribute(self.memref.type)


@irdl_op_definition
class StoreOp(IRDLOperation):
    """Writes an element of a memref at logical coordinates: `loop.store %v, %C[%y, %x] : ...`."""

    name = "loop.store"

    value = operand_def()
    memref = operand_def(MemRefType)
    indices = var_operand_def(IndexType)
    map = prop_def(AffineMapAttr)

    def __init__(
        self, value: SSAValue, memref: SSAValue, indices: Sequence[SSAValue], map: AffineMap
    ) -> None:
        super().__init__(operands=[value, memref, indices], properties={"map": AffineMapAttr(map)})

    def verify_(self) -> None:
        verify_access(self, self.memref.type, len(self.indices), self.map.data)
        assert isinstance(self.memref.type, MemRefType)
        if self.value.type != self.memref.type.element_type:
            raise VerifyException(f"{self.name}: {self.value.type} into a {self.memref.type}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        value = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        access = Access.parse(parser)
        memref, _ = access.resolve(parser, cls.name, MemRefType)
        assert isinstance(memref.type, MemRefType)
        stored = parser.resolve_operand(value, memref.type.element_type)
        return cls(stored, memref, access.operands, access.map)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.value)
        printer.print_string(", ")
        print_access(printer, self.memref, self.indices, self.map.data)
        printer.print_string(" : ")
        printer.print_attribute(self.memref.type)


@dataclass(frozen=True)
class AllocatesResult(MemoryEffect):
    """The op makes the memory of its result: nobody misses it unread, and no other has the same."""

    @classmethod
    def get_effects(cls, op: Operation) -> Set[EffectInstance]:
        return {EffectInstance(MemoryEffectKind.ALLOC, op.results[0])}


@irdl_op_definition
class AllocOp(IRDLOperation):
    """A buffer that holds the box of logical elements beginning at an origin.

        %C_reg = loop.alloc at [%oc_o * 32, %oh_o * 2, 0] : memref<32x2x7xf32, "register">

    Accesses use the coordinates of the whole; without an origin the box begins at zero. It lives
    for one iteration of the loop it stands in. Below loops over thread axes each thread has one of
    its own, unless `shared_by ["threadIdx.x"]` says that the threads along an axis have one
    together. Buffers with one name in `share "name"` never live at the same time, and are one
    memory where memory has addresses.

    A tile may lie in a part of a buffer that lives longer, and finds there what was left in it:

        %T = loop.alloc at [%k * 8] in %R[%k mod 2] of memref<2x8xf32, "local"> : memref<8xf32, "local">

    The buffer's first physical dimension counts parts, each as large as the tile.
    """  # noqa: E501

    name = "loop.alloc"

    memory = opt_operand_def(MemRefType)
    outer = var_operand_def(IndexType)
    origin = prop_def(AffineMapAttr)
    part = prop_def(AffineMapAttr)
    """Which part of `memory` the tile lies in: no result without a memory, else one."""
    shared_by = opt_prop_def(ArrayAttr[StringAttr])
    share = opt_prop_def(StringAttr)
    result = result_def(MemRefType)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(AllocatesResult())

    def __init__(
        self,
        type: MemRefType,
        outer: Sequence[SSAValue] = (),
        origin: AffineMap | None = None,
        memory: SSAValue | None = None,
        part: AffineMap | None = None,
    ) -> None:
        if origin is None:
            zero = AffineExpr.constant(0)
            origin = AffineMap(len(outer), 0, (zero,) * type.get_num_dims())
        super().__init__(
            operands=[memory, outer],
            properties={
                "origin": AffineMapAttr(origin),
                "part": AffineMapAttr(part or AffineMap(len(outer), 0, ())),
            },
            result_types=[type],
        )

    @property
    def has_origin(self) -> bool:
        """Whether the box begins elsewhere than at zero."""
        return any(
            not isinstance(e, AffineConstantExpr) or e.value != 0 for e in self.origin.data.results
        )

    @property
    def sharing_axes(self) -> tuple[str, ...]:
        """The thread axes along which all threads have this buffer together."""
        return () if self.shared_by is None else tuple(axis.data for axis in self.shared_by)

    def verify_(self) -> None:
        verify_access(self, self.result.type, len(self.outer), self.origin.data)
        verify_dims(self, "the part", self.part.data, len(self.outer))
        if len(self.part.data.results) != (self.memory is not None):
            raise VerifyException(f"{self.name}: a tile lies in one part of a memory, or in none")
        if self.memory is not None:
            self.verify_part(self.memory.type, self.result.type)
        for axis in self.sharing_axes:
            if axis not in THREAD_AXES:
                raise VerifyException(
                    f"{self.name}: shared by '{axis}', which is no thread axis; "
                    f"there are {', '.join(THREAD_AXES)}"
                )

    def verify_part(self, whole: Attribute, tile: Attribute) -> None:
        """Refuse a buffer whose parts are not such tiles."""
        assert isinstance(whole, MemRefType) and isinstance(tile, MemRefType)
        types = (whole.element_type, whole.memory_space), (tile.element_type, tile.memory_space)
        if types[0] != types[1] or physical_shape(whole)[1:] != physical_shape(tile):
            raise VerifyException(
                f"{self.name}: {tile} is no part of {whole}: they have one element type and scope, "
                "and the extents in memory of the whole are those of the tile behind the number "
                "of parts"
            )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        reader = AffineReader(parser)
        exprs: list[AffineExpr] | None = None
        parts: list[AffineExpr] = []
        memory: SSAValue | None = None
        if parser.parse_optional_keyword("at") is not None:
            exprs = reader.expressions()
        if parser.parse_optional_keyword("in") is not None:
            base = parser.parse_unresolved_operand()
            parts = reader.expressions()
            parser.parse_keyword("of")
            memory = parser.resolve_operand(base, parse_type_of(parser, cls.name, MemRefType))
        shared_by = None
        if parser.parse_optional_keyword("shared_by") is not None:
            axes = parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, parser.parse_str_literal
            )
            shared_by = ArrayAttr([StringAttr(axis) for axis in axes])
        share = None
        if parser.parse_optional_keyword("share") is not None:
            share = StringAttr(parser.parse_str_literal())
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type = parse_type_of(parser, cls.name, MemRefType)
        if exprs is None:
            exprs = [AffineExpr.constant(0)] * type.get_num_dims()
        maps = reader.map(exprs).data, reader.map(parts).data
        op = cls(type, reader.operands, maps[0], memory, maps[1])
        op.shared_by = shared_by
        op.share = share
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        if self.has_origin:
            printer.print_string(" at ")
            print_expressions(printer, self.origin.data.results, self.outer)
        if self.memory is not None:
            printer.print_string(" in ")
            printer.print_operand(self.memory)
            print_expressions(printer, self.part.data.results, self.outer)
            printer.print_string(" of ")
            printer.print_attribute(self.memory.type)
        if self.shared_by is not None:
            printer.print_string(" shared_by ")
            printer.print_attribute(self.shared_by)
        if self.share is not None:
            printer.print_string(" share ")
            printer.print_string_literal(self.share.data)
        if self.attributes:
            printer.print_string(" ")
            printer.print_attr_dict(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)
