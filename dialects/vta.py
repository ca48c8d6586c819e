"""The vta dialect: the instructions of the accelerator, with symbolic or fixed addresses.

docs/vta-isa.md is the specification. Inside loops an address is an affine expression of the
loops' variables; in a flat stream it is a number. Tokens are operations of their own, which
emission turns into the dependence bits of the instructions around them. What a verifier refuses
no configuration can encode; what one configuration cannot is refused when it is emitted.
"""

from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DenseArrayBase,
    IndexType,
    IntAttr,
    IntegerType,
    MemRefType,
    StringAttr,
    SymbolRefAttr,
    UnitAttr,
)
from xdsl.ir import Dialect, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException

from dialects.affine_syntax import AffineReader, print_expressions
from dialects.vta_syntax import (
    ITERATION_LIMIT,
    NEIGHBOURS,
    PAD_LIMIT,
    SIZE_LIMIT,
    UNITS,
    integer_values,
    integers,
    over,
    parse_address,
    parse_integers,
    parse_loops,
    print_address,
    print_integers,
    print_loops,
    verify_address,
    verify_range,
)

LOADABLE = ("uop", "wgt", "inp", "acc", "acc8")
"""The memories a load can fill; `acc8` widens bytes into accumulators."""

ALU_OPCODES = ("min", "max", "add", "shr", "mul")


class TransferOp(IRDLOperation):
    """A strided block between DRAM and an on-chip memory, in elements of that memory.

    The DRAM address is an offset into a buffer, or absolute where there is none.
    """

    dram_buffer = opt_operand_def(MemRefType)
    indices = var_operand_def(IndexType)
    memory = prop_def(StringAttr)
    dram = prop_def(AffineMapAttr)
    sram = prop_def(AffineMapAttr)
    sizes = prop_def(DenseArrayBase[IntegerType])
    """Rows, elements a row, elements from one row to the next in DRAM."""
    pads = prop_def(DenseArrayBase[IntegerType])
    """Rows of zeros before and after, elements of zeros before and after each row."""

    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self,
        memory: str,
        dram: AffineMap,
        sram: AffineMap,
        sizes: tuple[int, int, int],
        pads: tuple[int, int, int, int] = (0, 0, 0, 0),
        indices: Sequence[SSAValue] = (),
        dram_buffer: SSAValue | None = None,
    ) -> None:
        super().__init__(
            operands=[dram_buffer, indices],
            properties={
                "memory": StringAttr(memory),
                "dram": AffineMapAttr(dram),
                "sram": AffineMapAttr(sram),
                "sizes": integers(sizes),
                "pads": integers(pads),
            },
        )

    @property
    def has_pads(self) -> bool:
        """Whether any zeros surround the block."""
        return any(integer_values(self.pads))

    def verify_(self) -> None:
        sizes, pads = integer_values(self.sizes), integer_values(self.pads)
        if len(sizes) != 3 or len(pads) != 4:
            raise VerifyException(f"{self.name}: three sizes and four pads")
        for what, size in zip(("the number of rows", "the row size"), sizes, strict=False):
            verify_range(self.name, what, size, 1, SIZE_LIMIT)
        verify_range(self.name, "the stride", sizes[2], 0, SIZE_LIMIT)
        for pad in pads:
            verify_range(self.name, "a pad", pad, 0, PAD_LIMIT)
        count = len(self.indices)
        verify_address(self.name, "the SRAM address", self.sram.data, count, 1)
        if self.dram.data.num_dims != count or len(self.dram.data.results) != 1:
            raise VerifyException(f"{self.name}: the DRAM address is one expression")
        self.verify_memory(self.memory.data)

    def verify_memory(self, memory: str) -> None:
        """Check that the instruction can name the memory."""

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        memory = parser.parse_identifier()
        reader = AffineReader(parser)
        buffer = parser.parse_optional_unresolved_operand()
        maps = [reader.map(reader.expressions()).data, parse_address(parser, reader, "at")]
        parser.parse_keyword("rows")
        rows = parser.parse_integer(allow_boolean=False)
        parser.parse_keyword("of")
        columns = parser.parse_integer(allow_boolean=False)
        stride = columns
        if parser.parse_optional_keyword("stride") is not None:
            stride = parser.parse_integer(allow_boolean=False)
        pads = [0, 0, 0, 0]
        if parser.parse_optional_keyword("pad") is not None:
            pads = parse_integers(parser)
        attributes = parser.parse_optional_attr_dict()
        value = None
        if buffer is not None:
            parser.parse_punctuation(":")
            value = parser.resolve_operand(buffer, parser.parse_type())
        dram, sram = (over(m, len(reader.operands)).data for m in maps)
        if len(pads) != 4:
            parser.raise_error("a pad is [rows before, rows after, elements before, after]")
        op = cls(
            memory,
            dram,
            sram,
            (rows, columns, stride),
            (pads[0], pads[1], pads[2], pads[3]),
            reader.operands,
            value,
        )
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        rows, columns, stride = integer_values(self.sizes)
        printer.print_string(f" {self.memory.data} ")
        if self.dram_buffer is not None:
            printer.print_operand(self.dram_buffer)
        print_expressions(printer, self.dram.data.results, self.indices)
        print_address(printer, "at", self.sram, self.indices)
        printer.print_string(f" rows {rows} of {columns}")
        if stride != columns:
            printer.print_string(f" stride {stride}")
        if self.has_pads:
            printer.print_string(" pad ")
            print_integers(printer, integer_values(self.pads))
        if self.attributes:
            printer.print_string(" ")
            printer.print_attr_dict(self.attributes)
        if self.dram_buffer is not None:
            printer.print_string(" : ")
            printer.print_attribute(self.dram_buffer.type)


