"""The text form of affine expressions over SSA values, shared by the te and loop dialects.

An operation holds a list of index operands and maps whose dimensions stand for them. In text
the operands appear inside the expressions: `%x[%ic, %oh * 2 + %kh]`, `where (%oh - 1 >= 0)`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AffineMapAttr,
    ArrayAttr,
    IndexType,
    MemRefType,
    StringAttr,
    TensorType,
)
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.layout import logical_shape

_WORDS = {
    "floordiv": AffineBinaryOpKind.FloorDiv,
    "ceildiv": AffineBinaryOpKind.CeilDiv,
    "mod": AffineBinaryOpKind.Mod,
}
_SPELLING = {
    AffineBinaryOpKind.Add: "+",
    AffineBinaryOpKind.Mul: "*",
    AffineBinaryOpKind.FloorDiv: "floordiv",
    AffineBinaryOpKind.CeilDiv: "ceildiv",
    AffineBinaryOpKind.Mod: "mod",
}


@dataclass
class AffineReader:
    """Reads expressions of one operation; `operands` collects the SSA values they name."""

    parser: Parser
    operands: list[SSAValue] = field(default_factory=list[SSAValue])
    elements: bool = False
    """Whether `i0`, `i1`, ... stand for the index of an element: the symbols of the map."""

    def operand(self, value: SSAValue) -> AffineExpr:
        """The dimension that stands for `value`."""
        if value not in self.operands:
            self.operands.append(value)
        return AffineExpr.dimension(self.operands.index(value))

    def primary(self) -> AffineExpr:
        parser = self.parser
        if parser.parse_optional_punctuation("(") is not None:
            expr = self.expression()
            parser.parse_punctuation(")")
            return expr
        if parser.parse_optional_punctuation("-") is not None:
            return self.primary() * -1
        if (number := parser.parse_optional_integer(allow_boolean=False)) is not None:
            return AffineExpr.constant(number)
        if (name := parser.parse_optional_unresolved_operand()) is not None:
            return self.operand(parser.resolve_operand(name, IndexType()))
        if self.elements and (word := parser.parse_optional_identifier()) is not None:
            if re.fullmatch(r"i\d+", word) is None:
                parser.raise_error(f"'{word}' is no index of an element; they are i0, i1, ...")
            return AffineExpr.symbol(int(word[1:]))
        parser.raise_error("expected an integer, an index value or '('")

    def product(self) -> AffineExpr:
        expr = self.primary()
        while True:
            position = self.parser.pos
            if self.parser.parse_optional_punctuation("*") is not None:
                factor = self.primary()
                if not isinstance(factor, AffineConstantExpr):
                    expr, factor = factor, expr
                self.require_constant(factor, "one factor of a product", position)
                expr = expr * factor
            elif (word := self.parser.parse_optional_keyword_in(_WORDS)) is not None:
                divisor = self.primary()
                self.require_constant(divisor, f"what follows {word}", position, least=1)
                expr = AffineExpr.binary(_WORDS[word], expr, divisor)
            else:
                return expr

    def require_constant(
        self, expr: AffineExpr, what: str, position: int, least: int | None = None
    ) -> None:
        """Refuse what would not be affine, from `position` on."""
        number = expr.value if isinstance(expr, AffineConstantExpr) else None
        if number is None or (least is not None and number < least):
            kind = "constant" if least is None else "positive constant"
            self.parser.raise_error(
                f"an index is an affine expression: {what} is a {kind}", position, self.parser.pos
            )

    def expression(self) -> AffineExpr:
        """One affine expression."""
        expr = self.product()
        while True:
            if self.parser.parse_optional_punctuation("+") is not None:
                expr = expr + self.product()
            elif self.parser.parse_optional_punctuation("-") is not None:
                expr = expr + self.product() * -1
            else:
                return expr

    def expressions(self) -> list[AffineExpr]:
        """A list in brackets."""
        return self.parser.parse_comma_separated_list(self.parser.Delimiter.SQUARE, self.expression)

    def conditions(self) -> list[AffineExpr]:
        """`where (e >= 0, ...)` if it is there; the expressions that must not be negative."""
        if self.parser.parse_optional_keyword("where") is None:
            return []

        def condition() -> AffineExpr:
            left = self.expression()
            if self.parser.parse_optional_punctuation(">") is None:
                self.parser.parse_punctuation("<", " or '>': a condition is `e >= e` or `e < e`")
                return self.expression() + left * -1 - 1
            self.parser.parse_punctuation("=")
            return left - self.expression()

        return self.parser.parse_comma_separated_list(self.parser.Delimiter.PAREN, condition)

    def map(self, exprs: Sequence[AffineExpr]) -> AffineMapAttr:
        """A map over all operands named so far (call it when everything is read)."""
        return AffineMapAttr(AffineMap(len(self.operands), 0, tuple(exprs)))


def _terms(expr: AffineExpr) -> list[AffineExpr]:
    if isinstance(expr, AffineBinaryOpExpr) and expr.kind is AffineBinaryOpKind.Add:
        return [*_terms(expr.lhs), *_terms(expr.rhs)]
    return [expr]


def _negated(expr: AffineExpr) -> AffineExpr | None:
    """The expression whose negative `expr` is, if it is spelled as one."""
    if isinstance(expr, AffineConstantExpr):
        return AffineExpr.constant(-expr.value) if expr.value < 0 else None
    if isinstance(expr, AffineBinaryOpExpr) and expr.kind is AffineBinaryOpKind.Mul:
        factor = expr.rhs
        if isinstance(factor, AffineConstantExpr) and factor.value < 0:
            return expr.lhs * -factor.value
    return None


def _is_sum(expr: AffineExpr) -> bool:
    return isinstance(expr, AffineBinaryOpExpr) and expr.kind is AffineBinaryOpKind.Add


def print_expression(
    printer: Printer, expr: AffineExpr, operands: Sequence[SSAValue], tight: bool = False
) -> None:
    """Print `expr`; a sum is put in parentheses where it is a factor (`tight`)."""
    if isinstance(expr, AffineConstantExpr):
        printer.print_string(str(expr.value))
        return
    if isinstance(expr, AffineDimExpr):
        printer.print_operand(operands[expr.position])
        return
    if isinstance(expr, AffineSymExpr):
        printer.print_string(f"i{expr.position}")
        return
    assert isinstance(expr, AffineBinaryOpExpr)
    if tight:
        printer.print_string("(")
    if expr.kind is AffineBinaryOpKind.Add:
        for i, term in enumerate(_terms(expr)):
            positive = _negated(term)
            if i == 0:
                print_term(printer, term, operands)
            elif positive is None:
                printer.print_string(" + ")
                print_term(printer, term, operands)
            else:
                printer.print_string(" - ")
                print_expression(printer, positive, operands, tight=_is_sum(positive))
    else:
        print_term(printer, expr, operands)
    if tight:
        printer.print_string(")")


def print_term(printer: Printer, expr: AffineExpr, operands: Sequence[SSAValue]) -> None:
    """Print one term of a sum."""
    if not isinstance(expr, AffineBinaryOpExpr):
        print_expression(printer, expr, operands)
        return
    if (positive := _negated(expr)) is not None:
        # a sign binds more tightly than a division
        divides = isinstance(positive, AffineBinaryOpExpr) and (
            positive.kind is not AffineBinaryOpKind.Mul
        )
        printer.print_string("-")
        print_expression(printer, positive, operands, tight=divides)
        return
    print_expression(printer, expr.lhs, operands, tight=isinstance(expr.lhs, AffineBinaryOpExpr))
    printer.print_string(f" {_SPELLING[expr.kind]} ")
    print_expression(printer, expr.rhs, operands, tight=isinstance(expr.rhs, AffineBinaryOpExpr))


def print_expressions(
    printer: Printer, exprs: Sequence[AffineExpr], operands: Sequence[SSAValue]
) -> None:
    """Print a list in brackets."""
    with printer.in_square_brackets():
        printer.print_list(exprs, lambda expr: print_expression(printer, expr, operands))


def print_conditions(
    printer: Printer, exprs: Sequence[AffineExpr], operands: Sequence[SSAValue]
) -> None:
    """Print ` where (e >= 0, ...)`, or nothing if there is no condition."""
    if not exprs:
        return

    def condition(expr: AffineExpr) -> None:
        print_expression(printer, expr, operands)
        printer.print_string(" >= 0")

    printer.print_string(" where ")
    with printer.in_parens():
        printer.print_list(exprs, condition)


def print_named(printer: Printer, value: SSAValue, name: str) -> None:
    """Print a value that also has a name of its own; the name only where the value's differs."""
    if printer.print_ssa_value(value) != name:
        printer.print_string(f' "{name}"')


