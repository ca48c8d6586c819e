"""Random programs under random schedules: what is accepted computes the same, and what is refused
for a dependence has a witness that enumerating all instances confirms.

`make property` runs more of them (SEQUENCES, SEED), and makes what fails small.
"""

import pytest
from native import parse
from random_schedules import EXCLUDED, OFTEN, primitives
from schedule_faults import fault_of, smaller
from schedule_property import Tally, run_sequence
from te_cases import matmul
from xdsl.dialects.builtin import StringAttr

from analysis.affine import Affine
from dovetail.universe import PASSES, pass_name
from passes.loop.forms import set_forms
from passes.loop.primitive import blocks_in
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.split_loop import SplitLoopPass
from passes.loop.unroll_loop import UnrollLoopPass
from passes.loop.vectorize_loop import VectorizeLoopPass

SEQUENCES, PART = 800, 25


@pytest.mark.parametrize("start", range(0, SEQUENCES, PART))
def test_random_schedules(start):
    tally = Tally()
    for seed in range(start, start + PART):
        run_sequence(seed, tally, None)
    assert not tally.failures, "\n".join(tally.failures)
    assert tally.accepted > PART


def test_what_is_not_drawn_exists():
    names = {pass_name(path) for path in PASSES}
    assert set(EXCLUDED) <= names
    assert set(OFTEN) <= set(primitives())


def broken(*_):
    raise AssertionError("broken")


def shifted(scope, op, kind):
    op.kind = StringAttr(kind)
    for block in blocks_in(op):
        set_forms(block, where=[Affine.variable(op.induction) - 1])


@pytest.mark.parametrize(
    ("target", "fake", "last", "kind"),
    [
        ("passes.loop.unroll_loop.give_kind", broken, "unroll", "AssertionError in"),
        ("schedule_faults.confirm", lambda *_: "no", "vectorize", "witness"),
        ("passes.loop.unroll_loop.give_kind", shifted, "unroll", "interpreter"),
    ],
)
def test_what_fails_is_made_small(monkeypatch, target, fake, last, kind):
    """Whether a primitive fails, has a wrong witness, or changes the result."""
    monkeypatch.setattr(target, fake)
    steps = [SplitLoopPass("y", 3), ReorderLoopsPass(("y_i", "x")), SplitLoopPass("k", 2)]
    steps.append(UnrollLoopPass("x") if last == "unroll" else VectorizeLoopPass("k_o"))
    tensors = parse(matmul(16, 15, 17).text)
    fault = fault_of(tensors, steps)
    assert fault is not None and fault.kind.startswith(kind)
    small, fewer = smaller(tensors, steps, fault)
    assert fault_of(small, fewer).kind == fault.kind
    assert list(fewer) == [*([steps[2]] if last == "vectorize" else []), steps[-1]]
    assert len(str(small)) < len(str(tensors))
