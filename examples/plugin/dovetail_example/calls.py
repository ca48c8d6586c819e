"""What `dovetail-opt -t sample-calls` prints: the loops, and the calls of the hardware in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.traits import SymbolTable
from xdsl.utils.target import Target

from analysis.errors import UserError
from dialects import loop, te
from dialects.loop_hardware import IntrinsicOp


def call_name(op: IntrinsicOp) -> str:
    """What the hardware calls this form of the instruction."""
    declared = SymbolTable.lookup_symbol(op, op.callee)
    if not isinstance(declared, te.IntrinsicOp):
        raise UserError(f"sample-calls: the module declares no te.intrinsic {op.callee}")
    calls = {
        "compute": declared.compute_call,
        "reset": declared.reset_call,
        "update": declared.update_call,
    }
    call = calls[op.form.data]
    if call is None:
        raise UserError(f"sample-calls: te.intrinsic {op.callee} has no form {op.form}")
    return call.data


def lines(op: Operation, depth: int = 0) -> Iterable[str]:
    """The lines for an operation and all in it."""
    indent = "  " * depth
    match op:
        case loop.ForOp():
            yield f"{indent}for {op.loop_name.data} in range({op.extent}):"
            depth += 1
        case IntrinsicOp():
            tiles = ", ".join(tile.name_hint or "?" for tile in op.tiles)
            yield f"{indent}{call_name(op)}({tiles})"
        case _:
            pass
    for inner in (inner for region in op.regions for block in region.blocks for inner in block.ops):
        yield from lines(inner, depth)


@dataclass(frozen=True)
class CallsTarget(Target):
    """The loops of a module and the calls of the hardware in them."""

    name = "sample-calls"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.writelines(f"{line}\n" for line in lines(module))
