"""Records: whole lines or nothing, whatever a killed writer leaves; errors name file and line."""

from dataclasses import replace

import pytest

from analysis.errors import UserError
from dovetail.records import Record, append, read

RECORD = Record("t", "conv", "llvm -mcpu=x", "random-0-abc", 0, "split-loop{loop=x}", "s", 1e-3)


def test_what_is_appended_is_read(tmp_path):
    path = tmp_path / "a.jsonl"
    records = [replace(RECORD, trial=n, cost=None if n == 1 else n * 1e-3) for n in range(3)]
    for record in records:
        append(path, record)
    assert list(read(path)) == records
    assert list(read(tmp_path)) == records


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_line_without_an_end_is_skipped_and_cut_off(tmp_path, kept):
    path = tmp_path / "a.jsonl"
    append(path, RECORD)
    path.write_bytes(path.read_bytes() + replace(RECORD, trial=1).line().encode()[:kept])
    assert list(read(path)) == [RECORD]
    append(path, replace(RECORD, trial=2))
    assert [record.trial for record in read(path)] == [0, 2]
    assert path.read_text().count("\n") == 2


def test_a_long_torn_line_is_found(tmp_path):
    path = tmp_path / "a.jsonl"
    append(path, RECORD)
    path.write_bytes(path.read_bytes() + b"{" + b"x" * 200_000)
    append(path, RECORD)
    assert list(read(path)) == [RECORD, RECORD]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not a record of tuning: Expecting property name"),
        ("[]", "not a record of tuning: it is no JSON object"),
        ('{"format": 2}', "a record of format 2; this version reads 1"),
        ('{"format": 1, "task": "t"}', "a record without target, schedule, cost, unit"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path, line, reason):
    path = tmp_path / "a.jsonl"
    append(path, RECORD)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(UserError) as error:
        list(read(path))
    assert f"{path}:2: {reason}" in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="there are no records: no such file or folder"):
        list(read(tmp_path / "nothing"))
