"""What `dovetail-opt -t llvm-ir` and `-t asm` print: a module of loops as LLVM makes it.

The code is for the module's target; a module without one is compiled for this machine.
"""

from dataclasses import dataclass
from typing import IO

import llvmlite.binding as llvm
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target as Output

from backends.llvm.emitter import emit_module
from backends.llvm.instructions import processor_of
from backends.llvm.machine import CodeGenerator
from backends.llvm.network import NetworkEmitter, network_function
from dialects.target import target_of


def module_text(module: ModuleOp) -> str:
    """LLVM IR of a network, or of all functions of loops; the barrier is declared."""
    main = network_function(module)
    if main is not None:
        return str(NetworkEmitter(module, main).emit())
    return str(emit_module(module, llvm.get_default_triple()))


@dataclass(frozen=True)
class LLVMIRTarget(Output):
    """The LLVM IR of the functions of loops; names the module's target, if it has one, first."""

    name = "llvm-ir"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        if "target" in module.attributes:
            output.write(f"; target: {target_of(module)}\n")
        output.write(module_text(module))


@dataclass(frozen=True)
class AssemblyTarget(Output):
    """The assembly of the functions of loops."""

    name = "asm"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.write(CodeGenerator.of(processor_of(module)).assembly(module_text(module)))
