"""`t.lower` and `t.build`: a schedule as a module of loops, and as a function of this machine."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import PassPipeline

from analysis.errors import UnsupportedError, UserError, nearest
from backends.interpreter.buffers import pack, unpack
from backends.llvm.host import features_of, generated, host_target
from backends.llvm.instructions import features_in
from backends.llvm.machine import CodeGenerator
from backends.llvm.numbers import symbols_of
from backends.llvm.targets import module_text
from dialects import loop
from dialects.layout import layout_of, physical_shape
from dialects.target import Target, TargetAttr
from dovetail.compiler import dtype_name
from dovetail.pipelines import HOST
from dovetail.printing.pseudo import listing_of
from dovetail.runtime.buffers import Array, WorkspacePool, address
from dovetail.runtime.features import check_machine
from dovetail.runtime.library import Library, link_shared, open_library
from dovetail.runtime.manifest import Tensor as Argument
from dovetail.runtime.manifest import shape_text
from dovetail.runtime.program import WORKSPACE_BYTES, solve_dims
from dovetail.runtime.threads import Crew, usable_cores
from dovetail.te.emitting import computes, module_of
from dovetail.te.handles import function_of
from dovetail.te.schedule import Schedule
from dovetail.te.tensors import Compute, Tensor


def module(args: Sequence[Tensor], name: str = "main") -> ModuleOp:
    """The tensors that `args` compute of those that are given, as a module of the te dialect."""
    inputs, outputs = sides(args)
    return module_of(inputs, outputs, name)


def sides(args: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The arguments that are given, and those that are computed, which come after them."""
    outputs = [value for value in args if isinstance(value.op, Compute)]
    inputs = [value for value in args if not isinstance(value.op, Compute)]
    if list(args) != [*inputs, *outputs]:
        order = ", ".join(value.name for value in (*inputs, *outputs))
        raise UserError(f"what is computed comes after what is given: [{order}]")
    if not outputs:
        raise UserError("none of the arguments is computed")
    for op in computes(outputs, inputs):
        for value in op.inputs:
            if not isinstance(value.op, Compute) and value not in inputs:
                raise UserError(f"{op.name} reads {value.name}, which is not among the arguments")
    return inputs, outputs


def lower(schedule: Schedule, args: Sequence[Tensor], name: str = "main") -> ModuleOp:
    """The loops of a schedule, as a function of `args`: what is given, then what is computed."""
    schedule.require_places()
    inputs, outputs = sides(args)
    for output in schedule.outputs:
        if output not in outputs:
            raise UserError(f"{output.name}, which the schedule computes, is not in the arguments")
    for output in outputs:
        if all(output is not op.tensor for op in schedule.computes):
            raise UserError(f"{output.name} is not computed by this schedule")
    result = schedule.expression(inputs, outputs, name)
    PassPipeline(schedule.passes).apply(Context(), result)
    result.verify()
    return result


def listing(program: Schedule | ModuleOp) -> str:
    """A module, or the loops of a schedule so far, as a short Python-like text."""
    return listing_of(program.loops if isinstance(program, Schedule) else program)


def build(
    schedule: Schedule,
    args: Sequence[Tensor],
    target: Target | str = "llvm",
    name: str = "main",
) -> Function:
    """The machine code of a schedule: a function of NumPy arrays that writes its outputs in place.

    `target` is `llvm` (this machine), or a CPU such as `llvm -mcpu=NAME` that this machine can be.
    """
    chosen = Target.parse(target) if isinstance(target, str) and target != "llvm" else target
    chosen = host_target() if chosen in ("llvm", Target("llvm")) else chosen
    assert isinstance(chosen, Target)
    if chosen.device != "llvm":
        raise UnsupportedError(f"build: target '{chosen}' has no code of its own here; llvm has")
    check_machine(platform.machine(), generated(features_of(chosen)))
    lowered = lower(schedule, args, name)
    lowered.attributes["target"] = TargetAttr.of(chosen)
    PassPipeline(HOST).apply(Context(), lowered)
    check_machine(platform.machine(), features_in(lowered))
    code = CodeGenerator.of(chosen).object_code(module_text(lowered))
    library = open_library(link_shared(code), code)
    return Function(lowered, library, sum(not is_computed(value) for value in args))


def is_computed(tensor: Tensor) -> bool:
    return isinstance(tensor.op, Compute)


