"""Products of narrow numbers through the tensor instructions of CPUs.

Each schedule runs in the interpreter, as loops that any machine runs, and, where this machine has
the instruction, natively. AMX is also compiled for a processor that has it, and its assembly read.
"""

import platform
import re

import numpy as np
import pytest
from narrow_products import matmul, numbers, product, stored
from native import Machine, execute, transformed
from xdsl.dialects.func import FuncOp

from backends.interpreter.buffers import pack
from backends.interpreter.loop import run_loop
from backends.llvm.host import is_x86
from backends.llvm.machine import CodeGenerator
from backends.llvm.targets import module_text
from dialects.target import Target, TargetAttr
from dovetail.runtime.features import check_machine, missing_features


def vectors(library: str, instruction: str, per: int) -> str:
    """A schedule by an instruction with 16 sums of `per` products: a tile of 3 x 32 in registers"""
    return f"""
    import-intrinsics{{library="{library}"}}, lower-te-to-loop,
    transform-layout{{buffer="B" map="(k, x) -> (k floordiv {per}, x, k mod {per})"}},
    split-loop{{loop="y" factor=3}},
    split-loop{{loop="x" factor=32}}, split-loop{{loop="x_i" factor=16 names="x_r","x_v"}},
    split-loop{{loop="k" factor={per}}},
    reorder-loops{{loops="x_o","y_o","k_o","y_i","x_r","x_v","k_i"}},
    unroll-loop{{loop="y_i"}}, unroll-loop{{loop="x_r"}}, vectorize-loop{{loop="x_v"}},
    decompose-reduction{{block="C" loop="k_o"}},
    promote-memory-scope{{buffer="C" scope="register" at="y_o"}},
    tensorize{{block="C" intrinsic="{instruction}"}},
    peel-loop{{loop="y_o"}}
    """


def tiles(rows: int, kind: str) -> str:
    """A schedule by AMX: 2 x 2 tiles of results, and two of each factor, in registers."""
    dot, element, wide, per = {
        "s8s8": ("tdpbssd", "i8", "i32", 4),
        "u8s8": ("tdpbusd", "i8", "i32", 4),
        "bf16": ("tdpbf16ps", "bf16", "f32", 2),
    }[kind]
    groups = f"(k, x) -> (x floordiv 16, k floordiv {per}, x mod 16, k mod {per})"
    return f"""
    import-intrinsics{{library="amx" values="rows={rows}"}}, lower-te-to-loop,
    transform-layout{{buffer="B" map="{groups}"}},
    split-loop{{loop="y" factor={2 * rows}}},
    split-loop{{loop="y_i" factor={rows} names="y_r","y_t"}},
    split-loop{{loop="x" factor=32}}, split-loop{{loop="x_i" factor=16 names="x_r","x_t"}},
    split-loop{{loop="k" factor={16 * per}}},
    split-loop{{loop="k_i" factor={per} names="k_g","k_t"}},
    reorder-loops{{loops="x_o","y_o","k_o","y_r","x_r","y_t","x_t","k_g","k_t"}},
    unroll-loop{{loop="y_r"}}, unroll-loop{{loop="x_r"}},
    decompose-reduction{{block="C" loop="k_o"}},
    promote-memory-scope{{buffer="C" scope="register" at="y_o"}},
    transform-layout{{buffer="C_register"
      map="(y, x) -> (y floordiv {rows}, x floordiv 16, y mod {rows}, x mod 16)"}},
    promote-memory-scope{{buffer="A" scope="register" at="k_o"}},
    promote-memory-scope{{buffer="B" scope="register" at="k_o"}},
    transform-layout{{buffer="B_register" map="{groups}"}},
    split-loop{{loop="A_register_in_d0" factor={rows}}}, unroll-loop{{loop="A_register_in_d0_o"}},
    split-loop{{loop="A_register_in_d1" factor={per}}},
    split-loop{{loop="B_register_in_d0" factor={per}}},
    split-loop{{loop="B_register_in_d1" factor=16}},
    reorder-loops{{loops="B_register_in_d1_o","B_register_in_d0_o","B_register_in_d1_i",
      "B_register_in_d0_i"}},
    unroll-loop{{loop="B_register_in_d1_o"}},
    tensorize{{block="C_init" intrinsic="{dot}_{rows}"}},
    tensorize{{block="A_register_in" intrinsic="tileload_{element}_{rows}"}},
    tensorize{{block="B_register_in" intrinsic="tileload_{element}_groups"}},
    tensorize{{block="C" intrinsic="{dot}_{rows}"}},
    tensorize{{block="C_register_out" intrinsic="tilestore_{wide}_{rows}"}}
    """


