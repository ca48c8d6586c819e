"""What `dovetail-opt -t loop-expanded` prints."""

from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer
from xdsl.utils.target import Target

from passes.loop.expand_unrolled_loops import ExpandUnrolledLoopsPass


@dataclass(frozen=True)
class LoopExpandedTarget(Target):
    """The loop IR with every unrolled loop written out; vectorized loops stay marks."""

    name = "loop-expanded"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        expanded = module.clone()
        ExpandUnrolledLoopsPass().apply(ctx, expanded)
        Printer(stream=output).print_op(expanded)
        output.write("\n")
