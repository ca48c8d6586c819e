"""The loop dialect: a scheduled loop nest on memrefs.

A `loop.block` isolates one computation behind variables of its own; the loops around it only say
when each instance runs. Accesses are in logical coordinates: layouts, tiles and scopes live in
types and allocations, never in the body. So a schedule primitive touches bindings or types, not
computations.
"""

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    IndexType,
    StringAttr,
)
from xdsl.ir import (
    Block,
    BlockArgument,
    Dialect,
    Region,
    SSAValue,
)
from xdsl.ir.affine import AffineConstantExpr, AffineExpr, AffineMap
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_region_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    NoTerminator,
    Pure,
)
from xdsl.utils.exceptions import VerifyException

from dialects.affine_syntax import (
    AffineReader,
    parse_named,
    print_conditions,
    print_expression,
    print_named,
)
from dialects.layout import LayoutAttr
from dialects.loop_hardware import (
    BarrierOp,
    CopyOp,
    IntrinsicOp,
    PopDepOp,
    PrefetchOp,
    PushDepOp,
)
from dialects.loop_memory import THREAD_AXES, AllocOp, LoadOp, StoreOp

KINDS = ("serial", "parallel", "vectorized", "unrolled", "vthread")
"""How the iterations of a loop are executed; a thread axis such as `blockIdx.x` is one too."""


def no_kind(name: str, kind: str) -> str:
    """Why loop `name` cannot have that kind."""
    return (
        f"loop.for: {name}: no kind is called '{kind}'; "
        f"there are {', '.join((*KINDS, *THREAD_AXES))}"
    )


@irdl_op_definition
class DimOp(IRDLOperation):
    """The size of the symbolic dimension called `symbol`."""

    name = "loop.dim"

    symbol = prop_def(StringAttr)
    result = result_def(IndexType)

    traits = traits_def(Pure())

    assembly_format = "$symbol attr-dict"

    def __init__(self, symbol: str) -> None:
        super().__init__(properties={"symbol": StringAttr(symbol)}, result_types=[IndexType()])
        self.result.name_hint = symbol if SSAValue.is_valid_name(symbol) else None


