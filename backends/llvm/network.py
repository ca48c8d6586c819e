"""Emits a network: the functions of the kernel ABI that a runtime calls.

    i32 NAME(ptr buffers, ptr dims, ptr workspace, i32 tid, i32 nthreads)
    i32 NAME_step(..., i32 step)                one kernel call of the network, for profiles
    i64 NAME_workspace_bytes(ptr dims, i32 nthreads)
    void NAME_output_shapes(ptr dims, ptr out)  all extents of the outputs, one after another

Every thread of a run calls NAME once; it meets the others between the kernels. A buffer of the
network lies in the workspace behind the barrier, at the offset that plan-memory gave it in its
arena. The arena of constant sizes comes first, then one for each product of symbolic dimensions,
whose offsets count that product; buffers without a place follow one after another.
"""

from collections.abc import Callable, Sequence
from math import prod

from llvmlite import ir
from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, MemRefType, ModuleOp
from xdsl.ir import SSAValue

from analysis.errors import UnsupportedError
from backends.llvm.accesses import emit_bytes
from backends.llvm.emitter import FunctionEmitter
from backends.llvm.numbers import BARRIER_BYTES, KERNEL_TYPE, symbols_of
from backends.llvm.scalars import call_function
from backends.llvm.types import I8, I32, I64, POINTER, byte_size
from dialects import loop
from dialects.layout import logical_shape, physical_shape, symbolic_extents

STEP_TYPE = ir.FunctionType(I32, [POINTER, POINTER, POINTER, I32, I32, I32])
OFFSET = "offset"


def load_dims(builder: ir.IRBuilder, dims: ir.Value, names: Sequence[str]) -> dict[str, ir.Value]:
    """The values of the symbolic dimensions of a function."""
    values: dict[str, ir.Value] = {}
    for i, name in enumerate(names):
        place = builder.gep(dims, [I64(i)], source_etype=I64)
        values[name] = builder.load(place, typ=I64, align=8, name=name)
    return values


def bytes_in_arena(type: MemRefType) -> int:
    """The bytes of a buffer, in products of its symbolic dimensions."""
    extents = (extent for extent in physical_shape(type) if isinstance(extent, int))
    return byte_size(type.element_type) * prod(extents)


