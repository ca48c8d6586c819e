"""dovetail bench tuner: tables that come back as written, replays, figures and a picture."""

import gzip
import json
from itertools import pairwise

import numpy as np
import pytest
from replay_tables import FAILURE, made_up

from analysis.errors import UserError
from dovetail.cli import run
from tuner.explorers.simple import ByPrior
from tuner.history import Trial
from tuner.replay import Replay, progress, search
from tuner.table import Table, committed


def test_a_table_comes_back(tmp_path):
    table, path = made_up(), tmp_path / "t.json.gz"
    table.write(path)
    again = Table.read(path)
    assert again.candidates.holes == table.candidates.holes
    assert np.array_equal(again.candidates.points, table.candidates.points)
    assert np.allclose(again.costs, table.costs, rtol=1e-5, equal_nan=True)
    assert set(again.failures.values()) == {FAILURE}
    assert again.text == table.text and again.measured == table.measured
    again.write(tmp_path / "u.json.gz")
    assert path.read_bytes() == (tmp_path / "u.json.gz").read_bytes()


@pytest.mark.parametrize("data", [b"", b"x", gzip.compress(b"[]"), gzip.compress(b'{"format": 9}')])
def test_what_is_no_table(tmp_path, data):
    path = tmp_path / "t.json.gz"
    path.write_bytes(data)
    with pytest.raises(UserError, match="not a table of the tuner"):
        Table.read(path)


def test_progress_is_the_best_so_far_by_the_budget():
    table = made_up()
    trials = [Trial(0, None), Trial(1, 4 * table.optimum), Trial(2, table.optimum)]
    assert progress(table, trials, 5).tolist() == [0, 0.25, 1, 1, 1]


def test_searches_keep_to_the_budget():
    table = made_up()
    assert len(search(table, ByPrior(0), 13)) == 13
    replay = Replay.run(table, "prior", ByPrior, 2, 300)
    assert replay.fractions.shape == (2, 300)
    assert replay.after(300).tolist() == [1, 1]
    first = int(np.argmax(replay.fractions[0] >= 1 / 1.005)) + 1
    assert replay.to_optimum() == first
    assert Replay(table, "none", np.full((3, 4), 0.9)).to_optimum() is None


def test_the_command(tmp_path, capsys):
    made_up().write(tmp_path / "made-up.json.gz")
    rows, plot = tmp_path / "rows.json", tmp_path / "plot.svg"
    arguments = (
        f"--tables {tmp_path} --seeds 2 --explorers prior random --json {rows} --plot {plot}"
    )
    assert run(["bench", "tuner", *arguments.split()]) == 0
    found = json.loads(rows.read_text())
    assert [(r["task"], r["explorer"], r["trials"]) for r in found] == [
        ("made-up", name, trials) for name in ("prior", "random") for trials in (8, 16, 32, 64, 128)
    ]
    assert all(0 < row["worst"] <= row["mean"] <= 1 for row in found)
    assert all(a["mean"] <= b["mean"] for a, b in pairwise(found[:5]))
    out = capsys.readouterr().out
    assert "best possible / best found: mean and worst of 2 seeds" in out
    assert "made-up" in plot.read_text() and plot.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tasks", "("], "is no regular expression"),
        (["--tasks", "nothing"], "no task matches 'nothing': there are made-up"),
        (["--explorers", "x"], "no explorer is called 'x'"),
        (["--plot", "x.png"], "the picture is SVG"),
        (["--tables", "nowhere"], "there are no tables"),
    ],
)
def test_mistakes(tmp_path, capsys, arguments, message):
    made_up().write(tmp_path / "made-up.json.gz")
    assert run(["bench", "tuner", "--tables", str(tmp_path), *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("path", committed(), ids=lambda path: path.name)
def test_good_schedules_are_rare_in_ours(path):
    table = Table.read(path)
    assert f"{table.name}.json.gz" == path.name
    assert len(table.candidates) - len(table.failures) >= 1000
    assert table.share_within(0.05) <= 0.02
    assert table.text and table.measured and path.stat().st_size < 200_000
