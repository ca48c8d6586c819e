"""Loops around instructions are cut where an instruction is another one.

The size and the pads of an instruction are numbers. Where they depend on a loop - the first rows
of an image have a pad above them, the last tile is smaller - that loop is cut into the stretches
of iterations that are alike, and iterations that are alone become code without the loop.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation, SSAValue

from analysis.affine import Affine
from analysis.errors import ScheduleError
from dialects import loop
from dialects.target import Machine
from passes.locations import locate
from passes.loop.expand_unrolled_loops import erase_with_loops, number_names
from passes.loop.forms import ranges_of, replace_variables
from passes.loop.primitive import blocks_in, insert_before, loops_around
from passes.vta.nests import NAME, always, nest_conditions, nest_loops, never
from passes.vta.transfers import Transfer


@dataclass(frozen=True)
class Question:
    """A form whose sign an instruction depends on.

    Where it is negative the instruction is left out; a copy, whose pads depend on the value, is
    `exact`: then each number makes another instruction.
    """

    form: Affine
    exact: bool


def questions(op: Operation, machine: Machine) -> list[Question]:
    """What must be known about the loops around a block or a copy, and is not."""
    ranges = ranges_of(loops_around(op))
    if isinstance(op, loop.BlockOp):
        found = [Question(form, False) for form in nest_conditions(op)]
    elif isinstance(op, loop.CopyOp):
        forms = Transfer.of(op, machine, NAME).bounds()
        found = [Question(form, True) for form in forms if not form.is_constant]
    else:
        return []
    return [
        q for q in found if not always(q.form, ranges) and (q.exact or not never(q.form, ranges))
    ]


def loops_outside(op: Operation) -> Sequence[loop.ForOp]:
    """The loops around an instruction that it does not run itself."""
    return nest_loops(op)[0] if isinstance(op, loop.BlockOp) else loops_around(op)


def stretches(op: loop.ForOp, asked: Sequence[tuple[Question, Operation]]) -> list[tuple[int, int]]:
    """The ranges of a loop in which all questions have one answer, single iterations otherwise."""
    if op.constant_bounds is None:
        raise ScheduleError(
            f"{NAME}: the bounds of loop '{op.loop_name.data}' are not numbers, and what the "
            "instructions in it are depends on its iterations"
        )
    low, high = op.constant_bounds

    def answer(value: int) -> tuple[object, ...]:
        found: list[object] = []
        for question, user in asked:
            number: dict[Hashable, Affine] = {op.induction: Affine({}, value)}
            ranges = ranges_of(loops_around(user)) | {op.induction: (value, value)}
            form = question.form.substitute(number, ranges)
            if always(form, ranges):
                found.append("runs")
            elif never(form, ranges) and not question.exact:
                found.append("never")
            else:
                found.append(value)
        return tuple(found)

    answers = [answer(value) for value in range(low, high)]
    cuts = [i for i in range(1, len(answers)) if answers[i] != answers[i - 1]]
    if not cuts:
        # all alike, but only known of each alone
        cuts = list(range(1, len(answers)))
    starts, ends = [0, *cuts], [*cuts, len(answers)]
    return [(low + start, low + end) for start, end in zip(starts, ends, strict=True)]


def cut(op: loop.ForOp, pieces: Sequence[tuple[int, int]]) -> None:
    """Put copies of a loop in its place, one for each piece of its range."""
    for low, high in pieces:
        mapping: dict[SSAValue, SSAValue] = {}
        copies = [inner.clone(mapping) for inner in op.body.block.ops]
        if high - low == 1:
            insert_before(op, *copies)
            value = Affine({}, low)
        else:
            piece = loop.ForOp(op.loop_name.data, low, high, kind=op.kind.data)
            locate(op.location, piece)
            insert_before(op, piece)
            piece.body.block.add_ops(copies)
            value = Affine.variable(piece.induction)
        for copy in copies:
            replace_variables(copy, {op.induction: value})
    op.detach()
    op.erase()


def cut_loops(function: func.FuncOp, machine: Machine) -> bool:
    """Cut the loops that instructions depend on, those inside others left for later.

    False if there are none.
    """
    asked: dict[loop.ForOp, list[tuple[Question, Operation]]] = {}
    for op in function.walk():
        for question in questions(op, machine):
            used = question.form.variables()
            found = next((o for o in loops_outside(op) if o.induction in used), None)
            if found is not None:
                asked.setdefault(found, []).append((question, op))
    outermost = [op for op in asked if not any(around in asked for around in loops_around(op))]
    for op in outermost:
        cut(op, stretches(op, asked[op]))
    return bool(asked)


def drop_blocks(function: func.FuncOp) -> None:
    """Erase the blocks of which no instance runs."""
    for block in blocks_in(function):
        ranges = ranges_of(loops_around(block))
        if any(never(form, ranges) for form in nest_conditions(block)):
            erase_with_loops(block)


def specialize(function: func.FuncOp, machine: Machine) -> None:
    """Cut loops until every instruction is the same in all iterations of those around it."""
    for op in function.walk():
        if isinstance(op, loop.ForOp) and op.kind.data == "unrolled":
            op.kind = StringAttr("serial")
    while cut_loops(function, machine):
        drop_blocks(function)
    drop_blocks(function)
    number_names(function)
