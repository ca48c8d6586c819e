"""What primitives decide about the order of instances, against enumerating all of them.

Of small random nests every pair of instances is looked at: a primitive must refuse where one of
them would be turned around, or run at the same time, and must not refuse anywhere else. A refusal
names two such instances. What block signatures accept alone, the integer sets accept, too.
"""

import random
from unittest.mock import patch

import pytest
from native import parse
from random_nests import random_nest
from witnesses import Trace, confirm

from analysis.errors import ScheduleError
from dialects import loop
from passes.loop.parallelize_loop import ParallelizeLoopPass
from passes.loop.reorder_loops import ReorderLoopsPass

ROUNDS = 60


def reductions(module):
    """For each block the names of its reduce variables and the buffers that it combines."""
    found = {}
    for op in module.walk():
        if isinstance(op, loop.BlockOp):
            names = [v.name_hint.removeprefix("v_") for v in op.variables]
            reduce = {n for n, r in zip(names, op.is_reduce, strict=True) if r}
            stores = [o for o in op.body.walk() if isinstance(o, loop.StoreOp)]
            loads = [o for o in op.body.walk() if isinstance(o, loop.LoadOp)]
            combined = {
                s.memref.name_hint
                for s in stores
                if (touches := [a for a in (*loads, *stores) if a.memref is s.memref])
                and len({(a.indices, str(a.map)) for a in touches}) == 1
                and len(touches) > 1
            }
            found[f"block '{op.block_name.data}'"] = (reduce, combined if reduce else set())
    return found


def is_free(first, second, known):
    """Whether two events are steps of one reduction, which may come in any order."""
    reduce, combined = known[first.subject]
    if first.subject != second.subject or first.buffer not in combined or first.init or second.init:
        return False
    return all(first.values[n] == second.values[n] for n in first.values if n not in reduce)


def conflicts(events):
    """The pairs of events, in program order, whose order matters."""
    for i, first in enumerate(events):
        for second in events[i + 1 :]:
            same = (first.buffer, first.element) == (second.buffer, second.element)
            if same and (first.writes or second.writes) and first.loops != second.loops:
                yield first, second


def order_of(names):
    """Where an event stands, in an order of the loops."""
    return lambda event: [dict(event.loops)[name] for name in names]


@pytest.mark.parametrize("seed", range(4))
def test_reorder_decides_exactly(seed):
    rng = random.Random(seed)
    refused = 0
    for _ in range(ROUNDS):
        module = parse(random_nest(rng))
        names = [op.loop_name.data for op in module.walk() if isinstance(op, loop.ForOp)]
        order = rng.sample(names, len(names))
        if order == names:
            continue
        step, known = ReorderLoopsPass(tuple(order)), reductions(module)
        place = order_of(order)
        bad = [
            pair
            for pair in conflicts(Trace(module, {}).events)
            if place(pair[0]) > place(pair[1]) and not is_free(*pair, known)
        ]
        try:
            with patch("passes.loop.permutations.keeps_by_signature", return_value=False):
                step.apply(None, module.clone())
        except ScheduleError as error:
            refused += 1
            assert bad, f"{error}\n{module!s}"
            assert confirm(module, step, error.message, error.details[0], {}) is None, str(error)
            with pytest.raises(ScheduleError):
                step.apply(None, module.clone())
        else:
            assert not bad, f"{step}: {bad[0]}\n{module!s}"
    assert 5 < refused < ROUNDS


@pytest.mark.parametrize("seed", range(2))
def test_parallelize_decides_exactly(seed):
    rng = random.Random(seed)
    refused = 0
    for _ in range(ROUNDS):
        module = parse(random_nest(rng))
        step = ParallelizeLoopPass("i0")
        bad = [
            pair
            for pair in conflicts(Trace(module, {}).events)
            if pair[0].loops[0] != pair[1].loops[0]
        ]
        try:
            step.apply(None, module.clone())
        except ScheduleError as error:
            refused += 1
            assert bad, f"{error}\n{module!s}"
            assert confirm(module, step, error.message, error.details[0], {}) is None, str(error)
        else:
            assert not bad, f"{bad[0]}\n{module!s}"
    assert 5 < refused < ROUNDS
