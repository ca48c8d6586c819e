"""The light models of the onnx wheel as native code.

With random weights, converted to opset 17, all nine must give the logits in `expected.npz`, which
`make_expected.py` makes. As shipped, with constant weights and at their old opsets, they must give
the stored outputs. Weights are inputs of the code, so both forms have the same machine
code, which is compiled once.
"""

from pathlib import Path

import numpy as np
import pytest
from light_models import (
    NAMES,
    load_light_model,
    random_input,
    random_weights,
    stored_input,
    stored_output,
    with_logits,
)
from onnx import version_converter
from onnx_models import assert_close

from backends.llvm.cache import ObjectCache
from dovetail.compiler import compile_model
from dovetail.frontend.onnx import import_model
from dovetail.program import CompiledModel

EXPECTED = np.load(Path(__file__).with_name("expected.npz"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> ObjectCache:
    return ObjectCache(tmp_path_factory.mktemp("objects"))


def run(model: CompiledModel, inputs) -> list[np.ndarray]:
    (x,) = model.inputs
    return list(model.program(1).run([inputs(x.shape)]).values())


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x.reshape(1, -1) - x.max())
    return (powers / powers.sum()).reshape(x.shape)


@pytest.mark.parametrize("name", NAMES)
def test_random_weights(name, cache):
    converted = version_converter.convert_version(with_logits(load_light_model(name)), 17)
    module = import_model(random_weights(converted))
    *probabilities, logits = run(compile_model(module, cache=cache), random_input)
    assert_close(logits, EXPECTED[name])
    for result in probabilities:
        assert_close(result, softmax(EXPECTED[name]))


@pytest.mark.parametrize("name", NAMES)
def test_constant_weights(name, cache):
    module = import_model(with_logits(load_light_model(name)))
    result = run(compile_model(module, cache=cache), stored_input)[0]
    assert_close(result, stored_output(name))
