"""The simulator against the scalar model, on a fixed slice of the random streams.

`python tests/support/vta_streams.py 10000` runs them all.
"""

from collections import Counter

import pytest
from vta_streams import WANTED, compare

STREAMS = 120


def test_streams_agree_with_the_scalar_model_and_cover_everything():
    counts = Counter()
    for seed in range(STREAMS):
        compare(seed, counts)
    assert [name for name in WANTED if not counts[name]] == []


@pytest.mark.parametrize("mode", ["hls", "chisel"])
def test_streams_agree_where_implementations_differ(mode):
    for seed in range(STREAMS // 3):
        compare(seed, Counter(), mode)
