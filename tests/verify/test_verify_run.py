"""--verify-each=run names the pass that broke a function: proof by passes that break it."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from native import context, parse
from xdsl.dialects import arith
from xdsl.dialects.builtin import AffineMapAttr, FloatAttr, FunctionType, MemRefType
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass, PassPipeline
from xdsl.universe import Universe

from analysis.errors import UserError
from dialects import loop
from dialects.graph.elementwise import ReluOp
from dialects.layout import LayoutAttr
from dovetail.instruments.verify_run import NOT_RUN_EXIT, RunOptions, VerifyRun
from dovetail.opt import pipeline_text
from dovetail.reducing.mismatch import report

MATMUL = """
func.func @f(%A: tensor<13x13xf32>, %B: tensor<13x13xf32>) -> tensor<13x13xf32> {
  %C = te.compute "C" (%y = 0 to 13, %x = 0 to 13) sum (%k = 0 to 13) {
    %a = te.read %A[%y, %k] : tensor<13x13xf32>
    %b = te.read %B[%k, %x] : tensor<13x13xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<13x13xf32>
  func.return %C : tensor<13x13xf32>
}
"""
MAXIMUM = """
func.func @f(%A: tensor<13x7xf32>) -> tensor<13xf32> {
  %C = te.compute "C" (%y = 0 to 13) max (%k = 0 to 7) {
    %a = te.read %A[%y, %k] : tensor<13x7xf32>
    te.yield %a : f32
  } : tensor<13xf32>
  func.return %C : tensor<13xf32>
}
"""
DIFFERENCE = """
func.func @f(%A: tensor<13xf32>, %B: tensor<13xf32>) -> tensor<13xf32> {
  %C = te.compute "C" (%y = 0 to 13) {
    %a = te.read %A[%y] : tensor<13xf32>
    %b = te.read %B[%y] : tensor<13xf32>
    %p = arith.subf %a, %b : f32
    te.yield %p : f32
  } : tensor<13xf32>
  func.return %C : tensor<13xf32>
}
"""


def blocks(module):
    return [op for op in module.walk() if isinstance(op, loop.BlockOp)]


@dataclass(frozen=True)
class ShortTailPass(ModulePass):
    """The guard of a tail is off by one."""

    name = "short-tail"

    def apply(self, ctx, op):
        for block in blocks(op):
            first, *others = block.domains.data.results
            block.domains = AffineMapAttr(
                AffineMap(block.domains.data.num_dims, 0, (first - 1, *others))
            )


@dataclass(frozen=True)
class SwapIndicesPass(ModulePass):
    """Two indices of a load change places."""

    name = "swap-indices"

    def apply(self, ctx, op):
        load = next(o for o in op.walk() if isinstance(o, loop.LoadOp) and len(o.indices) == 2)
        first, second = load.map.data.results
        load.map = AffineMapAttr(AffineMap(2, 0, (second, first)))


@dataclass(frozen=True)
class DropInitPass(ModulePass):
    """Reductions begin with what memory holds."""

    name = "drop-init"

    def apply(self, ctx, op):
        for block in blocks(op):
            body = block.detach_region(block.body)
            maps = block.domains.data, block.bindings.data, block.where.data
            names = [i.data for i in block.iterators.data]
            new = loop.BlockOp(block.block_name.data, block.outer, names, *maps, body)
            block.parent.insert_op_before(new, block)
            block.detach()


@dataclass(frozen=True)
class WrongIdentityPass(ModulePass):
    """A maximum begins with zero."""

    name = "wrong-identity"

    def apply(self, ctx, op):
        for block in blocks(op):
            for inner in block.init.walk():
                if isinstance(inner, arith.ConstantOp):
                    inner.properties["value"] = FloatAttr(0.0, inner.result.type)


@dataclass(frozen=True)
class SwapOperandsPass(ModulePass):
    """Differences are taken the other way round."""

    name = "swap-operands"

    def apply(self, ctx, op):
        for inner in op.walk():
            if isinstance(inner, arith.SubfOp):
                inner.operands = inner.operands[::-1]


@dataclass(frozen=True)
class WrongLayoutPass(ModulePass):
    """Two columns of the first buffer share a place."""

    name = "wrong-layout"

    def apply(self, ctx, op):
        function = next(iter(op.ops))
        argument = function.body.block.args[0]
        d0, d1 = AffineExpr.dimension(0), AffineExpr.dimension(1)
        layout = LayoutAttr.of(AffineMap(2, 0, (d0, d1 // 4, d1 % 3)), [13, 4, 4])
        old = argument.type
        argument._type = MemRefType(old.element_type, old.shape, layout)
        types = [a.type for a in function.body.block.args]
        function.function_type = FunctionType.from_lists(types, [])


@dataclass(frozen=True)
class ForgetLocationsPass(ModulePass):
    """A constant appears from nowhere."""

    name = "forget-locations"

    def apply(self, ctx, op):
        function = next(iter(op.ops))
        function.body.block.insert_op_before(
            arith.ConstantOp(FloatAttr(0.0, 32)), function.body.block.first_op
        )


@dataclass(frozen=True)
class DropReluPass(ModulePass):
    """A network without its activations."""

    name = "drop-relu"

    def apply(self, ctx, op):
        for inner in list(op.walk()):
            if isinstance(inner, ReluOp):
                inner.result.replace_all_uses_with(inner.operands[0])
                inner.detach()
                inner.erase()


BROKEN = {
    cls.name: cls
    for cls in (
        DropInitPass,
        DropReluPass,
        ForgetLocationsPass,
        ShortTailPass,
        SwapIndicesPass,
        SwapOperandsPass,
        WrongIdentityPass,
        WrongLayoutPass,
    )
}


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


NETWORK = """
func.func @main(%x: tensor<1x3x9x9xf32>) -> tensor<1x4x7x7xf32> {
  %w = graph.weight @w random(1, -1.0, 1.0) : tensor<4x3x3x3xf32>
  %c = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0]
    : (tensor<1x3x9x9xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x7x7xf32>
  %y = graph.relu(%c) : (tensor<1x4x7x7xf32>) -> tensor<1x4x7x7xf32>
  func.return %y : tensor<1x4x7x7xf32>
}
"""


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


LARGE = MATMUL.replace("13", "160")
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
    inputs = 'run{seed=2 inputs="small.npz"}'
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
