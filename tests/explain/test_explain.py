"""`dovetail explain`: every node is accounted for, reasons and blame are right, files are whole."""

import base64
import gzip
import json
import re

import numpy as np
import onnx
import pytest
from light_models import FOLDER
from onnx import helper
from onnx_models import make_model
from parse import parse_function
from small_network import NODES, small_network

from analysis.errors import UserError
from dialects.layout import LayoutAttr
from dialects.target import Target
from dovetail import cli
from dovetail.explain.collect import explain_module
from dovetail.explain.figures import layout_words, schedule_summary
from dovetail.explain.listing import Aliases, Line, Version, blame, changed
from dovetail.explain.nodes import read_source
from dovetail.explain.page import page
from dovetail.pipelines import CPU
from passes.loop.schedule_kernels import ScheduleKernelsPass

TARGET = Target.parse("llvm -mcpu=x86-64-v3 -num-threads=2")
WITHOUT_SCHEDULES = tuple(step for step in CPU if not isinstance(step, ScheduleKernelsPass))


def report_of(path, pipeline=CPU):
    module, nodes = read_source(path, {})
    return explain_module(module, nodes, path.name, TARGET, lambda done, total: None, pipeline)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The file of a small network, and what is told about it."""
    path = tmp_path_factory.mktemp("small") / "small.onnx"
    onnx.save(small_network(), path)
    return path, report_of(path)


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet", "resnet50"])
def test_every_node_of_a_model_is_accounted_for(name):
    path = FOLDER / f"light_{name}.onnx"
    report = report_of(path, WITHOUT_SCHEDULES)
    protos = {node.name or node.output[0]: node.op_type for node in onnx.load(path).graph.node}
    assert set(report.nodes) == set(protos)
    assert report.lost == []
    called = {node for call in report.calls for node in call.nodes}
    for node in report.nodes.values():
        assert (node.fate == "kernel") == (node.name in called)
        if protos[node.name] in ("Conv", "Relu", "BatchNormalization", "Gemm", "Softmax"):
            assert node.fate == "kernel", node.name


def test_nodes_that_no_kernel_computes_say_why(tmp_path):
    x = small_network().graph.input[0]
    nodes = [
        helper.make_node("Shape", ["x"], ["s"], "shape"),
        helper.make_node("Gather", ["s", "first"], ["n"], "first"),
        helper.make_node("Unsqueeze", ["n", "zero"], ["u"], "unsqueeze"),
        helper.make_node("Concat", ["u", "minus"], ["t"], "target", axis=0),
        helper.make_node("Identity", ["x"], ["i"], "same"),
        helper.make_node("Exp", ["i"], ["dead"], "dead"),
        helper.make_node("Exp", ["w"], ["e"], "constant"),
        helper.make_node("Neg", ["e"], ["f"], "again"),
        helper.make_node("Mul", ["i", "f"], ["m"], "mul"),
        helper.make_node("Reshape", ["m", "t"], ["y"], "reshape"),
    ]
    constants = {"first": np.array(0), "zero": np.array([0]), "minus": np.array([-1])}
    constants["w"] = np.ones((3, 1, 1), np.float32)
    shape = [d.dim_value for d in x.type.tensor_type.shape.dim]
    model = make_model(nodes, {"x": np.zeros(shape, np.float32)}, ["y"], constants)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    report = report_of(path, WITHOUT_SCHEDULES)
    stories = {node.name: node.story for node in report.nodes.values() if node.fate == "removed"}
    assert stories["same"] == ["import: its result is its input"]
    assert stories["target"] == ["import: its value is known, so it is a constant"]
    assert stories["dead"] == ["fold-constants: nobody reads its result"]
    for name in ("constant", "again"):
        assert stories[name] == ["fold-constants: its value is the weight @f, which mul reads"]
    assert (
        report.lost == [] and report.nodes["mul"].fate == report.nodes["reshape"].fate == "kernel"
    )


def test_nodes_that_scale_channels_one_after_another_stay_known(tmp_path):
    nodes = [
        helper.make_node("BatchNormalization", ["x", "s", "s", "s", "s"], ["n"], "bn"),
        helper.make_node("Mul", ["n", "w"], ["m"], "scale"),
        helper.make_node("Relu", ["m"], ["y"], "relu"),
    ]
    constants = {"s": np.ones(3, np.float32), "w": np.ones((3, 1, 1), np.float32)}
    x = np.zeros((1, 3, 4, 4), np.float32)
    path = tmp_path / "m.onnx"
    onnx.save(make_model(nodes, {"x": x}, ["y"], constants), path)
    report = report_of(path, WITHOUT_SCHEDULES)
    assert [call.nodes for call in report.calls] == [("bn", "scale", "relu")]
    assert report.nodes["scale"].story == ["fold-batch-norm: one op with bn"]


def test_a_lost_node_would_show(small):
    path, _ = small
    _, nodes = read_source(path, {})
    assert {node.fate for node in nodes.values()} == {"lost"}


def test_fusion_says_why(small):
    _, report = small
    sentences = [edge.sentence() for edge in report.edges]
    assert sentences == [
        "relu joins conv+bn: elementwise, its only reader",
        "pool not joined with relu: pool is a reduction: only elementwise ops join what relu is in",
        "add not joined with pool: pool is a reduction: it ends its kernel",
        "add joins skip: elementwise, its only reader",
        "flatten not joined with add: "
        "flatten is injective: only elementwise ops join what add is in",
        "gemm not joined with flatten: gemm is a convolution or product: "
        "injective ops join each other and the reduction they feed",
        "softmax not joined with gemm: "
        "softmax is opaque: only elementwise ops join what gemm is in",
    ]
    for edge in report.edges:
        together = any({*edge.producer, *edge.reader} <= {*call.nodes} for call in report.calls)
        assert together == edge.joined, edge


def test_two_reductions_do_not_join(tmp_path):
    path = tmp_path / "two.mlir"
    conv = "strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0]"
    tensor = "tensor<1x4x4x4xf32>"
    types = f"({tensor}, tensor<4x4x1x1xf32>) -> {tensor}"
    path.write_text(f"""func.func @main(%x: {tensor}) -> {tensor} {{
      %w = graph.weight @w splat(0.5) : tensor<4x4x1x1xf32>
      %a = graph.conv(%x, %w) {conv} : {types}
      %b = graph.conv(%x, %w) {conv} : {types}
      %s = graph.add(%a, %b) : ({tensor}, {tensor}) -> {tensor}
      %r = graph.relu(%s) : ({tensor}) -> {tensor}
      %q = graph.add(%s, %r) : ({tensor}, {tensor}) -> {tensor}
      func.return %q : {tensor}
    }}""")
    sentences = [edge.sentence() for edge in report_of(path, WITHOUT_SCHEDULES).edges]
    assert sentences == [
        "s joins a: elementwise, its only reader",
        "s not joined with b: a (out_fusable) and b (out_fusable) would be in one kernel, "
        "which has one op that is not injective",
        "r joins s: elementwise, where all readers of s meet",
        "q joins s: elementwise, where all readers of s meet",
        "q joins r: elementwise, its only reader",
    ]


def test_replayed_schedules_end_where_the_compiler_did(small):
    """The pass leaves no text of its own: the last primitive gave the same."""
    _, report = small
    for kernel in report.kernels.values():
        steps = [version.step for version in kernel.versions]
        assert "schedule-kernels" not in steps
        assert any("{" in step for step in steps), kernel.name
        assert set(kernel.blame) <= set(steps)
        assert len(kernel.blame) == len(kernel.versions[-1].lines)


def test_lines_know_their_nodes(small):
    _, report = small
    kernel = report.kernels["conv_relu"]
    assert kernel.nodes == ("conv", "bn", "relu")
    for version in kernel.versions:
        text = {line.text.strip(): line.nodes for line in version.lines}
        relus = [nodes for line, nodes in text.items() if "relu" in line or "maximumf" in line]
        products = [nodes for line, nodes in text.items() if "mulf" in line]
        assert ("relu",) in relus
        assert all(nodes == ("conv", "bn") for nodes in products)
    vectors = [
        step
        for line, step in zip(kernel.versions[-1].lines, kernel.blame, strict=True)
        if "vectorized" in line.text and " %c_v " in line.text
    ]
    assert vectors and all(step.startswith("vectorize-loop") for step in vectors)


def lines(*texts):
    return tuple(Line(text, (), i) for i, text in enumerate(texts))


def test_blame_names_the_last_step_that_changed_a_line():
    texts = {
        "lower": lines("for %y {", "  %0 = load %A[%y]", "  store %0"),
        "split": lines("for %y_o {", "for %y_i {", "    %7 = load %A[%y]", "    store %7"),
        "promote": lines("for %y_o {", "for %y_i {", "    %7 = load %T[%y]", "store %7"),
    }
    versions = [Version(step, "loop", text) for step, text in texts.items()]
    assert blame(versions) == ("split", "split", "promote", "lower")
    assert changed(versions[0].lines, versions[1].lines) == (0, 1)
    assert changed(versions[1].lines, versions[2].lines) == (2,)


def test_names_of_buffers_count_and_numbers_of_values_do_not():
    (old,) = lines("%acc_1 = loop.load %A_1[%v_2]")
    assert old.key == lines("  %acc_3 = loop.load %A_1[%v]")[0].key
    assert old.key != lines("%acc_1 = loop.load %A_2[%v_2]")[0].key


def test_aliases_cut_out_whole_layouts():
    layout = "#loop.layout<affine_map<(d0) -> (d0 floordiv 4, d0 mod 4)>, [2, 4]>"
    aliases = Aliases()
    assert aliases.shorten(f"a : memref<8xf32, {layout}>, 1") == "a : memref<8xf32, #layout1>, 1"
    assert aliases.names == {layout: "#layout1"}


def test_figures(small):
    _, report = small
    assert report.kernels["conv_relu"].flops == 16 * 64 * (2 * 27 + 1 + 1)
    arguments = {a.name: a for a in report.kernels["conv_relu"].arguments}
    assert [a.kind for a in arguments.values()] == ["input", "weight", "weight", "output"]
    assert report.arena_bytes <= report.buffer_bytes == sum(b.size for b in report.buffers)
    for buffer in report.buffers:
        assert buffer.offset + buffer.size <= report.arena_bytes
        assert buffer.first <= buffer.last < len(report.calls)


def test_open_dimensions(tmp_path, capsys):
    model = make_model(
        [
            helper.make_node("MatMul", ["x", "w"], ["m"], "product"),
            helper.make_node("Softmax", ["m"], ["y"], "softmax"),
        ],
        {"x": np.zeros((1, 8), np.float32)},
        ["y"],
        {"w": np.ones((8, 4), np.float32)},
    )
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    path = tmp_path / "open.onnx"
    onnx.save(model, path)
    assert cli.run(["explain", str(path), "--target", str(TARGET)]) == 0
    told = capsys.readouterr().out
    assert "with sizes that depend on batch" in told and " 0 KiB" not in told
    assert re.search(r"^matmul +1 +- +- +product", told, re.M)


def test_layouts_and_schedules_in_words():
    type = (
        "memref<1x64x56x56xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, d1 floordiv 16, "
        "d2 + 1, d3 + 1, d1 mod 16)>, [1, 4, 58, 58, 16], pad 0.0 : f32>>"
    )
    function = parse_function(f"func.func @f(%a: {type}, %b: memref<4xf32>) {{ func.return }}")
    a, b = (argument.type for argument in function.body.block.args)
    assert isinstance(a.layout, LayoutAttr)
    assert layout_words(a) == "d1 in blocks of 16, innermost; 1 + 1 cells around d2, d3 hold 0"
    assert layout_words(b) == "row-major"
    schedule = 'unroll-loop{loop="i"},vectorize-loop{loop="x"},parallelize-loop{loop="y"}'
    assert schedule_summary(schedule) == "parallel y; vector x; unrolled i"


def test_the_command_tells_the_story_of_a_node(small, capsys):
    path, _ = small
    assert cli.run(["explain", str(path), "--target", str(TARGET), "--op", "bn"]) == 0
    told = capsys.readouterr().out
    assert "bn: BatchNormalization" in told
    assert "fold-batch-norm: one op with conv" in told
    assert "relu joins conv+bn: elementwise, its only reader" in told
    assert "call 1, kernel conv_relu: conv, bn, relu" in told
    assert re.search(r"vectorize-loop\{loop=.*\| .*vectorized", told)
    assert "maximumf" not in told


def test_the_command_has_a_line_a_kernel_and_writes_json(small, capsys, tmp_path):
    path, report = small
    out = tmp_path / "r.json"
    command = ["explain", str(path), "--target", str(TARGET), "--json", str(out)]
    assert cli.run(command) == 0
    told = capsys.readouterr().out.splitlines()
    for name in report.kernels:
        assert sum(line.startswith(f"{name} ") for line in told) == 1
    data = json.loads(out.read_text())
    assert [node["name"] for node in data["nodes"]] == list(NODES)
    assert {kernel["name"] for kernel in data["kernels"]} == set(report.kernels)
    final = data["loops"]["conv_relu"]
    assert [line["text"] for line in final] == [
        line.text for line in report.kernels["conv_relu"].versions[-1].lines
    ]
    assert all(line["step"] for line in final)


def test_the_page_holds_everything_and_loads_nothing(small):
    _, report = small
    text = page(report)
    assert not re.search(
        r"(src|href)=\"(?!#)|@import|url\(|https?://(?!www\.w3\.org/2000/svg)", text
    )
    (held,) = re.findall(r'id="functions">(.*?)</script>', text, re.S)
    functions = json.loads(held)
    assert set(functions) == {*report.kernels, " network"}
    data = json.loads(gzip.decompress(base64.b64decode(functions["conv_relu"])))
    kernel = report.kernels["conv_relu"]
    aliases = dict(data["layouts"])
    for version, shown in zip(kernel.versions, data["versions"], strict=True):
        texts = [data["texts"][number] for number, *_ in shown["lines"]]
        long = [re.sub(r"#layout\d+", lambda m: aliases[m[0]], text) for text in texts]
        assert long == [line.text for line in version.lines]
    assert [data["steps"][i] for i in data["blame"]] == list(kernel.blame)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--op", "rely"], "small.onnx has no node 'rely': did you mean relu?"),
        (
            ["--kernel", "conv_rely"],
            "small.onnx has no kernel 'conv_rely': did you mean conv_relu?",
        ),
    ],
)
def test_names_that_are_not_there(small, arguments, message, capsys):
    path, _ = small
    assert cli.run(["explain", str(path), "--target", str(TARGET), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith(f"error: {message}")
    assert captured.out == ""


def test_files_that_cannot_be_explained(tmp_path):
    (tmp_path / "bad.mlir").write_text("func.func @f() {")
    (tmp_path / "kernel.mlir").write_text("func.func @f() { func.return }")
    with pytest.raises(UserError, match=r"bad\.mlir is not IR that parses"):
        cli.find_command("explain")([str(tmp_path / "bad.mlir")])
    with pytest.raises(UserError, match="explain the model it came from"):
        cli.find_command("explain")([str(tmp_path / "m.dove")])
    with pytest.raises(UserError, match="--bench needs a network"):
        cli.find_command("explain")([str(tmp_path / "kernel.mlir"), "--bench"])
