"""What `xdsl-opt` has under `--print-between-passes` and `--time-passes`, with the same text."""

import sys
import time

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.printer import Printer

from dovetail.instruments.instrument import Instrument


class PrintBetweenPasses(Instrument):
    """Prints the module between any two passes to stdout."""

    def __call__(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        if previous is not None and following is not None:
            print(f"IR after {previous.name}:")
            Printer(stream=sys.stdout).print_op(module)
            print("\n\n\n")


class TimePasses(Instrument):
    """Prints the time of each pass to stdout when it ends."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def __call__(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        if previous is not None:
            print(f"Pass {previous.name} took {time.perf_counter() - self.start} seconds")

    def resume(self) -> None:
        self.start = time.perf_counter()
