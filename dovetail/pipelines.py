"""The pipelines from a model to kernels, one tuple a target, read from top to bottom."""

from collections.abc import Mapping
from types import MappingProxyType

from xdsl.passes import ModulePass

from passes.graph.fold_batch_norm import FoldBatchNormPass
from passes.graph.fold_constants import FoldConstantsPass
from passes.graph.fuse_operators import FuseOperatorsPass
from passes.graph.lower_graph_to_loop import LowerGraphToLoopPass
from passes.graph.lower_graph_to_te import LowerGraphToTePass
from passes.graph.mark_weights import MarkWeightsPass
from passes.loop.elide_halo_guards import ElideHaloGuardsPass
from passes.loop.expand_copies import ExpandCopiesPass
from passes.loop.expand_intrinsics import ExpandIntrinsicsPass
from passes.loop.hoist_allocations import HoistAllocationsPass
from passes.loop.insert_dependence_tokens import InsertDependenceTokensPass
from passes.loop.lower_threads_to_loops import LowerThreadsToLoopsPass
from passes.loop.lower_virtual_threads import LowerVirtualThreadsPass
from passes.loop.plan_memory import PlanMemoryPass
from passes.loop.schedule_kernels import ScheduleKernelsPass
from passes.te.copy_outputs import CopyOutputsPass
from passes.te.deduplicate_kernels import DeduplicateKernelsPass
from passes.te.expand_powers import ExpandPowersPass
from passes.te.import_intrinsics import ImportIntrinsicsPass
from passes.te.lower_te_to_loop import LowerTeToLoopPass
from passes.te.transform_network_layout import TransformNetworkLayoutPass
from passes.vta.allocate_sram import AllocateSramPass
from passes.vta.lower_loop_to_vta import LowerLoopToVtaPass

CPU: tuple[ModulePass, ...] = (
    # the network as such: less to compute
    FoldConstantsPass(),
    FoldBatchNormPass(),
    # groups of operators become kernels
    FuseOperatorsPass(),
    MarkWeightsPass(),
    LowerGraphToTePass(),
    # a power is a call for each element, a square root a vector instruction
    ExpandPowersPass(),
    CopyOutputsPass(),
    # layouts are types of te tensors, so they are decided before these become memrefs
    TransformNetworkLayoutPass(),
    # whatever is the same now is scheduled and compiled once
    DeduplicateKernelsPass(),
    LowerTeToLoopPass(),
    # guards are compared with whole domains, so this stands before the first split
    ElideHaloGuardsPass(),
    # nothing, unless factors are narrow numbers, and the target has instructions for them
    ImportIntrinsicsPass("amx+vnni+avx512bf16", fitting=True),
    ScheduleKernelsPass(),
    # schedules may lay weights out anew, so the network is lowered after them
    HoistAllocationsPass(),
    LowerGraphToLoopPass(),
    PlanMemoryPass(),
)

CPU_KERNEL: tuple[ModulePass, ...] = (
    # what CPU does to a kernel, for functions of te that no network calls
    ExpandPowersPass(),
    LowerTeToLoopPass(),
    ElideHaloGuardsPass(),
    # nothing, unless factors are narrow numbers, and the target has instructions for them
    ImportIntrinsicsPass("amx+vnni+avx512bf16", fitting=True),
    ScheduleKernelsPass(),
)

VTA_FRONTEND: tuple[ModulePass, ...] = (
    # the instructions are symbols of the module, for the configuration of its target
    ImportIntrinsicsPass("vta"),
    LowerTeToLoopPass(),
)

VTA_BACKEND: tuple[ModulePass, ...] = (
    # inside each virtual thread, where program order is the order of its own operations
    InsertDependenceTokensPass(),
    LowerVirtualThreadsPass(),
    # all tiles that live at the same time are known now
    AllocateSramPass(),
    LowerLoopToVtaPass(),
)

VTA_KERNEL: tuple[ModulePass, ...] = (
    *VTA_FRONTEND,
    ScheduleKernelsPass(),
    *VTA_BACKEND,
)

HOST: tuple[ModulePass, ...] = (
    # what an accelerator does as one operation, as loops that any machine runs
    ExpandIntrinsicsPass(),
    ExpandCopiesPass(),
    # what the threads of a GPU do side by side; their buffers are used by loads and stores now
    LowerThreadsToLoopsPass(),
)


def around_schedules(
    pipeline: tuple[ModulePass, ...],
) -> tuple[tuple[ModulePass, ...], tuple[ModulePass, ...]]:
    """What comes before schedule-kernels, which leaves kernels in naive loops; and the rest."""
    at = next(i for i, step in enumerate(pipeline) if isinstance(step, ScheduleKernelsPass))
    return pipeline[:at], pipeline[at:]


PIPELINES: Mapping[str, tuple[ModulePass, ...]] = MappingProxyType(
    {"cpu": CPU, "cpu-kernel": CPU_KERNEL, "vta-kernel": VTA_KERNEL}
)
"""By the names that `dovetail-opt --pipeline` takes."""
