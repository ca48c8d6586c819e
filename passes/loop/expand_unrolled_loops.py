"""expand-unrolled-loops: unrolled loops are written out, one copy of the body an iteration.

    for i in 0..2 unrolled            C: C[y * 2] = ...
      C: C[y * 2 + i] = ...     ->    C_1: C[y * 2 + 1] = ...

This is what the emitter makes of the marks, for people to read (`-t loop-expanded`); pipelines
leave the marks, because the IR of a large tile is large. A block whose guards fail for the numbers
put in is left out, a guard that holds for them too. The first copy keeps the names, others get
`_1`, `_2`, ...

Arguments: none. Takes any loops; leaves no unrolled one.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from analysis.affine import Affine
from analysis.errors import ScheduleError
from dialects import loop
from passes.loop.forms import forms_of, replace_variables, set_forms
from passes.loop.primitive import blocks_in, insert_before


def expand(op: loop.ForOp) -> None:
    """Write out one loop, whose inner ones are written out already."""
    if op.constant_bounds is None:
        raise ScheduleError(
            f"expand-unrolled-loops: the extent of loop '{op.loop_name.data}' is only known "
            "at run time"
        )
    for value in range(*op.constant_bounds):
        mapping: dict[SSAValue, SSAValue] = {}
        copies = [inner.clone(mapping) for inner in op.body.block.ops]
        insert_before(op, *copies)
        for copy in copies:
            replace_variables(copy, {op.induction: Affine({}, value)})
            decide(copy)
    op.detach()
    op.erase()


def decide(root: Operation) -> None:
    """Leave out the guards that hold, and the blocks of which one fails."""
    for block in blocks_in(root):
        domains, bindings = forms_of(block, "domains"), forms_of(block, "bindings")
        ends = [d - b - 1 for d, b in zip(domains, bindings, strict=True)]
        where = forms_of(block, "where")
        if any(form.is_constant and form.const < 0 for form in (*ends, *where, *bindings)):
            erase_with_loops(block)
        else:
            set_forms(block, where=[form for form in where if not form.is_constant])


def erase_with_loops(op: Operation) -> None:
    """Erase an operation, and the loops that have nothing in them without it."""
    parent = op.parent_op()
    op.detach()
    op.erase()
    if isinstance(parent, loop.ForOp) and parent.body.block.first_op is None:
        erase_with_loops(parent)


def number_names(function: func.FuncOp) -> None:
    """Let the first loop or block of a name keep it, and give the others numbers."""
    named = [op for op in function.walk() if isinstance(op, loop.ForOp | loop.BlockOp)]
    known = {name_of(op) for op in named}
    seen = set[str]()
    for op in named:
        name, number = name_of(op), 0
        while name in seen or (number and name in known):
            number += 1
            name = f"{name_of(op)}_{number}"
        seen.add(name)
        if isinstance(op, loop.ForOp):
            op.loop_name = StringAttr(name)
        else:
            op.block_name = StringAttr(name)


def name_of(op: loop.ForOp | loop.BlockOp) -> str:
    return op.loop_name.data if isinstance(op, loop.ForOp) else op.block_name.data


def expand_function(function: func.FuncOp) -> None:
    """Write out the unrolled loops of a function, inner ones first."""
    loops = [op for op in function.walk() if isinstance(op, loop.ForOp)]
    for op in reversed([op for op in loops if op.kind.data == "unrolled"]):
        expand(op)
    number_names(function)


@dataclass(frozen=True)
class ExpandUnrolledLoopsPass(ModulePass):
    """Write out unrolled loops, one copy of the body an iteration."""

    name = "expand-unrolled-loops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in op.ops:
            if isinstance(inner, func.FuncOp):
                expand_function(inner)
