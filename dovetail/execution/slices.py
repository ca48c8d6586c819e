"""A part of a function's results, and the function cut down to what computes that part.

A slice is chosen in coordinates of the results, so that all forms of a function compute the same
elements: along each cut dimension the first, the last and a random middle range. Each tensor
expression is computed for these boxes only. Of a loop whose iterations write different elements,
only those iterations remain that may write some of the slice; reductions, and loops that make
what others read, stay whole.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import AffineMapAttr, FunctionType, IndexType, TensorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from analysis.affine import Affine
from backends.interpreter.scalars import Array
from dialects import loop, te
from dovetail.execution.signature import signature_of
from passes.loop.forms import coordinates, forms_of, ranges_of, variables_of
from passes.loop.primitive import accesses, block_of, loops_around

Range = tuple[int, int]
Box = tuple[Range, ...]

SMALLEST_SHARE = 0.012
"""At least this part of the elements is in a slice: more than a hundredth, after rounding."""

TAIL = 64
"""The last range of a dimension holds as many elements, if there are, so that it has all tails."""

RANGES = 3


@dataclass(frozen=True)
class Slice:
    """For each dimension of a result, the ranges of its coordinates that are computed."""

    ranges: tuple[tuple[Range, ...], ...]

    @property
    def boxes(self) -> list[Box]:
        """The boxes whose union the slice is."""
        return list(product(*self.ranges))

    def mask(self, shape: Sequence[int]) -> Array:
        """Which elements of a result belong to it."""
        found = np.ones(shape, np.bool_)
        for axis, ranges in enumerate(self.ranges):
            inside = np.zeros(shape[axis], np.bool_)
            for low, high in ranges:
                inside[low:high] = True
            found &= inside.reshape([-1 if a == axis else 1 for a in range(len(shape))])
        return found

    def meets(self, axis: int, low: int | None, high: int | None) -> bool:
        """Whether coordinates from `low` to `high` (None: no bound) include one of the slice."""
        return any(
            (high is None or begin <= high) and (low is None or low < end)
            for begin, end in self.ranges[axis]
        )


def choose_slice(shape: Sequence[int], share: float, seed: int) -> Slice:
    """A slice with about this share of the elements, at least a hundredth."""
    rng = np.random.default_rng(seed)
    share = min(1.0, max(SMALLEST_SHARE, share))
    ranges: list[tuple[Range, ...]] = [((0, extent),) for extent in shape]
    # the two longest dimensions are cut, each to the root of the share
    longest = sorted(range(len(shape)), key=lambda a: -shape[a])[:2]
    left = share
    for number, axis in enumerate(longest):
        part = left ** (1 / (len(longest) - number))
        ranges[axis] = cut(shape[axis], part, rng)
        kept = sum(high - low for low, high in ranges[axis])
        left = min(1.0, left / (kept / shape[axis])) if kept else 1.0
    return Slice(tuple(ranges))


def cut(extent: int, share: float, rng: np.random.Generator) -> tuple[Range, ...]:
    """The first, a random middle and the last range of a dimension."""
    size = max(1, -(-int(np.ceil(extent * share)) // RANGES))
    last = min(max(size, TAIL), max(1, extent // RANGES))
    if 2 * size + last >= extent:
        return ((0, extent),)
    middle = int(rng.integers(size, extent - last - size + 1))
    return ((0, size), (middle, middle + size), (extent - last, extent))


def slice_tensors(function: FuncOp, box: Box) -> FuncOp | None:
    """A function that computes one box of each of its results; None where it cannot be cut."""
    clone = function.clone()
    last = clone.body.block.last_op
    assert isinstance(last, ReturnOp)
    computes = dict.fromkeys(value.owner for value in last.operands)
    for op in computes:
        if not isinstance(op, te.ComputeOp) or op.rank.data != len(box):
            return None
        if any(use.operation is not last for result in op.results for use in result.uses):
            return None  # another computation reads it
        restrict(op, box)
    inputs = [a.type for a in clone.body.block.args]
    clone.function_type = FunctionType.from_lists(inputs, [v.type for v in last.operands])
    return clone


def restrict(op: te.ComputeOp, box: Box) -> None:
    """Compute a box only: the axes begin at zero again, the body sees them shifted."""
    body = op.body.block
    first = body.first_op
    assert first is not None
    for axis, (low, _) in zip(op.spatial, box, strict=True):
        begin = arith.ConstantOp.from_int_and_width(low, IndexType())
        shifted = arith.AddiOp(axis, begin.result)
        axis.replace_uses_with_if(shifted.result, lambda use, own=shifted: use.operation is not own)
        body.insert_ops_before([begin, shifted], first)
    extents = [AffineExpr.constant(high - low) for low, high in box]
    extents += op.extents.data.results[op.rank.data :]
    op.extents = AffineMapAttr(AffineMap(op.extents.data.num_dims, 0, tuple(extents)))
    shape = [high - low for low, high in box]
    for result in op.results:
        assert isinstance(result.type, TensorType)
        result._type = TensorType(  # pyright: ignore[reportPrivateUsage]
            result.type.element_type, shape
        )


def slice_loops(function: FuncOp, part: Slice, outputs: int) -> FuncOp:
    """A copy of a function of loops without iterations that write nothing of the slice."""
    clone = function.clone()
    results = set(signature_of(clone, outputs).outputs)
    if any(reads_elsewhere(op) for value in results for op in accesses(clone, value)):
        return clone
    for op in reversed(list(clone.walk())):  # inner loops first: copies of outer ones hold them
        if isinstance(op, loop.ForOp) and independent(op, results):
            restrict_loop(op, part, results)
    return clone


def reads_elsewhere(op: loop.LoadOp | loop.StoreOp) -> bool:
    """Whether an access of a result is a load of another element than its block stores."""
    if isinstance(op, loop.StoreOp):
        return False
    own = coordinates(op)
    return not any(
        isinstance(other, loop.StoreOp) and coordinates(other) == own
        for other in accesses(block_of(op), op.memref)
    )


def independent(op: loop.ForOp, results: set[SSAValue]) -> bool:
    """Whether leaving iterations of a loop out only leaves elements of the results unwritten."""
    if op.constant_bounds is None:
        return False
    inside: set[SSAValue] = set(results)
    for inner in op.walk():
        match inner:
            case loop.AllocOp():
                inside.add(inner.result)
            case loop.BlockOp():
                reduced = [
                    form
                    for form, reduce in zip(
                        forms_of(inner, "bindings"), inner.is_reduce, strict=True
                    )
                    if reduce
                ]
                if any(op.induction in form.variables() for form in reduced):
                    return False
            case loop.StoreOp():
                if inner.memref not in inside:
                    return False
            case loop.ForOp() | loop.LoadOp() | loop.PrefetchOp():
                pass
            case _ if inner.regions or inner.dialect_name() == "loop":
                return False
            case _:
                pass
    return True


def restrict_loop(op: loop.ForOp, part: Slice, results: set[SSAValue]) -> None:
    """Keep the iterations that may write an element of the slice."""
    assert op.constant_bounds is not None
    stores = [a for value in results for a in accesses(op, value) if isinstance(a, loop.StoreOp)]
    if not stores:
        return
    low, high = op.constant_bounds
    kept = [i for i in range(low, high) if any(may_write(s, op, i, part) for s in stores)]
    runs: list[list[int]] = []
    for i in kept:
        if runs and runs[-1][1] == i:
            runs[-1][1] = i + 1
        else:
            runs.append([i, i + 1])
    if [low, high] in runs:
        return
    parent = op.parent_block()
    assert parent is not None
    for begin, end in runs[1:]:
        copy = op.clone()
        set_bounds(copy, begin, end)
        parent.insert_op_after(copy, op)
    if runs:
        set_bounds(op, *runs[0])
    else:
        set_bounds(op, low, low)


def set_bounds(op: loop.ForOp, low: int, high: int) -> None:
    """Give a loop constant bounds."""
    count = len(op.bounds)
    op.lower = AffineMapAttr(AffineMap(count, 0, (AffineExpr.constant(low),)))
    op.upper = AffineMapAttr(AffineMap(count, 0, (AffineExpr.constant(high),)))


def may_write(store: loop.StoreOp, op: loop.ForOp, iteration: int, part: Slice) -> bool:
    """Whether a store in one iteration of a loop may write an element of the slice."""
    block = block_of(store)
    ranges: dict[Hashable, tuple[int | None, int | None]] = dict(ranges_of(loops_around(block)))
    ranges[op.induction] = (iteration, iteration)
    values: dict[Hashable, Affine] = dict(variables_of(block))
    for axis, form in enumerate(coordinates(store)):
        low, high = form.substitute(values, ranges).interval(ranges)
        if not part.meets(axis, low, high):
            return False
    return True


def can_slice(results: Sequence[Array]) -> bool:
    """Whether all results have one shape, of at least one dimension."""
    return len({r.shape for r in results}) == 1 and results[0].ndim > 0
