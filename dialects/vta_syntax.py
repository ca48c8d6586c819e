"""What the instructions of the vta dialect share: field ranges, addresses, factors, in text."""

from collections.abc import Sequence

from xdsl.dialects.builtin import AffineMapAttr, DenseArrayBase, IntegerType, i64
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineMap
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.affine_syntax import AffineReader, print_expressions

SIZE_LIMIT = (1 << 16) - 1
"""The largest size, stride or SRAM address of a LOAD or STORE (16 bits)."""

PAD_LIMIT = 15
ITERATION_LIMIT = (1 << 14) - 1
"""The largest trip count of a GEMM or ALU loop: one bit more than a micro-op index has."""

UNITS = ("load", "compute", "store")
NEIGHBOURS = (("load", "compute"), ("compute", "load"), ("compute", "store"), ("store", "compute"))


def verify_range(name: str, what: str, value: int, low: int, high: int) -> None:
    """Check that a field of an instruction can hold a value."""
    if not low <= value <= high:
        raise VerifyException(f"{name}: {what} is {value}, outside {low} to {high}")


def verify_address(name: str, what: str, map: AffineMap, operands: int, count: int) -> None:
    """Check an address: `count` expressions of the operands, constants within 16 bits."""
    if map.num_dims != operands or len(map.results) != count:
        raise VerifyException(f"{name}: {what} has {count} expressions of its operands")
    for expr in map.results:
        if isinstance(expr, AffineConstantExpr):
            verify_range(name, what, expr.value, 0, SIZE_LIMIT)


def integers(values: Sequence[int]) -> DenseArrayBase[IntegerType]:
    """A list of integers as an attribute."""
    return DenseArrayBase.from_list(i64, list(values))


def integer_values(attribute: DenseArrayBase[IntegerType]) -> tuple[int, ...]:
    """The list that `integers` made an attribute of."""
    return tuple(int(v) for v in attribute.get_values())


def parse_integers(parser: Parser) -> list[int]:
    """`[1, -2]`."""
    return parser.parse_comma_separated_list(
        parser.Delimiter.SQUARE, lambda: parser.parse_integer(allow_boolean=False)
    )


def print_integers(printer: Printer, values: Sequence[int]) -> None:
    with printer.in_square_brackets():
        printer.print_list(values, lambda v: printer.print_string(str(v)))


def parse_loops(parser: Parser) -> tuple[list[int], list[list[int]]]:
    """`outer 14 by [1, 1] inner 3 by [0, 1]`; a loop that is not there runs once."""
    counts, factors = [1, 1], [list[int](), list[int]()]
    for position, word in enumerate(("outer", "inner")):
        if parser.parse_optional_keyword(word) is not None:
            counts[position] = parser.parse_integer(allow_boolean=False)
            parser.parse_keyword("by")
            factors[position] = parse_integers(parser)
    return counts, factors


def print_loops(printer: Printer, counts: Sequence[int], factors: Sequence[Sequence[int]]) -> None:
    for word, count, steps in zip(("outer", "inner"), counts, factors, strict=True):
        if count != 1 or any(steps):
            printer.print_string(f" {word} {count} by ")
            print_integers(printer, steps)


def print_address(
    printer: Printer, word: str, map: AffineMapAttr, operands: Sequence[SSAValue]
) -> None:
    """` word [e, e]`."""
    printer.print_string(f" {word} ")
    print_expressions(printer, map.data.results, operands)


def parse_address(parser: Parser, reader: AffineReader, word: str) -> AffineMap:
    """What `print_address` prints; only its results are final."""
    parser.parse_keyword(word)
    return reader.map(reader.expressions()).data


def over(map: AffineMap, operands: int) -> AffineMapAttr:
    """The same results over all operands."""
    return AffineMapAttr(AffineMap(operands, 0, map.results))