@dataclass(repr=False)
class Function:
    """A compiled function, called with one array an argument.

    Arrays have exactly the dtype and shape of their tensors and are contiguous; the first `inputs`
    are read, the others written. Symbolic sizes are those of the arrays. For a tensor with a layout
    the array is what `pack` makes of it.
    """

    module: ModuleOp
    library: Library
    inputs: int

    def __post_init__(self) -> None:
        function = function_of(self.module)
        self.name = function.sym_name.data
        self.symbols = symbols_of(function)
        self.arguments = tuple(argument_of(function, i) for i in range(len(function.args)))
        entry = self.library.address(self.name)
        query = self.library.address(f"{self.name}_workspace_bytes")
        assert entry is not None and query is not None
        self._entry = entry
        self._workspace_bytes = WORKSPACE_BYTES(query)
        self._crew = Crew(self.library, threads_of(function))
        self._pool = WorkspacePool()

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"

    def __call__(self, *arrays: Array) -> None:
        self.check(arrays)
        sizes = solve_dims(self.name, self.arguments, arrays)
        key = (*(sizes[name] for name in self.symbols), self._crew.size)
        dims = (ctypes.c_int64 * len(key))(*key)
        pointers = (ctypes.c_uint64 * len(arrays))(*(address(array) for array in arrays))
        size: int = self._workspace_bytes(ctypes.addressof(dims), self._crew.size)
        workspace = self._pool.take(key, size)
        shared = ctypes.addressof(pointers), ctypes.addressof(dims), address(workspace)
        error = self._crew.run(self._entry, shared)
        self._pool.give(key, workspace)
        assert not error, f"{self.name} ends with the error number {error}"

    def pack(self, name: str, array: Array) -> Array:
        """The array of an argument with its elements where its layout puts them: a copy."""
        return pack(array, self._type_of(name))

    def unpack(self, name: str, array: Array) -> Array:
        """The inverse of `pack`."""
        return unpack(array, self._type_of(name))

    def _type_of(self, name: str) -> MemRefType:
        """The type of an argument."""
        for argument, value in zip(self.arguments, function_of(self.module).args, strict=True):
            if argument.name == name:
                assert isinstance(value.type, MemRefType)
                return value.type
        known = [argument.name for argument in self.arguments]
        raise UserError(f"{self.name} has no argument '{name}': {nearest(name, known)}")

    def check(self, arrays: Sequence[Array]) -> None:
        """Refuse arrays that the code cannot work on where they are."""
        known = ", ".join(str(argument) for argument in self.arguments)
        if len(arrays) != len(self.arguments):
            raise UserError(
                f"{self.name} takes {len(self.arguments)} arrays, not {len(arrays)}: {known}"
            )
        for number, (argument, array) in enumerate(zip(self.arguments, arrays, strict=True)):
            written = number >= self.inputs
            self.check_array(argument, array, written)
            for earlier, other in zip(self.arguments[:number], arrays[:number], strict=True):
                if written and np.may_share_memory(array, other):
                    raise UserError(
                        f"{self.name}: {argument.name} is written, and shares memory with "
                        f"{earlier.name}"
                    )

    def check_array(self, argument: Argument, array: object, written: bool) -> None:
        """Refuse one array."""
        who = f"{self.name}: {argument.name}"
        if not isinstance(array, np.ndarray):
            raise UserError(f"{who} is a {type(array).__name__}, not a NumPy array")
        if array.dtype != np.dtype(argument.dtype):
            raise UserError(f"{who} has the dtype {array.dtype}, not {argument.dtype}")
        fits = array.ndim == len(argument.shape) and all(
            isinstance(wanted, str) or wanted == size
            for wanted, size in zip(argument.shape, array.shape, strict=True)
        )
        if not fits:
            laid_out = layout_of(self._type_of(argument.name)) is not None
            raise UserError(
                f"{who} has the shape {shape_text(array.shape)}, not {shape_text(argument.shape)}"
                + (f": its layout wants pack('{argument.name}', ...) of it" if laid_out else "")
            )
        if not array.flags.c_contiguous:
            raise UserError(f"{who} is not contiguous: give np.ascontiguousarray of it")
        if written and not array.flags.writeable:
            raise UserError(f"{who} is written, but the array is read-only")
        if not array.flags.aligned:
            raise UserError(f"{who} is not aligned to its dtype: give a copy of it")


def argument_of(function: FuncOp, number: int) -> Argument:
    """What the array for an argument must be."""
    value = function.body.block.args[number]
    assert isinstance(value.type, MemRefType) and value.name_hint is not None
    dtype = dtype_name(value.type.element_type)
    return Argument(value.name_hint, dtype, physical_shape(value.type))


def threads_of(function: FuncOp) -> int:
    """All cores where a loop is parallel, else one."""
    loops = (op for op in function.walk() if isinstance(op, loop.ForOp))
    return len(usable_cores()) if any(op.kind.data == "parallel" for op in loops) else 1
