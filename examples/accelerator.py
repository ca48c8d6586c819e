"""A matrix product on accelerators, step by step; then int8 kernels in VTA's simulator, in cycles.

The first part is a schedule of the example accelerator vdla, as its listings. The second compiles a
matrix product and a convolution of ResNet-18 for VTA, proves their streams, runs them, and compares
results with NumPy bit by bit. Cycles are counted for two virtual threads, whose loads hide behind
the other's computations, and for the same tiles one after the other.
"""

import sys
import time
from dataclasses import replace

import numpy as np

import dovetail as t
from backends.vta.launch import run
from dovetail import vdla
from dovetail.measuring import convolutions, matmuls
from dovetail.measuring.vta_layers import compile_program, cycles, loops_of
from dovetail.te import Schedule
from passes.loop.insert_dependence_tokens import InsertDependenceTokensPass
from passes.loop.library.accelerator import default_tiling
from vta.config import Config
from vta.timing import PRESETS


def show(title: str, schedule: Schedule) -> None:
    print(f"\n{title}\n\n{t.listing(schedule).rpartition(chr(10) * 2)[2]}")


def listings() -> None:
    """The matrix product of the talks on TVM, from naive loops to tokens."""
    A = t.placeholder((1024, 1024))
    B = t.placeholder((1024, 1024))
    k = t.reduce_axis((0, 1024))
    C = t.compute((1024, 1024), lambda y, x: t.sum(A[k, y] * B[k, x], axis=k))
    s = t.create_schedule(C.op)
    show("A matrix product:", s)
    y, x = s[C].op.axis
    _, xo, ko, yi, _, _ = s[C].tile(y, x, k, 8, 8, 8)
    show("in tiles of 8 x 8 x 8:", s)
    CL = s.cache_write(C, vdla.acc_buffer)
    AL, BL = s.cache_read(A, vdla.inp_buffer), s.cache_read(B, vdla.inp_buffer)
    s[CL].compute_at(s[C], xo)
    s[AL].compute_at(s[CL], ko)
    s[BL].compute_at(s[CL], ko)
    s[CL].tensorize(yi, vdla.gemm8x8)
    show("in the memories of an accelerator, by its instructions:", s)
    s.apply(InsertDependenceTokensPass())
    show("with the tokens that let its units run side by side:", s)
    print(f"\nAll of it is a pipeline of passes:\n\n{s}")


def simulate(name: str, text: str, arrays: list[np.ndarray], expected: np.ndarray) -> bool:
    """Compile a kernel, prove and run it, and print its cycles."""
    start = time.perf_counter()
    config, preset = Config(), PRESETS["hls"]
    tiling = default_tiling(loops_of(text, config)[1])
    compiled = compile_program(text, config, tiling)
    alone = compile_program(text, config, replace(tiling, thread=None))
    (found,), stats = run(compiled, [*arrays, None], verified=True)
    equal = np.array_equal(found, expected)
    hidden, serial = cycles(compiled, preset), cycles(alone, preset, serial=True)
    print(
        f"{name}: {stats.instructions} instructions, proven and run in "
        f"{time.perf_counter() - start:.1f} s; "
        f"{'equal to NumPy' if equal else 'NOT what NumPy computes'}"
    )
    print(
        f"  {hidden:,} cycles; {serial:,} without latency hiding, {serial / hidden:.2f} times that"
    )
    return equal


def kernels() -> bool:
    """A matrix product and a convolution with their epilogues, on VTA."""
    print("\nOn VTA, int8, with shift, bias, rectification and saturation:\n")
    product = matmuls.Matmul(256, 256, 256)
    a, b, bias = matmuls.random_inputs(product)
    text, expected = matmuls.program(product), matmuls.reference(a, b, bias)
    done = [simulate(f"matrix product {product.name}", text, [a, b, bias], expected)]
    layer = next(layer for layer in convolutions.RESNET18 if layer.name == "C9")
    x, w, bias = convolutions.random_inputs(layer)
    text, expected = convolutions.program(layer), convolutions.reference(layer, x, w, bias)
    done.append(simulate(f"convolution {layer.name}", text, [x, w, bias], expected))
    return all(done)


if __name__ == "__main__":
    listings()
    sys.exit(0 if kernels() else 1)