@irdl_op_definition
class ForOp(IRDLOperation):
    """A loop with a name, half-open bounds and a kind.

    `loop.for %i "i" = 0 to 16 unrolled { ... }`; the name in quotes is left out where the value
    carries it. Bounds are affine expressions of outer loops and dimensions. A thread axis is
    written `bind "blockIdx.x"`.
    """

    name = "loop.for"

    bounds = var_operand_def(IndexType)
    loop_name = prop_def(StringAttr)
    kind = prop_def(StringAttr)
    lower = prop_def(AffineMapAttr)
    upper = prop_def(AffineMapAttr)
    body = region_def("single_block")

    traits = traits_def(NoTerminator())

    def __init__(
        self,
        name: str,
        lower: int | AffineMap,
        upper: int | AffineMap,
        body: Region | None = None,
        kind: str = "serial",
        bounds: Sequence[SSAValue] = (),
    ) -> None:
        def as_map(bound: int | AffineMap) -> AffineMapAttr:
            if isinstance(bound, int):
                bound = AffineMap(len(bounds), 0, (AffineExpr.constant(bound),))
            return AffineMapAttr(bound)

        if body is None:
            body = Region(Block(arg_types=[IndexType()]))
        body.block.args[0].name_hint = name
        super().__init__(
            operands=[bounds],
            properties={
                "loop_name": StringAttr(name),
                "kind": StringAttr(kind),
                "lower": as_map(lower),
                "upper": as_map(upper),
            },
            regions=[body],
        )

    @property
    def induction(self) -> BlockArgument:
        """The value of the loop's variable."""
        return self.body.block.args[0]

    @property
    def constant_bounds(self) -> tuple[int, int] | None:
        """Lower and upper bound, if both are constants."""
        lower, upper = self.lower.data.results[0], self.upper.data.results[0]
        if isinstance(lower, AffineConstantExpr) and isinstance(upper, AffineConstantExpr):
            return lower.value, upper.value
        return None

    @property
    def extent(self) -> int | None:
        """The number of iterations, if it is a constant."""
        bounds = self.constant_bounds
        return None if bounds is None else max(0, bounds[1] - bounds[0])

    def verify_(self) -> None:
        if len(self.body.block.args) != 1:
            raise VerifyException(
                f"loop.for: {self.loop_name.data}: the body has one argument, the loop's variable"
            )
        if self.kind.data not in (*KINDS, *THREAD_AXES):
            raise VerifyException(no_kind(self.loop_name.data, self.kind.data))
        for bound in (self.lower.data, self.upper.data):
            if bound.num_dims != len(self.bounds) or len(bound.results) != 1:
                raise VerifyException(
                    f"loop.for: {self.loop_name.data}: a bound is one expression of the operands"
                )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        argument, name = parse_named(parser)
        parser.parse_punctuation("=")
        reader = AffineReader(parser)
        lower = reader.expression()
        parser.parse_keyword("to")
        upper = reader.expression()
        position = parser.pos
        kind = parser.parse_optional_identifier() or "serial"
        if kind == "bind":
            kind = parser.parse_str_literal()
        elif kind not in KINDS:
            parser.raise_error(no_kind(name, kind), position, parser.pos)
        body = parser.parse_region([argument])
        maps = reader.map([lower]).data, reader.map([upper]).data
        op = cls(name, *maps, body, kind, reader.operands)
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_named(printer, self.induction, self.loop_name.data)
        printer.print_string(" = ")
        print_expression(printer, self.lower.data.results[0], self.bounds)
        printer.print_string(" to ")
        print_expression(printer, self.upper.data.results[0], self.bounds)
        if self.kind.data in THREAD_AXES:
            printer.print_string(f' bind "{self.kind.data}"')
        elif self.kind.data != "serial":
            printer.print_string(f" {self.kind.data}")
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_empty_block=False)
        if self.attributes:
            printer.print_string(" ")
            printer.print_attr_dict(self.attributes)


