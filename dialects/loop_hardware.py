"""Operations of the loop dialect that name what hardware does: moves, prefetches, tokens, calls."""

from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import (
    AffineMapAttr,
    FloatAttr,
    IndexType,
    IntAttr,
    IntegerAttr,
    MemRefType,
    StringAttr,
    SymbolRefAttr,
)
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.affine_syntax import (
    AffineReader,
    parse_type_of,
    print_access,
    print_expression,
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
    """A call of a declared tensor instruction on whole tiles, alone in the body of a block.

        loop.intrinsic @gemm8x8 "update"(%acc, %a, %b) writes 1 : memref<...>, memref<...>, ...

    `form` is `compute`, `reset` or `update`; the first `writes` operands are written.
    """

    name = "loop.intrinsic"

    callee = prop_def(SymbolRefAttr)
    form = prop_def(StringAttr)
    writes = prop_def(IntAttr)
    tiles = var_operand_def(MemRefType)

    FORMS: ClassVar = ("compute", "reset", "update")

    def __init__(self, callee: str, form: str, tiles: Sequence[SSAValue], writes: int) -> None:
        super().__init__(
            operands=[tiles],
            properties={
                "callee": SymbolRefAttr(callee),
                "form": StringAttr(form),
                "writes": IntAttr(writes),
            },
        )

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

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        callee = parser.parse_symbol_name().data
        form = parser.parse_str_literal()
        names = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_unresolved_operand
        )
        parser.parse_keyword("writes")
        writes = parser.parse_integer(allow_boolean=False, allow_negative=False)
        parser.parse_punctuation(":")
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        return cls(callee, form, parser.resolve_operands(names, types, parser.pos), writes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_attribute(self.callee)
        printer.print_string(" ")
        printer.print_string_literal(self.form.data)
        with printer.in_parens():
            printer.print_list(self.tiles, printer.print_operand)
        printer.print_string(f" writes {self.writes.data} : ")
        printer.print_list(self.tiles, lambda tile: printer.print_attribute(tile.type))
