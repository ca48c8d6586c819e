"""What a kernel has to do, counted from its IR: operations on numbers, and bytes touched once.

The work is that of the computation, not of a schedule: a te.compute or a block does the additions,
subtractions, multiplications and divisions of its body once for each point of its domain, and a
sum or product combines once for each point. Arithmetic on indices is not work.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from xdsl.dialects import arith, func, math
from xdsl.dialects.builtin import IndexType, MemRefType, TensorType
from xdsl.ir import Attribute, Operation

from analysis.errors import UserError
from analysis.shapes import Extent, size_option
from backends.llvm.types import byte_size
from dialects import loop, te
from dialects.layout import logical_shape
from passes.loop.forms import Ranges, forms_of, ranges_of
from passes.loop.primitive import loops_around

OPERATIONS: dict[type[Operation], int] = {
    arith.AddfOp: 1,
    arith.AddiOp: 1,
    arith.DivfOp: 1,
    arith.MulfOp: 1,
    arith.MuliOp: 1,
    arith.SubfOp: 1,
    arith.SubiOp: 1,
    math.FmaOp: 2,
}


@dataclass(frozen=True)
class Work:
    """What one call of a kernel does.

    `element` is the type that most of it is done in, `factor` the narrower one that the factors of
    most products have before they are widened, if they are.
    """

    operations: int
    bytes: int
    element: Attribute | None
    factor: Attribute | None = None


def size(extent: Extent, dims: Mapping[str, int]) -> int:
    """An extent as a number."""
    if isinstance(extent, int):
        return extent
    if extent not in dims:
        raise UserError(f"the dimension '{extent}' has no size: give {size_option(extent)}")
    return dims[extent]


def points_of_axes(op: te.ComputeOp | te.ScatterOp, dims: Mapping[str, int]) -> int:
    """The points of a tensor expression's axes."""
    bounds: list[int] = []
    for bound in op.bounds:
        assert isinstance(bound.owner, te.DimOp)
        bounds.append(size(bound.owner.symbol.data, dims))
    return prod(max(0, extent.eval(bounds, [])) for extent in op.extents.data.results)


def points_of_block(block: loop.BlockOp, dims: Mapping[str, int]) -> int:
    """The points of a block that the loops around it reach: of a peeled one, its part."""
    around = loops_around(block)
    known: Ranges = {}
    for value in (v for op in (*around, block) for v in op.operands):
        if isinstance(value.owner, loop.DimOp):
            number = size(value.owner.symbol.data, dims)
            known[value] = (number, number)
    ranges = ranges_of(around, known)
    points = 1
    for domain, binding in zip(
        forms_of(block, "domains", ranges), forms_of(block, "bindings", ranges), strict=True
    ):
        low, high = binding.interval(ranges)
        end = domain.interval(ranges)[1]
        assert low is not None and high is not None and end is not None
        points *= max(0, min(high + 1, end) - max(low, 0))
    return points


def count(ops: Iterable[Operation], points: int, total: Counter[Attribute]) -> None:
    """Add what the operations of a body do at `points` points."""
    for op in ops:
        operations = OPERATIONS.get(type(op))
        if operations is not None and not isinstance(op.results[0].type, IndexType):
            total[op.results[0].type] += operations * points


def operations_of(function: func.FuncOp, dims: Mapping[str, int]) -> Counter[Attribute]:
    """The operations of a function by the type that they are done in."""
    total = Counter[Attribute]()
    for op in function.walk():
        match op:
            case te.ComputeOp() | te.ScatterOp():
                points = points_of_axes(op, dims)
                count(op.body.block.ops, points, total)
                reducer = op.reducer
                if reducer is not None and reducer.data in ("sum", "prod"):
                    yielded = op.body.block.last_op
                    assert yielded is not None
                    total[yielded.operands[0].type] += points
                elif isinstance(op, te.ComputeOp) and op.combiner is not None:
                    count(op.combiner.block.ops, points, total)
            case loop.BlockOp():
                count(op.body.block.ops, points_of_block(op, dims), total)
            case _:
                pass
    return total


WIDENED = (arith.ExtFOp, arith.ExtSIOp, arith.ExtUIOp)


def factor_of(function: func.FuncOp) -> Attribute | None:
    """The type that the factors of all products in sums have before they are widened."""
    found: set[Attribute | None] = set()
    for op in function.walk():
        if isinstance(op, arith.MulfOp | arith.MuliOp) and is_summed(op):
            owners = [operand.owner for operand in op.operands]
            for owner in owners:
                found.add(owner.operands[0].type if isinstance(owner, WIDENED) else None)
    return found.pop() if len(found) == 1 else None


def is_summed(op: Operation) -> bool:
    """Whether an operation stands in a reduction of te."""
    around = op.parent_op()
    return isinstance(around, te.ComputeOp) and around.reducer is not None


def bytes_of(types: Iterable[Attribute], dims: Mapping[str, int]) -> int:
    """The bytes of tensors and buffers."""
    total = 0
    for type in types:
        if isinstance(type, TensorType | MemRefType):
            elements = prod(size(extent, dims) for extent in logical_shape(type))
            total += elements * byte_size(type.element_type)
    return total


def work_of(function: func.FuncOp, dims: Mapping[str, int]) -> Work:
    """What one call of a function of te or loops does."""
    operations = operations_of(function, dims)
    most = operations.most_common(1)
    types = [*function.function_type.inputs, *function.function_type.outputs]
    element = most[0][0] if most else None
    return Work(operations.total(), bytes_of(types, dims), element, factor_of(function))
