"""What expand-intrinsics and expand-copies write computes what the calls and copies do."""

import numpy as np
import pytest
from native import apply, parse
from xdsl.dialects.func import FuncOp

from analysis.errors import UserError
from backends.interpreter.loop import run_loop
from backends.interpreter.scalars import dtype_of
from dovetail.execution.native import MachineCode

PROGRAM = """
builtin.module attributes {{target = #target.target<"{target}">}} {{
func.func @f(%X: {X}, %W: {W}, %A: {A}, %Y: {Y}) {{
  loop.for %t = 0 to 3 {{
    {body}
  }}
  func.return
}}
}}
"""
TYPES = {"X": "memref<6x40xi8>", "W": "memref<32x40xi8>", "A": "memref<8x64xi32>"}
I32, I8 = TYPES["A"], "memref<8x64xi8>"
OPERANDS = "%X[%v + i0, %v * 8 + i1], %W[%v * 2 + i0, %v + i1]"
GEMM = f"writes 1 : {I32}, {TYPES['X']}, {TYPES['W']}"
C = "%A[%v + i0, i1]"

BODIES = {
    "gemm": f"""loop.block "b" (reduce %v < 3 = %t) init {{
        loop.intrinsic @gemm "reset"(%A[i0, i1]) writes 1 : {I32}
      }} {{
        loop.intrinsic @gemm "update"(%A[i0, i1], {OPERANDS}) {GEMM}
      }}""",
    "compute": f"""loop.block "b" (%v < 3 = %t) {{
        loop.intrinsic @gemm "compute"(%A[%v * 2 + i0, i1], {OPERANDS}) {GEMM}
      }}""",
    "shift in place": f"""loop.block "b" (%v < 3 = %t) {{
        loop.intrinsic @shr_imm "compute"({C}, {C}) writes 1 imm [3] : {I32}, {I32}
      }}""",
    "other elements": f"""loop.block "b" (%v < 3 = %t) {{
        loop.intrinsic @add "compute"(%A[%v + i0, i1 + 3], {C}, {C}) writes 1 : {I32}, {I32}, {I32}
      }}""",
    "cast": f"""loop.block "b" (%v < 3 = %t) where (%t - 1 >= 0) {{
        loop.intrinsic @cast_saturate
          "compute"(%Y[%v * 2 + i0, i1 * 2], %A[%v + i0, i1]) writes 1 : {I8}, {I32}
      }}""",
    "copies": f"""%T = loop.alloc at [%t * 3 - 1, %t * 30 - 2] : memref<4x9xi32, "acc">
      loop.copy %A to %T pad 5 : i32 : {I32} to memref<4x9xi32, "acc">
      loop.for %i = 0 to 4 {{ loop.for %j = 0 to 9 {{
        loop.block "b" (%v < 4 = %i, %u < 9 = %j, %w < 3 = %t,
                        %y < 20 = %t * 3 + %i, %x < 90 = %t * 30 + %j) {{
          %a = loop.load %T[%y - 1, %x - 2] : memref<4x9xi32, "acc">
          %b = arith.addi %a, %a : i32
          %c = arith.trunci %a : i32 to i8
          loop.store %c, %Y[%v + 2 * %w, %u + 10 * %w] : {I8}
          loop.store %b, %T[%y - 1, %x - 2] : memref<4x9xi32, "acc">
        }} }} }}
      loop.copy %T to %A : memref<4x9xi32, "acc"> to {I32}""",
}


@pytest.mark.parametrize("config", ["1x16_i8w8a32_15_15_18_17", "2x8_i8w8a32_13_13_14_15"])
@pytest.mark.parametrize("name", BODIES)
def test_expansion(name, config):
    text = PROGRAM.format(target=f"vta -config={config}", body=BODIES[name], Y=I8, **TYPES)
    module = apply(parse(text), "import-intrinsics{library=vta}")
    rng = np.random.default_rng(2)
    function = next(op for op in module.ops if isinstance(op, FuncOp))
    start = [
        rng.integers(-99, 99, a.type.get_shape()).astype(dtype_of(a.type)) for a in function.args
    ]
    before = [a.copy() for a in start]
    run_loop(function, before)
    assert any(not np.array_equal(a, b) for a, b in zip(before, start, strict=True))
    apply(module, "expand-intrinsics,expand-copies")
    function = next(op for op in module.ops if isinstance(op, FuncOp))
    assert "loop.intrinsic" not in str(function) and "loop.copy" not in str(function)
    for run in (run_loop, lambda f, arrays: MachineCode(f).run(arrays, {})):
        after = [a.copy() for a in start]
        run(function, after)
        for a, b in zip(before, after, strict=True):
            assert np.array_equal(a, b)


ZERO = """
te.intrinsic @zero () {{
  %c = te.compute "c" (%i = 0 to 2) {{
    %x = arith.constant 0 : i32
    te.yield %x : i32
  }} : tensor<2xi32>
  te.yield %c : tensor<2xi32>
}} lower compute "zero" reset "a" update "b"
func.func @f(%A: memref<2xi32>) {{
  %T = loop.alloc at [2] : memref<2xi32>
  loop.block "S" () {{
    loop.intrinsic @zero {call}
  }}
  func.return
}}
"""
TYPE = "memref<2xi32>"

REFUSED = {
    "loop.intrinsic @zero takes the whole of %T, which has an origin": (
        f'"compute"(%T) writes 1 : {TYPE}'
    ),
    "loop.intrinsic @zero in block 'S': the form reset needs a result that is one of sum, prod": (
        f'"reset"(%A[i0]) writes 1 : {TYPE}'
    ),
    "loop.intrinsic @zero in block 'S': 2 operands, not 1": (
        f'"compute"(%A[i0], %A[i0]) writes 1 : {TYPE}, {TYPE}'
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message):
    module = parse(ZERO.format(call=REFUSED[message]))
    with pytest.raises(UserError) as caught:
        apply(module, "expand-intrinsics")
    assert str(caught.value).startswith(f"expand-intrinsics: {message}")
