"""Functions of loops as machine code of the unoptimised, checked emitter."""

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import PassPipeline

from analysis.errors import UserError
from backends.interpreter.dims import sizes_of, value_name
from backends.interpreter.scalars import Array
from backends.llvm.checked import ALIGNMENT, CheckedEmitter, emit_checked
from backends.llvm.host import host_target
from backends.llvm.machine import CodeGenerator
from backends.llvm.numbers import BARRIER_BYTES, symbols_of
from backends.llvm.targets import module_text
from backends.llvm.types import byte_size
from dialects import loop, te
from dialects.layout import physical_shape
from dovetail.pipelines import HOST
from dovetail.runtime.buffers import aligned_empty
from dovetail.runtime.library import JitLibrary
from dovetail.runtime.program import WORKSPACE_BYTES
from passes.structural_hash import structural_hash

KERNEL = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3, *[ctypes.c_int32] * 2)


def call(
    entry: int, function: FuncOp, arrays: Sequence[Array], dims: Mapping[str, int], workspace: Array
) -> int:
    """Call the kernel at an address with one thread; returns its error number."""
    sizes = [dims[name] for name in symbols_of(function)]
    table = (ctypes.c_void_p * max(1, len(arrays)))(*(a.ctypes.data for a in arrays))
    numbers = (ctypes.c_int64 * max(1, len(sizes)))(*sizes)
    addresses = ctypes.addressof(table), ctypes.addressof(numbers), workspace.ctypes.data
    return KERNEL(entry)(*addresses, 0, 1)


def zeroed(size: int) -> Array:
    """An aligned workspace."""
    workspace = aligned_empty((size,), np.dtype(np.uint8))
    workspace[...] = 0
    return workspace


LLVM_PASSES = ("sroa", "simplifycfg", "instcombine", "adce")


@dataclass
class CheckedKernel:
    """The code of one function of loops."""

    function: FuncOp
    emitter: CheckedEmitter = field(init=False)
    library: JitLibrary = field(init=False)

    def __post_init__(self) -> None:
        module, self.emitter = emit_checked(self.function)
        target = host_target()
        generator = CodeGenerator(target.get("mcpu") or "", target.get("mattr") or "", LLVM_PASSES)
        self.library = JitLibrary(generator.object_code(str(module)))

    def run(self, arrays: Sequence[Array], dims: Mapping[str, int]) -> None:
        """Run on arrays of the arguments' physical extents, in place.

        An access outside its buffer is a UserError that names it.
        """
        workspace = zeroed(self.workspace_bytes(dims))
        address = self.library.address(self.function.sym_name.data)
        assert address is not None
        error = call(address, self.function, arrays, dims, workspace)
        if error:
            self.refuse(self.emitter.accesses[error - 1], workspace)

    def workspace_bytes(self, dims: Mapping[str, int]) -> int:
        """The memory of all allocations."""
        total = BARRIER_BYTES + self.emitter.inner_bytes
        for op in self.function.body.block.ops:
            if isinstance(op, loop.AllocOp) and op.memory is None:
                assert isinstance(op.result.type, MemRefType)
                shape = sizes_of(physical_shape(op.result.type), dims)
                size = byte_size(op.result.type.element_type) * int(np.prod(shape, dtype=object))
                total += -(-size // ALIGNMENT) * ALIGNMENT
        return total

    def refuse(self, op: loop.LoadOp | loop.StoreOp, workspace: Array) -> None:
        """Say which access failed."""
        rank = len(op.map.data.results)
        indices = workspace[: 8 * rank].view(np.int64).tolist()
        block = op.parent_op()
        assert isinstance(block, loop.BlockOp)
        verb = "reads" if isinstance(op, loop.LoadOp) else "writes"
        raise UserError(
            f'loop.block "{block.block_name.data}": {verb} {value_name(op.memref)}{indices}, '
            f"outside {op.memref.type}"
        )


def expanded(function: FuncOp) -> FuncOp:
    """The function with loops for what an accelerator does as one operation."""
    special = (loop.CopyOp, loop.IntrinsicOp)
    if not any(isinstance(op, special) for op in function.walk()):
        return function
    module = alone(function)
    PassPipeline(HOST).apply(Context(), module)
    (copy,) = [op for op in module.ops if isinstance(op, FuncOp)]
    return copy


def alone(function: FuncOp) -> ModuleOp:
    """A copy of a function, in a module with the tensor instructions that it may call."""
    around = function.parent_op()
    declared = [] if around is None else [o for o in around.walk() if isinstance(o, te.IntrinsicOp)]
    return ModuleOp([*(op.clone() for op in declared), function.clone()])


@dataclass
class NativeEngine:
    """Compiles each structure of loops once."""

    kernels: dict[str, CheckedKernel] = field(default_factory=dict[str, CheckedKernel])

    def kernel(self, function: FuncOp) -> CheckedKernel:
        """The code of a function; UnsupportedError if the emitter has none for it."""
        function = expanded(function)
        key = structural_hash(function)
        if key not in self.kernels:
            self.kernels[key] = CheckedKernel(function.clone())
        return self.kernels[key]


@dataclass
class MachineCode:
    """The code that a program of this function would have on this machine, for one thread."""

    function: FuncOp
    library: JitLibrary = field(init=False)

    def __post_init__(self) -> None:
        code = CodeGenerator.of(host_target()).object_code(module_text(alone(self.function)))
        self.library = JitLibrary(code)

    def address(self, symbol: str) -> int:
        found = self.library.address(symbol)
        assert found is not None, symbol
        return found

    def run(self, arrays: Sequence[Array], dims: Mapping[str, int]) -> None:
        """Run on arrays of the arguments' physical extents, in place."""
        name = self.function.sym_name.data
        sizes = [dims[symbol] for symbol in symbols_of(self.function)]
        numbers = (ctypes.c_int64 * max(1, len(sizes)))(*sizes)
        query = WORKSPACE_BYTES(self.address(f"{name}_workspace_bytes"))
        workspace = zeroed(query(ctypes.addressof(numbers), 1))
        error = call(self.address(name), self.function, arrays, dims, workspace)
        if error:
            raise UserError(f"@{name} ends with the error number {error}")
