"""Which results of a kernel may lie in the memory of one of its operands.

They may where every element of the operand is read for the last time by the very instance of a
block that then writes the result's element at the same coordinates, and both have one type, so
that equal coordinates are equal addresses. Peeled and split copies of a block are compared as
exact sets; what is not proved is not shared.
"""

from itertools import product

from xdsl.dialects import func
from xdsl.ir import SSAValue

from analysis.affine import Affine
from dialects import loop
from passes.loop.forms import coordinates
from passes.loop.instances import Instances, Touch, marked
from passes.loop.primitive import block_of, loops_around


def reads_before(read: loop.LoadOp, write: loop.StoreOp) -> bool:
    """Whether each instance of a block reads the element that it writes, and does so first."""
    block = block_of(read)
    if read.parent_block() is not write.parent_block() or block is not block_of(write):
        return False
    if read.parent_block() is not block.body.block or coordinates(read) != coordinates(write):
        return False
    ops = list(block.body.block.ops)
    return ops.index(read) < ops.index(write)


def meets_later(read: loop.LoadOp, write: loop.StoreOp, asks: Instances) -> bool:
    """Whether instances in different iterations of the loops around a block share an element."""
    touches = Touch.of(read), Touch.of(write)
    for op in loops_around(block_of(read)):
        mine = Affine.variable(op.induction)
        other = marked(mine, set())
        for apart in (mine - other - 1, other - mine - 1):
            if asks.conflict(*touches, [], [apart]):
                return True
    return False


def is_spoiled(read: loop.LoadOp, write: loop.StoreOp, asks: Instances) -> bool:
    """Whether a write of the result could change what a read of the operand gives."""
    if reads_before(read, write):
        return meets_later(read, write, asks)
    return asks.conflict(Touch.of(read), Touch.of(write), [], [])


def may_share(result: SSAValue, operand: SSAValue) -> bool:
    """Whether two arguments of a kernel, one written and one read, may be one buffer."""
    if result.type != operand.type:
        return False
    users = [use.operation for value in (operand, result) for use in value.uses]
    if not all(isinstance(op, loop.LoadOp | loop.StoreOp | loop.PrefetchOp) for op in users):
        return False
    reads = [use.operation for use in operand.uses]
    writes = [use.operation for use in result.uses]
    if any(isinstance(op, loop.StoreOp) for op in reads):
        return False
    asks = Instances()
    return not any(
        is_spoiled(read, write, asks)
        for read, write in product(reads, writes)
        if isinstance(read, loop.LoadOp) and isinstance(write, loop.StoreOp)
    )


def shared_arguments(kernel: func.FuncOp) -> list[tuple[int, int]]:
    """The pairs (result, operand) of a kernel's arguments that may be one buffer."""
    arguments = kernel.body.block.args
    written = {
        i
        for i, argument in enumerate(arguments)
        if any(isinstance(use.operation, loop.StoreOp) for use in argument.uses)
    }
    return [
        (result, operand)
        for result in sorted(written)
        for operand in range(len(arguments))
        if operand not in written and may_share(arguments[result], arguments[operand])
    ]
