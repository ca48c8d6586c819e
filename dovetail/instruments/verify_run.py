"""`--verify-each=run`: the program computes the same after each pass."""

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from analysis.errors import UserError
from dovetail.instruments.instrument import Instrument


class VerifyRun(Instrument):
    """Runs the module in the interpreter after each pass and compares what it computes."""

    def __init__(self, seed: int, budget_seconds: int) -> None:
        raise UserError("--verify-each=run is not there yet")

    def __call__(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        raise AssertionError
