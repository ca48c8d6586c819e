"""Runs functions of loops as native code in this process, on NumPy arrays.

Each buffer lies between canaries, so that a kernel which writes outside it is found out, and an
output begins as garbage, so that an element which is never written shows.
"""

import ctypes
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache

import llvmlite.binding as llvm
import ml_dtypes
import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    ModuleOp,
)
from xdsl.ir import Attribute
from xdsl.parser import Parser
from xdsl.passes import PassPipeline
from xdsl.universe import Universe

from backends.interpreter.loop import run_loop
from backends.llvm.host import host_target
from backends.llvm.machine import CodeGenerator
from backends.llvm.numbers import symbols_of
from backends.llvm.targets import module_text
from dialects.layout import layout_map, layout_of, logical_shape, physical_shape
from dovetail.opt import pipeline_text

CANARY = 256
"""Bytes before and after each buffer; the first one is also misaligned by 4 bytes or an element."""


@cache
def context() -> Context:
    universe = Universe.get_multiverse()
    found = Context()
    for name, factory in universe.all_dialects.items():
        found.register_dialect(name, factory)
    return found


def parse(text: str) -> ModuleOp:
    """The module that a text is."""
    module = Parser(context(), text).parse_module()
    module.verify()
    return module


def apply(module: ModuleOp, pipeline: str) -> ModuleOp:
    """Run a pipeline on `module`, verifying after each pass; what is printed must parse back."""
    passes = Universe.get_multiverse().all_passes

    def check(_before: object, inner: ModuleOp, _after: object) -> None:
        inner.verify()

    if pipeline:
        PassPipeline.parse_spec(passes, pipeline_text(pipeline), check).apply(context(), module)
    module.verify()
    return module


def transformed(text: str, pipeline: str) -> ModuleOp:
    """The module of a text after a pipeline; goes through text once more, as a file would."""
    module = apply(parse(text), pipeline)
    again = parse(str(module))
    assert str(again) == str(module)
    return again


@cache
def generator() -> CodeGenerator:
    return CodeGenerator.of(host_target())


@dataclass
class Machine:
    """The machine code of one module; lives as long as its functions are called."""

    module: ModuleOp
    engine: llvm.ExecutionEngine = field(init=False)
    ir: str = field(init=False)

    def __post_init__(self) -> None:
        self.ir = module_text(self.module)
        code = generator().object_code(self.ir)
        machine = llvm.Target.from_default_triple().create_target_machine()
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self.engine.finalize_object()

    def function(self, name: str | None = None) -> func.FuncOp:
        """The function of that name, or the only one."""
        found = [op for op in self.module.ops if isinstance(op, func.FuncOp)]
        if name is None:
            assert len(found) == 1
            return found[0]
        return next(op for op in found if op.sym_name.data == name)

    def call(
        self,
        *physical: np.ndarray,
        name: str | None = None,
        dims: Mapping[str, int] | None = None,
        threads: int = 1,
    ) -> list[np.ndarray]:
        """Call a function with arrays in physical shape; returns what they are afterwards."""
        function = self.function(name)
        symbol = function.sym_name.data
        sizes = [(dims or {})[s] for s in symbols_of(function)]
        arrays = [Fenced(a) for a in physical]
        buffers = (ctypes.c_void_p * len(arrays))(*(a.address for a in arrays))
        dim_array = (ctypes.c_int64 * max(1, len(sizes)))(*sizes)
        query = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int32)(
            self.engine.get_function_address(f"{symbol}_workspace_bytes")
        )
        workspace = Fenced(np.zeros(query(ctypes.addressof(dim_array), threads), np.uint8), 64)
        kernel = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3, *[ctypes.c_int32] * 2)(
            self.engine.get_function_address(symbol)
        )
        arguments = ctypes.addressof(buffers), ctypes.addressof(dim_array), workspace.address

        def run(tid: int) -> int:
            return kernel(*arguments, tid, threads)

        with ThreadPoolExecutor(threads) as pool:
            assert list(pool.map(run, range(threads))) == [0] * threads
        workspace.check()
        for array in arrays:
            array.check()
        return [array.inside.copy() for array in arrays]


class Fenced:
    """A copy of an array with canaries around it, no better aligned than its elements are."""

    def __init__(self, array: np.ndarray, align: int | None = None) -> None:
        size = array.nbytes
        self.block = np.full(size + 2 * CANARY + 128, 0xA5, np.uint8)
        start = CANARY - self.block.ctypes.data % 64 + 64
        self.start = start if align is not None else start + array.itemsize
        self.inside = self.block[self.start : self.start + size].view(array.dtype)
        self.inside = self.inside.reshape(array.shape)
        self.inside[...] = array

    @property
    def address(self) -> int:
        return self.block.ctypes.data + self.start

    def check(self) -> None:
        """Raise if something was written outside."""
        fence = self.block[: self.start], self.block[self.start + self.inside.nbytes :]
        assert all((part == 0xA5).all() for part in fence), "written outside a buffer"


