"""Every operation of the dialects has a form in listings, or is part of another's."""

from dialects import loop, te
from dovetail.printing.pseudo import all_forms
from dovetail.universe import DIALECTS, DOVETAIL_UNIVERSE

PARTS = {loop.LoadOp, loop.StoreOp, te.ReadOp}
"""Listed as part of a body."""


def test_every_operation_has_a_form():
    dialects = [DOVETAIL_UNIVERSE.all_dialects[name]() for name in DIALECTS]
    known = {*all_forms(), *PARTS}
    missing = [op.name for d in dialects for op in d.operations if op not in known]
    assert not missing
