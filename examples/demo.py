"""Compiles ResNet-50 (the export that ships with onnx), runs it, and checks what comes out."""

import sys
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from dovetail.compiler import compile_model

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NAME = "light_resnet50"
ROUNDS = 20


def stored_output() -> np.ndarray:
    """The output that ships with the model."""
    tensor = onnx.TensorProto()
    tensor.ParseFromString((FOLDER / f"{NAME}_output_0.pb").read_bytes())
    return numpy_helper.to_array(tensor)


def main() -> int:
    start = time.perf_counter()
    compiled = compile_model(FOLDER / f"{NAME}.onnx", progress=report)
    program = compiled.program()
    (data,) = program.inputs
    shape = [extent for extent in data.shape if isinstance(extent, int)]
    count = int(np.prod(shape))
    image = (np.arange(count).reshape(shape) / count).astype(np.float32)
    outputs = program.run({data.name: image})
    print(
        f"{NAME}: compiled and first run in {time.perf_counter() - start:.1f} s, "
        f"{len(compiled.kernels)} kernels, {len(compiled.calls)} calls"
    )
    (result,) = outputs.values()
    expected = stored_output()
    error = float(np.abs(result - expected).max())
    bound = 1e-4 * float(np.abs(expected).max()) + 1e-6
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        program.run({data.name: image})
        times.append(1e3 * (time.perf_counter() - start))
    print(
        f"latency on {program.threads} threads: min {min(times):.1f} ms, "
        f"median {sorted(times)[ROUNDS // 2]:.1f} ms"
    )
    print(f"largest difference from the stored output: {error:.2g} (allowed: {bound:.2g})")
    return 0 if error <= bound else 1


def report(done: int, total: int) -> None:
    print(f"\rkernels: {done}/{total}", end="\n" * (done == total), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
