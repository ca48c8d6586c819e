"""The te dialect: tensor expressions, the declaration of what is computed.

A `te.compute` says, for each point of its spatial axes, which scalar expression of other tensors
it is, reduced over further axes. Nothing says how or in what order.
"""

from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    IndexType,
    IntAttr,
    StringAttr,
    TensorType,
)
from xdsl.ir import Attribute, BlockArgument, Dialect, Region, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineDimExpr, AffineExpr, AffineMap
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
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from dialects.affine_syntax import (
    Access,
    AxisReader,
    print_access,
    print_expression,
    print_guard,
    print_named,
    verify_access,
    verify_axes,
    verify_dims,
    verify_read,
)
from dialects.layout import logical_shape
from dialects.te_intrinsic import IntrinsicOp, YieldOp

REDUCERS = ("sum", "prod", "max", "min", "argmax", "argmin")
"""The reducers with a name. `argmax` and `argmin` reduce (value, index) pairs; the smallest index
of equal values wins."""


@irdl_op_definition
class DimOp(IRDLOperation):
    """The size of the symbolic dimension called `symbol`: `%m = te.dim "m"`."""

    name = "te.dim"

    symbol = prop_def(StringAttr)
    result = result_def(IndexType)

    traits = traits_def(Pure())

    assembly_format = "$symbol attr-dict"

    def __init__(self, symbol: str) -> None:
        super().__init__(properties={"symbol": StringAttr(symbol)}, result_types=[IndexType()])
        self.result.name_hint = symbol if SSAValue.is_valid_name(symbol) else None