@irdl_op_definition
class BlockOp(IRDLOperation):
    """One computation, run for each point of the loops around it that its guards let through.

    Each variable is spatial or reduce, has a domain `0 <= v < extent` and is bound to an affine
    expression of the surrounding loops. An instance runs where every variable is in its domain
    and every expression of `where` is not negative. The body only sees the variables. An instance
    whose reduce variables are all zero begins a reduction: it runs the init region first.

        loop.block "C" (%y < 30 = %y_o * 8 + %y_i, reduce %k < 64 = %k) where (%y_i >= 0)
            init { ... } { ... }
    """

    name = "loop.block"

    outer = var_operand_def(IndexType)
    block_name = prop_def(StringAttr)
    iterators = prop_def(ArrayAttr[StringAttr])
    domains = prop_def(AffineMapAttr)
    bindings = prop_def(AffineMapAttr)
    where = prop_def(AffineMapAttr)
    body = region_def("single_block")
    init = opt_region_def("single_block")

    traits = traits_def(NoTerminator())

    def __init__(
        self,
        name: str,
        outer: Sequence[SSAValue],
        iterators: Sequence[str],
        domains: AffineMap,
        bindings: AffineMap,
        where: AffineMap,
        body: Region,
        init: Region | None = None,
    ) -> None:
        super().__init__(
            operands=[outer],
            properties={
                "block_name": StringAttr(name),
                "iterators": ArrayAttr([StringAttr(i) for i in iterators]),
                "domains": AffineMapAttr(domains),
                "bindings": AffineMapAttr(bindings),
                "where": AffineMapAttr(where),
            },
            regions=[body, init],
        )

    @property
    def variables(self) -> Sequence[BlockArgument]:
        """The variables, as the body sees them."""
        return self.body.block.args

    @property
    def is_reduce(self) -> tuple[bool, ...]:
        """For each variable, whether it belongs to the reduction."""
        return tuple(i.data == "reduce" for i in self.iterators.data)

    def verify_(self) -> None:
        name, count = self.block_name.data, len(self.iterators.data)
        for region in (self.body, self.init):
            if region is not None and len(region.block.args) != count:
                raise VerifyException(
                    f"loop.block: {name}: a region has {len(region.block.args)} arguments "
                    f"for {count} variables"
                )
        for what, map in (("domains", self.domains), ("bindings", self.bindings)):
            if len(map.data.results) != count:
                raise VerifyException(
                    f"loop.block: {name}: {len(map.data.results)} {what} for {count} variables"
                )
        for map in (self.domains, self.bindings, self.where):
            if map.data.num_dims != len(self.outer):
                raise VerifyException(
                    f"loop.block: {name}: a map has {map.data.num_dims} dimensions for "
                    f"{len(self.outer)} outer values"
                )
        for iterator in self.iterators.data:
            if iterator.data not in ("spatial", "reduce"):
                raise VerifyException(
                    f"loop.block: {name}: a variable is spatial or reduce, not '{iterator.data}'"
                )
        if self.init is not None and not any(self.is_reduce):
            raise VerifyException(f"loop.block: {name}: init without a reduce variable")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        reader = AffineReader(parser)
        name = parser.parse_str_literal()
        arguments: list[Parser.Argument] = []
        iterators: list[str] = []
        domains: list[AffineExpr] = []
        bindings: list[AffineExpr] = []

        def variable() -> None:
            reduce = parser.parse_optional_keyword("reduce") is not None
            arguments.append(parser.parse_argument(expect_type=False).resolve(IndexType()))
            iterators.append("reduce" if reduce else "spatial")
            parser.parse_punctuation("<")
            domains.append(reader.expression())
            parser.parse_punctuation("=")
            bindings.append(reader.expression())

        parser.parse_comma_separated_list(parser.Delimiter.PAREN, variable)
        where = reader.conditions()
        init = None
        if parser.parse_optional_keyword("init") is not None:
            init = parser.parse_region(arguments)
        body = parser.parse_region(arguments)
        maps = (reader.map(domains).data, reader.map(bindings).data, reader.map(where).data)
        op = cls(name, reader.operands, iterators, *maps, body, init)
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.block_name.data)
        printer.print_string(" ")
        parts = zip(
            self.variables,
            self.is_reduce,
            self.domains.data.results,
            self.bindings.data.results,
            strict=True,
        )

        def variable(part: tuple[SSAValue, bool, AffineExpr, AffineExpr]) -> None:
            value, reduce, domain, binding = part
            printer.print_string("reduce " if reduce else "")
            printer.print_ssa_value(value)
            printer.print_string(" < ")
            print_expression(printer, domain, self.outer)
            printer.print_string(" = ")
            print_expression(printer, binding, self.outer)

        with printer.in_parens():
            printer.print_list(parts, variable)
        print_conditions(printer, self.where.data.results, self.outer)
        printer.print_string(" ")
        if self.init is not None:
            names = printer._ssa_values  # pyright: ignore[reportPrivateUsage]
            for argument, value in zip(self.init.block.args, self.variables, strict=True):
                names[argument] = names[value]
            printer.print_string("init ")
            printer.print_region(self.init, print_entry_block_args=False, print_empty_block=False)
            printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_empty_block=False)
        if self.attributes:
            printer.print_string(" ")
            printer.print_attr_dict(self.attributes)


Loop = Dialect(
    "loop",
    [
        AllocOp,
        BarrierOp,
        BlockOp,
        CopyOp,
        DimOp,
        ForOp,
        IntrinsicOp,
        LoadOp,
        PopDepOp,
        PrefetchOp,
        PushDepOp,
        StoreOp,
    ],
    [LayoutAttr],
)
