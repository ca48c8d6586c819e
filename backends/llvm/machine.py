"""From LLVM IR to machine code for a target. What threads need is linked in.

Kernels come out of the emitter in the shape that they run best in, so hardly any of LLVM's own
passes are run on them: calls of tensor instructions are inlined, `sroa` turns the register tiles
into values, and O3 would triple the time to compile without making one faster. The processor is
always named: a generic one costs speed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import llvmlite
import llvmlite.binding as llvm

from analysis.errors import UserError, nearest
from backends.llvm.barrier import link_threads, threads_ir
from backends.llvm.host import features_of
from backends.llvm.probe import initialize
from dialects.target import Target

PASSES: Mapping[str, Callable[[llvm.ModulePassManager], None]] = MappingProxyType(
    {
        "adce": llvm.ModulePassManager.add_aggressive_dce_pass,
        "always-inline": llvm.ModulePassManager.add_always_inliner_pass,
        "instcombine": llvm.ModulePassManager.add_instruction_combine_pass,
        "simplifycfg": llvm.ModulePassManager.add_simplify_cfg_pass,
        "sroa": llvm.ModulePassManager.add_sroa_pass,
    }
)


@dataclass(frozen=True)
class CodeGenerator:
    """Makes position-independent machine code for one processor out of LLVM IR."""

    cpu: str
    mattr: str = ""
    passes: tuple[str, ...] = ("always-inline", "sroa")

    def __post_init__(self) -> None:
        for name in self.passes:
            if name not in PASSES:
                raise UserError(f"no LLVM pass '{name}' is offered: {nearest(name, PASSES)}")

    @staticmethod
    def of(target: Target) -> "CodeGenerator":
        """The generator for the CPU target `target`."""
        if target.device != "llvm":
            raise UserError(f"target '{target}' is no CPU: LLVM compiles for llvm -mcpu=NAME")
        features_of(target)
        return CodeGenerator(target.get("mcpu") or "", target.get("mattr") or "")

    @property
    def key(self) -> str:
        """Everything besides the IR that the machine code depends on."""
        versions = f"llvmlite {llvmlite.__version__} LLVM {llvm.llvm_version_info}"
        triple = llvm.get_default_triple()
        options = f"{triple} {self.cpu} {self.mattr} {','.join(self.passes)}"
        return f"{versions} {options} {threads_ir(triple)}"

    def object_code(self, ir: str | llvm.ModuleRef) -> bytes:
        """The object file of the module `ir` (its text, or parsed, which is left as it is)."""
        machine, module = self._prepare(ir)
        return machine.emit_object(module)

    def assembly(self, ir: str | llvm.ModuleRef) -> str:
        """The assembly text of the module `ir`."""
        machine, module = self._prepare(ir)
        return machine.emit_assembly(module)

    def _prepare(self, ir: str | llvm.ModuleRef) -> tuple[llvm.TargetMachine, llvm.ModuleRef]:
        initialize()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=self.cpu, features=self.mattr, opt=3, reloc="pic", codemodel="default"
        )
        module = llvm.parse_assembly(ir) if isinstance(ir, str) else ir.clone()
        module.triple = machine.triple
        module.data_layout = str(machine.target_data)
        link_threads(module)
        module.verify()
        builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(0))
        manager = llvm.create_new_module_pass_manager()
        for name in self.passes:
            PASSES[name](manager)
        manager.run(module, builder)
        return machine, module
