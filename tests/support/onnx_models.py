"""Small ONNX models, and what they should compute according to ONNX's own evaluator."""

import numpy as np
import onnx
import pytest
from native_models import run_native
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from xdsl.context import Context
from xdsl.dialects.func import FuncOp

from analysis.errors import UnsupportedError
from backends.interpreter.graph import run_graph
from dovetail.frontend.onnx import import_model
from passes.graph.fuse_operators import FuseOperatorsPass
from passes.graph.lower_graph_to_te import LowerGraphToTePass


def main_function(module) -> FuncOp:
    return next(op for op in module.ops if isinstance(op, FuncOp) and op.sym_name.data == "main")


def value_info(name, array):
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor_value_info(name, kind, array.shape)


def make_model(nodes, inputs, outputs, constants=(), opset=21) -> onnx.ModelProto:
    """A model of `nodes`; `inputs` and `constants` are arrays by name, `outputs` are names."""
    graph = helper.make_graph(
        nodes,
        "test",
        [value_info(name, array) for name, array in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in dict(constants).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def assert_close(actual, expected):
    """Exact for whole numbers, 1e-4 of the largest expected value for floats."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if expected.dtype.kind not in "f":
        np.testing.assert_array_equal(actual, expected)
        return
    bound = 1e-4 * np.max(np.abs(expected), initial=0) + 1e-6
    np.testing.assert_allclose(actual, expected, rtol=0, atol=bound)


def lower_to_te(module):
    """The network as kernels of tensor expressions."""
    for cls in (FuseOperatorsPass, LowerGraphToTePass):
        cls().apply(Context(), module)
        module.verify()


def check_model(model, inputs, te=True):
    """The imported model computes on the interpreter what the reference evaluator says.

    So do its tensor expressions, unless `te` is False: then the lowering refuses it.
    """
    expected = ReferenceEvaluator(model).run(None, dict(inputs))
    module = import_model(model)
    module.verify()
    text = str(module)
    for level in ("graph", "te"):
        if level == "te" and not te:
            with pytest.raises(UnsupportedError, match="lower-graph-to-te"):
                lower_to_te(module)
            break
        if level == "te":
            lower_to_te(module)
        actual = run_graph(main_function(module), list(inputs.values()))
        assert_all_close(actual, expected)
    if te:
        assert_all_close(run_native(model, inputs), expected)
    return text


def assert_all_close(actual, expected):
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert_close(a, np.asarray(e))
