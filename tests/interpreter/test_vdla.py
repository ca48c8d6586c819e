"""The instructions of the library vdla compute what their names say."""

import numpy as np
import pytest
from parse import parse_module
from xdsl.context import Context
from xdsl.traits import SymbolTable

from backends.interpreter.te import run_block
from passes.te.import_intrinsics import ImportIntrinsicsPass

rng = np.random.default_rng(0)
C, A, B = (rng.integers(-8, 9, (8, 8)).astype(np.float32) for _ in range(3))


@pytest.fixture(scope="module")
def library():
    module = parse_module("builtin.module {}")
    ImportIntrinsicsPass("vdla").apply(Context(), module)
    module.verify()
    return module


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        ("gemm8x8", (A, B), A.T @ B),
        ("fill_zero", (), np.zeros((8, 8))),
        ("fused_gemm8x8_add", (C, A, B), C + A.T @ B),
        ("dma_copy2d", (A,), A),
    ],
)
def test_instruction(library, name, inputs, expected):
    declared = SymbolTable.lookup_symbol(library, name)
    (found,) = run_block(declared.behaviour.block, inputs, {})
    assert np.array_equal(found, expected)
