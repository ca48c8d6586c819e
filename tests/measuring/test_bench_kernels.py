"""`dovetail bench kernels`: its rows, that they compute what they say, what is refused."""

import json
from dataclasses import dataclass
from math import prod

import pytest

from analysis.errors import UserError
from backends.llvm.host import host_target
from dovetail.commands.kernels import run
from dovetail.measuring.row_figures import check, compile_row, measure_row, schedule_of
from dovetail.measuring.rows import (
    FMA,
    ROOFLINE,
    ConvolutionRow,
    MatmulRow,
    all_rows,
    random_convolutions,
    random_rows,
)

TARGET = host_target(1)
LANES = TARGET.machine.vector_bytes // 4


def convolution(height, width, ic, oc, kernel, stride, depthwise=False):
    return ConvolutionRow(
        "R", ROOFLINE, height=height, width=width, ic=ic, oc=oc, kernel=kernel, stride=stride,
        depthwise=depthwise,
    )  # fmt: skip


def test_names_and_limits():
    rows = {row.name: row for row in all_rows()}
    assert len(rows) == len(all_rows()) == 12 + 3 + 9 + 200
    assert all(rows[f"C{i}"].limits == FMA for i in range(1, 13))
    assert all(rows[f"D{i}"].limits == ROOFLINE for i in range(1, 10))


def test_random_rows_are_what_they_should_be():
    rows = random_rows()
    assert rows == random_rows() and len(set(rows)) == 200
    odd = sum(row.ic % 16 != 0 and row.oc % 16 != 0 for row in rows)
    even = sum(row.ic % 16 == 0 and row.oc % 16 == 0 for row in rows)
    assert (odd, even) == (150, 50)
    for row in rows:
        assert 7 <= row.height <= 112 and 7 <= row.width <= 112
        assert 16 <= row.ic <= 512 and 16 <= row.oc <= 512
        assert row.kernel in (1, 3, 5, 7) and row.stride in (1, 2)
        operations = 2 * prod(row.out) * row.ic * row.oc * row.kernel**2
        assert 20_000_000 <= operations <= 2_000_000_000 and prod(row.out) >= 49


def test_operations():
    row = convolution(56, 56, 64, 64, 3, 2)
    assert row.out == (28, 28)
    assert row.operations(TARGET.machine) == 2 * 28 * 28 * 64 * 64 * 9
    odd = convolution(9, 11, 5, LANES + 1, 1, 1)
    assert odd.operations(TARGET.machine) == 2 * 99 * 5 * 2 * LANES
    assert convolution(8, 8, 32, 32, 3, 1, True).operations(TARGET.machine) == 2 * 64 * 32 * 9
    assert MatmulRow("m", size=7).operations(TARGET.machine) == 2 * 7**3


SMALL = [
    convolution(9, 11, 19, 37, 3, 2),
    convolution(13, 7, 33, 20, 5, 1),
    convolution(17, 10, 35, 70, 1, 2),
    convolution(21, 18, 3, 40, 7, 2),
    convolution(15, 23, 37, 37, 3, 1, True),
    convolution(12, 14, 32, 32, 5, 2, True),
    MatmulRow("m", size=37),
]


@pytest.mark.parametrize("caches", [{}, {"l1": 256, "l2": 512, "l3": 1024}], ids=["host", "tiny"])
@pytest.mark.parametrize("row", SMALL, ids=str)
def test_rows_compute_what_they_say(row, caches):
    """Tiny caches ask for other orders of loops, and for prefetches."""
    check(row, compile_row(row, TARGET.having(**caches)))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_convolution(seed):
    found = random_convolutions(seed)
    row = min((next(found) for _ in range(12)), key=lambda r: r.operations(TARGET.machine))
    check(row, compile_row(row, TARGET))


@dataclass(frozen=True)
class Wrong(MatmulRow):
    def text(self, machine):
        return super().text(machine).replace("mulf", "subf")


def test_a_wrong_result_is_found():
    kernel = compile_row(Wrong("m", size=17), TARGET)
    with pytest.raises(UserError, match=r"m computes something else: its result\[0, 0\] was"):
        check(MatmulRow("m", size=17), kernel)


def test_a_row_is_skipped_for_a_feature():
    row = MatmulRow("m", features=frozenset({"avx1024"}), size=17)
    assert measure_row(row, TARGET, 1) == {"row": "m", "skipped": "avx1024"}


def test_figures(tmp_path, capsys):
    file = tmp_path / "rows.json"
    assert run(["--rows", "D9", "--rounds", "1", "--json", str(file)]) == 0
    (row,) = json.loads(file.read_text())
    assert row["row"] == "D9" and row["limit"] in ROOFLINE
    assert row["operations"] == 2 * 49 * 1024 * 9 and row["bytes"] == 4 * (1024 * (2 * 49 + 10))
    assert row["ms"] > 0 and row["limit_share"] > 0
    assert row["schedule"] == schedule_of(compile_row(all_rows()[23], TARGET).function) != ""
    assert "D9" in capsys.readouterr().out


def test_mistakes(tmp_path):
    with pytest.raises(UserError, match=r"--rows: '\(' is no regular expression: missing \)"):
        run(["--rows", "("])
    with pytest.raises(UserError, match=r"no row's name matches 'E1'; there are C1, C2"):
        run(["--rows", "E1"])
    with pytest.raises(UserError, match=r"cannot write .*rows\.json: No such file"):
        run(["--rows", "D9", "--rounds", "1", "--json", str(tmp_path / "no" / "rows.json")])