@irdl_op_definition
class LoadOp(TransferOp):
    """Fills a box of an on-chip memory from DRAM, with zeros around it.

        vta.load inp %X[%o * 56] at [%i * 16] rows 14 of 14 stride 56 pad [1, 0, 1, 1] : memref<..>

    The load unit fills `inp` and `wgt`, the compute unit `uop`, `acc` and `acc8`.
    """

    name = "vta.load"

    def verify_memory(self, memory: str) -> None:
        if memory not in LOADABLE:
            raise VerifyException(
                f"{self.name}: no load fills '{memory}'; there are {', '.join(LOADABLE)}"
            )
        if memory in ("uop", "wgt") and self.has_pads:
            raise VerifyException(f"{self.name}: {memory} takes no pads")
        if memory == "uop" and integer_values(self.sizes)[0] != 1:
            raise VerifyException(f"{self.name}: micro-ops are loaded as one row")


@irdl_op_definition
class StoreOp(TransferOp):
    """Writes the low bits of accumulators to DRAM: `vta.store out %O[%o] at [0] rows 1 of 16`."""

    name = "vta.store"

    def verify_memory(self, memory: str) -> None:
        if memory != "out":
            raise VerifyException(f"{self.name}: a store reads out, not '{memory}'")
        if self.has_pads:
            raise VerifyException(f"{self.name}: a store has no pads")


@irdl_op_definition
class UopKernelOp(IRDLOperation):
    """A list of micro-ops, each (accumulator, source, weight), which an instruction loops over.

        vta.uop_kernel @row {(0, 0, 0), (1, 1, 0)}

    The indices count from the addresses of the instruction that uses the kernel.
    """

    name = "vta.uop_kernel"

    sym_name = prop_def(StringAttr)
    uops = prop_def(ArrayAttr[DenseArrayBase[IntegerType]])

    traits = traits_def(SymbolOpInterface())

    def __init__(self, name: str, uops: Sequence[tuple[int, int, int]]) -> None:
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "uops": ArrayAttr([integers(uop) for uop in uops]),
            }
        )

    @property
    def values(self) -> tuple[tuple[int, ...], ...]:
        """The micro-ops."""
        return tuple(integer_values(uop) for uop in self.uops.data)

    def verify_(self) -> None:
        name = f"{self.name} @{self.sym_name.data}"
        if not self.values:
            raise VerifyException(f"{name}: a kernel has a micro-op at least")
        for uop in self.values:
            if len(uop) != 3:
                raise VerifyException(f"{name}: a micro-op is (accumulator, source, weight)")
            for what, index in zip(("an accumulator", "a source", "a weight"), uop, strict=True):
                verify_range(name, f"{what} index", index, 0, SIZE_LIMIT)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name().data

        def uop() -> tuple[int, int, int]:
            found = parser.parse_comma_separated_list(
                parser.Delimiter.PAREN, lambda: parser.parse_integer(allow_boolean=False)
            )
            if len(found) != 3:
                parser.raise_error("a micro-op is (accumulator, source, weight)")
            return found[0], found[1], found[2]

        return cls(name, parser.parse_comma_separated_list(parser.Delimiter.BRACES, uop))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        shown = ", ".join(f"({', '.join(map(str, uop))})" for uop in self.values)
        printer.print_string(f" {{{shown}}}")


