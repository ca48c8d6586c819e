"""What every graph op shares: its text, its verifier, its fusion class.

An op has tensor operands, properties that are numbers, lists of numbers or words, and one tensor
result whose type follows from them:

    %y = graph.conv(%x, %w, %b) strides = [2, 2] pads = [3, 3, 3, 3] : (tensor<..>, ...) -> ...

`infer` states the rule for the result type; the verifier compares with it and `make` builds an
op from it. Properties that have their default are not printed.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    I64,
    BoolAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    TensorType,
    f64,
    i1,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.irdl import IRDLOperation, OptionalDef, VerificationContext, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import OpTrait
from xdsl.utils.exceptions import VerifyException

from analysis.shapes import Extent, Shape, ShapeError, is_static
from dialects.graph.elements import is_float
from dialects.layout import LayoutAttr, logical_shape

AnyTensor = TensorType[Attribute]
Value = bool | int | float | str | Sequence[int]
Ints = DenseArrayBase[I64]
Int = IntegerAttr
Float = FloatAttr


@dataclass(frozen=True)
class FusionClass(OpTrait):
    """How an op may be fused with its neighbours.

    `injective`: each output element comes from one element of each input, so it fuses anywhere;
    `reduction`: it sums over its input and may take injective producers in; `out_fusable`: it
    may take injective consumers in at its output; `opaque`: it stays alone.
    """

    kind: Literal["injective", "reduction", "out_fusable", "opaque"]


def shape_of(type: Attribute) -> Shape:
    """The shape of a tensor type; a dynamic extent is the name that its layout has for it."""
    return logical_shape(type)


def element_type(type: Attribute) -> Attribute:
    assert isinstance(type, TensorType)
    return cast(AnyTensor, type).element_type


def tensor(element: Attribute, shape: Sequence[Extent]) -> AnyTensor:
    """The tensor type with that element type and shape, its symbols named in the encoding."""
    sizes = [e if isinstance(e, int) else DYNAMIC_INDEX for e in shape]
    if is_static(shape):
        return TensorType(element, sizes)
    return TensorType(element, sizes, LayoutAttr.of(AffineMap.identity(len(shape)), shape))


def encode(value: Value) -> Attribute:
    """A Python value as the attribute that a property holds."""
    if isinstance(value, bool):
        return BoolAttr.from_bool(value)
    if isinstance(value, int):
        return IntegerAttr(value, i64)
    if isinstance(value, float):
        return FloatAttr(value, f64)
    if isinstance(value, str):
        return StringAttr(value)
    return DenseArrayBase.from_list(i64, list(value))


def ints(attr: Ints) -> tuple[int, ...]:
    return tuple(attr.get_values())


def integer(attr: Int) -> int:
    return attr.value.data


def flag(attr: Int) -> bool:
    return attr.value.data != 0


def real(attr: Float) -> float:
    return attr.value.data


def require_same_elements(*values: SSAValue | None) -> Attribute:
    """The one element type of `values`."""
    elements = [element_type(value.type) for value in values if value is not None]
    for element in elements[1:]:
        if element != elements[0]:
            raise ShapeError(f"operand element types: expected {elements[0]}, got {element}")
    return elements[0]


def require_float(value: SSAValue) -> None:
    if not is_float(element_type(value.type)):
        raise ShapeError(f"element type: expected a float, got {element_type(value.type)}")


def require_word(value: StringAttr, what: str, *words: str) -> None:
    if value.data not in words:
        raise ShapeError(f"{what}: expected {' or '.join(words)}, got {value.data}")


class GraphOp(IRDLOperation, ABC):
    """An op of the graph dialect with one tensor result."""

    result = result_def(TensorType)

    @abstractmethod
    def infer(self) -> AnyTensor:
        """The result's type, from operands and properties; raises `ShapeError`."""

    @classmethod
    def make(
        cls, *operands: SSAValue, result_type: AnyTensor | None = None, **values: Value | None
    ) -> Self:
        """An op with its result type inferred, unless the type is a choice of the op's user."""
        properties = {name: encode(v) for name, v in values.items() if v is not None}
        known = cls.get_irdl_definition().properties
        for name, definition in known.items():
            if definition.default_value is not None:
                properties.setdefault(name, definition.default_value)
        assert properties.keys() <= known.keys(), (cls.name, properties.keys())
        if result_type is None:
            probe = cls.create(
                operands=operands, properties=properties, result_types=[operands[0].type]
            )
            try:
                result_type = probe.infer()
            finally:
                probe.erase()
        return cls.create(operands=operands, properties=properties, result_types=[result_type])

    def verify_(self) -> None:
        got = self.result.type
        for type in (*self.operand_types, got):
            if DYNAMIC_INDEX in shape_of(type):
                raise VerifyException(
                    f"{self.name}: {type} has a dimension without a name; "
                    'name it in its layout: #loop.layout<["m", 64]>'
                )
        try:
            expected = self.infer()
        except ShapeError as error:
            raise VerifyException(f"{self.name}: {error}") from None
        if (expected.shape, expected.element_type) != (got.shape, got.element_type):
            raise VerifyException(f"{self.name}: result type: expected {expected}, got {got}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        unresolved = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_unresolved_operand
        )
        known = cls.get_irdl_definition().properties
        properties: dict[str, Attribute] = {
            name: definition.default_value
            for name, definition in known.items()
            if definition.default_value is not None
        }
        while (word := parser.parse_optional_identifier()) is not None and word != "attributes":
            if word not in known:
                there = ", ".join(known) or "none"
                parser.raise_error(f"{cls.name} has no property '{word}'; there are: {there}")
            parser.parse_punctuation("=")
            properties[word] = cls.parse_property(parser, word)
        for name, definition in known.items():
            if name not in properties and not isinstance(definition, OptionalDef):
                parser.raise_error(f"{cls.name}: property '{name}' is missing")
        attributes = parser.parse_optional_attr_dict() if word == "attributes" else {}
        parser.parse_punctuation(":")
        at = parser.pos
        types = parser.parse_function_type()
        if len(types.inputs) != len(unresolved):
            parser.raise_error(
                f"{len(unresolved)} operands have {len(types.inputs)} types", at, parser.pos
            )
        operands = parser.resolve_operands(unresolved, types.inputs.data, at)
        return cls.create(
            operands=operands,
            properties=properties,
            attributes=attributes,
            result_types=types.outputs.data,
        )

    @classmethod
    def parse_property(cls, parser: Parser, name: str) -> Attribute:
        """The value of a property, of the kind that this op takes."""
        position = parser.pos
        value = parse_value(parser)
        try:
            cls.get_irdl_definition().properties[name].constr.verify(value, VerificationContext())
        except VerifyException:
            parser.raise_error(
                f"{cls.name}: property '{name}' cannot be {value}", position, parser.pos
            )
        return value

    def print(self, printer: Printer) -> None:
        with printer.in_parens():
            printer.print_list(self.operands, printer.print_ssa_value)
        for name, definition in self.get_irdl_definition().properties.items():
            value = self.properties.get(name)
            if value is not None and value != definition.default_value:
                printer.print_string(f" {name} = ")
                print_value(printer, value)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" : ")
        printer.print_function_type(self.operand_types, self.result_types)


def parse_value(parser: Parser) -> Attribute:
    """The value of a property: `[1, 2]`, `true`, `"word"`, `3` or `0.5`."""
    numbers = parser.parse_optional_comma_separated_list(
        parser.Delimiter.SQUARE, parser.parse_integer
    )
    if numbers is not None:
        return encode(numbers)
    if (word := parser.parse_optional_str_literal()) is not None:
        return encode(word)
    if (truth := parser.parse_optional_boolean()) is not None:
        return encode(truth)
    return encode(parser.parse_number())


def print_value(printer: Printer, value: Attribute) -> None:
    if isinstance(value, DenseArrayBase):
        array = cast(DenseArrayBase[Any], value)
        printer.print_string(f"[{', '.join(str(v) for v in array.get_values())}]")
    elif isinstance(value, IntegerAttr):
        number = cast(IntegerAttr[Any], value)
        printer.print_string(
            ("true" if number.value.data else "false")
            if number.type == i1
            else str(number.value.data)
        )
    elif isinstance(value, FloatAttr):
        printer.print_float(cast(FloatAttr[Any], value).value.data, f64)
    else:
        printer.print_attribute(value)
