"""deduplicate-kernels: kernels that compute the same share one function.

    graph.call @conv_relu(...)             graph.call @conv_relu(...)
    graph.call @conv_relu_1(...)     ->    graph.call @conv_relu(...)

Two private functions are the same if their structural hashes are: then they differ in names and
locations only. The first one stays.

Takes a network of `graph.call` whose kernels are functions of te; it stands after the layouts are
decided and before lower-te-to-loop, so that each kernel is scheduled and compiled once.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr, SymbolRefAttr
from xdsl.passes import ModulePass

from dialects.graph.structure import CallOp
from passes.structural_hash import structural_hash


def duplicates(module: ModuleOp) -> dict[str, str]:
    """For each function that repeats an earlier one, that one's name."""
    first: dict[str, str] = {}
    found: dict[str, str] = {}
    for op in list(module.ops):
        if not isinstance(op, func.FuncOp) or op.sym_visibility != StringAttr("private"):
            continue
        name = op.sym_name.data
        kept = first.setdefault(structural_hash(op), name)
        if kept != name:
            found[name] = kept
    return found


def replace(module: ModuleOp, names: dict[str, str]) -> None:
    """Call other functions instead of some, which disappear."""
    for op in list(module.walk()):
        if isinstance(op, CallOp):
            name = op.callee.root_reference.data
            if name in names:
                op.properties["callee"] = SymbolRefAttr(names[name])
    for op in list(module.ops):
        if isinstance(op, func.FuncOp) and op.sym_name.data in names:
            op.detach()
            op.erase()


@dataclass(frozen=True)
class DeduplicateKernelsPass(ModulePass):
    """Let kernels that compute the same share one function."""

    name = "deduplicate-kernels"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        replace(op, duplicates(op))
