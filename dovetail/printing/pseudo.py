"""`dovetail-opt -t pseudo`: a module as the short Python-like listing that papers print.

def matmul(A: f32[30, 64], B: f32[64, 20], C: f32[30, 20]):
    for y_o in parallel(4):
        C[y_o*8:min(y_o*8+8, 30), :] = 0
        ...
"""

from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects.arith import Arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.math import Math
from xdsl.ir import Operation
from xdsl.utils.target import Target

from dialects.graph import Graph
from dialects.graph.base import GraphOp
from dovetail.printing import calls, functions, graph, loops, te, vta
from dovetail.printing.listing import Form, Listing
from dovetail.printing.scalars import scalar


def list_scalar(listing: Listing, op: Operation) -> None:
    """A scalar outside of all computations."""
    if len(op.results) != 1:
        listing.comment(op)
        return
    (result,) = op.results
    text = scalar(op, [listing.atom(v) for v in op.operands]).text
    listing.line(f"{listing.names.define(result, result.name_hint)} = {text}")


def all_forms() -> dict[type[Operation], Form]:
    """The forms of every operation that has one."""
    operators = [op for op in Graph.operations if issubclass(op, GraphOp)]
    scalars = [op for d in (Arith, Math) for op in d.operations]
    return {
        **dict.fromkeys(operators, graph.list_op),
        **dict.fromkeys(scalars, list_scalar),
        **graph.FORMS,
        **te.FORMS,
        **loops.FORMS,
        **calls.FORMS,
        **vta.FORMS,
        **functions.FORMS,
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
