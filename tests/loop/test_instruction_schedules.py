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
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp

from backends.interpreter.buffers import pack, unpack
from backends.interpreter.loop import run_loop
from backends.llvm.host import is_x86
from backends.llvm.machine import CodeGenerator
from backends.llvm.targets import module_text
from dialects.target import Target, TargetAttr
from dovetail.runtime.features import missing_features
from passes.loop.schedule_kernels import SCHEDULE

pytestmark = pytest.mark.skipif(not is_x86(), reason="LLVM compiles for another processor here")

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
    "tiles": ("amx", ' values="rows=7"', (64, 32, 7, 3, "s8s8")),
}
PADDED = {
    "bytes, every size odd": ("vnni", "", (33, 50, 35, "u8s8")),
    "signs swapped, every size odd": ("vnni", "", (7, 21, 13, "s8u8")),
    "bfloats, every size odd": ("avx512bf16", "", (33, 50, 35, "bf16")),
    "no whole vectors": ("vnni", "", (5, 40, 8, "u8s8")),
    "no whole groups": ("vnni", "", (5, 32, 6, "u8s8")),
    "tiles, every size odd": ("amx", "", (33, 50, 35, "s8s8")),
}
OTHERS = {
    "two signed factors": ("vnni", "", (5, 32, 8, "s8s8")),
    "hardly any results": ("vnni", "", (33, 3, 35, "u8s8")),
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


@pytest.mark.parametrize("mark", ["", "{dovetail.weight}"])
@pytest.mark.parametrize("name", PADDED)
def test_padded_to_whole_instructions(name, mark):
    library, values, (m, n, k, kind) = PADDED[name]
    module = scheduled(library, values, matmul(m, n, k, kind, mark))
    assert any(call.endswith('"update"') for call in calls(module))
    a, b = numbers(kind, 0, m, k), numbers(kind, 1, k, n)
    check(module, library, a, b, expected=product(a, b))


ROWS = """
!rows = tensor<?x24xi8, #loop.layout<["m", 24]>>
!sums = tensor<?x48xi32, #loop.layout<["m", 48]>>
func.func @matmul(%A: !rows, %B: tensor<24x48xi8> {dovetail.weight}) -> !sums {
  %m = te.dim "m"
  %C = te.compute "C" (%y = 0 to %m, %x = 0 to 48) sum (%k = 0 to 24) {
    %a = te.read %A[%y, %k] : !rows
    %b = te.read %B[%k, %x] : tensor<24x48xi8>
    %aw = arith.extui %a : i8 to i32
    %bw = arith.extsi %b : i8 to i32
    %p = arith.muli %aw, %bw : i32
    te.yield %p : i32
  } : !sums
  func.return %C : !sums
}
"""


def test_any_number_of_rows():
    module = scheduled("vnni", "", ROWS)
    assert calls(module) == {'vpdpbusd "update"'}
    if missing := missing_features(FEATURES["vnni"]):
        pytest.skip(f"this machine has no {', '.join(missing)}")
    machine = Machine(module)
    for rows in (1, 6, 13, 40):
        a, b = numbers("u8s8", 0, rows, 24), numbers("u8s8", 1, 24, 48)
        got = execute(machine, stored(a), stored(b))
        np.testing.assert_array_equal(got[0], product(a, b))


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_left_to_other_schedules(name):
    library, values, (m, n, k, kind) = OTHERS[name]
    module = scheduled(library, values, matmul(m, n, k, kind, "{dovetail.weight}"))
    assert not calls(module)
    a, b = numbers(kind, 0, m, k), numbers(kind, 1, k, n)
    check(module, library, a, b, expected=product(a, b))


@pytest.mark.parametrize(("library", "kind"), [("vnni", "u8s8"), ("amx", "s8s8")])
def test_a_factor_is_packed_where_it_pays(library, kind):
    """Without a mark, the second factor comes in rows, where its groups are not neighbours."""
    assert not calls(scheduled(library, "", matmul(32, 32, 64, kind)))
    module = scheduled(library, "", matmul(80, 32, 64, kind))
    assert calls(module) and "%B_packed" in str(module)
    a, b = numbers(kind, 0, 80, 64), numbers(kind, 1, 64, 32)
    check(module, library, a, b, expected=product(a, b))


def test_another_processor_has_no_calls():
    module = apply(
        parse(matmul(6, 32, 8, "u8s8", "{dovetail.weight}")), "import-intrinsics{library=vnni}"
    )
    module.attributes["target"] = TargetAttr.of(Target.parse("llvm -mcpu=x86-64-v3"))
    assert not calls(apply(module, "lower-te-to-loop,schedule-kernels"))


REQUANTISED = """
func.func @f(%A: tensor<13x24xi8>, %B: tensor<24x48xi8> {dovetail.weight},
             %D: tensor<48xi32> {dovetail.weight}) -> tensor<13x48xi8> {
  %C = te.compute "C" (%y = 0 to 13, %x = 0 to 48) sum (%k = 0 to 24) {
    %a = te.read %A[%y, %k] : tensor<13x24xi8>
    %b = te.read %B[%k, %x] : tensor<24x48xi8>
    %aw = arith.extui %a : i8 to i32
    %bw = arith.extsi %b : i8 to i32
    %p = arith.muli %bw, %aw : i32
    te.yield %p : i32
  } : tensor<13x48xi32>
  %O = te.compute "O" (%y = 0 to 13, %x = 0 to 48) {
    %c = te.read %C[%y, %x] : tensor<13x48xi32>
    %d = te.read %D[%x] : tensor<48xi32>
    %s = arith.addi %c, %d : i32
    %eight = arith.constant 8 : i32
    %t = arith.shrsi %s, %eight : i32
    %low = arith.constant -128 : i32
    %high = arith.constant 127 : i32
    %u = arith.maxsi %t, %low : i32
    %v = arith.minsi %u, %high : i32
    %w = arith.trunci %v : i32 to i8
    te.yield %w : i8
  } : tensor<13x48xi8>
  func.return %O : tensor<13x48xi8>
}
"""


@pytest.mark.parametrize("library", ["vnni", "amx"])
def test_what_follows_a_sum(library):
    """It is computed from registers behind a sum in vectors, from memory behind one in tiles."""
    module = scheduled(library, "", REQUANTISED)
    assert calls(module)
    a, b = numbers("u8s8", 0, 13, 24), numbers("u8s8", 1, 24, 48)
    d = np.arange(48, dtype=np.int32) * 1000 - 20000
    expected = np.clip((product(a, b) + d) >> 8, -128, 127).astype(np.int8)
    check(module, library, a, b, d, expected=expected)


def test_the_record_replays():
    """What a schedule records makes the same loops, after the library that it uses."""
    text = matmul(13, 48, 20, "u8s8", "{dovetail.weight}")
    module = scheduled("vnni", "", text)
    (function,) = [op for op in module.ops if isinstance(op, FuncOp)]
    record = function.attributes[SCHEDULE]
    assert isinstance(record, StringAttr)
    again = apply(parse(text), "import-intrinsics{library=vnni},lower-te-to-loop," + record.data)
    (replayed,) = [op for op in again.ops if isinstance(op, FuncOp)]
    replayed.attributes[SCHEDULE] = record
    assert str(replayed) == str(function)


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
