"""How graph passes put new ops in the place of old ones: location and name go along.

xDSL gives a new op no location by itself; `replace` is the one way in which passes of this folder
replace an op, so that every op stays traceable to the node of the model that it comes from.
"""

from collections.abc import Iterable

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.graph.base import GraphOp
from dialects.graph.structure import CallOp, WeightOp
from passes.locations import locate, nodes_of


def insert_before(old: Operation, new: Operation) -> None:
    """Insert `new` in front of `old`, with `old`'s location if it has none of its own."""
    locate(old.location, new)
    Rewriter.insert_op(new, InsertPoint.before(old))


def replace(old: Operation, new: Operation, *helpers: Operation) -> None:
    """Put `helpers`, then `new` in the place of `old`; `new`'s results take over."""
    for op in (*helpers, new):
        insert_before(old, op)
    for before, after in zip(old.results, new.results, strict=True):
        after.name_hint = before.name_hint or after.name_hint
    Rewriter.replace_op(old, [], new.results)


def node_of(op: Operation) -> str:
    """` of node 'conv1'`: the node of the model that `op` comes from; nothing if none is known."""
    nodes = nodes_of(op.location)
    if not nodes:
        return ""
    quoted = ", ".join(f"'{node}'" for node in nodes)
    return f" of node{'s' * (len(nodes) > 1)} {quoted}"


def erase_unused(func: FuncOp) -> None:
    """Erase the graph ops of `func` whose results nobody reads."""
    for op in reversed(list(func.body.block.ops)):
        if isinstance(op, GraphOp | WeightOp | CallOp) and not any(r.uses for r in op.results):
            Rewriter.erase_op(op)


def functions(module: ModuleOp) -> list[FuncOp]:
    """The functions of `module` that have a body."""
    return [op for op in module.ops if isinstance(op, FuncOp) and op.body.blocks]


def weight_of(value: SSAValue | None) -> WeightOp | None:
    """The `graph.weight` that `value` is, if it is one."""
    if value is None or not isinstance(value.owner, WeightOp):
        return None
    return value.owner


def weights_of(values: Iterable[SSAValue]) -> list[WeightOp] | None:
    """The weights that `values` are, or None if one is not."""
    found = [weight_of(value) for value in values]
    weights = [weight for weight in found if weight is not None]
    return weights if len(weights) == len(found) else None
