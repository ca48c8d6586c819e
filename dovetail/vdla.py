"""vdla, an accelerator made up for examples: its memories and instructions for schedules.

    CL = s.cache_write(C, vdla.acc_buffer)
    s[CL].tensorize(yi, vdla.gemm8x8)

What it is as a target stands in backends/vdla.py; its instructions are the library `vdla` of
import-intrinsics (passes/te/intrinsics/vdla.mlir).
"""

from dialects.target import Target
from dovetail.te.intrinsics import MemoryScope, TensorIntrinsic

TARGET = Target("vdla")

inp_buffer = MemoryScope("inp_buffer", TARGET)
acc_buffer = MemoryScope("acc_buffer", TARGET)

gemm8x8, fill_zero, fused_gemm8x8_add, dma_copy2d = (
    TensorIntrinsic(name, "vdla", TARGET)
    for name in ("gemm8x8", "fill_zero", "fused_gemm8x8_add", "dma_copy2d")
)
fuse_gemm8x8_add = fused_gemm8x8_add
"""Another spelling of the same call."""