def dtype(type: Attribute) -> np.dtype:
    """The NumPy type of an element type in memory."""
    match type:
        case BFloat16Type():
            return np.dtype(ml_dtypes.bfloat16)
        case Float16Type():
            return np.dtype(np.float16)
        case Float32Type():
            return np.dtype(np.float32)
        case Float64Type():
            return np.dtype(np.float64)
        case IndexType():
            return np.dtype(np.int64)
        case _:
            width = type.width.data
            return np.dtype(bool) if width == 1 else np.dtype(f"int{width}")


def sized(shape: Sequence[int | str], dims: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(s if isinstance(s, int) else dims[s] for s in shape)


def places(type: Attribute, shape: Sequence[int]) -> tuple[np.ndarray, ...]:
    """For each logical element of a type its physical coordinates."""
    index = np.indices(shape)
    zero = np.zeros(shape, np.int64)
    return tuple(e.eval(list(index), []) + zero for e in layout_map(type).results)


def pack(array: np.ndarray, type: Attribute, dims: Mapping[str, int]) -> np.ndarray:
    """A logical array as the buffer of a type; the rest of it is the layout's pad value."""
    layout = layout_of(type)
    pad = getattr(layout and layout.pad, "value", None)
    physical = np.full(
        sized(physical_shape(type), dims), pad.data if pad is not None else 0, array.dtype
    )
    physical[places(type, array.shape)] = array
    return physical


def unpack(physical: np.ndarray, type: Attribute, dims: Mapping[str, int]) -> np.ndarray:
    """The logical array in the buffer of a type."""
    return physical[places(type, sized(logical_shape(type), dims))]


def garbage(type: Attribute, shape: Sequence[int]) -> np.ndarray:
    """What an output is before a kernel has written it."""
    kind = dtype(type)
    if kind.kind == "b":
        return np.ones(shape, bool)
    return np.full(shape, np.nan if kind.kind in "fV" else 77, kind)


def execute(
    machine: Machine, *inputs: np.ndarray, name: str | None = None, threads: int = 1
) -> list[np.ndarray]:
    """Call a function with logical inputs; returns its logical outputs.

    Symbolic dimensions are those of the inputs.
    """
    types = [a.type for a in machine.function(name).body.block.args]
    dims: dict[str, int] = {}
    for array, type in zip(inputs, types, strict=False):
        for size, extent in zip(array.shape, logical_shape(type), strict=True):
            if isinstance(extent, str):
                dims[extent] = size
            else:
                assert size == extent, f"{array.shape} for {type}"
    buffers = [pack(a, t, dims) for a, t in zip(inputs, types, strict=False)]
    for type in types[len(inputs) :]:
        buffers.append(garbage(type.element_type, sized(physical_shape(type), dims)))
    after = machine.call(*buffers, name=name, dims=dims, threads=threads)
    for i in range(len(inputs)):
        assert np.array_equal(after[i], buffers[i], equal_nan=True), f"input {i} was written"
    return [unpack(a, t, dims) for a, t in list(zip(after, types, strict=True))[len(inputs) :]]


def run(
    text: str, pipeline: str, *inputs: np.ndarray, name: str | None = None, threads: int = 1
) -> list[np.ndarray]:
    """What a function of a text computes after a pipeline."""
    return execute(Machine(transformed(text, pipeline)), *inputs, name=name, threads=threads)


def small(rng: np.random.Generator, *shape: int, kind: str = "float32") -> np.ndarray:
    """Integers from -8 to 8 in a type, so that sums of products are exact."""
    if kind == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    return rng.integers(-8, 9, shape).astype(kind)


def check_both(
    text: str, pipeline: str, inputs: Sequence[np.ndarray], expected: np.ndarray
) -> None:
    """Compare the one result of a function after a pipeline, natively and interpreted."""
    (got,) = run(text, pipeline, *inputs, threads=2)
    np.testing.assert_array_equal(got, expected)
    module = apply(parse(text), pipeline)
    function = next(op for op in module.ops if isinstance(op, func.FuncOp))
    result = np.full_like(expected, np.nan)
    run_loop(function, [*inputs, result])
    np.testing.assert_array_equal(result, expected)
