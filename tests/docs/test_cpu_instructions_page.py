"""docs/cpu-instructions.md: its instruction is found in its program, and computes what it says."""

import re
from pathlib import Path

import numpy as np
from native import Machine, execute, transformed
from xdsl.dialects.func import FuncOp

from backends.interpreter.buffers import pack
from backends.interpreter.loop import run_loop

PAGE = (Path(__file__).parents[2] / "docs" / "cpu-instructions.md").read_text()
DECLARATION, PROGRAM = re.findall(r"```mlir\n(.*?)```", PAGE, re.DOTALL)
PIPELINE, PADDED = re.findall(r"```pipeline\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_computes_the_product():
    rng = np.random.default_rng(0)
    a = rng.integers(-(2**15), 2**15, (7, 10), np.int16)
    b = rng.integers(-(2**15), 2**15, (10, 12), np.int16)
    expected = a.astype(np.int32) @ b.astype(np.int32)
    module = transformed(DECLARATION + PROGRAM, PIPELINE)
    machine = Machine(module)
    assert machine.ir.count('call void @"dot2x4.update"(') == 3 + 1
    np.testing.assert_array_equal(execute(machine, a, b)[0], expected)
    (function,) = [op for op in module.ops if isinstance(op, FuncOp)]
    c = np.zeros((7, 12), np.int32)
    run_loop(function, [a, pack(b, function.body.block.args[1].type), c])
    np.testing.assert_array_equal(c, expected)
    loops = transformed(DECLARATION + PROGRAM, f"{PIPELINE},expand-intrinsics")
    assert "loop.intrinsic" not in str(loops)
    np.testing.assert_array_equal(execute(Machine(loops), a, b)[0], expected)


def test_sizes_that_the_instruction_does_not_divide():
    rng = np.random.default_rng(0)
    a = rng.integers(-(2**15), 2**15, (7, 9), np.int16)
    b = rng.integers(-(2**15), 2**15, (9, 11), np.int16)
    expected = a.astype(np.int32) @ b.astype(np.int32)
    odd = re.sub(r"\b10\b", "9", PROGRAM.replace("x10x", "x9x").replace("<10x", "<9x"))
    odd = odd.replace("x12x", "x11x").replace("to 12", "to 11")
    module = transformed(DECLARATION + odd, PADDED)
    assert "loop.intrinsic @dot2x4" in str(module)
    np.testing.assert_array_equal(execute(Machine(module), a, b)[0], expected)
    (function,) = [op for op in module.ops if isinstance(op, FuncOp)]
    c = np.zeros((7, 11), np.int32)
    run_loop(function, [a, b, c])
    np.testing.assert_array_equal(c, expected)
