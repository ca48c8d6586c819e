"""The loop dialect: a scheduled loop nest on memrefs.

A `loop.block` isolates one computation behind variables of its own; the loops around it only say
when each instance runs. Accesses are in logical coordinates: layouts, tiles and scopes live in
types and allocations, never in the body. So a schedule primitive touches bindings or types, not
computations.
"""

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
    Block,
    BlockArgument,
    Dialect,
    Operation,
    Region,
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
    EffectInstance,
    MemoryEffect,
    MemoryEffectKind,
    MemoryReadEffect,
    NoTerminator,
    Pure,
)
from xdsl.utils.exceptions import VerifyException

from dialects.affine_syntax import (
    Access,
    AffineReader,
    parse_named,
    parse_type_of,
    print_access,
    print_conditions,
    print_expression,
    print_expressions,
    print_guard,
    print_named,
    verify_access,
    verify_dims,
    verify_read,
)
from dialects.layout import LayoutAttr, physical_shape
from dialects.loop_hardware import (
    BarrierOp,
    CopyOp,
    IntrinsicOp,
    PopDepOp,
    PrefetchOp,
    PushDepOp,
)

KINDS = ("serial", "parallel", "vectorized", "unrolled", "vthread")
"""How the iterations of a loop are executed; a thread axis such as `blockIdx.x` is one too."""

THREAD_AXES = tuple(f"{axis}.{dim}" for axis in ("blockIdx", "threadIdx") for dim in "xyz")


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