class KernelOp(IRDLOperation):
    """A micro-op kernel run in two loops, which advance its indices by constant factors."""

    indices = var_operand_def(IndexType)
    kernel = prop_def(SymbolRefAttr)
    base = prop_def(AffineMapAttr)
    counts = prop_def(DenseArrayBase[IntegerType])
    outer = prop_def(DenseArrayBase[IntegerType])
    inner = prop_def(DenseArrayBase[IntegerType])

    ADDRESSES: ClassVar[int]

    @property
    def trips(self) -> tuple[int, ...]:
        """How often the outer and the inner loop run."""
        return integer_values(self.counts)

    def verify_loops(self) -> None:
        """Check what GEMM and ALU have in common."""
        for what, count in zip(("outer", "inner"), self.trips, strict=True):
            verify_range(self.name, f"the {what} trip count", count, 1, ITERATION_LIMIT)
        for what, factors in (("outer", self.outer), ("inner", self.inner)):
            values = integer_values(factors)
            if len(values) != self.ADDRESSES:
                raise VerifyException(
                    f"{self.name}: {len(values)} {what} factors, not {self.ADDRESSES}"
                )
            for value in values:
                verify_range(self.name, f"an {what} factor", value, 0, SIZE_LIMIT)
        count = len(self.indices)
        verify_address(self.name, "an address", self.base.data, count, self.ADDRESSES)
        if self.parent is None:
            return
        if not isinstance(SymbolTable.lookup_symbol(self, self.kernel), UopKernelOp):
            raise VerifyException(
                f"{self.name}: no vta.uop_kernel is called @{self.kernel.string_value()}"
            )

    @classmethod
    def parse_kernel(
        cls, parser: Parser
    ) -> tuple[str, AffineReader, list[int], list[list[int]], AffineMap]:
        """Everything up to the end of the loops."""
        name = parser.parse_symbol_name().data
        reader = AffineReader(parser)
        base = parse_address(parser, reader, "at")
        counts, factors = parse_loops(parser)
        padded = [f or [0] * cls.ADDRESSES for f in factors]
        return name, reader, counts, padded, over(base, len(reader.operands)).data

    def print_kernel(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_attribute(self.kernel)
        print_address(printer, "at", self.base, self.indices)
        factors = integer_values(self.outer), integer_values(self.inner)
        print_loops(printer, self.trips, factors)


@irdl_op_definition
class GemmOp(KernelOp):
    """Multiplies input rows with weight blocks into accumulators, or sets these to zero.

        vta.gemm @row at [%i * 14, 0, %t] outer 14 by [1, 1, 0] inner 3 by [0, 1, 1]
        vta.gemm reset @row at [0, 0, 0] outer 14 by [1, 0, 0]

    Addresses and factors are those of the accumulator, the input and the weight.
    """

    name = "vta.gemm"

    reset = opt_prop_def(UnitAttr)

    ADDRESSES: ClassVar[int] = 3

    def __init__(
        self,
        kernel: str,
        base: AffineMap,
        counts: Sequence[int],
        factors: Sequence[Sequence[int]],
        indices: Sequence[SSAValue] = (),
        reset: bool = False,
    ) -> None:
        super().__init__(
            operands=[indices],
            properties={
                "kernel": SymbolRefAttr(kernel),
                "base": AffineMapAttr(base),
                "counts": integers(counts),
                "outer": integers(factors[0]),
                "inner": integers(factors[1]),
                "reset": UnitAttr() if reset else None,
            },
        )

    def verify_(self) -> None:
        self.verify_loops()

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        reset = parser.parse_optional_keyword("reset") is not None
        name, reader, counts, factors, base = cls.parse_kernel(parser)
        op = cls(name, base, counts, factors, reader.operands, reset)
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        if self.reset is not None:
            printer.print_string(" reset")
        self.print_kernel(printer)
        if self.attributes:
            printer.print_string(" ")
            printer.print_attr_dict(self.attributes)


@irdl_op_definition
class AluOp(KernelOp):
    """Combines accumulators with others, or with an immediate, lane by lane.

        vta.alu max @row at [%i * 14, %i * 14] outer 14 by [1, 1] imm 0
        vta.alu add @row at [0, 128] outer 14 by [1, 1]

    Addresses and factors are those of the target and the source, both accumulators.
    """

    name = "vta.alu"

    opcode = prop_def(StringAttr)
    imm = opt_prop_def(IntAttr)

    ADDRESSES: ClassVar[int] = 2

    def __init__(
        self,
        opcode: str,
        kernel: str,
        base: AffineMap,
        counts: Sequence[int],
        factors: Sequence[Sequence[int]],
        indices: Sequence[SSAValue] = (),
        imm: int | None = None,
    ) -> None:
        super().__init__(
            operands=[indices],
            properties={
                "opcode": StringAttr(opcode),
                "kernel": SymbolRefAttr(kernel),
                "base": AffineMapAttr(base),
                "counts": integers(counts),
                "outer": integers(factors[0]),
                "inner": integers(factors[1]),
                "imm": None if imm is None else IntAttr(imm),
            },
        )

    def verify_(self) -> None:
        if self.opcode.data not in ALU_OPCODES:
            raise VerifyException(
                f"{self.name}: no operation is called '{self.opcode.data}'; "
                f"there are {', '.join(ALU_OPCODES)}"
            )
        self.verify_loops()
        if self.imm is not None:
            verify_range(self.name, "the immediate", self.imm.data, -(1 << 15), (1 << 15) - 1)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        opcode = parser.parse_identifier()
        name, reader, counts, factors, base = cls.parse_kernel(parser)
        imm = None
        if parser.parse_optional_keyword("imm") is not None:
            imm = parser.parse_integer(allow_boolean=False)
        op = cls(opcode, name, base, counts, factors, reader.operands, imm)
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.opcode.data}")
        self.print_kernel(printer)
        if self.imm is not None:
            printer.print_string(f" imm {self.imm.data}")
        if self.attributes:
            printer.print_string(" ")
            printer.print_attr_dict(self.attributes)


