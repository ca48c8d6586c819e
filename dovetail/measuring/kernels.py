"""From a kernel in a module, and a schedule, to something that can be timed."""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.passes import ModulePass, PassPipeline

from analysis.errors import UserError, nearest
from backends.interpreter.scalars import dtype_of
from backends.llvm.host import features_of, generated
from backends.llvm.instructions import features_in
from backends.llvm.machine import CodeGenerator
from backends.llvm.numbers import symbols_of
from backends.llvm.targets import module_text
from dialects import loop, te
from dialects.layout import physical_shape
from dialects.target import Target, TargetAttr
from dovetail.measuring.paired import KINDS, Figures, limits_of, measure
from dovetail.measuring.repeated import Repeated, pinned, repeated_kernel
from dovetail.measuring.work import Work, size, work_of
from dovetail.runtime.buffers import Array, aligned_empty
from dovetail.runtime.features import check_machine


@dataclass(frozen=True)
class Kernel:
    """A compiled kernel with its arguments; `work` is what one call of it has to do.

    `function` is the function of loops that was compiled.
    """

    name: str
    work: Work
    repeated: Repeated
    target: Target
    function: func.FuncOp

    def measure(
        self,
        rounds: int,
        progress: Callable[[int, int], None] = lambda done, total: None,
        kinds: Sequence[str] = KINDS,
    ) -> Figures:
        """How fast it is, of the limits of some kinds; see paired.py."""
        threads = self.repeated.crew.size
        generator = CodeGenerator.of(self.target)
        with pinned(threads):
            limits = limits_of(self.work, self.target.machine, generator, threads, kinds)
            return measure(self.repeated, self.work, limits, rounds, progress)


def kernel_names(module: ModuleOp) -> list[str]:
    """The functions of `module` that compute on tensors or in loops."""
    computing = (te.ComputeOp, te.ScatterOp, loop.BlockOp)
    return [
        op.sym_name.data
        for op in module.ops
        if isinstance(op, func.FuncOp) and any(isinstance(o, computing) for o in op.walk())
    ]


def function_of(module: ModuleOp, name: str | None) -> func.FuncOp:
    """The function of that name, or the only one that computes."""
    names = kernel_names(module)
    if name is None and len(names) != 1:
        raise UserError(
            f"it has {len(names)} functions of te or loops; say which one with --function: "
            f"{', '.join(names)}"
            if names
            else "it has no function of te or loops to time"
        )
    if name is not None and name not in names:
        raise UserError(f"no function of te or loops is named '{name}': {nearest(name, names)}")
    wanted = name or names[0]
    return next(
        op for op in module.ops if isinstance(op, func.FuncOp) and op.sym_name.data == wanted
    )


def is_scheduled(function: func.FuncOp) -> bool:
    """Whether a function has loops already."""
    return any(isinstance(op, loop.BlockOp) for op in function.walk())


def arguments_of(function: func.FuncOp, dims: Mapping[str, int]) -> list[Array]:
    """Buffers in the layout of each argument: seeded numbers around 0, zeros and ones if whole."""
    rng = np.random.default_rng(0)
    found: list[Array] = []
    for argument in function.body.block.args:
        assert isinstance(argument.type, MemRefType), f"{argument.type} is no buffer"
        dtype = dtype_of(argument.type)
        shape = tuple(size(extent, dims) for extent in physical_shape(argument.type))
        array = aligned_empty(shape, dtype)
        whole = dtype.kind in "biu"
        array[...] = rng.integers(0, 2, shape) if whole else rng.standard_normal(shape)
        found.append(array)
    return found


def compile_kernel(
    module: ModuleOp,
    name: str | None,
    passes: Sequence[ModulePass],
    target: Target,
    dims: Mapping[str, int],
    context: Context,
) -> Kernel:
    """Run `passes` on `module`, which is consumed, and compile the function `name` of it."""
    threads = target.number("num-threads") or 1
    check_machine(platform.machine(), generated(features_of(target)))
    function = function_of(module, name)
    name = function.sym_name.data
    work = work_of(function, dims)
    module.attributes["target"] = TargetAttr.of(target)
    PassPipeline(tuple(passes)).apply(context, module)
    module.verify()
    check_machine(platform.machine(), features_in(module))
    function = function_of(module, name)
    if not is_scheduled(function):
        raise UserError(f"@{name} has no loops after the pipeline: it lacks lower-te-to-loop")
    symbols = [size(symbol, dims) for symbol in symbols_of(function)]
    buffers = arguments_of(function, dims)
    generator = CodeGenerator.of(target)
    ir = module_text(module)
    repeated = repeated_kernel(generator, ir, name, buffers, symbols, threads)
    return Kernel(name, work, repeated, target, function)
