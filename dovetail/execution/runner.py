"""Runs a function of any level on logical arrays, each part of it by the engine that suits it.

Graphs and tensor expressions run as whole arrays in the interpreter. Loops run in the interpreter
where that takes little time, else as machine code of the checked emitter; those over thread axes
always in the interpreter, which finds races. Instructions of the
accelerator run in its simulator. The kernels that a
network calls run one by one, each by its own level's engine; a network of buffers places them in
one arena, as its plan says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, MemRefType, ModuleOp, TensorType
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import SSAValue

from analysis.errors import UnsupportedError, UserError
from backends.interpreter.buffers import empty, pack, unpack
from backends.interpreter.dims import dim_size, find_function, sizes_of, solve_dims
from backends.interpreter.graph import run_op
from backends.interpreter.loop import run_loop
from backends.interpreter.scalars import Array, dtype_of
from backends.interpreter.te import run_te
from backends.interpreter.threads import has_threads
from backends.vta.emission import is_program, program_of
from backends.vta.launch import run_in_place
from dialects import loop
from dialects.graph import structure
from dialects.graph.base import GraphOp
from dialects.graph.structure import WeightOp
from dialects.layout import layout_of, logical_shape, physical_shape, symbolic_extents
from dovetail.execution.cost import interpreter_seconds, native_seconds, tensor_seconds
from dovetail.execution.inputs import Inputs
from dovetail.execution.native import NativeEngine
from dovetail.execution.signature import signature_of
from dovetail.execution.slices import Slice, can_slice, choose_slice, slice_loops, slice_tensors
from passes.loop.plan_memory import OFFSET

WHOLE, INTERPRETED, NATIVE = "whole arrays", "interpreter", "checked code"
SIMULATED = "simulator"
SLICED = "slice"
"""How a function was run."""

PATIENCE = 4
"""How far over the budget a slice may be, since it cannot get smaller than a hundredth."""


class NotRunError(Exception):
    """A function that no engine runs within the budget, and why."""


@dataclass
class Runner:
    """Executes functions, each at most for `budget_seconds`; compiles each kernel once.

    What the interpreter runs in `quick_seconds` is not worth compiling. `engines` has the engines
    that the last run used.
    """

    budget_seconds: float = 60
    quick_seconds: float = 0.1
    native: NativeEngine = field(default_factory=NativeEngine)
    engines: set[str] = field(default_factory=set[str])

    def part_of(self, function: FuncOp, inputs: Inputs, seed: int) -> Slice | None:
        """The part of the results that there is time for; None where that is all of them."""
        if is_network(function) or not can_slice(inputs.start):
            return None
        if function.function_type.outputs.data:
            seconds = tensor_seconds(function)
        else:
            quick = interpreter_seconds(function, inputs.dims)
            natively = quick if has_threads(function) else native_seconds(function, inputs.dims)
            seconds = min(quick, natively)
        if seconds <= self.budget_seconds:
            return None
        return choose_slice(inputs.start[0].shape, self.budget_seconds / seconds, seed)

    def run(self, function: FuncOp, inputs: Inputs, part: Slice | None = None) -> tuple[Array, ...]:
        """The logical results of a function; with a slice, only its elements count.

        Raises UserError where the function does something wrong, such as an access outside its
        buffer, UnsupportedError where an operation has no meaning, NotRunError.
        """
        self.engines = set()
        signature = signature_of(function, len(inputs.start))
        if function.function_type.outputs.data:
            if part is not None:
                return self.boxes(function, inputs, part)
            return tuple(self.tensors(function, inputs.arrays, inputs.dims))
        if part is not None:
            self.engines.add(SLICED)
            function = slice_loops(function, part, len(inputs.start))
            signature = signature_of(function, len(inputs.start))
        given = dict(zip(signature.inputs, inputs.arrays, strict=True))
        given.update((value, weight.data.array) for value, weight in signature.weights)
        given.update(zip(signature.outputs, inputs.start, strict=True))
        return tuple(self.memory(function, given, signature.outputs, inputs.dims))

    def boxes(self, function: FuncOp, inputs: Inputs, part: Slice) -> tuple[Array, ...]:
        """The results of a function of tensors in the boxes of a slice."""
        self.engines.add(SLICED)
        results = [array.copy() for array in inputs.start]
        for box in part.boxes:
            cut_down = slice_tensors(function, box)
            if cut_down is None:
                raise NotRunError(
                    f"it would take about {tensor_seconds(function):.2g} s, the budget is "
                    f"{self.budget_seconds:g} s, and what it returns is also read by others"
                )
            found = self.tensors(cut_down, inputs.arrays, inputs.dims)
            for result, array in zip(results, found, strict=True):
                result[tuple(slice(low, high) for low, high in box)] = array
        return tuple(results)

    def tensors(
        self, function: FuncOp, arrays: Sequence[Array], dims: Mapping[str, int] | None = None
    ) -> list[Array]:
        """The results of a function of tensors."""
        if not is_network(function):
            self.engines.add(WHOLE)
            return run_te(function, arrays, dims)
        values: dict[SSAValue, Array] = dict(zip(function.body.block.args, arrays, strict=True))
        for op in function.body.block.ops:
            operands = [values[operand] for operand in op.operands]
            match op:
                case WeightOp():
                    results: Sequence[Array] = [op.weight.array]
                case GraphOp():
                    self.engines.add(WHOLE)
                    results = [run_op(op, operands)]
                case structure.CallOp():
                    callee = find_function(op, op.callee.string_value())
                    results = self.call(callee, operands, len(op.results))
                case ReturnOp():
                    return operands
                case _:
                    raise UnsupportedError(f"@{function.sym_name.data}: no engine runs {op.name}")
            values.update(zip(op.results, results, strict=True))
        raise UserError(f"@{function.sym_name.data} does not return")

    def call(self, kernel: FuncOp, operands: Sequence[Array], results: int) -> list[Array]:
        """The logical results of a kernel on logical operands."""
        if kernel.function_type.outputs.data:
            return self.tensors(kernel, operands)
        signature = signature_of(kernel, results)
        given = dict(zip(signature.inputs, operands, strict=True))
        return self.memory(kernel, given, signature.outputs, None)

    def memory(
        self,
        function: FuncOp,
        given: Mapping[SSAValue, Array],
        outputs: Sequence[SSAValue],
        dims: Mapping[str, int] | None,
    ) -> list[Array]:
        """The logical contents of `outputs` after a run; arguments not in `given` are poison."""
        arguments = function.body.block.args
        sizes = solve_dims_of(given, dims)
        arrays: list[Array] = []
        value: SSAValue
        for value in arguments:
            if not isinstance(value.type, MemRefType):
                arrays.append(given[value])
            elif value in given:
                arrays.append(np.ascontiguousarray(pack(given[value], value.type, sizes)))
            else:
                arrays.append(empty(value.type, sizes))
        self.loops(function, arrays, sizes)
        after: dict[SSAValue, Array] = dict(zip(arguments, arrays, strict=True))
        found: list[Array] = []
        for value in outputs:
            assert isinstance(value.type, MemRefType)
            found.append(unpack(after[value], value.type, sizes))
        return found

    def loops(self, function: FuncOp, arrays: Sequence[Array], dims: Mapping[str, int]) -> None:
        """Run a function of memrefs on physical arrays, in place."""
        if is_network(function):
            self.network(function, arrays, dims)
            return
        if is_program(function):
            module = function.parent_op()
            assert isinstance(module, ModuleOp)
            self.engines.add(SIMULATED)
            run_in_place(program_of(module, function.sym_name.data), arrays)
            return
        seconds = interpreter_seconds(function, dims)
        limit = self.budget_seconds * (PATIENCE if SLICED in self.engines else 1)
        if seconds > min(self.quick_seconds, limit) and self.natively(
            function, arrays, dims, limit
        ):
            return
        if seconds > limit:
            raise NotRunError(
                f"the interpreter would take about {seconds:.2g} s, the budget is "
                f"{self.budget_seconds:g} s"
            )
        self.engines.add(INTERPRETED)
        run_loop(function, arrays, dims)

    def natively(
        self, function: FuncOp, arrays: Sequence[Array], dims: Mapping[str, int], limit: float
    ) -> bool:
        """Run checked code, if there is any and it takes less than `limit` seconds."""
        if has_threads(function) or native_seconds(function, dims) > limit:
            return False
        try:
            kernel = self.native.kernel(function)
        except UnsupportedError:
            return False
        self.engines.add(NATIVE)
        kernel.run(arrays, dims)
        return True

    def network(self, function: FuncOp, arrays: Sequence[Array], dims: Mapping[str, int]) -> None:
        """Run a network of buffers: the calls in order, planned buffers in their places."""
        values: dict[SSAValue, Array] = dict(zip(function.body.block.args, arrays, strict=True))
        arenas = Arenas.of(function, dims)
        for op in function.body.block.ops:
            match op:
                case loop.AllocOp():
                    values[op.result] = arenas.place(op)
                case CallOp():
                    callee = find_function(op, op.callee.string_value())
                    operands = [values[operand] for operand in op.operands]
                    shapes = [physical_shape(a.type) for a in callee.body.block.args]
                    self.loops(callee, operands, solve_dims(callee, shapes, operands))
                case _:
                    pass


def is_network(function: FuncOp) -> bool:
    """Whether a function consists of graph ops, or of calls of kernels on buffers."""
    ops = list(function.body.block.ops)
    if function.function_type.outputs.data:
        return any(isinstance(op, GraphOp | WeightOp | structure.CallOp) for op in ops)
    return all(isinstance(op, loop.AllocOp | loop.DimOp | CallOp | ReturnOp) for op in ops)


def solve_dims_of(
    given: Mapping[SSAValue, Array], dims: Mapping[str, int] | None
) -> dict[str, int]:
    """The sizes of symbolic dimensions that logical arrays have."""
    found = dict(dims or {})
    for value, array in given.items():
        if isinstance(value.type, TensorType | MemRefType):
            for name, size in zip(logical_shape(value.type), array.shape, strict=True):
                if isinstance(name, str):
                    found.setdefault(name, size)
    return found


@dataclass
class Arenas:
    """The zeroed memory of planned buffers, one block for each product of symbolic dimensions."""

    blocks: Mapping[tuple[str, ...], Array]
    dims: Mapping[str, int]

    @staticmethod
    def of(function: FuncOp, dims: Mapping[str, int]) -> "Arenas":
        """The memory that a network's plan asks for."""
        ends: dict[tuple[str, ...], int] = {}
        for op in function.body.block.ops:
            if isinstance(op, loop.AllocOp) and OFFSET in op.attributes:
                symbols = symbolic_extents(op.result.type)
                end = offset_of(op) * scale(symbols, dims) + byte_count(op, dims)
                ends[symbols] = max(ends.get(symbols, 0), end)
        return Arenas({k: np.zeros(size, np.uint8) for k, size in ends.items()}, dims)

    def place(self, op: loop.AllocOp) -> Array:
        """The physical array of a buffer; zeroed memory of its own if it has no place."""
        assert isinstance(op.result.type, MemRefType)
        shape = sizes_of(physical_shape(op.result.type), self.dims)
        dtype = dtype_of(op.result.type)
        if OFFSET not in op.attributes:
            if layout_of(op.result.type) is not None:
                return np.zeros(shape, dtype)
            return empty(op.result.type, self.dims)
        symbols = symbolic_extents(op.result.type)
        begin = offset_of(op) * scale(symbols, self.dims)
        part = self.blocks[symbols][begin : begin + byte_count(op, self.dims)]
        return part.view(dtype).reshape(shape)


def offset_of(op: loop.AllocOp) -> int:
    """The planned place of a buffer."""
    offset = op.attributes[OFFSET]
    assert isinstance(offset, IntegerAttr)
    return offset.value.data


def scale(symbols: Sequence[str], dims: Mapping[str, int]) -> int:
    """The product of symbolic dimensions."""
    return prod(dim_size(s, dims) for s in symbols)


def byte_count(op: loop.AllocOp, dims: Mapping[str, int]) -> int:
    """The bytes of a buffer."""
    assert isinstance(op.result.type, MemRefType)
    return dtype_of(op.result.type).itemsize * prod(sizes_of(physical_shape(op.result.type), dims))
