"""The verifier against every interleaving, on a fixed slice of the small random streams.

`python tests/support/vta_interleavings.py 2000` runs more, and prints what it counts.
"""

import os
from collections import Counter

from vta_interleavings import compare

STREAMS = int(os.environ.get("ROUNDS", "80"))


def test_nothing_is_proven_that_some_interleaving_does_wrong():
    counts = Counter()
    for seed in range(STREAMS):
        assert compare(seed, counts) == []
    assert counts["proven", "left"] == 0
    assert counts["proven", "right"] > STREAMS // 3
    assert counts["refused", "wrong"] > STREAMS
    assert counts["refused", "right"] < STREAMS // 8, counts
