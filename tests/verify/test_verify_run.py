"""--verify-each=run names the pass that broke a function: proof by passes that break it."""

import json

import numpy as np
import pytest
from broken_passes import BROKEN, DIFFERENCE, LARGE, MATMUL, MAXIMUM, NETWORK
from native import context, parse
from xdsl.passes import PassPipeline
from xdsl.universe import Universe

from analysis.errors import UserError
from dovetail.instruments.verify_run import NOT_RUN_EXIT, RunOptions, VerifyRun
from dovetail.opt import pipeline_text
from dovetail.reducing.mismatch import report


def verify(text, pipeline, watcher=None):
    """Run a pipeline, the broken passes among those there are, under the instrument."""
    watcher = watcher or VerifyRun(RunOptions(reduced=""))
    broken = {name: lambda found=cls: found for name, cls in BROKEN.items()}
    known = {**Universe.get_multiverse().all_passes, **broken}
    module = parse(text) if isinstance(text, str) else text
    PassPipeline.parse_spec(known, pipeline_text(pipeline), watcher).apply(context(), module)
    return watcher


SPLIT = 'split-loop{loop="y" factor=4}'


@pytest.mark.parametrize(
    ("text", "broken", "after"),
    [
        (MATMUL, "short-tail", f"{SPLIT}, unroll-loop{{loop=y_i}}"),
        (MATMUL, "swap-indices", f'{SPLIT}, reorder-loops{{loops="k","x"}}'),
        (MATMUL, "drop-init", SPLIT),
        (MAXIMUM, "wrong-identity", SPLIT),
        (DIFFERENCE, "swap-operands", SPLIT),
        (MATMUL, "wrong-layout", SPLIT),
    ],
)
def test_a_broken_pass_is_named(text, broken, after):
    pipeline = f"lower-te-to-loop, {after}"
    verify(text, pipeline)
    with pytest.raises(UserError) as caught:
        verify(text, f"{pipeline}, {broken}, canonicalize, cse")
    message = str(caught.value).splitlines()[0]
    assert message.startswith(f"--verify-each=run: pass '{broken}' changed the result of @f: %C[")
    assert " was " in message and " and is " in message


def test_a_broken_graph_pass_is_named_and_a_kernel_before_the_network():
    lowering = "fuse-operators, lower-graph-to-te, lower-te-to-loop"
    watcher = verify(NETWORK, lowering)
    assert {e.function for e in watcher.executions} == {"main", "conv_relu"}
    with pytest.raises(UserError, match="pass 'drop-relu' changed the result of @main: %y"):
        verify(NETWORK, "drop-relu")
    with pytest.raises(UserError, match="pass 'drop-relu' changed the result of @conv_relu"):
        verify(NETWORK, "fuse-operators, drop-relu, lower-graph-to-te")


def test_an_op_without_a_location_is_named():
    located = DIFFERENCE.replace("arith.subf %a, %b : f32", 'arith.subf %a, %b : f32 loc("n")')
    verify(DIFFERENCE, "forget-locations")
    with pytest.raises(UserError, match=r"'forget-locations' made arith\.constant in @f without"):
        verify(located, "forget-locations")


def test_what_cannot_be_run_is_reported_with_its_reason(tmp_path, capsys):
    report = tmp_path / "rows.json"
    watcher = VerifyRun(RunOptions(report=str(report)), budget_seconds=1e-9)
    verify(MATMUL, "lower-te-to-loop", watcher)
    assert watcher.finish() == NOT_RUN_EXIT
    assert (
        "not run: @f after lower-te-to-loop: the interpreter would take" in capsys.readouterr().err
    )
    rows = json.loads(report.read_text())
    assert [r["how"] for r in rows] == ["slice + whole arrays", "not run"]
    assert all(r["share"] == 0 or r["share"] >= 0.01 for r in rows)


