"""The programs that Dovetail is compared with: each computes the same model in this process."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from analysis.errors import UserError, nearest
from dovetail.runtime.buffers import Array

Contender = Callable[[], list[Array]]
"""One inference on fixed inputs; returns the outputs in order."""


def onnxruntime(model: Path, inputs: Mapping[str, Array], threads: int) -> Contender:
    """ONNX Runtime in float32, with its default optimisations."""
    library = import_module("onnxruntime")
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = library.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    feeds = dict(inputs)
    return lambda: session.run(None, feeds)


def openvino(model: Path, inputs: Mapping[str, Array], threads: int) -> Contender:
    """OpenVINO in float32 (its default on processors with AMX is bfloat16)."""
    core = import_module("openvino").Core()
    options = {
        "INFERENCE_NUM_THREADS": str(threads),
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = core.compile_model(str(model), "CPU", options)
    request = compiled.create_infer_request()
    feeds = dict(inputs)

    def infer() -> list[Array]:
        results = request.infer(feeds)
        return [results[i] for i in range(len(compiled.outputs))]

    return infer


PEERS: Mapping[str, Callable[[Path, Mapping[str, Array], int], Contender]] = MappingProxyType(
    {"onnxruntime": onnxruntime, "openvino": openvino}
)


def check_peer(name: str) -> None:
    """Refuse a peer that is not known or not installed."""
    if name not in PEERS:
        raise UserError(f"--against {name}: no such peer: {nearest(name, PEERS)}")
    if find_spec(name) is None:
        raise UserError(
            f"--against {name}: it is not installed: python -m pip install 'dovetail[bench]'"
        )
