"""What legality costs, counted in questions to integer sets: all that is slow about it."""

import pytest
from native import apply, parse
from te_cases import conv

from analysis.integer_sets import Names, point_of

SCHEDULE = """lower-te-to-loop,
transform-layout{buffer="X" map="(c, h, w) -> (c floordiv 4, h, w, c mod 4)"},
transform-layout{buffer="O" map="(c, h, w) -> (c floordiv 4, h, w, c mod 4)"},
inline-compute{block="biased"},
split-loop{loop="oc" factor=8}, split-loop{loop="oc_i" factor=4 names="oc_r","oc_v"},
split-loop{loop="oh" factor=2}, split-loop{loop="ow" factor=3}, split-loop{loop="ic" factor=4},
reorder-loops{loops="oc_o","oh_o","ow_o","ic_o","kh","kw","ic_i","oh_i","ow_i","oc_r","oc_v"},
unroll-loop{loop="oh_i"}, unroll-loop{loop="ow_i"}, unroll-loop{loop="oc_r"},
vectorize-loop{loop="oc_v"}, decompose-reduction{block="conv" loop="ic_o"},
reverse-compute-at{block="relu" at="ow_o"},
promote-memory-scope{buffer="C" scope="register" at="ow_o"}, parallelize-loop{loop="oc_o"}"""


@pytest.fixture
def asked(monkeypatch):
    """How many sets were built and questions answered so far."""
    built: list[int] = []
    points = Names.points

    def counted(self, place, conditions, hidden):
        built.append(len(place))
        return points(self, place, conditions, hidden)

    monkeypatch.setattr(Names, "points", counted)
    point_of.cache_clear()

    def count() -> int:
        return len(built) + point_of.cache_info().misses

    return count


def test_a_whole_schedule_of_a_convolution_asks_little(asked):
    apply(parse(conv(9, 13, 7).text), SCHEDULE)
    assert 0 < asked() <= 30


def test_what_signatures_prove_asks_nothing(asked):
    schedule = """lower-te-to-loop,split-loop{loop="oc" factor=4},split-loop{loop="ic" factor=2},
    reorder-loops{loops="ic_i","kw","oc_o","oh","ow","ic_o","kh","oc_i"},
    vectorize-loop{loop="oc_i"},tile-loops{loops="oh","ow" sizes=2,3},unroll-loop{loop="ow_i"}"""
    apply(parse(conv(5, 12, 8).text), schedule)
    assert asked() == 0


def test_the_same_questions_are_asked_once(asked):
    schedule = 'lower-te-to-loop,compute-at{block="conv" at="h"}'
    for _ in range(2):
        apply(parse(conv(3, 4, 5, pad=0).text), schedule)
        solved = point_of.cache_info()
    assert solved.hits >= solved.misses > 0


def several(count: int) -> str:
    """Blocks one after the other, each of which reads what the one before it has written."""
    nests = "\n".join(
        f"""loop.for %y{i} = 0 to 9 {{
          loop.block "b{i}" (%v < 9 = %y{i}) {{
            %x = loop.load %T{i}[%v] : memref<9xf32>
            loop.store %x, %T{i + 1}[%v] : memref<9xf32>
          }}
        }}"""
        for i in range(count)
    )
    arguments = ", ".join(f"%T{i}: memref<9xf32>" for i in range(count + 1))
    return f"func.func @f({arguments}) {{\n{nests}\nfunc.return\n}}"


def test_blocks_that_share_no_buffer_are_not_asked_about(asked):
    counts: list[int] = []
    for count in (4, 12):
        before = asked()
        apply(parse(several(count)), 'reverse-compute-at{block="b1" at="y0"}')
        counts.append(asked() - before)
        point_of.cache_clear()
    assert counts[0] == counts[1] > 0