SCHEDULE = f"""lower-te-to-loop, {SPLIT.replace("4", "7")}, split-loop{{loop="x" factor=16}},
reorder-loops{{loops="y_o","x_o","k","y_i","x_i"}}, unroll-loop{{loop="y_i"}},
vectorize-loop{{loop="x_i"}}, decompose-reduction{{block="C" loop="k"}},
promote-memory-scope{{buffer="C" scope="register" at="x_o"}}, peel-loop{{loop="y_o"}}"""


@pytest.mark.parametrize("broken", ["", ", short-tail"])
def test_what_takes_too_long_runs_on_a_slice(broken):
    """The slice is the same elements at each level; it has the tails of all loops."""
    watcher = VerifyRun(budget_seconds=0.003)
    if broken:
        with pytest.raises(UserError, match="pass 'short-tail' changed the result of @f"):
            verify(LARGE, SCHEDULE + broken, watcher)
    else:
        verify(LARGE, SCHEDULE, watcher)
    ran = [e for e in watcher.executions if e.how != "unchanged"]
    assert len(ran) >= 10
    assert all("slice" in e.how and 0.01 <= e.share < 0.6 for e in ran)


def test_an_unfinished_function_of_loops_runs_in_checked_code():
    watcher = VerifyRun()
    watcher.runner.quick_seconds = 0.01
    verify(LARGE, SCHEDULE, watcher)
    assert "checked code" in {e.how for e in watcher.executions}
    assert all(e.share == 1 for e in watcher.executions)


OUTSIDE = """
func.func @f(%A: memref<4000x90xf32>, %C: memref<4000x90xf32>) {
  loop.for %i = 0 to 4000 {
    loop.for %j = 0 to 90 {
      loop.block "C" (%v < 4000 = %i, %w < 90 = %j) {
        %a = loop.load %A[%v + 1, %w] : memref<4000x90xf32>
        loop.store %a, %C[%v, %w] : memref<4000x90xf32>
      }
    }
    loop.for %l = 0 to 90 {
      loop.block "D" (%v < 4000 = %i, %w < 90 = %l) {
        %a = loop.load %A[%v, %w] : memref<4000x90xf32>
        loop.store %a, %C[%v, %w] : memref<4000x90xf32>
      }
    }
  }
  func.return
}
"""


def test_checked_code_stops_at_an_access_outside_its_buffer():
    watcher = verify(OUTSIDE, "cse")
    assert watcher.executions[0].how == "not run"
    assert 'loop.block "C": reads %A[4000, 0], outside memref<4000x90xf32>' in (
        watcher.executions[0].reason
    )


@pytest.mark.parametrize(
    ("text", "pipeline", "broken", "most"),
    [
        (LARGE, f"lower-te-to-loop, {SPLIT}", "short-tail", 1),
        (MAXIMUM, "lower-te-to-loop", "wrong-identity", 3),
        (NETWORK, "fold-constants", "drop-relu", 2),
    ],
)
def test_a_mismatch_is_reduced_to_a_case_that_replays(
    text, pipeline, broken, most, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    options = RunOptions(reduced="small", seed=2)
    with pytest.raises(UserError) as caught:
        verify(text, f"{pipeline}, {broken}", VerifyRun(options, on_mismatch=report))
    inputs = 'run{seed=2 inputs="small.npz" reduced=""}'
    command = f"dovetail-opt small.mlir -p '{broken}' --verify-each='{inputs}'"
    assert caught.value.details[-1] == f"replay: {command}"
    small = (tmp_path / "small.mlir").read_text()
    assert command in small
    with np.load("small.npz") as arrays:
        assert all(extent <= most for name in arrays for extent in arrays[name].shape)
        assert sum(np.count_nonzero(arrays[name]) for name in arrays) <= 2
    if broken == "drop-relu":
        assert "graph.conv" not in small
    with pytest.raises(UserError, match=f"pass '{broken}' changed the result"):
        verify(small, broken, VerifyRun(RunOptions.parse(inputs)))
