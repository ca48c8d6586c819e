"""Bindings and barriers against brute force: instances enumerated from what a program says.

A longer run: `ROUNDS` in the environment, say 100.
"""

import itertools
import os
import random

import numpy as np
import pytest
from native import Machine, apply, parse
from random_kernels import barriers_in, function_of, without_barrier
from random_statements import SIZE, Program

from analysis.errors import UserError
from backends.interpreter.loop import run_loop
from backends.interpreter.races import Ledger, RaceError, Touch
from passes.loop.insert_thread_barriers import fewest

ROUNDS = int(os.environ.get("ROUNDS", "1"))

START = {name: np.arange(SIZE, dtype=np.int32) * scale for name, scale in (("P", 100), ("Q", 7))}


def threads_compute(module):
    """What is in the buffers after a run of all threads."""
    arrays = [array.copy() for array in START.values()]
    run_loop(function_of(module), arrays)
    return arrays


@pytest.mark.parametrize("part", range(4))
def test_bindings_and_barriers_are_exact(part):
    accepted = barriers = 0
    for seed in range(part, 32 * ROUNDS, 4):
        even = seed % 8 < 4
        program = Program.ordered(seed) if even else Program.random(random.Random(seed))
        expected = {name: array.copy() for name, array in START.items()}
        program.run(expected)
        module = program.module()
        try:
            apply(module, 'bind-thread{loop=t axis="threadIdx.x"}')
        except UserError as error:
            assert "two of its iterations would touch" in error.message
            assert not program.can_be_threads(), f"{seed}: {error}"
            continue
        assert program.can_be_threads(), f"{seed}: {module}"
        apply(module, "insert-thread-barriers")
        accepted += 1
        for got, want in zip(threads_compute(module), expected.values(), strict=True):
            np.testing.assert_array_equal(got, want, err_msg=str(seed))
        for number in range(len(barriers_in(module))):
            barriers += 1
            with pytest.raises(RaceError):
                threads_compute(without_barrier(module, number))
        apply(module, "lower-threads-to-loops")
        found = Machine(parse(str(module))).call(*START.values(), threads=2)
        for got, want in zip(found, expected.values(), strict=True):
            np.testing.assert_array_equal(got, want, err_msg=str(seed))
    assert accepted and barriers


def test_as_few_places_as_there_can_be():
    rng = random.Random(0)
    for _ in range(300):
        count = rng.randint(1, 7)
        arcs = []
        for _ in range(rng.randint(0, 5)):
            start, length = rng.randrange(count), rng.randint(1, count)
            arcs.append(frozenset((start + i) % count for i in range(length)))
        found = fewest(arcs, count)
        assert all(set(found) & arc for arc in arcs)
        smaller = itertools.combinations(range(count), len(found) - 1) if found else ()
        assert not any(all(set(some) & arc for arc in arcs) for some in smaller)


def test_a_ledger_finds_exactly_the_races():
    rng = np.random.default_rng(0)
    met = 0
    for _ in range(200):
        ledger, seen, race = Ledger(4), [], None
        for _ in range(rng.integers(1, 6)):
            if rng.random() < 0.2:
                ledger.clear()
                seen = []
            count, writes = rng.integers(1, 4), bool(rng.random() < 0.4)
            cells, threads = rng.integers(0, 4, count), rng.integers(0, 3, count)
            mine = [(int(c), int(t), writes) for c, t in zip(cells, threads, strict=True)]
            pairs = [*itertools.product(seen, mine), *itertools.combinations(mine, 2)]
            race = any(a[0] == b[0] and a[1] != b[1] and (a[2] or b[2]) for a, b in pairs)
            found = ledger.enter(Touch(None, writes, cells, threads, str, ""))
            assert (found is not None) == race
            if found is not None:
                cell = int(cells[found.instance])
                assert found.second != found.thread
                assert (cell, found.thread, found.writes) in [*seen, *mine]
                met += 1
                break
            seen += mine
    assert 50 < met < 180
