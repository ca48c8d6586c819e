"""What the importer says and keeps: names, locations, refusals, weights in files."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import main_function, make_model

from analysis.errors import UnsupportedError, UserError
from backends.interpreter.graph import run_graph
from dialects.graph.structure import WeightOp
from dovetail.frontend.onnx import import_model
from dovetail.opt import DovetailOptMain, run

X = np.arange(12, dtype=np.float32).reshape(3, 4)


def big_model(shape=(4, 5000)) -> onnx.ModelProto:
    weight = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    return make_model([node], {"x": X}, ["y"], {"w": weight})


def test_names_and_locations_are_kept():
    model = make_model([helper.make_node("Relu", ["x"], ["y/0"], name="act")], {"x": X}, ["y/0"])
    function = main_function(import_model(model, name="a/model.onnx"))
    assert str(function.arg_attrs.data[0].data["dovetail.name"]) == '"x"'
    assert str(function.res_attrs.data[0].data["dovetail.name"]) == '"y/0"'
    assert str(function.body.block.first_op.location) == 'loc("model.onnx"("act"))'


def test_every_unsupported_node_is_listed_at_once():
    nodes = [
        helper.make_node("NonZero", ["x"], ["a"], name="first"),
        helper.make_node("Relu", ["x"], ["b"]),
        helper.make_node("Unique", ["b"], ["c"], name="second"),
        helper.make_node("MaxPool", ["i"], ["d", "e"], name="third", kernel_shape=[2]),
    ]
    image = np.zeros((1, 1, 4), np.float32)
    model = make_model(nodes, {"x": X, "i": image}, ["a", "c", "d"])
    with pytest.raises(UnsupportedError) as caught:
        import_model(model)
    text = str(caught.value)
    assert caught.value.message == "test has 3 nodes that cannot be imported: NonZero and others"
    assert "NonZero, node 'first' (ai.onnx 21) of (tensor<3x4xf32>)" in text
    assert "Unique, node 'second'" in text
    assert "MaxPool, node 'third'" in text and "would need the indices" in text


def test_a_computed_argument_is_refused_with_what_is_needed():
    node = helper.make_node("Reshape", ["x", "s"], ["y"])
    model = make_model([node], {"x": X, "s": np.array([4, 3])}, ["y"])
    with pytest.raises(UnsupportedError, match="cannot be imported: Reshape") as caught:
        import_model(model)
    assert "would need the target shape (input 1) that is a constant" in str(caught.value)


def test_a_symbolic_dimension_stays_unless_it_gets_a_size():
    info = helper.make_tensor_value_info("x", 1, ["batch", 4])
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [info],
        [helper.make_tensor_value_info("y", 1, None)],
    )
    model = helper.make_model(graph)
    assert '(%x: tensor<?x4xf32, #loop.layout<["batch", 4]>>' in str(import_model(model))
    function = main_function(import_model(model, dims={"batch": 2}))
    assert run_graph(function, [X[:2]])[0].shape == (2, 4)


def test_dimensions_on_the_command_line(tmp_path, capsys):
    info = helper.make_tensor_value_info("x", 1, ["batch", 4])
    result = helper.make_tensor_value_info("y", 1, None)
    node = helper.make_node("Relu", ["x"], ["y"])
    onnx.save(
        helper.make_model(helper.make_graph([node], "g", [info], [result])), tmp_path / "a.onnx"
    )
    assert run([str(tmp_path / "a.onnx")]) == 0
    assert '["batch", 4]' in capsys.readouterr().out
    assert run([str(tmp_path / "a.onnx"), "--dim", "batch=7"]) == 0
    assert "tensor<7x4xf32>" in capsys.readouterr().out
    assert run([str(tmp_path / "a.onnx"), "--dim", "batch"]) == 1
    assert "--dim is NAME=SIZE" in capsys.readouterr().err


def test_an_input_may_be_given_a_value():
    node = helper.make_node("Reshape", ["x", "s"], ["y"])
    target = np.array([4, 3])
    model = make_model([node], {"x": X, "s": target}, ["y"])
    function = main_function(import_model(model, constants={"s": target}))
    (y,) = run_graph(function, [X])
    np.testing.assert_array_equal(y, X.reshape(4, 3))


@pytest.mark.parametrize("content", [b"no model", b"", b"\x08\x07"])
def test_what_is_not_a_model(tmp_path, capsys, content):
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    assert run([str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path} is not an ONNX model") and error.count("\n") == 1


def test_a_file_that_is_not_there():
    with pytest.raises(UserError, match=r"cannot read nowhere\.onnx"):
        import_model("nowhere.onnx")


@pytest.fixture
def stored(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    onnx.save(big_model(), "model.onnx")
    return tmp_path / "model.onnx"


def test_weights_refer_to_the_model_they_came_from(stored, capsys):
    assert run(["model.onnx"]) == 0
    assert 'file("model.onnx", "w", "' in capsys.readouterr().out


def test_text_from_another_folder_finds_the_weights(stored, tmp_path):
    (tmp_path / "sub").mkdir()
    assert run(["model.onnx", "-o", "sub/model.mlir"]) == 0
    text = (tmp_path / "sub" / "model.mlir").read_text()
    assert 'file("../model.onnx", "w", "' in text
    assert not list(tmp_path.rglob("*.npz"))
    weight = parse_weight(tmp_path / "sub" / "model.mlir")
    expected = onnx.numpy_helper.to_array(onnx.load(stored).graph.initializer[0])
    np.testing.assert_array_equal(weight.array, expected)


def parse_weight(path):
    driver = DovetailOptMain(args=[str(path)])
    (chunk,), extension = driver.prepare_input()
    module = driver.parse_chunk(chunk[0], extension)
    chunk[0].close()
    return next(op.weight for op in module.walk() if isinstance(op, WeightOp))


def test_a_weight_that_changed_in_the_file_is_noticed(stored, tmp_path):
    assert run(["model.onnx", "-o", "model.mlir"]) == 0
    model = onnx.load(stored)
    model.graph.initializer[0].raw_data = bytes(4 * 4 * 5000)
    onnx.save(model, str(stored))
    with pytest.raises(UserError, match="is not the one the text refers to"):
        _ = parse_weight(tmp_path / "model.mlir").array


CHANGED = """
func.func @main(%x: tensor<2x200xf32>) -> tensor<2x200xf32> {
  %w = graph.weight @w random(1, -1.0, 1.0) : tensor<200x200xf32>
  %t = graph.transpose(%w) perm = [1, 0] : (tensor<200x200xf32>) -> tensor<200x200xf32>
  %y = graph.matmul(%x, %t) : (tensor<2x200xf32>, tensor<200x200xf32>) -> tensor<2x200xf32>
  func.return %y : tensor<2x200xf32>
}
"""


@pytest.fixture
def changed(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mlir").write_text(CHANGED)
    return tmp_path


def test_changed_weights_need_a_file(changed, capsys):
    assert run(["a.mlir", "-p", "fold-constants"]) == 1
    error = capsys.readouterr().err
    assert error == "error: 1 weight changed: give -o FILE, or --weights=elide\n"


def test_changed_weights_may_be_left_out(changed, capsys):
    assert run(["a.mlir", "-p", "fold-constants", "--weights=elide"]) == 0
    text = capsys.readouterr().out
    assert "graph.weight @t elided(" in text
    (changed / "elided.mlir").write_text(text)
    with pytest.raises(UserError, match="has no values"):
        _ = parse_weight(changed / "elided.mlir").array


def test_changed_weights_go_to_the_sidecar(changed):
    assert run(["a.mlir", "-p", "fold-constants", "-o", "b.mlir"]) == 0
    assert 'file("b.weights.npz", "t", "' in (changed / "b.mlir").read_text()
    assert sorted(p.name for p in changed.iterdir()) == ["a.mlir", "b.mlir", "b.weights.npz"]
    expected = parse_weight(changed / "a.mlir").array.T
    np.testing.assert_array_equal(parse_weight(changed / "b.mlir").array, expected)
    assert run(["b.mlir", "-o", "c.mlir"]) == 0
    assert (changed / "c.mlir").read_text() == (changed / "b.mlir").read_text()


def test_a_missing_sidecar_is_one_line(changed):
    assert run(["a.mlir", "-p", "fold-constants", "-o", "b.mlir"]) == 0
    (changed / "b.weights.npz").unlink()
    with pytest.raises(UserError, match=r"cannot read the weights file .*: No such file"):
        _ = parse_weight(changed / "b.mlir").array
