"""What every graph op means, on NumPy arrays with the exact element types of the IR.

`run_graph` runs a function; `SEMANTICS` maps an op's class to a function of the op and its
operands. Elementwise ops live in `graph_elementwise`, the rest beside it in `graph_nn`. What ops of
other packages mean is found by their names in the entry point group `dovetail.semantics`.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue
from xdsl.traits import SymbolTable

from analysis import shapes
from analysis.errors import UnsupportedError
from analysis.extensions import extension
from backends.interpreter.graph_elementwise import ELEMENTWISE
from backends.interpreter.graph_nn import NN
from backends.interpreter.te import run_te
from dialects import te
from dialects.graph.base import GraphOp, integer, ints, shape_of
from dialects.graph.movement import (
    ConcatOp,
    ExpandOp,
    GatherElementsOp,
    GatherOp,
    PadOp,
    ReshapeOp,
    SliceOp,
    TileOp,
    TransposeOp,
)
from dialects.graph.structure import CallOp, WeightOp
from dialects.graph.weights import Array

Function = Callable[..., Array]


def extents(value: SSAValue) -> tuple[int, ...]:
    """The static shape of a value."""
    return tuple(shapes.fixed(extent) for extent in shape_of(value.type))


def slice_elements(op: SliceOp, x: Array) -> Array:
    parts = zip(ints(op.starts), extents(op.result), ints(op.steps), strict=True)
    for axis, (start, size, step) in enumerate(parts):
        x = np.take(x, start + step * np.arange(size), axis=axis)
    return x


def pad(op: PadOp, x: Array) -> Array:
    pads, rank = ints(op.pads), x.ndim
    cut = tuple(slice(max(0, -pads[i]), x.shape[i] - max(0, -pads[rank + i])) for i in range(rank))
    widths = [(max(0, pads[i]), max(0, pads[rank + i])) for i in range(rank)]
    if op.mode.data == "constant":
        value = np.asarray(op.value.value.data).astype(x.dtype)
        return np.pad(x[cut], widths, constant_values=value)
    mode: Any = op.mode.data
    return np.pad(x[cut], widths, mode)


def gather(op: GatherOp, x: Array, indices: Array) -> Array:
    return np.take(x, indices.astype(np.int64), axis=integer(op.axis))


def gather_elements(op: GatherElementsOp, x: Array, indices: Array) -> Array:
    at = integer(op.axis) % x.ndim
    places = list(np.ix_(*(np.arange(extent) for extent in indices.shape)))
    places[at] = indices.astype(np.int64)
    return x[tuple(places)]


def concat(op: ConcatOp, *parts: Array) -> Array:
    return np.concatenate(parts, axis=integer(op.axis))


def expand(op: ExpandOp, x: Array) -> Array:
    return np.broadcast_to(x, extents(op.result))


def reshape(op: ReshapeOp, x: Array) -> Array:
    return x.reshape(extents(op.result))


def tile(op: TileOp, x: Array) -> Array:
    return np.tile(x, ints(op.repeats))


def transpose(op: TransposeOp, x: Array) -> Array:
    return x.transpose(ints(op.perm))


MOVEMENT: dict[type[Operation], Function] = {
    ConcatOp: concat,
    ExpandOp: expand,
    GatherElementsOp: gather_elements,
    GatherOp: gather,
    PadOp: pad,
    ReshapeOp: reshape,
    SliceOp: slice_elements,
    TileOp: tile,
    TransposeOp: transpose,
}

SEMANTICS: dict[type[Operation], Function] = {**ELEMENTWISE, **NN, **MOVEMENT}


def meaning(op: GraphOp) -> Function:
    """The function of an op and its operands that gives its result."""
    found = SEMANTICS.get(type(op)) or cast(
        Function | None, extension("dovetail.semantics", op.name)
    )
    if found is None:
        raise UnsupportedError(
            f"the graph interpreter cannot run {op.name}: no package adds its meaning to "
            "dovetail.semantics"
        )
    return found


def run_op(op: GraphOp, operands: Sequence[Array]) -> Array:
    """The result of one graph op."""
    with np.errstate(all="ignore"):
        return np.asarray(meaning(op)(op, *operands))


def call(op: CallOp, operands: Sequence[Array]) -> list[Array]:
    kernel = SymbolTable.lookup_symbol(op, op.callee)
    assert isinstance(kernel, FuncOp)
    if any(isinstance(inner, te.ComputeOp | te.ScatterOp) for inner in kernel.body.block.ops):
        return run_te(kernel, operands)
    return run_graph(kernel, operands)


def run_graph(func: FuncOp, inputs: Sequence[Array]) -> list[Array]:
    """The results of a function of graph ops (and of the kernels that it calls) on `inputs`."""
    values: dict[SSAValue, Array] = dict(zip(func.args, inputs, strict=True))
    for op in func.body.block.ops:
        operands = [values[operand] for operand in op.operands]
        match op:
            case WeightOp():
                results = [op.weight.array]
            case GraphOp():
                results = [run_op(op, operands)]
            case CallOp():
                results = call(op, operands)
            case ReturnOp():
                return operands
            case _:
                raise UnsupportedError(f"the graph interpreter cannot run {op.name}")
        values.update(zip(op.results, results, strict=True))
    raise UnsupportedError(f"function @{func.sym_name.data} does not return")