def parse_named(parser: Parser) -> tuple[Parser.Argument, str]:
    """What `print_named` prints: a new index value and its name."""
    argument = parser.parse_argument(expect_type=False)
    name = parser.parse_optional_str_literal()
    return argument.resolve(IndexType()), argument.name.text[1:] if name is None else name


Shaped = TypeVar("Shaped", bound=MemRefType[Attribute] | TensorType[Attribute])


def parse_type_of(parser: Parser, op: str, kind: type[Shaped]) -> Shaped:
    """Read the type of what the operation called `op` accesses, which must be of that kind."""
    position = parser.pos
    type = parser.parse_type()
    if not isinstance(type, kind):
        parser.raise_error(f"{op}: expected a {kind.name}, got {type}", position, parser.pos)
    return type


@dataclass
class Access:
    """The text of a read: `%base[e, e] where (e >= 0) else %v : type`; a write has no guard."""

    base: UnresolvedOperand
    reader: AffineReader
    exprs: list[AffineExpr]
    conditions: list[AffineExpr]
    otherwise: UnresolvedOperand | None

    @classmethod
    def parse(cls, parser: Parser) -> "Access":
        """Read everything up to the type."""
        base = parser.parse_unresolved_operand()
        reader = AffineReader(parser)
        exprs = reader.expressions()
        conditions = reader.conditions()
        otherwise = None
        if conditions:
            parser.parse_keyword("else")
            otherwise = parser.parse_unresolved_operand()
        parser.parse_punctuation(":")
        return cls(base, reader, exprs, conditions, otherwise)

    def resolve(
        self,
        parser: Parser,
        op: str,
        kind: type[MemRefType[Attribute]] | type[TensorType[Attribute]],
    ) -> tuple[SSAValue, SSAValue | None]:
        """Read the type; returns the accessed value and the value where the guard fails."""
        type = parse_type_of(parser, op, kind)
        base = parser.resolve_operand(self.base, type)
        if self.otherwise is None:
            return base, None
        return base, parser.resolve_operand(self.otherwise, type.element_type)

    @property
    def operands(self) -> list[SSAValue]:
        """The values the expressions name."""
        return self.reader.operands

    @property
    def map(self) -> AffineMap:
        """The coordinates."""
        return self.reader.map(self.exprs).data

    @property
    def where(self) -> AffineMap:
        """The guard."""
        return self.reader.map(self.conditions).data


