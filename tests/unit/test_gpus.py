"""The facts about GPUs that schedules ask for."""

import pytest

import dovetail as t
from analysis.errors import UserError
from dialects.target import Target


def test_scopes_and_their_threads():
    machine = t.target.nvptx("sm_90").machine
    assert machine.group_threads == 1024
    assert machine.scope("shared").capacity == 227 * 1024
    assert machine.scope("shared").shared_by == ("threadIdx.x", "threadIdx.y", "threadIdx.z")
    assert "blockIdx.x" in machine.scope("global").shared_by
    assert machine.scope("local").shared_by == machine.scope("register").shared_by == ()


def test_a_group_may_have_less_memory():
    target = t.target.nvptx("sm_80", shared=48 * 1024)
    assert str(target) == "nvptx -mcpu=sm_80 -shared=49152"
    assert target.machine.scope("shared").capacity == 49152


def test_mistakes():
    for text, message in (
        ("nvptx", "target 'nvptx' names no GPU: write nvptx -mcpu=sm_90"),
        (
            "nvptx -mcpu=sm90",
            "target 'nvptx -mcpu=sm90': no GPU is called 'sm90': did you mean sm_90? there are: "
            "sm_90, sm_89, sm_80, sm_70, sm_75, sm_86, sm_87, sm_100, sm_120",
        ),
    ):
        with pytest.raises(UserError) as error:
            Target.parse(text).machine  # noqa: B018
        assert error.value.message == message
