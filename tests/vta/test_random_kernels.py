"""A fixed slice of the random kernels, and of the changes to their tokens.

ROUNDS=200 in the environment asks for more of the first; `make test-vta` counts both.
"""

import itertools
import os
from collections import Counter

import pytest
from vta_kernels import Kernel, compare
from vta_orders import judge, show
from vta_tokens import random_streams, results_in_orders

from dovetail.measuring.convolutions import RESNET18
from vta.config import Config

ROUNDS = int(os.environ.get("ROUNDS", "8"))
PART = 4


@pytest.mark.parametrize("first", range(0, ROUNDS, PART))
def test_random_kernels_equal_numpy_or_are_refused_for_their_padding(first):
    counts, refused = Counter(), []
    for seed in range(first, min(first + PART, ROUNDS)):
        compare(seed, counts, refused)
    for kernel, error in refused:
        assert kernel.tiling is not None and "pad" in error.message, error
    assert sum(counts[f"{way} schedules that run"] for way in ("given", "default")) > 0


def test_no_wrong_change_of_a_token_of_a_compiled_kernel_is_proven():
    counts, missed = judge(itertools.islice(random_streams(60), 4), orders=6, sample=16)
    show(counts, missed)
    assert missed == []
    assert counts["refused as they are"] == 0
    assert counts["refused"] > 30, counts


def test_a_large_layer_computes_the_same_in_other_orders():
    kernel = Kernel(next(layer for layer in RESNET18 if layer.name == "C11"), Config())
    (found,) = results_in_orders(kernel, 6)
    assert (found == kernel.expected).all()
