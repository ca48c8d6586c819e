"""Inputs that show a difference: exact where exactness is possible.

Where a function adds, multiplies and compares only, and reduces once, its inputs are small
integers: every sum is exact in its type, so two orders of evaluation give the same bits, and any
difference is an error. Elsewhere (divisions, roots, several reductions in sequence) they are
normal, and results are compared with a tolerance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import MemRefType, TensorType
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation, SSAValue

from backends.interpreter.dims import find_symbol, sizes_of
from backends.interpreter.scalars import Array, constant, dtype_of, is_float
from dialects import loop, te
from dialects.graph import elementwise, movement, nn, structure
from dialects.graph.base import GraphOp
from dialects.layout import logical_shape
from dovetail.execution.signature import Signature

LARGEST = 8
"""The largest magnitude of an integer input."""

LARGEST_CONSTANT = 1 << 16

MANTISSA = {2: 11, 4: 24, 8: 53}
"""For the bytes of a float, how many bits an exact integer has."""

EXACT_MATH = (
    math.AbsFOp,
    math.AbsIOp,
    math.CeilOp,
    math.CopySignOp,
    math.FloorOp,
    math.FmaOp,
    math.RoundEvenOp,
    math.RoundOp,
    math.TruncOp,
)

EXACT_GRAPH = (
    elementwise.AbsOp,
    elementwise.AddOp,
    elementwise.MaxOp,
    elementwise.MinOp,
    elementwise.MulOp,
    elementwise.NegOp,
    elementwise.ReluOp,
    elementwise.SubOp,
    elementwise.WhereOp,
    movement.Movement,
    nn.ConvOp,
    nn.MatmulOp,
    nn.MaxPoolOp,
    nn.ReduceMaxOp,
    nn.ReduceMinOp,
    nn.ReduceSumOp,
)
"""The graph ops whose results are exact for small integers."""

POSITIVE = frozenset(
    f"{dialect}.{name}"
    for dialect in ("graph", "math")
    for name in ("batch_norm", "log", "pow", "powf", "rsqrt", "sqrt")
)
"""Operations that have no result for negative operands."""

SIZES = (5, 3, 7, 4, 6)
"""The sizes that symbolic dimensions get, in order."""


def operations(function: FuncOp) -> Iterator[Operation]:
    """The operations of a function and of those that it calls."""
    seen: set[FuncOp] = set()
    waiting = [function]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for op in current.walk():
            yield op
            if isinstance(op, CallOp | structure.CallOp):
                callee = find_symbol(op, op.callee.string_value())
                if isinstance(callee, FuncOp):
                    waiting.append(callee)


def product_of(shape: Sequence[int | str]) -> int:
    """The product of the constant extents."""
    return int(np.prod([e for e in shape if isinstance(e, int)], dtype=object))


def reduced_size(op: Operation) -> int:
    """How many products an element of a reduction sums, if `op` is one; 1 if that is unknown."""
    if isinstance(op, te.ComputeOp) and op.reducer is not None:
        extents = [e.eval([], []) if not e.used_dims() else 1 for e in op.extents.data.results]
        return product_of(extents[op.rank.data :])
    if isinstance(op, loop.BlockOp) and any(op.is_reduce):
        domains = zip(op.domains.data.results, op.is_reduce, strict=True)
        sizes = [e.eval([], []) for e, reduce in domains if reduce and not e.used_dims()]
        return product_of(sizes)
    match op:
        case nn.ConvOp():
            return product_of(logical_shape(op.weight.type)[1:])
        case nn.MatmulOp():
            return product_of(logical_shape(op.rhs.type)[-2:][:1])
        case nn.ReduceSumOp():
            return product_of(logical_shape(op.operands[0].type))
        case _:
            pass
    return 0


def is_exact_constant(op: arith.ConstantOp) -> bool:
    """Whether a constant is made of small integers and infinities."""
    values = constant(op.value).astype(np.float64)
    small = (abs(values) < LARGEST_CONSTANT) & (values == np.round(values))
    return bool((np.isinf(values) | small).all())


def is_inexact(op: Operation) -> bool:
    """Whether the result of `op` is rounded even for small integers."""
    match op:
        case structure.WeightOp() | arith.DivfOp() | arith.TruncFOp():
            return True
        case GraphOp():
            return not isinstance(op, EXACT_GRAPH)
        case arith.ConstantOp():
            return not is_exact_constant(op)
        case _:
            return op.dialect_name() == "math" and not isinstance(op, EXACT_MATH)


def magnitude(function: FuncOp) -> int | None:
    """The largest integer input for which all results are exact; None if there is none."""
    reductions = [0]
    products = 1
    for op in operations(function):
        if is_inexact(op):
            return None
        if isinstance(op, arith.MulfOp | elementwise.MulOp):
            products += 1
        reductions.append(reduced_size(op))
    if sum(size > 1 for size in reductions) > 1 or products > 4:
        return None
    bits = min([24, *(MANTISSA[d.itemsize] for d in _floats(function))])
    # a sum of `size` products of two inputs, which each further product multiplies once more
    size = max(1, *reductions)
    found = LARGEST
    while found > 1 and size * found**products >= 1 << (bits - 1):
        found -= 1
    return found if size * found**products < 1 << bits else None


def _floats(function: FuncOp) -> list[np.dtype[Any]]:
    shaped = [a.type for a in function.body.block.args]
    dtypes = [dtype_of(t) for t in shaped if isinstance(t, TensorType | MemRefType)]
    return [d for d in dtypes if is_float(d) and d.itemsize in MANTISSA]


@dataclass(frozen=True)
class Inputs:
    """Logical arrays for a function, and the sizes of its symbolic dimensions.

    `start` is what the outputs hold before: one that is never written shows. `exact` says that
    all results are exact.
    """

    arrays: tuple[Array, ...]
    start: tuple[Array, ...]
    dims: Mapping[str, int]
    exact: bool


def possible_inputs(signature: Signature, seed: int) -> Iterator[Inputs]:
    """Seeded inputs for a function, those that show most first.

    A function may refuse the first ones: an integer may be an index, which has to be in range and
    perhaps not negative.
    """
    yield make_inputs(signature, seed)
    if any(np.issubdtype(dtype_of(v.type), np.signedinteger) for v in signature.inputs):
        dims = dims_of(signature)
        extents = [e for v in signature.inputs for e in shape_of(v, dims) if e > 1]
        smallest = max(2, min([LARGEST, *extents]))
        yield make_inputs(signature, seed, (-smallest, smallest))
        yield make_inputs(signature, seed, (0, smallest))


def dims_of(signature: Signature) -> dict[str, int]:
    """The sizes that symbolic dimensions get."""
    return {name: SIZES[i % len(SIZES)] for i, name in enumerate(signature.symbols)}


def make_inputs(
    signature: Signature, seed: int, integers: tuple[int, int] = (-LARGEST, LARGEST + 1)
) -> Inputs:
    """Seeded inputs for a function; its integers are in a half-open range."""
    rng = np.random.default_rng(seed)
    dims = dims_of(signature)
    largest = magnitude(signature.function)
    positive = any(op.name in POSITIVE for op in operations(signature.function))
    shapes = [shape_of(v, dims) for v in signature.inputs]
    arrays = [
        random_array(rng, shape, dtype_of(v.type), largest, positive, integers)
        for v, shape in zip(signature.inputs, shapes, strict=True)
    ]
    signs = sorted({s for op in operations(signature.function) for s in hidden_signs(op)})
    if signs and not positive:
        arrays = [
            with_extremes(a, signs[i % len(signs)]) if is_float(a.dtype) else a
            for i, a in enumerate(arrays)
        ]
    start = [
        random_array(rng, shape_of(v, dims), dtype_of(v.type), LARGEST, False, integers)
        for v in signature.results
    ]
    return Inputs(tuple(arrays), tuple(start), dims, largest is not None)


def hidden_signs(op: Operation) -> tuple[int, ...]:
    """The signs that rows must have to show what a maximum (-1) or minimum (1) begins with."""
    name = op.name.partition(".")[2]
    if isinstance(op, te.ComputeOp):
        name = "" if op.reducer is None else op.reducer.data
    compares = name in ("cmpf", "cmpi")  # a reduction of the user's, or one that finds a place
    return (-1,) * ("max" in name or compares) + (1,) * ("min" in name)


def with_extremes(array: Array, sign: int) -> Array:
    """An array that hides nothing from a maximum (sign -1) or minimum (1).

    Some rows along each axis have one sign, so that what a reduction begins with shows; in others
    the winner is the last element, which a range that ends too early misses, or the first one.
    """
    peak = -sign * (abs(array).max(initial=0) + 1)
    places = np.indices(array.shape, sparse=True)
    for axis, extent in enumerate(array.shape):
        others = sum(place for a, place in enumerate(places) if a != axis)
        array = np.where((places[axis] == extent - 1) & (others % 3 == 0), peak, array)
        array = np.where((places[axis] == 0) & (others % 3 == 1), peak, array)
    for place in places:
        array = np.where(place % 5 == 1, sign * abs(array), array)
    return array.astype(peak.dtype)


def shape_of(value: SSAValue, dims: Mapping[str, int]) -> tuple[int, ...]:
    """The logical shape of a value."""
    if isinstance(value.type, TensorType | MemRefType):
        return sizes_of(logical_shape(value.type), dims)
    return ()


def random_array(
    rng: np.random.Generator,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    largest: int | None,
    positive: bool,
    integers: tuple[int, int],
) -> Array:
    """One input: small integers, or normal numbers (He-scaled where it may be a weight)."""
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(dtype)
    if not is_float(dtype):
        found = rng.integers(*integers, shape).astype(dtype)
        edges = (0, integers[0], integers[1] - 1)[: found.size]  # where conditions are off by one
        found.reshape(-1)[: len(edges)] = edges
        return found
    if largest is not None:
        # no zeros: a term that is left out must show
        return (rng.integers(1, largest + 1, shape) * rng.choice((-1, 1), shape)).astype(dtype)
    values = rng.standard_normal(shape)
    if positive:
        values = abs(values) + 0.125
    fan_in = int(np.prod(shape[1:])) if len(shape) in (2, 4) else 1
    # activations of four dimensions have a large "fan in" too: an exact power of two does no harm
    return (values / (1 << (isqrt(max(1, fan_in)).bit_length() - 1))).astype(dtype)
