"""`dovetail-opt -t pseudo`: a module as the short Python-like listing that papers print.

def matmul(A: f32[30, 64], B: f32[64, 20], C: f32[30, 20]):
    for y_o in parallel(4):
        C[y_o*8:min(y_o*8+8, 30), :] = 0
        ...
"""

from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.utils.target import Target

from dialects.graph import Graph
from dialects.graph.base import GraphOp
from dovetail.printing import functions, graph, loops, te, vta
from dovetail.printing.expressions import Expression
from dovetail.printing.listing import Form, Listing
from dovetail.printing.scalars import constant


def list_constant(listing: Listing, op: arith.ConstantOp) -> None:
    """A constant outside of all computations."""
    name = listing.names.define(op.result, op.result.name_hint)
    value: Expression = constant(op.value)
    listing.line(f"{name} = {value.text}")


def all_forms() -> dict[type[Operation], Form]:
    """The forms of every operation that has one."""
    operators = [op for op in Graph.operations if issubclass(op, GraphOp)]
    return {
        **dict.fromkeys(operators, graph.list_op),
        **graph.FORMS,
        **te.FORMS,
        **loops.FORMS,
        **vta.FORMS,
        **functions.FORMS,
        arith.ConstantOp: list_constant,
    }


def listing_of(module: ModuleOp) -> str:
    """The listing of a module, which it does not change."""
    listing = Listing(all_forms())
    listing.block(module.clone().body.block)
    return "\n".join(listing.lines) + "\n"


@dataclass(frozen=True)
class PseudoTarget(Target):
    """The listing of a module."""

    name = "pseudo"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.write(listing_of(module))