@irdl_op_definition
class FinishOp(IRDLOperation):
    """Ends the stream; the compute unit must know by then that the other units are done."""

    name = "vta.finish"

    assembly_format = "attr-dict"


class TokenOp(IRDLOperation):
    """A token from one unit to its neighbour."""

    source = prop_def(StringAttr)
    target = prop_def(StringAttr)

    assembly_format = "$source `to` $target attr-dict"

    def __init__(self, source: str, target: str) -> None:
        super().__init__(properties={"source": StringAttr(source), "target": StringAttr(target)})

    def verify_(self) -> None:
        for unit in (self.source.data, self.target.data):
            if unit not in UNITS:
                raise VerifyException(
                    f"{self.name}: no unit is called '{unit}'; there are {', '.join(UNITS)}"
                )
        if (self.source.data, self.target.data) not in NEIGHBOURS:
            raise VerifyException(
                f"{self.name}: no queue leads from {self.source.data} to {self.target.data}; "
                "load and store meet only compute"
            )


@irdl_op_definition
class PushDepOp(TokenOp):
    """The source puts a token into its queue to the target, after what it did before."""

    name = "vta.push_dep"


@irdl_op_definition
class PopDepOp(TokenOp):
    """The target waits for a token of the source, before what it does next."""

    name = "vta.pop_dep"


Vta = Dialect(
    "vta", [AluOp, FinishOp, GemmOp, LoadOp, PopDepOp, PushDepOp, StoreOp, UopKernelOp], []
)
