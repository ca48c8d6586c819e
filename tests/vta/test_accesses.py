"""What the verifier says that an instruction accesses, against what it does to noise.

Each instruction of the random streams (every configuration, pads, strides, factors) runs twice on
the same values in the places it is said to access and on different noise in all others. It must do
the same to the first, and nothing to the others.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from vta_streams import Generator

from vta.accesses import Accesses
from vta.implementations import IMPLEMENTATIONS
from vta.isa import Finish
from vta.simulator.functional import Simulator
from vta.simulator.memory import SramInit

STREAMS = 24


class State:
    """The arrays of a simulator, by the names that accesses have."""

    def __init__(self, simulator, word):
        count = len(simulator.dram) // word
        self.arrays = {m.name: m.data for m in simulator.memories.all()}
        self.arrays["dram"] = simulator.dram[: count * word].reshape(count, word)

    def save(self):
        return {name: array.copy() for name, array in self.arrays.items()}

    def restore(self, saved, accessed, noise):
        """What was saved, with noise where nothing is accessed; micro-ops are not counted."""
        for name, array in self.arrays.items():
            array[...] = saved[name]
            if name != "uop":
                drawn = noise.integers(0, 256, array.nbytes, np.uint8).view(array.dtype)
                others = ~accessed[name]
                array[others] = drawn.reshape(array.shape)[others]


def masks(accesses, state):
    """For each memory which places are accessed, and which are written."""
    accessed = {name: np.zeros(len(array), bool) for name, array in state.arrays.items()}
    written = {name: np.zeros(len(array), bool) for name, array in state.arrays.items()}
    for access in accesses:
        accessed[access.memory][access.places] = True
        if access.writes:
            written[access.memory][access.places] = True
    return accessed, written


def check(op, simulator, state, accessed, written, noise):
    """Run one instruction twice, the second time with other noise; leaves the first result."""
    before = state.save()
    simulator.execute(op)
    first = state.save()
    state.restore(before, accessed, noise)
    second = state.save()
    simulator.execute(op)
    for name, array in state.arrays.items():
        if name == "uop":
            continue
        same, others = written[name], ~written[name]
        np.testing.assert_array_equal(array[same], first[name][same], f"{op} on {name}")
        np.testing.assert_array_equal(array[others], second[name][others], f"{op} on {name}")
        np.testing.assert_array_equal(first[name][others], before[name][others])
    for name, array in state.arrays.items():
        array[...] = first[name]


@pytest.mark.parametrize("mode", list(IMPLEMENTATIONS))
def test_nothing_else_is_read_or_written(mode):
    kinds = Counter()
    implementation = IMPLEMENTATIONS[mode]
    for seed in range(STREAMS if mode == "fsim" else STREAMS // 3):
        generator = Generator(seed, Counter(), mode)
        image, _ = generator.build()
        noise = np.random.default_rng(seed)
        lenient = replace(implementation, gemm_distance=0, alu_distance=0)
        accesses = Accesses(generator.config, image.copy(), lenient)
        accesses.stale.check = lambda index: None
        simulator = Simulator(generator.config, image, implementation, SramInit("poison", seed))
        state = State(simulator, accesses.dram_word)
        for position, op in enumerate(generator.stream):
            if op.is_nop or isinstance(op, Finish):
                continue
            found = masks(accesses.of(position, op), state)
            check(op, simulator, state, *found, noise)
            kinds[op.OPCODE] += 1
    assert len(kinds) == 4 and min(kinds.values()) > 3
