"""Operations of the loop dialect that name what hardware does: moves, prefetches, tokens, calls."""

from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IndexType,
    IntAttr,
    IntegerAttr,
    IntegerType,
    MemRefType,
    StringAttr,
    SymbolRefAttr,
    UnitAttr,
    i64,
)
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap, AffineSymExpr
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    var_operand_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.affine_syntax import (
    AffineReader,
    parse_type_of,
    print_access,
    print_expression,
    print_expressions,
    verify_access,
    verify_dims,
)


@irdl_op_definition
class CopyOp(IRDLOperation):
    """Moves the box of a tile as one operation, from the whole into the tile or back.

    The box is that of whichever side is a tile with an origin. Elements of it outside the other
    side's shape are filled with `pad` on the way in and left alone on the way out.
    """

    name = "loop.copy"

    source = operand_def(MemRefType)
    target = operand_def(MemRefType)
    pad = opt_prop_def(FloatAttr | IntegerAttr)

    assembly_format = (
        "$source `to` $target (`pad` $pad^)? attr-dict `:` type($source) `to` type($target)"
    )

    def __init__(
        self, source: SSAValue, target: SSAValue, pad: FloatAttr | IntegerAttr | None = None
    ) -> None:
        super().__init__(operands=[source, target], properties={"pad": pad})

    def verify_(self) -> None:
        source, target = self.source.type, self.target.type
        assert isinstance(source, MemRefType) and isinstance(target, MemRefType)
        if source.element_type != target.element_type:
            raise VerifyException(f"{self.name}: {source} and {target} differ in element type")
        if source.get_num_dims() != target.get_num_dims():
            raise VerifyException(f"{self.name}: {source} and {target} differ in rank")
        if self.pad is not None and self.pad.type != target.element_type:
            raise VerifyException(f"{self.name}: pads {target} with {self.pad.type}")


@irdl_op_definition
class PrefetchOp(IRDLOperation):
    """Asks the cache for the element at logical coordinates plus a physical distance.

        loop.prefetch %W[%oc, %ic + 16, 0, 0] + (%kh * 384) locality 2 : memref<...>

    The distance counts elements in physical order. Nothing is read: any address is allowed.
    """

    name = "loop.prefetch"

    memref = operand_def(MemRefType)
    indices = var_operand_def(IndexType)
    map = prop_def(AffineMapAttr)
    distance = prop_def(AffineMapAttr)
    locality = prop_def(IntAttr)

    def __init__(
        self,
        memref: SSAValue,
        indices: Sequence[SSAValue],
        map: AffineMap,
        distance: AffineMap,
        locality: int,
    ) -> None:
        super().__init__(
            operands=[memref, indices],
            properties={
                "map": AffineMapAttr(map),
                "distance": AffineMapAttr(distance),
                "locality": IntAttr(locality),
            },
        )

    def verify_(self) -> None:
        verify_access(self, self.memref.type, len(self.indices), self.map.data)
        verify_dims(self, "the distance", self.distance.data, len(self.indices))
        if len(self.distance.data.results) != 1:
            raise VerifyException(f"{self.name}: the distance is one expression")
        if not 0 <= self.locality.data <= 3:
            raise VerifyException(
                f"{self.name}: locality is 0 (none) to 3 (keep), not {self.locality.data}"
            )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        base = parser.parse_unresolved_operand()
        reader = AffineReader(parser)
        exprs = reader.expressions()
        distance = AffineExpr.constant(0)
        if parser.parse_optional_punctuation("+") is not None:
            with parser.in_parens():
                distance = reader.expression()
        parser.parse_keyword("locality")
        locality = parser.parse_integer(allow_boolean=False, allow_negative=False)
        parser.parse_punctuation(":")
        memref = parser.resolve_operand(base, parse_type_of(parser, cls.name, MemRefType))
        maps = reader.map(exprs).data, reader.map([distance]).data
        return cls(memref, reader.operands, *maps, locality)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_access(printer, self.memref, self.indices, self.map.data)
        printer.print_string(" + ")
        with printer.in_parens():
            print_expression(printer, self.distance.data.results[0], self.indices)
        printer.print_string(f" locality {self.locality.data} : ")
        printer.print_attribute(self.memref.type)


@irdl_op_definition
class BarrierOp(IRDLOperation):
    """No thread goes on before all threads of the run have come here."""

    name = "loop.barrier"

    assembly_format = "attr-dict"


class DependenceOp(IRDLOperation):
    """A token between two execution units of the target, such as `ld` and `ex`."""

    source = prop_def(StringAttr)
    target = prop_def(StringAttr)

    assembly_format = "$source `to` $target attr-dict"

    def __init__(self, source: str, target: str) -> None:
        super().__init__(properties={"source": StringAttr(source), "target": StringAttr(target)})


@irdl_op_definition
class PushDepOp(DependenceOp):
    """Unit `source` tells unit `target` that it got here."""

    name = "loop.push_dep"


@irdl_op_definition
class PopDepOp(DependenceOp):
    """Unit `target` waits until unit `source` has pushed a token."""

    name = "loop.pop_dep"


