"""Ops that hold a network together: its weights and the calls of its kernels."""

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import (
    FlatSymbolRefAttr,
    MemRefType,
    StringAttr,
    SymbolRefAttr,
    TensorType,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure, SymbolTable
from xdsl.utils.exceptions import VerifyException

from dialects.graph.weights import Array, Weight, WeightAttr


@irdl_op_definition
class WeightOp(IRDLOperation):
    """`%w = graph.weight @w splat(0.02) : tensor<64x3x7x7xf32>`: a constant with a name."""

    name = "graph.weight"
    label = prop_def(StringAttr)
    content = prop_def(WeightAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    def __init__(self, label: str, weight: Weight | Array) -> None:
        weight = weight if isinstance(weight, Weight) else Weight.of(weight)
        super().__init__(
            properties={"label": StringAttr(label), "content": WeightAttr(weight)},
            result_types=[weight.type],
        )

    @property
    def weight(self) -> Weight:
        return self.content.data

    def verify_(self) -> None:
        if self.result.type != self.weight.type:
            raise VerifyException(
                f"graph.weight: result type: expected {self.weight.type}, got {self.result.type}"
            )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        label = parser.parse_symbol_name()
        op = cls(label.data, Weight.parse(parser))
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op.attributes = {} if attributes is None else dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.label.data)
        printer.print_string(" ")
        self.weight.print(printer)
        printer.print_op_attributes(self.attributes, print_keyword=True)


@irdl_op_definition
class CallOp(IRDLOperation):
    """`%y = graph.call @kernel(%x, %w) on "cpu" : (..) -> (..)`: runs a kernel on a device."""

    name = "graph.call"
    callee = prop_def(FlatSymbolRefAttr)
    device = prop_def(StringAttr)
    arguments = var_operand_def(TensorType)
    results_ = var_result_def(TensorType)
    traits = traits_def(Pure())

    def __init__(
        self,
        callee: str,
        device: str,
        arguments: Sequence[SSAValue],
        result_types: Sequence[Attribute],
    ) -> None:
        super().__init__(
            operands=[arguments],
            properties={"callee": SymbolRefAttr(callee), "device": StringAttr(device)},
            result_types=[result_types],
        )

    def verify_(self) -> None:
        kernel = SymbolTable.lookup_symbol(self, self.callee)
        if not isinstance(kernel, FuncOp):
            raise VerifyException(f"graph.call: no function is named {self.callee}")
        signature = (tuple(self.operand_types), tuple(self.result_types))
        expected = (kernel.function_type.inputs.data, kernel.function_type.outputs.data)
        if any(isinstance(t, MemRefType) for t in expected[0]):
            return  # the kernel is already lowered; its buffers may have other layouts
        if signature != expected:
            raise VerifyException(
                f"graph.call: {self.callee} has type {kernel.function_type}, "
                f"called with ({', '.join(map(str, signature[0]))}) -> "
                f"({', '.join(map(str, signature[1]))})"
            )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        callee = parser.parse_symbol_name().data
        at = parser.pos
        unresolved = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_unresolved_operand
        )
        parser.parse_keyword("on")
        device = parser.parse_str_literal()
        attributes = parser.parse_optional_attr_dict_with_keyword()
        parser.parse_punctuation(":")
        types = parser.parse_function_type()
        operands = parser.resolve_operands(unresolved, types.inputs.data, at)
        op = cls(callee, device, operands, types.outputs.data)
        op.attributes = {} if attributes is None else dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.callee.root_reference.data)
        with printer.in_parens():
            printer.print_list(self.arguments, printer.print_ssa_value)
        printer.print_string(" on ")
        printer.print_string_literal(self.device.data)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" : ")
        printer.print_function_type(self.operand_types, self.result_types)
