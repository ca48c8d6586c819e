"""How long an execution would take, roughly: instances counted, times what one costs."""

from collections.abc import Mapping
from math import prod

from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, SSAValue

from backends.interpreter.dims import find_symbol
from backends.interpreter.nest import chain_of
from backends.interpreter.threads import is_thread_loop
from dialects import loop, te

STEP_SECONDS = 300e-6
"""One run of a nest, or of a single block, in the interpreter."""

ELEMENT_SECONDS = 5e-9
"""One instance among those that the interpreter runs as whole arrays."""

NATIVE_SECONDS = 3e-9
"""One instance in checked machine code, or a point of a tensor expression: that a function will
be loops later is why its slice is chosen for them."""


def extent(op: loop.ForOp, largest: Mapping[SSAValue, int]) -> int:
    """The iterations of a loop where the values around it are as large as they get."""
    bounds = [largest.get(b, 0) for b in op.bounds]
    zeros = [0 for _ in op.bounds]
    upper = int(op.upper.data.eval(bounds, [])[0])
    return max(0, upper - int(op.lower.data.eval(zeros, [])[0]))


def instances(block: Block, largest: dict[SSAValue, int], dims: Mapping[str, int]) -> int:
    """The instances of blocks that run, guards left aside."""
    total = 0
    for op in block.ops:
        match op:
            case loop.DimOp():
                largest[op.result] = dims.get(op.symbol.data, 1)
            case loop.ForOp():
                count = extent(op, largest)
                largest[op.induction] = max(0, count - 1)
                total += count * instances(op.body.block, largest, dims)
            case loop.BlockOp():
                total += points(op)
            case _:
                pass
    return total


def points(block: loop.BlockOp) -> int:
    """The points that an instance of a block computes: more than one where it is a call."""
    total = 1
    for op in block.body.block.ops:
        if isinstance(op, loop.IntrinsicOp):
            declared = find_symbol(op, op.callee.string_value())
            inner = () if declared is None else declared.walk()
            computes = [o for o in inner if isinstance(o, te.ComputeOp)]
            total += sum(prod(e for e in o.extent_names() if isinstance(e, int)) for o in computes)
    return total


def interpreted(
    block: Block, largest: dict[SSAValue, int], dims: Mapping[str, int], threads: int = 1
) -> float:
    """Seconds in the interpreter, which runs all `threads` at once."""
    total = 0.0
    for op in block.ops:
        match op:
            case loop.DimOp():
                largest[op.result] = dims.get(op.symbol.data, 1)
            case loop.ForOp() if is_thread_loop(op):
                count = extent(op, largest)
                largest[op.induction] = max(0, count - 1)
                total += interpreted(op.body.block, largest, dims, threads * count)
            case loop.ForOp() if (chain := chain_of(op)) is not None:
                extents: list[int] = []
                for inner in chain[0]:
                    extents.append(extent(inner, largest))
                    largest[inner.induction] = max(0, extents[-1] - 1)
                total += STEP_SECONDS + ELEMENT_SECONDS * threads * prod(extents)
            case loop.ForOp():
                count = extent(op, largest)
                largest[op.induction] = max(0, count - 1)
                inside = interpreted(op.body.block, largest, dims, threads)
                total += count * (STEP_SECONDS / 10 + inside)
            case _:
                total += STEP_SECONDS + ELEMENT_SECONDS * threads
    return total


def interpreter_seconds(function: FuncOp, dims: Mapping[str, int]) -> float:
    """How long the interpreter takes for a function of loops."""
    return interpreted(function.body.block, {}, dims)


def tensor_seconds(function: FuncOp) -> float:
    """How long a function of tensor expressions takes."""
    total = 0.0
    for op in function.body.block.ops:
        if isinstance(op, te.ComputeOp):
            total += NATIVE_SECONDS * prod(e for e in op.extent_names() if isinstance(e, int))
    return total


def native_seconds(function: FuncOp, dims: Mapping[str, int]) -> float:
    """How long its checked machine code takes, without compilation."""
    return NATIVE_SECONDS * instances(function.body.block, {}, dims)
