"""What the emitter says of calls of tensor instructions that it cannot emit."""

import pytest
from native import parse

from analysis.errors import UserError
from backends.llvm.targets import module_text

TEXT = """ llvm [
  "define internal void @copy(ptr %c, ptr %a) alwaysinline {",
  "  ret void",
  "}"
]"""
CALL = """
  loop.block "B" () {
    loop.intrinsic @copy "compute"(%C[i0], %A[i0]) writes 1 : memref<8xi32>, memref<8xi32>
  }"""
SYMBOLIC = 'memref<8x?xi32, #loop.layout<[8, "n"]>>'


def declared(name: str = "copy", text: str = TEXT, features: str = "") -> str:
    return f"""
te.intrinsic @{name} (%a: tensor<2xi32>) {{
  %c = te.compute "c" (%i = 0 to 2) {{
    %x = te.read %a[%i] : tensor<2xi32>
    te.yield %x : i32
  }} : tensor<2xi32>
  te.yield %c : tensor<2xi32>
}} lower compute "copy"{features}{text}
"""


def calls(body: str = CALL, a: str = "memref<8xi32>") -> str:
    return f"func.func @f(%A: {a}, %C: memref<8xi32>) {{ {body}\n  func.return\n}}"


CASES = {
    "llvm: the module declares no te.intrinsic @copy": calls(),
    "llvm: @copy has no llvm text that says what a call of it is; "
    "expand-intrinsics makes loops of its calls": declared(text="") + calls(),
    "@copy needs a processor with amx-int8, avx512vnni, which the target 'llvm -mcpu=x86-64-v3' "
    "lacks; expand-intrinsics makes loops of its calls": (
        'builtin.module attributes {target = #target.target<"llvm -mcpu=x86-64-v3">} {'
        + declared(features=' needs "avx2", "avx512vnni", "amx-int8"')
        + calls()
        + "}"
    ),
    "llvm: @copy is called in the vectorized loop x; an instruction has vectors of its own": (
        declared()
        + calls(
            """
  loop.for %x = 0 to 4 vectorized {
    loop.block "B" (%v < 4 = %x) {
      loop.intrinsic @copy "compute"(%C[%v + i0], %A[%v + i0]) writes 1
        : memref<8xi32>, memref<8xi32>
    }
  }"""
        )
    ),
    "te.intrinsic @copy: parameter ptr %b of @copy is unknown; there are ptr %c, ptr %a, and "
    "strides such as i64 %c_stride_0": declared(text=TEXT.replace("%a)", "%b)")) + calls(),
    "te.intrinsic @copy: parameter i64 %a_stride_1 of @copy is unknown; there are ptr %c, ptr %a, "
    "and strides such as i64 %c_stride_0": (
        declared(text=TEXT.replace("%a)", "%a, i64 %a_stride_1)")) + calls()
    ),
    "te.intrinsic @copy: its llvm text defines no function @copy; it defines paste": (
        declared(text=TEXT.replace("@copy", "@paste")) + calls()
    ),
    "te.intrinsic @copy: its llvm text is no LLVM IR": (
        declared(text=TEXT.replace("ret void", "return")) + calls()
    ),
    "te.intrinsic @copy: its llvm text has the line '@g = global i32 0', but holds functions only, "
    "declared or defined": declared(text=TEXT.replace("[", '[ "@g = global i32 0",')) + calls(),
    "llvm: @copy takes a with its elements along dimension 0 1 apart, and those in %A lie 2 apart; "
    "transform-layout puts them so": declared() + calls(CALL.replace("%A[i0]", "%A[i0 * 2]")),
    "llvm: @copy takes a with its elements along dimension 0 1 apart, and those in %A lie a "
    "run-time distance apart; transform-layout puts them so": declared()
    + calls(
        CALL.replace("%A[i0]", "%A[i0, 0]").replace(", memref<8xi32>", f", {SYMBOLIC}"), SYMBOLIC
    ),
    "llvm: @copy takes a with one step along each dimension; its elements in %A have several": (
        declared() + calls(CALL.replace("%A[i0]", "%A[(i0 + 1) floordiv 2]"))
    ),
    "llvm: @copy takes the whole of %T, which has an origin: write the coordinates of its "
    "elements": declared()
    + calls(
        """
  %T = loop.alloc at [2] : memref<2xi32>
  loop.block "B" () {
    loop.intrinsic @copy "compute"(%C[i0], %T) writes 1 : memref<8xi32>, memref<2xi32>
  }"""
    ),
    "te.intrinsic @other: its llvm text defines @copy, which the module has with another content; "
    "rename it": declared()
    + declared("other", TEXT.replace("ret void", "ret void ; twice"))
    + calls(CALL + CALL.replace("@copy", "@other").replace('"B"', '"D"')),
}


@pytest.mark.parametrize("message", CASES)
def test_refused(message):
    with pytest.raises(UserError) as refusal:
        module_text(parse(CASES[message]))
    assert refusal.value.message == message
