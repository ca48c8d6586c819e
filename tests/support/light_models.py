"""Runs the light models of the onnx wheel on the interpreter, all or those named.

python tests/support/light_models.py [--random] [squeezenet resnet50 ...]

With --random the weights are random, and the outputs are compared with ONNX's evaluator,
which normalises one channel only for LRN (alexnet, inception_v1, zfnet512).
"""

import sys
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, version_converter
from onnx.reference import ReferenceEvaluator
from onnx_models import lower_to_te, main_function
from xdsl.context import Context

from backends.interpreter.graph import run_graph
from dovetail.frontend.onnx import import_model
from dovetail.frontend.random_weights import random_weights
from passes.graph.fold_batch_norm import FoldBatchNormPass
from passes.graph.fold_constants import FoldConstantsPass

NAMES = (
    "bvlc_alexnet",
    "densenet121",
    "inception_v1",
    "inception_v2",
    "resnet50",
    "shufflenet",
    "squeezenet",
    "vgg19",
    "zfnet512",
)
FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def stored_input(shape) -> np.ndarray:
    """The input behind the stored outputs, as onnx.backend.test.runner makes it."""
    count = int(np.prod(shape))
    return (np.arange(count).reshape(shape) / count).astype(np.float32)


def logits(model: onnx.ModelProto) -> str:
    """The tensor that the last softmax gets, which hides all but its largest values."""
    last = model.graph.node[-1]
    return last.input[0] if last.op_type == "Softmax" else model.graph.output[0].name


def with_logits(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its logits as one more output, after the one it has."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    if changed.graph.node[-1].op_type == "Softmax":
        changed.graph.output.append(helper.make_empty_tensor_value_info(logits(model)))
    return changed


def randomized(model: onnx.ModelProto, seed: int = 0) -> onnx.ModelProto:
    """The model with random weights; its output is the logits."""
    changed = random_weights(model, seed)
    if changed.graph.node[-1].op_type == "Softmax":
        changed.graph.output[0].CopyFrom(helper.make_empty_tensor_value_info(logits(changed)))
        changed.graph.node.pop()
    return changed


def random_input(shape: tuple[int, ...]) -> np.ndarray:
    """The input for random weights."""
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def stored_output(name: str) -> np.ndarray:
    """The output that the wheel has for the constant weights."""
    proto = onnx.TensorProto()
    proto.ParseFromString((FOLDER / f"light_{name}_output_0.pb").read_bytes())
    return numpy_helper.to_array(proto)


def load_light_model(name: str) -> onnx.ModelProto:
    return onnx.load(FOLDER / f"light_{name}.onnx")


def run_randomized(name: str, opset: int = 9, te: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """What the interpreter and ONNX's evaluator compute with random weights.

    With `te` the network is folded and lowered first. The evaluator gets the model converted to
    opset 17: for opset 9 it normalises batches as in training and has no flattening softmax.
    """
    model = randomized(load_light_model(name))
    converted = version_converter.convert_version(model, 17)
    module = import_model(model if opset == 9 else converted)
    if te:
        for cls in (FoldConstantsPass, FoldBatchNormPass):
            cls().apply(Context(), module)
        lower_to_te(module)
    function = main_function(module)
    x = random_input(function.args[0].type.get_shape())
    inputs = {str(function.arg_attrs.data[0].data["dovetail.name"].data): x}
    (expected,) = ReferenceEvaluator(converted).run(None, inputs)
    return run_graph(function, [x])[0], expected


def run_light_model(name: str) -> tuple[np.ndarray, np.ndarray]:
    """What the interpreter computes and what the wheel says."""
    module = import_model(FOLDER / f"light_{name}.onnx")
    module.verify()
    function = main_function(module)
    (result,) = run_graph(function, [stored_input(function.args[0].type.get_shape())])
    return result, stored_output(name)


def main() -> None:
    names = [name for name in sys.argv[1:] if name != "--random"]
    run = run_randomized if "--random" in sys.argv else run_light_model
    for name in names or NAMES:
        start = time.perf_counter()
        result, expected = run(name)
        error = np.max(np.abs(result - expected)) / np.max(np.abs(expected))
        print(f"{name:16} {time.perf_counter() - start:6.1f} s  relative error {error:.1e}")


if __name__ == "__main__":
    main()
