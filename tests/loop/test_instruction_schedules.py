"""The library computes reductions of narrow numbers by the instructions of the target.

Its schedules run in the interpreter and, where this machine has the instruction, natively; what
they leave to other schedules is right as well.
"""

import re
from functools import cache

import numpy as np
import pytest
from narrow_products import convolution, convolved, matmul, numbers, product, stored
from native import Machine, apply, execute, parse
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from backends.interpreter.buffers import pack, unpack
from backends.interpreter.loop import run_loop
from backends.llvm.machine import CodeGenerator
from backends.llvm.targets import module_text
from dialects.target import Target, TargetAttr
from dovetail.runtime.features import missing_features

CPUS = {"vnni": "znver4", "avx512bf16": "znver4", "amx": "sapphirerapids"}
FEATURES = {
    "vnni": ("avx512vnni",),
    "avx512bf16": ("avx512bf16",),
    "amx": ("amx-tile", "amx-int8", "amx-bf16"),
}
MATMULS = {
    "rows left over": ("vnni", "", (13, 48, 20, "u8s8")),
    "signs swapped": ("vnni", "", (6, 64, 8, "s8u8")),
    "bfloats": ("avx512bf16", "", (7, 32, 6, "bf16")),
    "tiles": ("amx", "", (48, 48, 64, "s8s8")),
    "tiles of 5 rows": ("amx", ' values="rows=5"', (15, 32, 64, "bf16")),
}
CONVOLUTIONS = {
    "vectors": ("vnni", "", (32, 32, 7, 3, "u8s8")),
    "vectors, strided": ("vnni", "", (16, 32, 9, 3, "u8s8", 2)),
    "tiles": ("amx", ' values="rows=14"', (64, 32, 14, 3, "s8s8")),
}
OTHERS = {
    "no whole vectors": ("vnni", "", (5, 40, 8, "u8s8")),
    "no whole groups": ("vnni", "", (5, 32, 6, "u8s8")),
    "two signed factors": ("vnni", "", (5, 32, 8, "s8s8")),
}


@cache
def scheduled(library: str, values: str, text: str) -> ModuleOp:
    """A function in the schedule of the library."""
    module = apply(parse(text), f'import-intrinsics{{library="{library}"{values}}}')
    target = Target("llvm", (("mcpu", CPUS[library]),))
    module.attributes["target"] = TargetAttr.of(target)
    return apply(module, "lower-te-to-loop,elide-halo-guards,schedule-kernels")


def calls(module: ModuleOp) -> set[str]:
    """The instructions that are called, and how."""
    return set(re.findall(r"loop\.intrinsic @(\w+ \"\w+\")", str(module)))


def check(module: ModuleOp, library: str, *factors: np.ndarray, expected: np.ndarray) -> None:
    """Compare what a module computes, in the interpreter and natively, with what it should."""
    (function,) = [op for op in module.ops if isinstance(op, FuncOp)]
    types = [argument.type for argument in function.body.block.args]
    arrays = [pack(stored(a), t) for a, t in zip(factors, types, strict=False)]
    result = pack(np.zeros_like(expected), types[-1])
    run_loop(function, [*arrays, result])
    np.testing.assert_array_equal(unpack(result, types[-1], {}), expected)
    if not missing_features(FEATURES[library]):
        machine = Machine(module)
        got = execute(machine, *map(stored, factors), threads=2)
        np.testing.assert_array_equal(got[0], expected)


@pytest.mark.parametrize("name", MATMULS)
def test_matmul(name):
    library, values, (m, n, k, kind) = MATMULS[name]
    module = scheduled(library, values, matmul(m, n, k, kind, "{dovetail.weight}"))
    assert any(call.endswith('"update"') for call in calls(module))
    a, b = numbers(kind, 0, m, k), numbers(kind, 1, k, n)
    check(module, library, a, b, expected=product(a, b))


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name):
    library, values, (ic, oc, size, kernel, kind, *step) = CONVOLUTIONS[name]
    module = scheduled(library, values, convolution(ic, oc, size, kernel, kind, *step))
    assert any(call.endswith('"update"') for call in calls(module))
    x, w = numbers(kind, 0, 1, ic, size, size), numbers(kind, 1, oc, ic, kernel, kernel)
    check(module, library, x, w, expected=convolved(x, w, *step))


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_left_to_other_schedules(name):
    library, values, (m, n, k, kind) = OTHERS[name]
    module = scheduled(library, values, matmul(m, n, k, kind, "{dovetail.weight}"))
    assert not calls(module)
    a, b = numbers(kind, 0, m, k), numbers(kind, 1, k, n)
    check(module, library, a, b, expected=product(a, b))


def test_a_product_that_cannot_be_laid_out_is_left():
    """Without a mark, the second factor stays in rows, where its pairs are not neighbours."""
    assert not calls(scheduled("vnni", "", matmul(6, 32, 8, "u8s8")))


def test_another_processor_has_no_calls():
    module = apply(
        parse(matmul(6, 32, 8, "u8s8", "{dovetail.weight}")), "import-intrinsics{library=vnni}"
    )
    module.attributes["target"] = TargetAttr.of(Target.parse("llvm -mcpu=x86-64-v3"))
    assert not calls(apply(module, "lower-te-to-loop,schedule-kernels"))


@pytest.mark.parametrize("text", [matmul(64, 64, 128, "s8s8", "{dovetail.weight}"),
                                  convolution(64, 32, 28, 3, "s8s8")])  # fmt: skip
def test_tiles_of_the_library_stay_in_registers(text):
    values = ' values="rows=14"' if "convolution" in text else ""
    module = scheduled("amx", values, text)
    target = Target.parse("llvm -mcpu=sapphirerapids")
    code = CodeGenerator.of(target).assembly(module_text(module))
    ops = re.findall(r"^\s+(tile\w+|tdp\w+)", code, re.MULTILINE)
    assert {op: ops.count(op) for op in ops} == {
        "tilezero": 4, "tileloadd": 4, "tdpbssd": 4, "tilestored": 4, "tilerelease": 1
    }  # fmt: skip
