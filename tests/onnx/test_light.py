"""Two of the light models against their stored outputs; `light_models.py` runs all nine."""

import pytest
from light_models import run_light_model, run_randomized
from onnx_models import assert_close


@pytest.mark.parametrize("name", ["shufflenet", "squeezenet"])
def test_light_model(name):
    assert_close(*run_light_model(name))


@pytest.mark.parametrize(("name", "opset"), [("squeezenet", 9), ("shufflenet", 17)])
def test_light_model_with_random_weights(name, opset):
    assert_close(*run_randomized(name, opset))


@pytest.mark.parametrize("name", ["shufflenet", "squeezenet"])
def test_light_model_as_tensor_expressions(name):
    assert_close(*run_randomized(name, te=True))
