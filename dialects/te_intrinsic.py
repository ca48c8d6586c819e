"""Tensor instructions in the te dialect, and the terminator that they share with computations."""

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import (
    ArrayAttr,
    StringAttr,
    TensorType,
)
from xdsl.ir import Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, IsTerminator, NoTerminator, Pure, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException


@irdl_op_definition
class YieldOp(IRDLOperation):
    """The values of one point; in a combiner, the combined values."""

    name = "te.yield"

    values = var_operand_def()

    traits = traits_def(IsTerminator(), Pure())

    assembly_format = "$values attr-dict `:` type($values)"

    def __init__(self, *values: SSAValue) -> None:
        super().__init__(operands=[values])


@irdl_op_definition
class IntrinsicOp(IRDLOperation):
    """A hardware tensor instruction, declared in the language of programs.

    The first region is a function of tensors: what the instruction computes. The second holds the
    names of the hardware calls, one for each form that there is.

        te.intrinsic @gemm8x8 (%a: tensor<8x8xf32>, %b: tensor<8x8xf32>) {
          %c = te.compute "c" ... : tensor<8x8xf32>
          te.yield %c : tensor<8x8xf32>
        } lower compute "gemm8x8" reset "fill_zero" update "fused_gemm8x8_add" on "ex"

    `on` names the execution unit of the target that runs it. An instruction of a CPU says what its
    calls are: `llvm [...]` has the lines of an LLVM IR text that defines the functions which
    `lower` names, and `needs "avx512vnni"` the features, by LLVM's names, that a processor must
    have (docs/cpu-instructions.md).
    """

    name = "te.intrinsic"

    sym_name = prop_def(StringAttr)
    compute_call = prop_def(StringAttr)
    reset_call = opt_prop_def(StringAttr)
    update_call = opt_prop_def(StringAttr)
    unit = opt_prop_def(StringAttr)
    features = opt_prop_def(ArrayAttr[StringAttr])
    code = opt_prop_def(ArrayAttr[StringAttr])
    behaviour = region_def("single_block")

    traits = traits_def(SymbolOpInterface(), IsolatedFromAbove(), NoTerminator())

    def __init__(
        self,
        name: str,
        behaviour: Region,
        compute: str,
        reset: str | None = None,
        update: str | None = None,
        unit: str | None = None,
        features: Sequence[str] = (),
        code: Sequence[str] = (),
    ) -> None:
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "unit": None if unit is None else StringAttr(unit),
                "features": ArrayAttr(map(StringAttr, features)) if features else None,
                "code": ArrayAttr(map(StringAttr, code)) if code else None,
                "compute_call": StringAttr(compute),
                "reset_call": None if reset is None else StringAttr(reset),
                "update_call": None if update is None else StringAttr(update),
            },
            regions=[behaviour],
        )

    @property
    def llvm_text(self) -> str | None:
        """The LLVM IR of its calls, if it is an instruction of a CPU."""
        return None if self.code is None else "\n".join(line.data for line in self.code)

    @property
    def needed_features(self) -> frozenset[str]:
        """The features that a processor must have for its calls."""
        return frozenset(f.data for f in self.features or ())

    def verify_(self) -> None:
        name = f"{self.name} @{self.sym_name.data}"
        last = self.behaviour.block.last_op
        if not isinstance(last, YieldOp):
            raise VerifyException(f"{name}: the behaviour ends with te.yield of its result")
        for value in last.values:
            if not isinstance(value.type, TensorType):
                raise VerifyException(
                    f"{name}: the behaviour yields {value.type}, which is no tensor"
                )
        if (self.reset_call is None) != (self.update_call is None):
            raise VerifyException(f"{name}: reset and update come together")
        if self.features is not None and self.code is None:
            raise VerifyException(f"{name}: it needs features, and has no llvm text that uses them")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name().data
        arguments = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_argument)
        behaviour = parser.parse_region(arguments)
        parser.parse_keyword("lower")
        parser.parse_keyword("compute")
        calls: dict[str, str] = {"compute": parser.parse_str_literal()}
        for form in ("reset", "update"):
            if parser.parse_optional_keyword(form) is not None:
                calls[form] = parser.parse_str_literal()
        if parser.parse_optional_keyword("on") is not None:
            calls["unit"] = parser.parse_str_literal()
        features: list[str] = []
        code: list[str] = []
        if parser.parse_optional_keyword("needs") is not None:
            features = parser.parse_comma_separated_list(
                parser.Delimiter.NONE, parser.parse_str_literal
            )
        if parser.parse_optional_keyword("llvm") is not None:
            code = parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, parser.parse_str_literal
            )
        return cls(name, behaviour, **calls, features=features, code=code)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" ")
        with printer.in_parens():
            printer.print_list(self.behaviour.block.args, printer.print_block_argument)
        printer.print_string(" ")
        printer.print_region(self.behaviour, print_entry_block_args=False)
        printer.print_string(" lower compute ")
        printer.print_string_literal(self.compute_call.data)
        for form, call in (("reset", self.reset_call), ("update", self.update_call)):
            if call is not None:
                printer.print_string(f" {form} ")
                printer.print_string_literal(call.data)
        if self.unit is not None:
            printer.print_string(" on ")
            printer.print_string_literal(self.unit.data)
        if self.features is not None:
            printer.print_string(" needs ")
            printer.print_list(self.features, lambda f: printer.print_string_literal(f.data))
        if self.code is not None:
            printer.print_string(" llvm [")
            with printer.indented():
                for i, line in enumerate(self.code):
                    printer.print_string("," if i else "")
                    printer.print_string("\n")
                    printer.print_string_literal(line.data)
            printer.print_string("\n]")