@irdl_op_definition
class ReadOp(IRDLOperation):
    """The element of a tensor, or `otherwise` where a guard fails.

        %x = te.read %X[%c, %h + %kh - 1] where (%h + %kh - 1 >= 0) else %zero : tensor<...>

    An index computed in the body (a gather) stands in an expression like an axis does.
    """

    name = "te.read"

    tensor = operand_def(TensorType)
    indices = var_operand_def(IndexType)
    otherwise = opt_operand_def()
    map = prop_def(AffineMapAttr)
    where = prop_def(AffineMapAttr)
    result = result_def()

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(
        self,
        tensor: SSAValue,
        indices: Sequence[SSAValue],
        map: AffineMap,
        where: AffineMap | None = None,
        otherwise: SSAValue | None = None,
    ) -> None:
        assert isinstance(tensor.type, TensorType)
        super().__init__(
            operands=[tensor, indices, otherwise],
            properties={
                "map": AffineMapAttr(map),
                "where": AffineMapAttr(where or AffineMap(map.num_dims, 0, ())),
            },
            result_types=[tensor.type.element_type],
        )

    def verify_(self) -> None:
        verify_access(self, self.tensor.type, len(self.indices), self.map.data)
        verify_dims(self, "the guard", self.where.data, len(self.indices))
        verify_read(self, self.tensor.type, self.where.data, self.otherwise, self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        access = Access.parse(parser)
        tensor, otherwise = access.resolve(parser, cls.name, TensorType)
        return cls(tensor, access.operands, access.map, access.where, otherwise)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_access(printer, self.tensor, self.indices, self.map.data)
        print_guard(printer, self.indices, self.where.data, self.otherwise)
        printer.print_string(" : ")
        printer.print_attribute(self.tensor.type)


def parse_typed_operand(parser: Parser) -> SSAValue:
    """Read `%v : type`."""
    name = parser.parse_unresolved_operand()
    parser.parse_punctuation(":")
    return parser.resolve_operand(name, parser.parse_type())


def print_typed_operand(printer: Printer, value: SSAValue) -> None:
    """Print `%v : type`."""
    printer.print_operand(value)
    printer.print_string(" : ")
    printer.print_attribute(value.type)


@irdl_op_definition
class ComputeOp(IRDLOperation):
    """Tensors given point by point, perhaps reduced over further axes.

        %C = te.compute "C" (%y = 0 to 1024, %x = 0 to %m) sum (%k = 0 to 1024) {
          ...
          te.yield %p : f32
        } : tensor<1024x?xf32, #loop.layout<[1024, "m"]>>

    A reducer of the user's own names its identity, one constant a result, and how two partial
    results become one:

        reduce (%k = 0 to 8) from (%zero : f32) combine (%a, %b) { ... te.yield %c : f32 } { ... }

    All results have the spatial axes as their shape. The combiner takes all partial results of
    the one side, then all of the other.
    """

    name = "te.compute"

    bounds = var_operand_def(IndexType)
    identities = var_operand_def()
    compute_name = prop_def(StringAttr)
    axes = prop_def(ArrayAttr[StringAttr])
    extents = prop_def(AffineMapAttr)
    rank = prop_def(IntAttr)
    reducer = opt_prop_def(StringAttr)
    body = region_def("single_block")
    combiner = opt_region_def("single_block")
    results_ = var_result_def(TensorType)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(
        self,
        name: str,
        axes: Sequence[str],
        extents: AffineMap,
        rank: int,
        body: Region,
        result_types: Sequence[Attribute],
        reducer: str | None = None,
        bounds: Sequence[SSAValue] = (),
        identities: Sequence[SSAValue] = (),
        combiner: Region | None = None,
    ) -> None:
        for argument, axis in zip(body.block.args, axes, strict=True):
            argument.name_hint = axis
        super().__init__(
            operands=[bounds, identities],
            properties={
                "compute_name": StringAttr(name),
                "axes": ArrayAttr([StringAttr(axis) for axis in axes]),
                "extents": AffineMapAttr(extents),
                "rank": IntAttr(rank),
                "reducer": None if reducer is None else StringAttr(reducer),
            },
            regions=[body, combiner],
            result_types=[result_types],
        )

    @property
    def spatial(self) -> Sequence[BlockArgument]:
        """The axes of the result."""
        return self.body.block.args[: self.rank.data]

    @property
    def reduction(self) -> Sequence[BlockArgument]:
        """The axes that are reduced."""
        return self.body.block.args[self.rank.data :]

    @property
    def yielded(self) -> Sequence[SSAValue]:
        """The values of one point, before the reduction."""
        last = self.body.block.last_op
        assert isinstance(last, YieldOp)
        return last.values

    def extent_names(self) -> tuple[int | str | None, ...]:
        """For each axis its size: a number, the name of a dimension, or None for an expression."""

        def size(expr: AffineExpr) -> int | str | None:
            if isinstance(expr, AffineConstantExpr):
                return expr.value
            if isinstance(expr, AffineDimExpr):
                owner = self.bounds[expr.position].owner
                return owner.symbol.data if isinstance(owner, DimOp) else None
            return None

        return tuple(size(expr) for expr in self.extents.data.results)

    def verify_(self) -> None:
        name = f"{self.name} {self.compute_name}"
        verify_axes(self, name, self.axes, self.extents.data, self.body, len(self.bounds))
        if not isinstance(self.body.block.last_op, YieldOp):
            raise VerifyException(f"{name}: the body ends with te.yield")
        self._verify_reducer(name)
        sizes = self.extent_names()[: self.rank.data]
        for result in self.results:
            if logical_shape(result.type) != sizes:
                raise VerifyException(
                    f"{name}: the spatial axes have the extents {list(sizes)}, "
                    f"but the result is {result.type}"
                )

    def _verify_reducer(self, name: str) -> None:
        values = [v.type for v in self.yielded]
        elements = [r.type.element_type for r in self.results if isinstance(r.type, TensorType)]
        if values != elements:
            raise VerifyException(
                f"{name}: yields {', '.join(map(str, values))} for results of "
                f"{', '.join(map(str, elements))}"
            )
        if bool(self.reduction) != (self.reducer is not None):
            raise VerifyException(f"{name}: reduced axes and a reducer come together")
        if self.reducer is None:
            return
        reducer = self.reducer.data
        if (reducer == "reduce") != (self.combiner is not None):
            raise VerifyException(f"{name}: a combiner comes with the reducer 'reduce'")
        if reducer not in (*REDUCERS, "reduce"):
            raise VerifyException(
                f"{name}: no reducer is called '{reducer}'; there are {', '.join(REDUCERS)}, "
                "and 'reduce' with a combiner"
            )
        if reducer in ("argmax", "argmin") and len(values) != 2:
            raise VerifyException(f"{name}: {reducer} yields a value and an index")
        if reducer in ("sum", "prod", "max", "min") and len(values) != 1:
            raise VerifyException(f"{name}: {reducer} yields one value, not {len(values)}")
        if reducer == "reduce" and [v.type for v in self.identities] != values:
            raise VerifyException(f"{name}: one identity a result, of its element type")
        if self.combiner is not None:
            last = self.combiner.block.last_op
            combined = [v.type for v in last.values] if isinstance(last, YieldOp) else []
            if combined != values:
                raise VerifyException(
                    f"{name}: the combiner yields {', '.join(map(str, combined)) or 'nothing'}, "
                    f"not {', '.join(map(str, values))}"
                )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        axes = AxisReader(parser, cls.name)
        name = parser.parse_str_literal()
        axes.read()
        rank = len(axes.names)
        reducer = parser.parse_optional_identifier()
        identities: list[SSAValue] = []
        combiner = None
        if reducer is not None:
            axes.read()
        if parser.parse_optional_keyword("from") is not None:
            identities = parser.parse_comma_separated_list(
                parser.Delimiter.PAREN, lambda: parse_typed_operand(parser)
            )
            parser.parse_keyword("combine")
            names = parser.parse_comma_separated_list(
                parser.Delimiter.PAREN, lambda: parser.parse_argument(expect_type=False)
            )
            types = [i.type for i in identities] * 2
            combiner = parser.parse_region(
                [n.resolve(t) for n, t in zip(names, types, strict=True)]
            )
        body = parser.parse_region(axes.arguments)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        op = cls(
            name,
            axes.names,
            axes.extents,
            rank,
            body,
            types,
            reducer,
            axes.bounds,
            identities,
            combiner,
        )
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        axes = list(
            zip(
                self.body.block.args,
                (axis.data for axis in self.axes.data),
                self.extents.data.results,
                strict=True,
            )
        )

        def axis(part: tuple[SSAValue, str, AffineExpr]) -> None:
            print_named(printer, part[0], part[1])
            printer.print_string(" = 0 to ")
            print_expression(printer, part[2], self.bounds)

        printer.print_string(" ")
        printer.print_string_literal(self.compute_name.data)
        printer.print_string(" ")
        with printer.in_parens():
            printer.print_list(axes[: self.rank.data], axis)
        if self.reducer is not None:
            printer.print_string(f" {self.reducer.data} ")
            with printer.in_parens():
                printer.print_list(axes[self.rank.data :], axis)
        if self.combiner is not None:
            printer.print_string(" from ")
            with printer.in_parens():
                printer.print_list(
                    self.identities, lambda value: print_typed_operand(printer, value)
                )
            printer.print_string(" combine ")
            with printer.in_parens():
                printer.print_list(self.combiner.block.args, printer.print_ssa_value)
            printer.print_string(" ")
            printer.print_region(self.combiner, print_entry_block_args=False)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
        if self.attributes:
            printer.print_attr_dict(self.attributes)
        printer.print_string(" : ")
        printer.print_list(self.results, lambda result: printer.print_attribute(result.type))


@irdl_op_definition
class ScatterOp(IRDLOperation):
    """A copy of a tensor into whose elements further values are summed (or max-ed, ...).

        %out = te.scatter "out" (%i = 0 to 32) sum into %init {
          ...
          te.yield %v, %row, %column : f32, index, index
        } : tensor<8x4xf32>

    The body yields the value, then one index for each dimension of the tensor.
    """

    name = "te.scatter"

    bounds = var_operand_def(IndexType)
    init = operand_def(TensorType)
    compute_name = prop_def(StringAttr)
    axes = prop_def(ArrayAttr[StringAttr])
    extents = prop_def(AffineMapAttr)
    reducer = prop_def(StringAttr)
    body = region_def("single_block")
    result = result_def(TensorType)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())

    REDUCERS: ClassVar = ("sum", "prod", "max", "min")

    def __init__(
        self,
        name: str,
        axes: Sequence[str],
        extents: AffineMap,
        init: SSAValue,
        body: Region,
        reducer: str = "sum",
        bounds: Sequence[SSAValue] = (),
    ) -> None:
        for argument, axis in zip(body.block.args, axes, strict=True):
            argument.name_hint = axis
        super().__init__(
            operands=[bounds, init],
            properties={
                "compute_name": StringAttr(name),
                "axes": ArrayAttr([StringAttr(axis) for axis in axes]),
                "extents": AffineMapAttr(extents),
                "reducer": StringAttr(reducer),
            },
            regions=[body],
            result_types=[init.type],
        )

    def verify_(self) -> None:
        name = f"{self.name} {self.compute_name}"
        assert isinstance(self.init.type, TensorType)
        verify_axes(self, name, self.axes, self.extents.data, self.body, len(self.bounds))
        if self.reducer.data not in self.REDUCERS:
            raise VerifyException(
                f"{name}: no reducer is called '{self.reducer.data}'; "
                f"there are {', '.join(self.REDUCERS)}"
            )
        if self.result.type != self.init.type:
            raise VerifyException(f"{name}: the result has the type of what it begins with")
        last = self.body.block.last_op
        expected = [self.init.type.element_type] + [IndexType()] * self.init.type.get_num_dims()
        if not isinstance(last, YieldOp) or [v.type for v in last.values] != expected:
            raise VerifyException(f"{name}: yields {', '.join(map(str, expected))}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        axes = AxisReader(parser, cls.name)
        name = parser.parse_str_literal()
        axes.read()
        reducer = parser.parse_identifier()
        parser.parse_keyword("into")
        init = parser.parse_unresolved_operand()
        body = parser.parse_region(axes.arguments)
        parser.parse_punctuation(":")
        value = parser.resolve_operand(init, parser.parse_type())
        return cls(name, axes.names, axes.extents, value, body, reducer, axes.bounds)

    def print(self, printer: Printer) -> None:
        parts = zip(self.body.block.args, self.axes.data, self.extents.data.results, strict=True)

        def axis(part: tuple[SSAValue, StringAttr, AffineExpr]) -> None:
            print_named(printer, part[0], part[1].data)
            printer.print_string(" = 0 to ")
            print_expression(printer, part[2], self.bounds)

        printer.print_string(" ")
        printer.print_string_literal(self.compute_name.data)
        printer.print_string(" ")
        with printer.in_parens():
            printer.print_list(parts, axis)
        printer.print_string(f" {self.reducer.data} into ")
        printer.print_operand(self.init)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)


Te = Dialect("te", [ComputeOp, DimOp, IntrinsicOp, ReadOp, ScatterOp, YieldOp], [])
