"""The convolutions of ResNet-18, from tensor programs to results, with the default schedule."""

import pytest

from backends.vta.launch import run
from dovetail.measuring.convolutions import RESNET18, random_inputs, reference
from dovetail.measuring.vta_layers import compile_layer
from vta.config import Config

LAYERS = {layer.name: layer for layer in RESNET18}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_proven_and_equals_numpy(name):
    layer = LAYERS[name]
    program = compile_layer(layer, Config())
    x, w, b = random_inputs(layer)
    modes = ("fsim", "hls", "chisel") if layer.kernel == 1 and layer.stride == 2 else ("fsim",)
    expected = reference(layer, x, w, b)
    assert len(set(expected.ravel())) > 50
    for mode in modes:
        (found,), _ = run(program, [x, w, b, None], mode, "error", verified=True)
        assert (found == expected).all(), mode
