"""Every op that stands for a node of the model says which, after every pass of the pipeline."""

from lit.ShCommands import Command
from parse import parse_module
from small_network import NODES, small_network
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import FusedLoc, NameLoc
from xdsl.utils.arg_spec import parse_pipeline

from dialects import loop
from dialects.target import Target, TargetAttr
from dovetail.frontend.onnx import import_model
from dovetail.opt import pipeline_text
from dovetail.pipelines import CPU
from dovetail.testing import run_command
from dovetail.universe import DOVETAIL_UNIVERSE


def names(location):
    """The nodes that a location names."""
    match location:
        case FusedLoc():
            return [name for part in location.locations.data for name in names(part)]
        case NameLoc(location=NameLoc(desc=node)):
            return [node.data]
        case _:
            return []


def stands_for_a_node(op):
    """Whether an op is part of the computation of a model's nodes."""
    if isinstance(op, func.FuncOp):
        return op.sym_visibility is not None
    return op.name.split(".")[0] in ("graph", "te", "loop") or isinstance(op, func.CallOp)


def test_every_pass_keeps_locations():
    module = import_model(small_network())
    module.attributes["target"] = TargetAttr.of(Target.parse("llvm -mcpu=x86-64-v3"))
    for step in CPU:
        step.apply(Context(), module)
        seen = set()
        for op in filter(stands_for_a_node, module.walk()):
            found = set(names(op.location))
            assert found, f"{step.name}: {op.name} has no location: {op}"
            assert found <= {*NODES, "x"}, f"{step.name}: {op.name} has {op.location}"
            seen |= found
        assert seen >= {*NODES}, step.name


KERNEL = """
func.func @kernel(%A: tensor<30x64xf32>, %B: tensor<64x32xf32>) -> tensor<30x32xf32> {
  %C = te.compute "C" (%y = 0 to 30, %x = 0 to 32) sum (%k = 0 to 64) {
    %a = te.read %A[%y, %k] : tensor<30x64xf32> loc("m"("product"))
    %b = te.read %B[%k, %x] : tensor<64x32xf32> loc("m"("product"))
    %p = arith.mulf %a, %b : f32 loc("m"("product"))
    te.yield %p : f32 loc("m"("product"))
  } : tensor<30x32xf32> loc("m"("product"))
  %D = te.compute "D" (%i = 0 to 30, %j = 0 to 32) {
    %c = te.read %C[%i, %j] : tensor<30x32xf32> loc("m"("negation"))
    %n = arith.negf %c : f32 loc("m"("negation"))
    te.yield %n : f32 loc("m"("negation"))
  } : tensor<30x32xf32> loc("m"("negation"))
  func.return %D : tensor<30x32xf32> loc("m"("negation"))
}
"""
SCHEDULE = """lower-te-to-loop,
split-loop{loop="y" factor=8}, split-loop{loop="x" factor=16},
reorder-loops{loops="y_o","x_o","k","y_i","x_i"}, unroll-loop{loop="y_i"},
vectorize-loop{loop="x_i"}, decompose-reduction{block="C" loop="k"},
reverse-compute-at{block="D" at="x_o"},
promote-memory-scope{buffer="C" scope="register" at="x_o"},
promote-memory-scope{buffer="A" scope="local" at="y_o"},
prefetch-buffer{buffer="B" ahead="k" over="y_i"},
peel-loop{loop="y_o"}, parallelize-loop{loop="y_o"}, expand-unrolled-loops"""


def run_opt(text, *arguments):
    """What `dovetail-opt` prints."""
    command = Command(["dovetail-opt", *arguments], [])
    code, out = run_command(command, text.encode())
    assert code == 0, out.decode()
    return out.decode()


def test_primitives_keep_locations():
    """What a schedule makes comes from the loops and blocks that it is made of."""
    steps = parse_pipeline(pipeline_text(SCHEDULE))
    module = parse_module(KERNEL)
    for step in steps:
        DOVETAIL_UNIVERSE.all_passes[step.name]().from_spec(step).apply(Context(), module)
        for op in module.walk():
            if op.name.startswith(("loop.", "te.")):
                assert set(names(op.location)) <= {"product", "negation"}, f"{step}: {op}"
                assert names(op.location), f"{step}: {op.name} has no location: {op}"
        blocks = [op for op in module.walk() if isinstance(op, loop.BlockOp)]
        for op in blocks:
            wanted = "negation" if op.block_name.data.startswith("D") else "product"
            assert names(op.location) == [wanted], op.block_name


FOLDED = """
func.func @main(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = graph.weight @w splat(0.5) : tensor<2x1x1x1xf32> loc("m"("conv"))
  %s = graph.weight @s splat(6.0) : tensor<2xf32> loc("m"("bn"))
  %c = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32> loc("m"("conv"))
  %n = graph.batch_norm(%c, %s, %s, %s, %s) epsilon = 0.0 : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32> loc("m"("bn"))
  %r = graph.relu(%n) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("m"("relu"))
  func.return %r : tensor<1x2x4x4xf32>
}
"""  # noqa: E501


def test_what_stands_for_several_nodes_names_all_of_them_also_as_text():
    text = run_opt(FOLDED, "-p", "fold-batch-norm,fuse-operators")
    assert run_opt(text) == text
    found = {op.name: names(op.location) for op in parse_module(text).walk()}
    assert found["graph.conv"] == ["conv", "bn"]
    assert found["graph.relu"] == ["relu"]
    assert found["graph.call"] == ["conv", "bn", "relu"]


def test_locations_are_printed_unless_they_are_not_wanted():
    assert 'loc("m"("negation"))' in run_opt(KERNEL)
    assert "loc(" not in run_opt(KERNEL, "--no-locations")
    assert "loc(" not in run_opt("func.func private @nowhere()")