CASES = {
    "vpdpbusd": ("u8s8", (7, 32, 20), vectors("vnni", "vpdpbusd", 4), ("avx512vnni",)),
    "vpdpbusd, signs swapped": (
        "s8u8",
        (5, 64, 8),
        vectors("vnni", "vpdpbusd_signed", 4),
        ("avx512vnni",),
    ),
    "vdpbf16ps": ("bf16", (7, 32, 10), vectors("avx512bf16", "vdpbf16ps", 2), ("avx512bf16",)),
    "tdpbssd": ("s8s8", (32, 64, 128), tiles(16, "s8s8"), ("amx-tile", "amx-int8")),
    "tdpbusd, 7 rows": ("u8s8", (28, 32, 64), tiles(7, "u8s8"), ("amx-tile", "amx-int8")),
    "tdpbf16ps, 14 rows": ("bf16", (28, 64, 64), tiles(14, "bf16"), ("amx-tile", "amx-bf16")),
}


def operands(m: int, n: int, k: int, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two matrices as they lie in memory, and their product."""
    a, b = numbers(kind, 0, m, k), numbers(kind, 1, k, n)
    return stored(a), stored(b), product(a, b)


@pytest.mark.parametrize("name", CASES)
def test_interpreted_and_expanded(name):
    kind, shape, pipeline, _ = CASES[name]
    a, b, expected = operands(*shape, kind)
    module = transformed(matmul(*shape, kind), pipeline)
    assert str(module).count("loop.intrinsic @") >= 1
    (function,) = [op for op in module.ops if isinstance(op, FuncOp)]
    c = np.zeros_like(expected)
    run_loop(function, [a, pack(b, function.body.block.args[1].type), c])
    np.testing.assert_array_equal(c, expected)
    loops = transformed(matmul(*shape, kind), f"{pipeline}, expand-intrinsics")
    np.testing.assert_array_equal(execute(Machine(loops), a, b)[0], expected)


@pytest.mark.parametrize("name", CASES)
def test_native(name):
    kind, shape, pipeline, features = CASES[name]
    if missing := missing_features(features):
        pytest.skip(f"this machine has no {', '.join(missing)}")
    check_machine(platform.machine(), features)
    a, b, expected = operands(*shape, kind)
    machine = Machine(transformed(matmul(*shape, kind), pipeline))
    np.testing.assert_array_equal(execute(machine, a, b)[0], expected)


@pytest.mark.skipif(not is_x86(), reason="LLVM compiles for another processor here")
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("tdp")])
def test_tiles_stay_in_registers(name):
    kind, shape, pipeline, _ = CASES[name]
    module = transformed(matmul(*shape, kind), pipeline)
    target = Target("llvm", (("mcpu", "sapphirerapids"),))
    module.attributes["target"] = TargetAttr.of(target)
    text = CodeGenerator.of(target).assembly(module_text(module))
    code = re.findall(r"^\s+(tile\w+|tdp\w+|ldtilecfg)(.*)$", text, re.MULTILINE)
    counts = {op: sum(op == other for other, _ in code) for op, _ in code}
    assert counts == {
        "ldtilecfg": 1,
        "tilezero": 4,
        "tileloadd": 4,
        name.split(",")[0]: 4,
        "tilestored": 4,
        "tilerelease": 1,
    }
    assert not any("rsp" in arguments for op, arguments in code if op != "ldtilecfg")
