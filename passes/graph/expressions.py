"""Builds `te.compute` ops from Python functions of a point.

    kernel.map("y", [a, b], lambda p, x, y: p.add(arith.AddfOp(x, y)))

`Kernel` stands at one graph op and inserts computations in front of it; `Point` is the body of
one computation, where expressions of the axes index tensors and scalars are combined.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import AnyFloat, FloatAttr, IndexType, IntegerAttr, IntegerType, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)

from analysis.errors import UnsupportedError
from analysis.shapes import size_option
from dialects import te
from dialects.graph.base import Extent, Shape, element_type, shape_of, tensor
from passes.graph.rewriting import insert_before, node_of

Index = AffineExpr | int
Scalar = SSAValue
AXES = {1: ("i",), 2: ("i", "j"), 3: ("n", "c", "x"), 4: ("n", "c", "y", "x")}
REDUCED = {1: ("k",), 2: ("k", "l"), 3: ("rc", "ry", "rx")}


def axis(position: int) -> AffineExpr:
    """The axis at that place: the spatial ones first, then the reduced ones."""
    return AffineExpr.dimension(position)


def constant_index(value: int) -> AffineExpr:
    return AffineExpr.constant(value)


def extents(value: SSAValue) -> Shape:
    """The shape of a value; a symbolic extent is the name of its dimension."""
    return shape_of(value.type)


@dataclass
class Point:
    """The body of a `te.compute`: one point of its axes."""

    block: Block
    constants: dict[tuple[float, Attribute], Scalar] = field(
        default_factory=dict[tuple[float, Attribute], Scalar]
    )

    def add(self, op: Operation) -> Scalar:
        self.block.add_op(op)
        return op.results[0]

    def constant(self, value: float, type: Attribute) -> Scalar:
        """The number `value`, once a body."""
        if (value, type) not in self.constants:
            if isinstance(type, AnyFloat):
                op = arith.ConstantOp(FloatAttr(value, type))
            else:
                assert isinstance(type, IntegerType | IndexType)
                op = arith.ConstantOp(IntegerAttr(int(value), type))
            self.constants[value, type] = self.add(op)
        return self.constants[value, type]

    def like(self, value: float, scalar: Scalar) -> Scalar:
        """The number `value` in the type of `scalar`."""
        return self.constant(value, scalar.type)

    def read(
        self,
        source: SSAValue,
        indices: Sequence[AffineExpr],
        where: Sequence[AffineExpr] = (),
        otherwise: Scalar | None = None,
        values: Sequence[Scalar] = (),
    ) -> Scalar:
        """The element of `source` at `indices`; `otherwise` unless all of `where` are >= 0.

        The expressions count `values`, index scalars of the body, after the axes.
        """
        operands = [*self.block.args, *values]
        used = sorted({d for e in (*indices, *where) for d in e.used_dims()})
        renumbered = [constant_index(0)] * len(operands)
        for new, old in enumerate(used):
            renumbered[old] = axis(new)
        parts = [
            AffineMap(len(used), 0, tuple(e.replace_dims_and_symbols(renumbered, []) for e in es))
            for es in (indices, where)
        ]
        guarded = bool(where)
        return self.add(
            te.ReadOp(
                source,
                [operands[old] for old in used],
                parts[0],
                parts[1] if guarded else None,
                otherwise if guarded else None,
            )
        )

    def read_broadcast(self, source: SSAValue, out: Sequence[Extent]) -> Scalar:
        """The element of `source` at this place of `out`, a shape that it broadcasts to."""
        shape = extents(source)
        first = len(out) - len(shape)
        indices = [
            axis(first + i) if extent == out[first + i] else constant_index(0)
            for i, extent in enumerate(shape)
        ]
        return self.read(source, indices)

    def index(self, expr: AffineExpr) -> Scalar:
        """The value of a sum of products of axes and numbers."""
        if isinstance(expr, AffineConstantExpr):
            return self.constant(expr.value, IndexType())
        if isinstance(expr, AffineDimExpr):
            return self.block.args[expr.position]
        assert isinstance(expr, AffineBinaryOpExpr)
        cls = {AffineBinaryOpKind.Add: arith.AddiOp, AffineBinaryOpKind.Mul: arith.MuliOp}
        return self.add(cls[expr.kind](self.index(expr.lhs), self.index(expr.rhs)))


Body = Callable[[Point], Scalar | Sequence[Scalar]]


@dataclass
class Kernel:
    """The place of one graph op, with names for the computations that replace it."""

    op: Operation
    taken: set[str]

    def static_shape(self, value: SSAValue) -> tuple[int, ...]:
        """The shape of a value, in numbers."""
        return self.numbers(value, range(len(extents(value))))

    def numbers(self, value: SSAValue, dimensions: Iterable[int]) -> tuple[int, ...]:
        """Extents of a value that the lowering of this op needs as numbers."""
        return tuple(self.number(extents(value)[i]) for i in dimensions)

    def number(self, extent: Extent) -> int:
        """An extent that the lowering of this op needs as a number."""
        if isinstance(extent, str):
            raise UnsupportedError(
                f"lower-graph-to-te: {self.op.name}{node_of(self.op)} needs a number for the "
                f"symbolic dimension '{extent}'; give {size_option(extent)}"
            )
        return extent

    def dim(self, symbol: str) -> SSAValue:
        """The size of a symbolic dimension, once a function."""
        block = self.op.parent_block()
        assert block is not None
        for op in block.ops:
            if isinstance(op, te.DimOp) and op.symbol.data == symbol:
                return op.result
        first = block.first_op
        assert first is not None
        op = te.DimOp(symbol)
        insert_before(first, op)
        return op.result

    def count(self, p: Point, sizes: Sequence[Extent], like: Scalar) -> Scalar:
        """The product of some extents, in the type of `like`."""
        known = prod(size for size in sizes if isinstance(size, int))
        names = [size for size in sizes if isinstance(size, str)]
        if not names:
            return p.like(known, like)
        total = p.constant(known, IndexType())
        for name in names:
            total = p.add(arith.MuliOp(total, self.dim(name)))
        if isinstance(like.type, IndexType):
            return total
        whole = p.add(arith.IndexCastOp(total, i64))
        if isinstance(like.type, AnyFloat):
            return p.add(arith.SIToFPOp(whole, like.type))
        width = like.type
        assert isinstance(width, IntegerType)
        return whole if width == i64 else p.add(arith.TruncIOp(whole, width))

    def name(self, suffix: str = "") -> str:
        """The name of the op's result (with a suffix), unique in its function."""
        hint = self.op.results[0].name_hint or self.op.name.partition(".")[2]
        base = name = f"{hint}_{suffix}" if suffix else hint
        number = 0
        while name in self.taken:
            number += 1
            name = f"{base}_{number}"
        self.taken.add(name)
        return name

    def compute(
        self,
        suffix: str,
        shape: Sequence[Extent],
        body: Body,
        reduced: Sequence[Extent] = (),
        reducer: str | None = None,
    ) -> Sequence[SSAValue]:
        """The results of a new computation over `shape`, reduced over `reduced`."""
        sizes = [*shape, *reduced]
        symbols = list(dict.fromkeys(size for size in sizes if isinstance(size, str)))
        block = Block(arg_types=[IndexType()] * len(sizes))
        point = Point(block)
        found = body(point)
        yielded = [found] if isinstance(found, SSAValue) else list(found)
        block.add_op(te.YieldOp(*yielded))
        for inner in block.ops:
            inner.location = self.op.location
        name = self.name(suffix)
        op = te.ComputeOp(
            name,
            axis_names(len(shape), len(reduced)),
            AffineMap(
                len(symbols),
                0,
                tuple(
                    constant_index(size) if isinstance(size, int) else axis(symbols.index(size))
                    for size in sizes
                ),
            ),
            len(shape),
            Region(block),
            [tensor(value.type, shape) for value in yielded],
            reducer if reduced else None,
            bounds=[self.dim(symbol) for symbol in symbols],
        )
        insert_before(self.op, op)
        for result in op.results:
            result.name_hint = name
        return op.results

    def map(
        self,
        suffix: str,
        shape: Sequence[Extent],
        sources: Sequence[SSAValue],
        body: Callable[..., Scalar],
    ) -> SSAValue:
        """A computation of `body(point, *scalars)` from tensors that broadcast to `shape`."""

        def at(p: Point) -> Scalar:
            return body(p, *(p.read_broadcast(source, shape) for source in sources))

        return self.compute(suffix, shape, at)[0]

    def reduce(
        self,
        suffix: str,
        source: SSAValue,
        over: Sequence[int],
        reducer: str,
        keepdims: bool = True,
        body: Callable[[Point, Scalar], Scalar | Sequence[Scalar]] = lambda p, x: x,
    ) -> Sequence[SSAValue]:
        """`source` reduced over the dimensions `over`; `body` maps its elements first."""
        shape = extents(source)
        kept = [i for i in range(len(shape)) if keepdims or i not in over]
        out: list[Extent] = [1 if i in over else shape[i] for i in kept]
        indices = [
            axis(len(out) + over.index(i)) if i in over else axis(kept.index(i))
            for i in range(len(shape))
        ]

        def at(p: Point) -> Scalar | Sequence[Scalar]:
            return body(p, p.read(source, indices))

        return self.compute(suffix, out, at, [shape[i] for i in over], reducer)


def axis_names(spatial: int, reduced: int) -> list[str]:
    """Names for the axes of a computation."""
    first = AXES.get(spatial, tuple(f"i{n}" for n in range(spatial)))
    last = REDUCED.get(reduced, tuple(f"k{n}" for n in range(reduced)))
    return [*first, *last]


def element_of_value(value: SSAValue) -> Attribute:
    return element_type(value.type)
