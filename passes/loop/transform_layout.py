"""transform-layout: a buffer's elements lie elsewhere in memory.

    memref<64x56x56xf32>   ->   memref<64x56x56xf32, #loop.layout<affine_map<(d0, d1, d2) ->
                                    (d0 floordiv 16, d1, d2, d0 mod 16)>, [4, 56, 56, 16]>>

Accesses stay as they are: they are in logical coordinates. The physical extents are those of
`extents`, or what the map needs for the shape (a `mod n` always has n). Whoever calls a function
whose argument is transformed passes packed data.

`pad` is what lies in cells that hold no element, so that reads may go there; whoever fills the
buffer fills these, too. Without it nothing is known of them.

Arguments: `buffer`, `map` (text such as "(c,h,w)->(c floordiv 16, h, w, c mod 16)"), `extents`,
`pad` (a whole number), `function`.
Refuses: a map that is no affine map, of another rank, or that puts two elements in one place;
extents that the map exceeds; a buffer with a layout of which cells are used that hold no element;
one with tiles in its parts; a map that changes a symbolic dimension; a pad that is no value of the
element type, or of a buffer that is no argument.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import (
    AnyFloat,
    FloatAttr,
    FunctionType,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
)
from xdsl.ir import BlockArgument, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)
from xdsl.parser import Parser
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import ParseError, VerifyException

from analysis.affine import Affine, Interval, from_expression
from analysis.integer_sets import solve
from dialects import loop
from dialects.layout import LayoutAttr, layout_of, logical_shape
from passes.loop.instances import Touch
from passes.loop.primitive import Primitive, Scope, memory_of
from passes.loop.regions import inside
from passes.loop.witnesses import Witness


def parse_map(scope: Scope, text: str) -> AffineMap:
    """The affine map that a text stands for."""
    try:
        return Parser(Context(), text).parse_affine_map()
    except ParseError as error:
        raise scope.error(f'map="{text}" is no affine map', str(error)) from None


def extent_of(expr: AffineExpr, shape: Sequence[int | str]) -> tuple[int, int | None]:
    """The interval of a physical coordinate; a `mod n` reaches all of 0..n-1."""
    if isinstance(expr, AffineBinaryOpExpr) and expr.kind is AffineBinaryOpKind.Mod:
        assert isinstance(expr.rhs, AffineConstantExpr)
        return 0, expr.rhs.value - 1
    dims = [Affine.variable(i) for i in range(len(shape))]
    ranges: dict[Hashable, Interval] = {
        i: (0, size - 1 if isinstance(size, int) else None) for i, size in enumerate(shape)
    }
    low, high = from_expression(expr, dims, ranges).interval(ranges)
    assert low is not None
    return low, high


def shared_place(map: AffineMap, shape: Sequence[int | str]) -> tuple[list[int], ...] | None:
    """Two elements of a shape (any element, along a symbolic dimension) and the place in memory
    that they share; None if there are none."""
    points = [[Affine.variable((which, i)) for i in range(len(shape))] for which in (0, 1)]
    inside: list[Affine] = []
    for point in points:
        for value, size in zip(point, shape, strict=True):
            inside += [value, *([value * -1 + (size - 1)] if isinstance(size, int) else [])]
    for expr in map.results:
        first, second = (from_expression(expr, point, {}) for point in points)
        inside += [first - second, second - first]
    physical = [from_expression(expr, points[0], {}) for expr in map.results]
    for first, second in zip(*points, strict=True):
        values = solve([*inside, first - second - 1])
        if values is not None:
            return tuple(
                [form.evaluate(values) for form in forms]
                for forms in (points[1], points[0], physical)
            )
    return None


def set_type(value: SSAValue, type: MemRefType, scope: Scope) -> None:
    """Give a buffer another type; an argument's shows in the function's."""
    Rewriter.replace_value_with_new_type(value, type)
    arguments = scope.function.body.block.args
    scope.function.function_type = FunctionType.from_lists([a.type for a in arguments], [])


@dataclass(frozen=True)
class LayoutRequest:
    """A layout that the options `map`, `extents` and `pad` of a primitive ask for."""

    scope: Scope
    buffer: str
    """The name of the buffer that gets it."""
    map: str
    extents: tuple[int, ...] | None
    pad: int | None = None

    def of(
        self, shape: Sequence[int | str], pad: FloatAttr | IntegerAttr | None = None
    ) -> LayoutAttr:
        """The layout for a logical shape."""
        map = parse_map(self.scope, self.map)
        if map.num_dims != len(shape):
            raise self.scope.error(
                f'map="{self.map}" takes {map.num_dims} coordinates, '
                f"but %{self.buffer} has {len(shape)} dimensions"
            )
        needed = [extent_of(expr, shape) for expr in map.results]
        if self.extents is not None and len(self.extents) != len(needed):
            count = len(self.extents)
            raise self.scope.error(f"extents= gives {count} sizes; the map has {len(needed)}")
        extents: list[int | str] = []
        for i, (low, high) in enumerate(needed):
            if high is None:
                extents.append(self.symbol(map, shape, i))
                continue
            extent = high + 1 if self.extents is None else self.extents[i]
            extents.append(extent)
            if low < 0 or high >= extent:
                raise self.scope.error(
                    f"physical dimension {i} of %{self.buffer} runs from {low} to {high}; "
                    f"an extent of {extent} does not hold it"
                )
        shared = shared_place(map, shape)
        if shared is not None:
            raise self.scope.error(
                f'map="{self.map}" puts two elements of %{self.buffer} in one place; '
                "a layout keeps them apart",
                "%{0}{1} and %{0}{2} would both be at {3}".format(self.buffer, *shared),
            )
        return LayoutAttr.of(map, extents, pad)

    def pad_of(self, buffer: SSAValue) -> FloatAttr | IntegerAttr | None:
        """The pad that the options ask for."""
        if self.pad is None:
            return None
        if not isinstance(buffer, BlockArgument):
            raise self.scope.error(
                f"%{self.buffer} is no argument of the function, so that nobody fills the cells "
                f"around its elements with the pad {self.pad}"
            )
        assert isinstance(buffer.type, MemRefType)
        type = buffer.type.element_type
        if isinstance(type, AnyFloat):
            return FloatAttr(float(self.pad), type)
        try:
            assert isinstance(type, IntegerType | IndexType)
            return IntegerAttr(self.pad, type)
        except VerifyException:
            raise self.scope.error(f"the pad {self.pad} of %{self.buffer} is no {type}") from None

    def symbol(self, map: AffineMap, shape: Sequence[int | str], which: int) -> str:
        """The symbolic extent of a physical dimension: a logical one that stays as it is."""
        expr = map.results[which]
        extent = shape[expr.position] if isinstance(expr, AffineDimExpr) else None
        if not isinstance(extent, str) or self.extents is not None:
            raise self.scope.error(
                f"physical dimension {which} of %{self.buffer} has no constant size; "
                "symbolic dimensions stay as they are, and extents= gives sizes of constant ones"
            )
        return extent


def outside_of(buffer: SSAValue) -> str | None:
    """A line about an access of a cell that holds no element; None if there is none."""
    for use in buffer.uses:
        access = use.operation
        if isinstance(access, loop.LoadOp | loop.StoreOp):
            touch = Touch.of(access)
            known = [*touch.conditions, *(Affine.variable(size) for size in touch.sizes)]
            for form in inside(buffer, touch.place, access):
                point = solve([*known, form * -1 - 1])
                if point is not None:
                    return Witness(touch, touch, set(), point).touch_line()
    return None


def lay_out(buffer: SSAValue, request: LayoutRequest) -> None:
    """Give a whole buffer a layout."""
    old, scope = buffer.type, request.scope
    assert isinstance(old, MemRefType)
    users = (use.operation for use in buffer.uses)
    if memory_of(buffer) is not None or any(isinstance(op, loop.AllocOp) for op in users):
        raise scope.error(
            f"%{request.buffer} is, or has, a part that is filled ahead of time; do this before "
            "double-buffer"
        )
    known = layout_of(old)
    outside = None if known is None or known.is_identity else outside_of(buffer)
    if outside is not None:
        raise scope.error(
            f"%{request.buffer} already has the layout {known}, and cells of it are used that hold "
            "no element and would not be there in another one",
            outside,
        )
    layout = request.of(logical_shape(old), request.pad_of(buffer))
    new = MemRefType(old.element_type, old.get_shape(), layout, old.memory_space)
    set_type(buffer, new, scope)


@dataclass(frozen=True)
class TransformLayoutPass(Primitive):
    """Let a buffer's elements lie elsewhere in memory."""

    name = "transform-layout"

    buffer: str
    map: str
    extents: tuple[int, ...] | None = None
    pad: int | None = None
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        request = LayoutRequest(scope, self.buffer, self.map, self.extents, self.pad)
        lay_out(scope.find_buffer(self.buffer), request)
