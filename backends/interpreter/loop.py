"""The meaning of the loop dialect: memory that a function's loops and blocks change in order.

Loops run one iteration after the other, whatever their kind, but for those over thread axes: what
they mean stands in `threads.py`. Where a chain of loops holds one
block and nothing else, all its instances run as whole arrays, provided that the addresses they
touch show that the order does not matter; otherwise the outermost loop of the chain runs in
Python and its body is tried again. So the order of the text decides, and NumPy does the work.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Block, Operation, SSAValue

from analysis.errors import UnsupportedError, UserError
from backends.interpreter.arrays import compile_map
from backends.interpreter.buffers import Buffer, allocate, logical_view, write_all
from backends.interpreter.dims import (
    check_arguments,
    dim_size,
    find_function,
    sizes_of,
    solve_dims,
    value_name,
)
from backends.interpreter.instances import BlockRunner
from backends.interpreter.intrinsics import call_intrinsic
from backends.interpreter.nest import Nest, chain_of, plan_nest
from backends.interpreter.scalars import Array, constant, evaluate, has_meaning
from backends.interpreter.threads import KernelRun, has_threads, is_thread_loop
from dialects.layout import logical_shape, physical_shape
from dialects.loop import AllocOp, BlockOp, DimOp, ForOp
from dialects.loop_hardware import (
    BarrierOp,
    CopyOp,
    IntrinsicOp,
    PopDepOp,
    PrefetchOp,
    PushDepOp,
)


def run_loop(func: FuncOp, args: Sequence[Array], dims: Mapping[str, int] | None = None) -> None:
    """Run a function of memrefs on arrays of their physical extents, which it changes in place.

    Dimensions with a name get their sizes from the arrays; `dims` is for those no array has.
    """
    check_arguments(func, args)
    parameters = func.body.block.args
    shapes = [physical_shape(p.type) if isinstance(p.type, MemRefType) else () for p in parameters]
    sizes = solve_dims(func, shapes, args, dims)
    run = LoopRun(sizes)
    for parameter, array in zip(parameters, args, strict=True):
        run.bind_argument(func, parameter, array)
    run.refuse_overlaps(func)
    run.run_block(func.body.block)


class LoopRun:
    """One execution of a function."""

    def __init__(self, dims: Mapping[str, int]) -> None:
        self.dims = dims
        self.environment: dict[SSAValue, Any] = {}
        self.stack: list[tuple[ForOp, int]] = []
        self.nests: dict[Operation, Nest | None] = {}
        self.blocks = BlockRunner(self.environment, self.stack, self.run_intrinsic)

    def bind_argument(self, func: FuncOp, parameter: SSAValue, array: Array) -> None:
        """Give a parameter its memory, or a scalar its value."""
        if not isinstance(parameter.type, MemRefType):
            self.environment[parameter] = np.asarray(array)
            return
        if not array.flags.c_contiguous:
            raise UserError(
                f"@{func.sym_name.data}: the array for {value_name(parameter)} is not contiguous"
            )
        shape = sizes_of(logical_shape(parameter.type), self.dims)
        self.environment[parameter] = Buffer(value_name(parameter), parameter.type, shape, array)

    def refuse_overlaps(self, func: FuncOp) -> None:
        """Refuse arguments that share memory without being the same array."""
        buffers = [b for b in self.environment.values() if isinstance(b, Buffer)]
        for number, a in enumerate(buffers):
            for b in buffers[:number]:
                same = a.key == b.key and a.data.nbytes == b.data.nbytes
                if not same and np.may_share_memory(a.data, b.data):
                    raise UserError(
                        f"@{func.sym_name.data}: the arrays for {b.name} and {a.name} overlap"
                    )

    def lookup(self, value: SSAValue) -> int:
        """An index value of the surrounding program."""
        return int(self.environment[value])

    def run_block(self, block: Block) -> None:
        """Run a list of operations in order."""
        for op in block.ops:
            match op:
                case ForOp():
                    self.run_for(op)
                case BlockOp():
                    self.run_single(op)
                case AllocOp():
                    self.environment[op.result] = self.allocate(op)
                case CopyOp():
                    copy(op, self.environment[op.source], self.environment[op.target])
                case PrefetchOp() | BarrierOp() | PushDepOp() | PopDepOp() | ReturnOp():
                    pass
                case DimOp():
                    self.environment[op.result] = dim_size(op.symbol.data, self.dims)
                case CallOp():
                    self.call(op)
                case _ if has_meaning(op):
                    operands = [np.asarray(self.environment[o]) for o in op.operands]
                    self.environment[op.results[0]] = evaluate(op, operands)
                case _:
                    raise UnsupportedError(f"the interpreter of loop has no meaning for {op.name}")

    def run_for(self, op: ForOp) -> None:
        """Run a loop: as whole arrays if that is the same, else iteration by iteration."""
        if is_thread_loop(op):
            KernelRun(self.environment, self.stack, self.dims, copy, op).run()
            return
        if op not in self.nests:
            chain = None if has_threads(op) else chain_of(op)
            self.nests[op] = None if chain is None else plan_nest(*chain)
        nest = self.nests[op]
        if nest is not None and self.blocks.run_whole(nest):
            return
        bounds = [self.lookup(b) for b in op.bounds]
        lower, upper = compile_map(op.lower.data)[0], compile_map(op.upper.data)[0]
        for value in range(lower(bounds), upper(bounds)):
            self.environment[op.induction] = value
            self.stack.append((op, value))
            self.run_block(op.body.block)
            self.stack.pop()

    def run_single(self, block: BlockOp) -> None:
        """Run the one instance of a block that the surrounding loops have come to."""
        if block not in self.nests:
            self.nests[block] = plan_nest((), block)
        nest = self.nests[block]
        assert nest is not None
        self.blocks.run_one(nest)

    def allocate(self, op: AllocOp) -> Buffer:
        outer = [self.lookup(o) for o in op.outer]
        origin = tuple(int(f(outer)) for f in compile_map(op.origin.data))
        type, name = op.result.type, value_name(op.result)
        assert isinstance(type, MemRefType)
        if op.memory is None:
            return allocate(name, type, origin, self.dims)
        whole: Buffer = self.environment[op.memory]
        (number,) = (int(f(outer)) for f in compile_map(op.part.data))
        shape = sizes_of(logical_shape(type), self.dims)
        # an iteration of a split loop in which nothing runs may be beyond the last part
        there = 0 <= number < len(whole.data)
        part = whole.data[number, ...] if there else whole.data[:0]
        return Buffer(name, type, shape, part, origin)

    def call(self, op: CallOp) -> None:
        func = find_function(op, op.callee.string_value())
        arrays: list[Array] = []
        for operand in op.operands:
            value = self.environment[operand]
            if isinstance(value, Buffer) and any(value.origin):
                raise UserError(
                    f"func.call @{func.sym_name.data}: {value.name} is a tile with the origin "
                    f"{list(value.origin)}, which cannot cross a function"
                )
            arrays.append(value.data if isinstance(value, Buffer) else np.asarray(value))
        run_loop(func, arrays, self.dims)

    def run_intrinsic(self, op: IntrinsicOp, value: Callable[[SSAValue], Any]) -> None:
        """Run a call of a tensor instruction; `value` knows the variables of its block."""
        buffers: list[Buffer] = [self.environment[t] for t in op.tiles]
        call_intrinsic(op, buffers, [int(value(v)) for v in op.indices], self.dims)


def copy(op: CopyOp, source: Buffer, target: Buffer) -> None:
    """Move the elements that both boxes hold; what else the target holds becomes the pad.

    Without a pad the target's other elements are left alone.
    """
    value = logical_view(target).copy()
    if op.pad is not None:
        value[...] = constant(op.pad)
    lower = [max(a, b) for a, b in zip(source.origin, target.origin, strict=True)]
    upper = [
        min(a + m, b + n)
        for a, m, b, n in zip(source.origin, source.shape, target.origin, target.shape, strict=True)
    ]
    if all(a < b for a, b in zip(lower, upper, strict=True)):

        def window(buffer: Buffer) -> tuple[slice, ...]:
            return tuple(
                slice(a - o, b - o) for a, b, o in zip(lower, upper, buffer.origin, strict=True)
            )

        value[window(target)] = logical_view(source)[window(source)]
    write_all(target, value)
