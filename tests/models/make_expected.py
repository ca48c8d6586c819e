"""Makes `expected.npz`: what the light models compute with random weights, at full size.

python tests/models/make_expected.py        (tests/support on PYTHONPATH; about a minute)

The weights and the input come from NumPy's default_rng with the seeds of `light_models.py`, so the
file has nothing but the logits of each model. They are computed by ONNX's ReferenceEvaluator from
the model converted to opset 17, because for opset 9 it normalises batches as in training. Its LRN
computes as many channels as there are samples, so here it gets one that follows the operator's
specification.
"""

from pathlib import Path

import numpy as np
from light_models import NAMES, load_light_model, random_input, randomized
from onnx import version_converter
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

FILE = Path(__file__).with_name("expected.npz")


class LRN(OpRun):
    """Each channel divided by a power of the mean square of its neighbours."""

    def _run(self, x, alpha=None, beta=None, bias=None, size=None):
        low = (size - 1) // 2
        squares = np.zeros(x.shape, np.float64)
        for channel in range(x.shape[1]):
            near = x[:, max(0, channel - low) : channel - low + size]
            squares[:, channel] = np.square(near, dtype=np.float64).sum(axis=1)
        return ((x / (bias + alpha / size * squares) ** beta).astype(x.dtype),)


def expected(name: str) -> np.ndarray:
    """The logits of one model."""
    model = version_converter.convert_version(randomized(load_light_model(name)), 17)
    weights = {tensor.name for tensor in model.graph.initializer}
    (data,) = (value for value in model.graph.input if value.name not in weights)
    shape = tuple(extent.dim_value for extent in data.type.tensor_type.shape.dim)
    evaluator = ReferenceEvaluator(model, new_ops=[LRN])
    (result,) = evaluator.run(None, {data.name: random_input(shape)})
    return result


def main() -> None:
    np.savez_compressed(FILE, **{name: expected(name) for name in NAMES})


if __name__ == "__main__":
    main()
