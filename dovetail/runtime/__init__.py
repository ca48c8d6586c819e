"""Running compiled programs: `load("model.dove").run(inputs)`.

Needs NumPy and nothing else of Dovetail's compiler (llvmlite only where the system that compiled
had no linker), so a program can be deployed without it.
"""

from dovetail.runtime.archive import load
from dovetail.runtime.buffers import aligned_empty
from dovetail.runtime.graph_module import Context, GraphModule, cpu, create
from dovetail.runtime.manifest import Kernel, Manifest, Tensor, Weight
from dovetail.runtime.program import Program

__all__ = [
    "Context",
    "GraphModule",
    "Kernel",
    "Manifest",
    "Program",
    "Tensor",
    "Weight",
    "aligned_empty",
    "cpu",
    "create",
    "load",
]