def print_access(
    printer: Printer, base: SSAValue, indices: Sequence[SSAValue], map: AffineMap
) -> None:
    """Print `%base[e, e]`."""
    printer.print_operand(base)
    print_expressions(printer, map.results, indices)


def print_guard(
    printer: Printer, indices: Sequence[SSAValue], where: AffineMap, otherwise: SSAValue | None
) -> None:
    """Print ` where (e >= 0) else %v`, or nothing."""
    print_conditions(printer, where.results, indices)
    if otherwise is not None:
        printer.print_string(" else ")
        printer.print_operand(otherwise)


def verify_access(op: Operation, type: Attribute, indices: int, map: AffineMap) -> None:
    """Check that an access has one expression a dimension, over its own indices."""
    assert isinstance(type, MemRefType | TensorType)
    if DYNAMIC_INDEX in logical_shape(type):
        raise VerifyException(
            f"{op.name}: {type} has a dimension without a name; "
            'name it in its layout: #loop.layout<["m", 64]>'
        )
    if len(map.results) != len(type.get_shape()):
        raise VerifyException(
            f"{op.name}: {len(map.results)} indices for the {len(type.get_shape())} dimensions "
            f"of {type}"
        )
    verify_dims(op, "the map", map, indices)


def verify_dims(op: Operation, what: str, map: AffineMap, operands: int) -> None:
    """Check that a map has one dimension for each value it is a map of."""
    if map.num_dims != operands or map.num_symbols:
        raise VerifyException(
            f"{op.name}: {what} has {map.num_dims} dimensions and {map.num_symbols} symbols "
            f"for {operands} operands"
        )


def verify_read(
    op: Operation, base: Attribute, where: AffineMap, otherwise: SSAValue | None, type: Attribute
) -> None:
    """Check that a read of `type` has the element type of `base`, also where its guard fails."""
    assert isinstance(base, MemRefType | TensorType)
    if type != base.element_type:
        raise VerifyException(f"{op.name}: reads {type} from {base}")
    if bool(where.results) != (otherwise is not None):
        raise VerifyException(f"{op.name}: a guard and a value where it fails come together")
    if otherwise is not None and otherwise.type != type:
        raise VerifyException(
            f"{op.name}: reads {type}, but {otherwise.type} where the guard fails"
        )


class AxisReader:
    """Reads the axes of one operation: `(%y = 0 to 64, %x = 0 to %m)`."""

    def __init__(self, parser: Parser, op: str) -> None:
        self.parser = parser
        self.op = op
        self.reader = AffineReader(parser)
        self.arguments: list[Parser.Argument] = []
        self.names: list[str] = []
        self.sizes: list[AffineExpr] = []

    def read(self) -> None:
        """Read one list of axes."""
        self.parser.parse_comma_separated_list(self.parser.Delimiter.PAREN, self.axis)

    def axis(self) -> None:
        argument, name = parse_named(self.parser)
        self.arguments.append(argument)
        self.names.append(name)
        self.parser.parse_punctuation("=")
        if self.parser.parse_integer() != 0:
            self.parser.raise_error(f"{self.op}: an axis begins at 0")
        self.parser.parse_keyword("to")
        self.sizes.append(self.reader.expression())

    @property
    def extents(self) -> AffineMap:
        """The sizes of all axes, as a map of the values they name."""
        return self.reader.map(self.sizes).data

    @property
    def bounds(self) -> list[SSAValue]:
        """The values that the sizes name."""
        return self.reader.operands


def verify_axes(
    op: Operation,
    name: str,
    axes: ArrayAttr[StringAttr],
    extents: AffineMap,
    body: Region,
    bounds: int,
) -> None:
    """Check that a computation has one name, one extent and one argument for each axis."""
    counts = len(axes.data), len(extents.results), len(body.block.args)
    if len(set(counts)) != 1:
        raise VerifyException(
            f"{name}: {counts[0]} names of axes, {counts[1]} extents, {counts[2]} arguments"
        )
    verify_dims(op, "the map of extents", extents, bounds)