@irdl_op_definition
class IntrinsicOp(IRDLOperation):
    """A call of a declared tensor instruction, alone in a region of a block.

        loop.intrinsic @gemm "update"(%C[%n + i0, %oc * 16 + i1], %A[%n + i0, %k * 16 + i1],
                                      %B[%oc * 16 + i0, %k * 16 + i1]) writes 1 : ...
        loop.intrinsic @shr "compute"(%acc, %acc) writes 1 imm [8] : ...

    `form` is `compute`, `reset` or `update`; the first `writes` operands are written. An operand
    says where its element (i0, i1, ...) lies, in logical coordinates; one without coordinates is a
    whole tile. `imm` are the scalar arguments of the instruction.
    """

    name = "loop.intrinsic"

    callee = prop_def(SymbolRefAttr)
    form = prop_def(StringAttr)
    writes = prop_def(IntAttr)
    maps = prop_def(ArrayAttr[AffineMapAttr | UnitAttr])
    """For each tile the coordinates of an element; dimensions are `indices`, symbols its index."""
    immediates = opt_prop_def(DenseArrayBase[IntegerType])
    tiles = var_operand_def(MemRefType)
    indices = var_operand_def(IndexType)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    FORMS: ClassVar = ("compute", "reset", "update")

    def __init__(
        self,
        callee: str,
        form: str,
        tiles: Sequence[SSAValue],
        writes: int,
        maps: Sequence[AffineMap | None] | None = None,
        indices: Sequence[SSAValue] = (),
        immediates: Sequence[int] = (),
    ) -> None:
        places = [None] * len(tiles) if maps is None else maps
        super().__init__(
            operands=[tiles, indices],
            properties={
                "callee": SymbolRefAttr(callee),
                "form": StringAttr(form),
                "writes": IntAttr(writes),
                "maps": ArrayAttr([UnitAttr() if m is None else AffineMapAttr(m) for m in places]),
                "immediates": DenseArrayBase.from_list(i64, immediates) if immediates else None,
            },
        )

    @property
    def places(self) -> tuple[AffineMap | None, ...]:
        """For each tile the coordinates of an element; None for a whole tile."""
        return tuple(m.data if isinstance(m, AffineMapAttr) else None for m in self.maps.data)

    @property
    def immediate_values(self) -> tuple[int, ...]:
        """The scalar arguments."""
        found = self.immediates
        return () if found is None else tuple(int(v) for v in found.iter_values())

    def verify_(self) -> None:
        if self.form.data not in self.FORMS:
            raise VerifyException(
                f"{self.name}: a form is one of {', '.join(self.FORMS)}, not '{self.form.data}'"
            )
        if not 1 <= self.writes.data <= len(self.tiles):
            raise VerifyException(
                f"{self.name}: writes 1 to {len(self.tiles)} of its operands, "
                f"not {self.writes.data}"
            )
        if len(self.places) != len(self.tiles):
            raise VerifyException(
                f"{self.name}: {len(self.places)} maps for {len(self.tiles)} operands"
            )
        for tile, place in zip(self.tiles, self.places, strict=True):
            if place is None:
                continue
            assert isinstance(tile.type, MemRefType)
            if len(place.results) != tile.type.get_num_dims():
                raise VerifyException(
                    f"{self.name}: {len(place.results)} indices for the "
                    f"{tile.type.get_num_dims()} dimensions of {tile.type}"
                )
            if place.num_dims != len(self.indices):
                raise VerifyException(
                    f"{self.name}: a map has {place.num_dims} dimensions for "
                    f"{len(self.indices)} operands"
                )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        callee = parser.parse_symbol_name().data
        form = parser.parse_str_literal()
        reader = AffineReader(parser, elements=True)

        def operand() -> tuple[UnresolvedOperand, list[AffineExpr] | None]:
            tile = parser.parse_unresolved_operand()
            place = parser.parse_optional_comma_separated_list(
                parser.Delimiter.SQUARE, reader.expression
            )
            return tile, place

        found = parser.parse_comma_separated_list(parser.Delimiter.PAREN, operand)
        parser.parse_keyword("writes")
        writes = parser.parse_integer(allow_boolean=False, allow_negative=False)
        immediates: list[int] = []
        if parser.parse_optional_keyword("imm") is not None:
            immediates = parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, lambda: parser.parse_integer(allow_boolean=False)
            )
        parser.parse_punctuation(":")
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        tiles = parser.resolve_operands([tile for tile, _ in found], types, parser.pos)
        maps = [None if place is None else _element_map(reader, place) for _, place in found]
        return cls(callee, form, tiles, writes, maps, reader.operands, immediates)

    def print(self, printer: Printer) -> None:
        def operand(part: tuple[SSAValue, AffineMap | None]) -> None:
            tile, place = part
            printer.print_operand(tile)
            if place is not None:
                print_expressions(printer, place.results, self.indices)

        printer.print_string(" ")
        printer.print_attribute(self.callee)
        printer.print_string(" ")
        printer.print_string_literal(self.form.data)
        with printer.in_parens():
            printer.print_list(zip(self.tiles, self.places, strict=True), operand)
        printer.print_string(f" writes {self.writes.data}")
        if self.immediates is not None:
            printer.print_string(f" imm [{', '.join(map(str, self.immediate_values))}]")
        printer.print_string(" : ")
        printer.print_list(self.tiles, lambda tile: printer.print_attribute(tile.type))


def _element_map(reader: AffineReader, exprs: Sequence[AffineExpr]) -> AffineMap:
    """A map of the operands read so far, with a symbol for each index of an element."""
    symbols = [e.position for expr in exprs for e in expr.dfs() if isinstance(e, AffineSymExpr)]
    return AffineMap(len(reader.operands), max(symbols, default=-1) + 1, tuple(exprs))
