"""The accelerator's part of `make demo` prints its listings, and computes what NumPy does."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_accelerator_demo():
    program = [sys.executable, ROOT / "examples" / "accelerator.py"]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    steps = ("C[y, x] += ", "C[y_o*8 + y_i, x_o*8 + x_i] += ", "vdla.fused_gemm8x8_add(CL, AL, BL)")
    for line in (*steps, "ld.pop_dep_from(ex)", "convolution C9"):
        assert line in done.stdout
    assert done.stdout.count("equal to NumPy") == 2
