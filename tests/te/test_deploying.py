"""Building and deploying a network, as the talks write it, with an ONNX model."""

import numpy as np
import onnx.reference
import pytest
from small_network import small_network

import dovetail as t
from analysis.errors import UserError

data_array = np.random.default_rng(5).standard_normal((1, 3, 8, 8)).astype(np.float32)
out_shape = (1, 10)


def network():
    """The small network, with an input of the talks' name."""
    model = small_network()
    model.graph.input[0].name = "data"
    for node in model.graph.node:
        node.input[:] = ["data" if name == "x" else name for name in node.input]
    return model


def reference(model):
    return onnx.reference.ReferenceEvaluator(model).run(None, {"data": data_array})[0]


def test_a_network_is_built_and_run():
    onnx_model = network()
    graph, params = t.frontend.from_onnx(onnx_model)
    target = t.target.llvm()
    graph, lib, params = t.compiler.build(graph, target, params)
    module = t.runtime.create(graph, lib, t.cpu(0))
    module.set_input(**params)
    module.run(data=data_array)
    output = t.nd.empty(out_shape, ctx=t.cpu(0))
    module.get_output(0, output)
    np.testing.assert_allclose(output, reference(onnx_model), rtol=1e-4, atol=1e-6)


def test_weights_can_be_replaced():
    model = network()
    graph, params = t.frontend.from_onnx(model)
    assert params["h"].shape == (10,)
    params["h"] = params["h"] + np.arange(10, dtype=np.float32)
    (weight,) = (w for w in model.graph.initializer if w.name == "h")
    weight.CopyFrom(onnx.numpy_helper.from_array(params["h"], "h"))
    _, lib, _ = t.compiler.build(graph, t.target.llvm(num_threads=1), params)
    module = t.runtime.create(graph, lib)
    module.run(data=data_array)
    np.testing.assert_allclose(module.get_output(0), reference(model), rtol=1e-4, atol=1e-6)


def test_mistakes():
    graph, params = t.frontend.from_onnx(network())
    _, lib, _ = t.compiler.build(graph, t.target.llvm(num_threads=1))
    module = t.runtime.create(graph, lib)
    cpu = t.cpu(1)
    mistakes = {
        "there are no outputs before the first run": lambda: module.get_output(0),
        "no input is called 'x': there are: data": lambda: module.run(x=data_array),
        "there is no device cpu(1); this runtime has cpu(0)": lambda: t.nd.empty((1,), ctx=cpu),
        "no weight is called 'hh': did you mean h?": lambda: t.compiler.build(
            graph, t.target.llvm(), {"hh": params["h"]}
        ),
        "weight 'h' is tensor<10xf32>, not tensor<9xf32>": lambda: t.compiler.build(
            graph, t.target.llvm(), {"h": params["h"][:9]}
        ),
    }
    for message, make in mistakes.items():
        with pytest.raises(UserError) as caught:
            make()
        assert caught.value.message.startswith(message)
    module.run(data=data_array)
    with pytest.raises(UserError, match="there is no output 1: the outputs are y"):
        module.get_output(1)
    with pytest.raises(UserError, match=r"output 'y' is float32\[1, 10\], the array for"):
        module.get_output(0, t.nd.empty((10,)))
