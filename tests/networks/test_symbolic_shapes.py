"""Shapes that a model computes from symbolic dimensions, and sizes that it must be given."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from symbolic_models import check, symbolic_model

from analysis.errors import UnsupportedError, UserError
from dovetail import cli
from dovetail.compiler import compile_model
from dovetail.frontend.onnx import import_model
from dovetail.runtime import load


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def weight(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(0, 0.3, shape).astype(np.float32)


def split_heads(name: str) -> list:
    """Nodes that make (batch, heads, length, d) of (batch, length, heads * d), as exporters do."""
    return [
        node("Shape", name, f"{name}_shape"),
        node("Gather", f"{name}_shape zero", f"{name}_batch"),
        node("Gather", f"{name}_shape one", f"{name}_length"),
        node("Unsqueeze", f"{name}_batch axis0", f"{name}_b"),
        node("Unsqueeze", f"{name}_length axis0", f"{name}_l"),
        node("Concat", f"{name}_b {name}_l heads", f"{name}_target", axis=0),
        node("Reshape", f"{name} {name}_target", f"{name}_split"),
        node("Transpose", f"{name}_split", f"{name}_heads", perm=[0, 2, 1, 3]),
    ]


def transformer_block():
    """A block of 2 heads of 5 on (batch, length, 10)."""
    nodes = [node("LayerNormalization", "x gain shift", "h", axis=-1)]
    for part in "qkv":
        nodes += [node("MatMul", f"h w{part}", part), *split_heads(part)]
    nodes += [
        node("Transpose", "k_heads", "k_columns", perm=[0, 1, 3, 2]),
        node("MatMul", "q_heads k_columns", "products"),
        node("Div", "products scale", "scores"),
        node("Softmax", "scores", "p", axis=-1),
        node("MatMul", "p v_heads", "mixed"),
        node("Transpose", "mixed", "rows", perm=[0, 2, 1, 3]),
        node("Reshape", "rows whole", "joined"),
        node("MatMul", "joined wo", "attended"),
        node("Add", "attended x", "a"),
        node("MatMul", "a w1", "up"),
        node("Add", "up b1", "biased"),
        node("Gelu", "biased", "curved"),
        node("MatMul", "curved w2", "down"),
        node("Add", "down a", "y"),
    ]
    constants = {f"w{part}": weight(10, 10) for part in "qkvo"}
    constants |= {"w1": weight(10, 23), "b1": weight(23), "w2": weight(23, 10)}
    constants |= {"gain": weight(10), "shift": weight(10), "scale": np.float32(np.sqrt(5))}
    constants |= {"zero": np.array(0), "one": np.array(1), "axis0": np.array([0])}
    constants |= {"heads": np.array([2, 5]), "whole": np.array([0, 0, 10])}
    constants = {name: np.asarray(array) for name, array in constants.items()}
    return symbolic_model(nodes, {"x": ["batch", "length", 10]}, ["y"], constants)


def test_a_transformer_block():
    sizes = ((1, 1), (1, 7), (3, 5), (2, 16), (5, 33))
    check(transformer_block(), *({"batch": n, "length": m} for n, m in sizes))


def test_a_perceptron():
    nodes = [
        node("Gemm", "x w a", "h"),
        node("Relu", "h", "r"),
        node("Gemm", "r u b", "y", transB=1),
    ]
    constants = {"w": weight(7, 40), "a": weight(40), "u": weight(9, 40), "b": weight(9)}
    model = symbolic_model(nodes, {"x": ["batch", 7]}, ["y"], constants)
    check(model, *({"batch": n} for n in (1, 2, 3, 8, 31)))


def test_convolutions_with_halos():
    """The sizes come again, so that runs find the halos that earlier ones left."""
    nodes = [
        node("Conv", "x w0 b0", "c0", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "c0", "r0"),
        node("Conv", "r0 w1", "c1", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c1 b0 b0 b0 square", "n1"),
        node("Add", "n1 r0", "s"),
        node("Conv", "s w2", "d", pads=[0, 2, 1, 0], group=20),
        node("MaxPool", "d", "m", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("AveragePool", "m", "v", kernel_shape=[2, 2], pads=[0, 1, 0, 1]),
        node("Conv", "v w1", "c3", pads=[1, 1, 1, 1]),
        node("GlobalAveragePool", "c3", "g"),
        node("Flatten", "g", "f"),
        node("Gemm", "f u", "y"),
    ]
    constants = {"w0": weight(20, 3, 3, 3), "w1": weight(20, 20, 3, 3), "w2": weight(20, 1, 3, 3)}
    constants |= {"b0": weight(20), "square": weight(20) ** 2, "u": weight(20, 7)}
    model = symbolic_model(nodes, {"x": ["n", 3, 11, 13]}, ["y", "d"], constants)
    check(model, *({"n": n} for n in (3, 1, 3, 8, 1, 5, 8)))


SIZES = [{"n": n, "m": m} for n, m in ((1, 1), (3, 5), (6, 17), (2, 0))]


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Shape", "x", "s"), node("Reshape", "z s", "y")],
        [node("Shape", "x", "s", start=1), node("Expand", "one s", "y")],
        [node("Shape", "x", "s"), node("ConstantOfShape", "s", "c"), node("Add", "c x", "y")],
        [
            node("Shape", "x", "s"),
            node("Slice", "s first second", "n"),
            node("Concat", "n rest", "t", axis=0),
            node("Reshape", "x t", "y"),
        ],
        [
            node("Shape", "x", "s"),
            node("Split", "s", "n m d", axis=0, num_outputs=3),
            node("Cast", "m", "i", to=TensorProto.INT32),
            node("Cast", "i", "l", to=TensorProto.INT64),
            node("Squeeze", "l", "q"),
            node("Reshape", "q second", "r"),
            node("Concat", "n r two two", "t", axis=0),
            node("Reshape", "x t", "y"),
        ],
        [node("Gather", "x last", "y", axis=1)],
        [node("Tile", "x repeats", "y")],
        [node("Unsqueeze", "x second", "u"), node("Conv", "u w", "y")],
        [node("LayerNormalization", "x gain", "y", axis=-1), node("Softmax", "x", "p", axis=1)],
        [node("CumSum", "x middle", "y")],
    ],
    ids=lambda nodes: "_".join(n.op_type for n in nodes),
)
def test_shapes_computed_from_symbols(nodes):
    constants = {
        "first": np.array([0]), "second": np.array([1]), "rest": np.array([-1, 2, 2]),
        "two": np.array([2]), "last": np.array([-1, 0]), "repeats": np.array([1, 1, 3]),
        "middle": np.array(1), "one": weight(1), "gain": weight(4), "w": weight(1, 1, 1, 1),
    }  # fmt: skip
    inputs = {"x": ["n", "m", 4], "z": ["n", "m", 2, 2]}
    read = {name for n in nodes for name in n.input}
    made = {name for n in nodes for name in n.output}
    model = symbolic_model(
        nodes,
        {name: shape for name, shape in inputs.items() if name in {*read, "x"}},
        [name for name in ("y", "p") if name in made],
        {name: array for name, array in constants.items() if name in read},
    )
    sizes = SIZES if "last" not in read else SIZES[:3]
    check(model, *sizes)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [node("Concat", "x x", "y", axis=0)],
            "test: Concat, node 'y': extent 'n' is symbolic, but a number is needed here; "
            "give --dim n=SIZE",
        ),
        (
            [node("Reshape", "x pairs", "y")],
            "test: Reshape, node 'y': nxmx4 over 2 is not one dimension; "
            "give --dim n=SIZE --dim m=SIZE",
        ),
        (
            [node("Shape", "x", "s"), node("Mul", "s two", "t"), node("Reshape", "x t", "y")],
            "test: Mul, node 't': dimension 'n' is symbolic, but a number is needed here; "
            "give --dim n=SIZE",
        ),
        (
            [node("Add", "x fixed", "y")],
            "test: Add, node 'y': nxmx4 and 7x4 do not broadcast; give --dim n=SIZE --dim m=SIZE",
        ),
        (
            [node("Trilu", "x", "y"), node("Concat", "x x", "z", axis=0)],
            "test: Trilu, node 'y': extent 'n' is symbolic, but a number is needed here; "
            "give --dim n=SIZE and others",
        ),
        (
            [node("ArgMax", "x", "y", axis=1, select_last_index=1)],
            "lower-graph-to-te: graph.arg_max of node 'y' needs a number for the symbolic "
            "dimension 'm'; give --dim m=SIZE",
        ),
    ],
    ids=lambda value: value[-1].op_type if isinstance(value, list) else "",
)
def test_what_needs_a_size_says_which(nodes, message):
    read = {name for n in nodes for name in n.input}
    constants = {"pairs": np.array([2, -1]), "two": np.array([2]), "fixed": weight(7, 4)}
    used = {name: array for name, array in constants.items() if name in read}
    model = symbolic_model(nodes, {"x": ["n", "m", 4]}, [nodes[-1].output[0]], used)
    with pytest.raises(UnsupportedError) as caught:
        compile_model(import_model(model))
    assert caught.value.message == message


def test_a_size_makes_it_possible():
    nodes = [node("Concat", "x x", "y", axis=0)]
    model = symbolic_model(nodes, {"x": ["n", "m"]}, ["y"])
    program = compile_model(import_model(model, dims={"n": 2})).program(1)
    x = weight(2, 5)
    np.testing.assert_array_equal(program.run([x])["y"], np.concatenate([x, x]))


def test_a_size_of_a_dimension_that_is_not_there():
    model = symbolic_model([node("Relu", "x", "y")], {"x": ["batch", 4, None]}, ["y"])
    with pytest.raises(UserError) as caught:
        import_model(model, dims={"bach": 2})
    assert caught.value.message == (
        "test has no symbolic dimension 'bach': did you mean batch? there are: batch, x_2"
    )


def add_of(*shapes) -> object:
    nodes = [node("Add", "x z", "y")]
    return compile_model(
        import_model(symbolic_model(nodes, dict(zip("xz", shapes, strict=True)), ["y"]))
    )


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            [(3, 4), (2, 4)],
            "program: dimension 'n' is 3 in axis 0 of input 'x' but 2 in axis 0 of input 'z'",
        ),
        ([(3, 5), (3, 4)], "program: input 'x' has shape (3, 5), expected (n, 4)"),
        ([(3,), (3, 4)], "program: input 'x' has shape (3), expected (n, 4)"),
    ],
)
def test_inputs_that_do_not_fit(shapes, message):
    program = add_of(["n", 4], ["n", 4]).program(1)
    with pytest.raises(UserError) as caught:
        program.run([weight(*shape) for shape in shapes])
    assert caught.value.message == message


def test_a_saved_program_keeps_its_dimensions(tmp_path):
    compiled = compile_model(import_model(transformer_block()))
    compiled.save(tmp_path / "block.dove")
    loaded, fresh = load(tmp_path / "block.dove", 2), compiled.program(1)
    assert loaded.manifest.dims == ("batch", "length")
    assert loaded.inputs[0].shape == loaded.outputs[0].shape == ("batch", "length", 10)
    for shape in ((1, 3, 10), (4, 9, 10), (1, 3, 10)):
        x = weight(*shape)
        np.testing.assert_array_equal(loaded.run([x])["y"], fresh.run([x])["y"])


def test_sizes_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = symbolic_model([node("Concat", "x x", "y", axis=0)], {"x": ["n", "m"]}, ["y"])
    onnx.save(model, "a.onnx")
    assert cli.run(["compile", "a.onnx", "-o", "a.dove"]) == 2
    assert capsys.readouterr().err.splitlines()[0].endswith("; give --dim n=SIZE")
    assert cli.run(["compile", "a.onnx", "-o", "a.dove", "--dim", "n=2"]) == 0
    assert load("a.dove").inputs[0].shape == (2, "m")
    np.savez("x.npz", x=weight(2, 5))
    capsys.readouterr()
    assert cli.run(["run", "a.onnx", "--input", "x.npz", "--dim", "n=2"]) == 0
    assert capsys.readouterr().out.startswith("y: float32[4, 5] from ")
    assert cli.run(["run", "a.dove", "--input", "x.npz", "--dim", "m=5"]) == 2
    assert "a.dove: it is compiled already, --dim is for models" in capsys.readouterr().err