class NetworkEmitter:
    """Emits one network and its kernels into one LLVM module."""

    def __init__(self, module: ModuleOp, main: func.FuncOp) -> None:
        self.module = ir.Module("dovetail")
        self.main = main
        self.name = main.sym_name.data
        self.symbols = symbols_of(main)
        self.kernels = {
            op.sym_name.data: op
            for op in module.ops
            if isinstance(op, func.FuncOp) and op is not main and op.body.blocks
        }
        ops = list(main.body.block.ops)
        self.calls = [op for op in ops if isinstance(op, func.CallOp)]
        allocs = [op for op in ops if isinstance(op, loop.AllocOp)]
        self.planned: dict[SSAValue, loop.AllocOp] = {
            op.result: op for op in allocs if OFFSET in op.attributes
        }
        self.floating = [op for op in allocs if OFFSET not in op.attributes]
        self.arenas = self.arena_bytes()
        self.arguments: dict[SSAValue, int] = {v: i for i, v in enumerate(main.body.block.args)}

    def emit(self, progress: Callable[[int, int], None] | None = None) -> ir.Module:
        """Emit everything; `progress` is told how many kernels are done, and how many there are."""
        for i, kernel in enumerate(self.kernels.values()):
            FunctionEmitter(self.module, kernel).emit().linkage = "internal"
            if progress is not None:
                progress(i + 1, len(self.kernels))
        steps = [self.step(i, call) for i, call in enumerate(self.calls)]
        self.entry(steps)
        self.run_step(steps)
        self.workspace_bytes()
        self.output_shapes()
        return self.module

    def step(self, number: int, call: func.CallOp) -> ir.Function:
        """A function that makes one kernel call."""
        kernel = self.kernels.get(call.callee.root_reference.data)
        if kernel is None:
            raise UnsupportedError(f"llvm: the network calls {call.callee}, which is not there")
        step = ir.Function(self.module, KERNEL_TYPE, f"call_{number}")
        step.linkage = "internal"
        builder = ir.IRBuilder(step.append_basic_block("entry"))
        buffers, dims, workspace, tid, nthreads = step.args
        values = load_dims(builder, dims, self.symbols)
        table = builder.alloca(ir.ArrayType(POINTER, len(call.arguments)))
        table.type = POINTER
        for i, value in enumerate(call.arguments):
            pointer = self.pointer(builder, value, buffers, workspace, values)
            place = builder.gep(table, [I64(i)], source_etype=POINTER)
            builder.store(pointer, place, align=8)
        inner = symbols_of(kernel)
        sizes = builder.alloca(ir.ArrayType(I64, max(1, len(inner))))
        sizes.type = POINTER
        for i, size in enumerate(self.kernel_dims(call, kernel, inner, values)):
            builder.store(size, builder.gep(sizes, [I64(i)], source_etype=I64), align=8)
        callee = self.module.globals[kernel.sym_name.data]
        builder.ret(builder.call(callee, [table, sizes, workspace, tid, nthreads]))
        return step

    def kernel_dims(
        self,
        call: func.CallOp,
        kernel: func.FuncOp,
        names: Sequence[str],
        values: dict[str, ir.Value],
    ) -> list[ir.Value]:
        """What the symbolic dimensions of a kernel are in one of its calls."""
        found: dict[str, ir.Value] = {}
        for given, wanted in zip(call.arguments, kernel.body.block.args, strict=True):
            pairs = zip(logical_shape(given.type), logical_shape(wanted.type), strict=True)
            for mine, theirs in pairs:
                if isinstance(theirs, str):
                    found[theirs] = I64(mine) if isinstance(mine, int) else values[mine]
        return [found[name] for name in names]

    def pointer(
        self,
        builder: ir.IRBuilder,
        value: SSAValue,
        buffers: ir.Value,
        workspace: ir.Value,
        dims: dict[str, ir.Value],
    ) -> ir.Value:
        """Where a buffer of the network is."""
        if value in self.arguments:
            place = builder.gep(buffers, [I64(self.arguments[value])], source_etype=POINTER)
            return builder.load(place, typ=POINTER, align=8)
        if value in self.planned:
            own = symbolic_extents(value.type)
            offset = product(builder, self.offset(self.planned[value]), own, dims)
            place = builder.add(self.arena_begin(builder, own, dims), offset)
            return builder.gep(workspace, [place], source_etype=I8)
        total = self.arena_begin(builder, None, dims)
        for op in self.floating:
            if op.result is value:
                break
            total = builder.add(total, emit_bytes(builder, op.result.type, dims))
        return builder.gep(workspace, [total], source_etype=I8)

    def offset(self, op: loop.AllocOp) -> int:
        """The planned place of a buffer in the arena."""
        offset = op.attributes[OFFSET]
        assert isinstance(offset, IntegerAttr)
        return offset.value.data

    def arena_bytes(self) -> dict[tuple[str, ...], int]:
        """The sizes of the planned arenas, in products of their symbolic dimensions."""
        ends: dict[tuple[str, ...], int] = {(): 0}
        for op in self.planned.values():
            symbols = symbolic_extents(op.result.type)
            end = self.offset(op) + bytes_in_arena(op.result.type)
            ends[symbols] = max(ends.get(symbols, 0), -(-end // 64) * 64)
        return ends

    def arena_begin(
        self, builder: ir.IRBuilder, symbols: tuple[str, ...] | None, dims: dict[str, ir.Value]
    ) -> ir.Value:
        """Where an arena begins in the workspace; where the last one ends for None."""
        total: ir.Value = I64(BARRIER_BYTES)
        for known, size in self.arenas.items():
            if known == symbols:
                break
            total = builder.add(total, product(builder, size, known, dims))
        return total

    def entry(self, steps: Sequence[ir.Function]) -> None:
        """Emit the function that runs the network."""
        entry = ir.Function(self.module, KERNEL_TYPE, self.main.sym_name.data)
        builder = ir.IRBuilder(entry.append_basic_block("entry"))
        error: ir.Value = I32(0)
        for step in steps:
            error = builder.or_(error, builder.call(step, entry.args))
            if step is not steps[-1]:
                args = [entry.args[2], entry.args[4]]
                call_function(builder, "dovetail_barrier", ir.VoidType(), args)
        builder.ret(error)

    def run_step(self, steps: Sequence[ir.Function]) -> None:
        """Emit the function that runs one kernel call."""
        function = ir.Function(self.module, STEP_TYPE, f"{self.name}_step")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        for i, step in enumerate(steps):
            chosen = builder.icmp_signed("==", function.args[5], I32(i))
            with builder.if_then(chosen):
                builder.ret(builder.call(step, function.args[:5]))
        builder.ret(I32(-1))

    def workspace_bytes(self) -> None:
        """Emit the function that says how much memory a run needs."""
        function = ir.Function(
            self.module, ir.FunctionType(I64, [POINTER, I32]), f"{self.name}_workspace_bytes"
        )
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        dims = load_dims(builder, function.args[0], self.symbols)
        total = self.arena_begin(builder, None, dims)
        for op in self.floating:
            total = builder.add(total, emit_bytes(builder, op.result.type, dims))
        builder.ret(total)

    def output_shapes(self) -> None:
        """Emit the function that says what the outputs' extents are."""
        type = ir.FunctionType(ir.VoidType(), [POINTER, POINTER])
        function = ir.Function(self.module, type, f"{self.name}_output_shapes")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        dims = load_dims(builder, function.args[0], self.symbols)
        extents = [e for value in output_arguments(self.main) for e in logical_shape(value.type)]
        for i, extent in enumerate(extents):
            value = I64(extent) if isinstance(extent, int) else dims[extent]
            builder.store(value, builder.gep(function.args[1], [I64(i)], source_etype=I64), align=8)
        builder.ret_void()


def product(
    builder: ir.IRBuilder, number: int, symbols: Sequence[str], dims: dict[str, ir.Value]
) -> ir.Value:
    """A number times symbolic dimensions."""
    total: ir.Value = I64(number)
    for symbol in symbols:
        total = builder.mul(total, dims[symbol])
    return total


def output_arguments(main: func.FuncOp) -> list[SSAValue]:
    """The arguments of a network that it writes."""
    count = main.attributes.get("dovetail.outputs")
    assert isinstance(count, IntegerAttr), "lower-graph-to-loop says how many outputs there are"
    arguments = list(main.body.block.args)
    return list(arguments[len(arguments) - count.value.data :])


def network_function(module: ModuleOp) -> func.FuncOp | None:
    """The function that calls kernels."""
    for op in module.ops:
        if isinstance(op, func.FuncOp) and any(isinstance(o, func.CallOp) for o in op.walk()):
            return op
    return None
