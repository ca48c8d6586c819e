"""What allocate-sram and lower-loop-to-vta refuse, and the words in which they do."""

import pytest
from parse import parse_module
from xdsl.context import Context

from analysis.errors import UserError
from passes.vta.allocate_sram import AllocateSramPass
from passes.vta.lower_loop_to_vta import LowerLoopToVtaPass


def rows(shape, scope="", type="i8", block=16):
    """A matrix in rows of blocks."""
    height, width = shape
    space = f', "{scope}"' if scope else ""
    blocks = -(-width // block)
    return (
        f"memref<{height}x{width}x{type}, #loop.layout<affine_map<(n, k) -> (n, k floordiv "
        f"{block}, 0, k mod {block})>, [{height}, {blocks}, 1, {block}]>{space}>"
    )


TYPES = {
    "x": rows((40, 48)),
    "xt": rows((4, 16), "inp"),
    "w": rows((16, 48))
    .replace("(n, k floordiv 16, 0,", "(n floordiv 16, k floordiv 16, n mod 16,")
    .replace("[16, 3, 1, 16]", "[1, 3, 16, 16]"),
    "wt": rows((16, 16), "wgt")
    .replace("(n, k floordiv 16, 0,", "(n floordiv 16, k floordiv 16, n mod 16,")
    .replace("[16, 1, 1, 16]", "[1, 1, 16, 16]"),
    "c": rows((4, 16), "acc", "i32"),
    "o": rows((40, 16)),
    "ot": rows((4, 16), "out"),
}

TEXT = """
builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @gemm (%x: tensor<1x16xi8>, %w: tensor<16x16xi8>) {
    te.yield %x : tensor<1x16xi8>
  } lower compute "gemm" reset "gemm.reset" update "gemm" on "ex"
  te.intrinsic @add_imm (%x: tensor<1x16xi32>, %imm: i32) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "alu.add" on "ex"
  te.intrinsic @shr_imm (%x: tensor<1x16xi32>, %imm: i32) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "alu.shr" on "ex"
  te.intrinsic @add (%x: tensor<1x16xi32>, %y: tensor<1x16xi32>) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "alu.add" on "ex"
  te.intrinsic @xor (%x: tensor<1x16xi32>, %y: tensor<1x16xi32>) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "alu.xor" on "ex"
  te.intrinsic @cast (%x: tensor<1x16xi32>) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "out" on "ex"
  func.func @f(%X: !x, %W: !w, %O: !o) {
    loop.for %t = 0 to 10 {
      %C = loop.alloc at [%t * 4, 0] : !c
      %D = loop.alloc at [%t * 4, 0] : !c
      %T = loop.alloc at [%t * 4, 0] : !xt
      %U = loop.alloc : !wt
      %R = loop.alloc at [%t * 4, 0] : !ot
      loop.copy %X to %T pad 0 : i8 : !x to !xt
      loop.copy %W to %U : !w to !wt
      loop.push_dep "ld" to "ex"
      loop.pop_dep "ld" to "ex"
      loop.for %n = 0 to 4 {
        loop.block "C" (%v < 40 = %t * 4 + %n) {
          loop.intrinsic @gemm "update"(%C[%v, i1], %T[%v, i1], %U[i0, i1]) writes 1 : !c, !xt, !wt
        }
      }
      loop.for %m = 0 to 4 {
        loop.block "A" (%v < 40 = %t * 4 + %m) {
          loop.intrinsic @add_imm "compute"(%C[%v, i1], %C[%v, i1]) writes 1 imm [1] : !c, !c
        }
      }
      loop.for %l = 0 to 4 {
        loop.block "O" (%v < 40 = %t * 4 + %l) {
          loop.intrinsic @cast "compute"(%R[%v, i1], %C[%v, i1]) writes 1 : !ot, !c
        }
      }
      loop.copy %R to %O : !ot to !o
    }
    func.return
  }
}
"""


def lower(*changes, types=None, allocated=True):
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    aliases = "".join(f"!{name} = {type}\n" for name, type in {**TYPES, **(types or {})}.items())
    module = parse_module(aliases + text)
    if allocated:
        AllocateSramPass().apply(Context(), module)
    LowerLoopToVtaPass().apply(Context(), module)
    module.verify()
    return str(module)


def test_the_program_itself_is_not_refused():
    assert "vta.finish" in lower()


GEMM, ADD, CAST = (
    next(
        line.strip()
        for line in TEXT.splitlines()
        if f"@{name} " in line and "loop.intrinsic" in line
    )
    for name in ("gemm", "add_imm", "cast")
)

ALLOCATION = [
    pytest.param(
        [],
        {"x": rows((4000, 48)), "xt": rows((4000, 16), "inp")},
        "allocate-sram: the tiles in inp are 4000 elements, but inp holds 2048; smaller tiles fit\n"
        "    4000 elements: %T (4000x1x1x16)",
        id="capacity",
    ),
    pytest.param(
        [],
        {"xt": rows((4, 16), "inp", block=8)},
        "allocate-sram: the innermost extents of %T are 1x8xi8, but an element of inp is 1x16xi8; "
        "transform-layout, before the tile is made, gives a buffer such a layout",
        id="element",
    ),
    pytest.param(
        [
            (
                CAST,
                CAST.replace("%R[%v, i1]", "%R[%v, i1]")
                .replace("@cast", "@add_imm")
                .replace("writes 1", "writes 1 imm [0]")
                .replace("%R[", "%C[")
                .replace("!ot", "!c"),
            )
        ],
        {},
        "allocate-sram: %R is a view of one tile in acc, but no call fills it",
        id="view of nothing",
    ),
    pytest.param(
        [
            (
                "loop.copy %R",
                'loop.block "P" (%v < 40 = %t * 4) {\n'
                + CAST.replace("%C", "%D")
                + "\n}\nloop.copy %R",
            )
        ],
        {},
        "allocate-sram: %R is a view of one tile in acc, but %C and %D fill it",
        id="view of two",
    ),
    pytest.param(
        [
            (
                CAST,
                CAST.replace("%R[%v, i1]", "%R[40 - %v, i1]"),
            )
        ],
        {},
        "allocate-sram: %R is a view of acc, but its elements lie in another order than those of "
        "%C; give both the same layout",
        id="order of a view",
    ),
]


@pytest.mark.parametrize(("changes", "types", "message"), ALLOCATION)
def test_allocation(changes, types, message):
    with pytest.raises(UserError) as caught:
        lower(*changes, types=types)
    assert str(caught.value).startswith(message), caught.value


def test_no_address():
    with pytest.raises(UserError) as caught:
        lower(allocated=False)
    assert str(caught.value) == ("%C has no address in acc; allocate-sram gives each tile one")


LOWERING = [
    pytest.param(
        [("loop.for %t = 0 to 10", "loop.for %t = 0 to 10 vthread")],
        "loop 't' is vthread; instructions follow each other: lower-virtual-threads",
        id="virtual threads",
    ),
    pytest.param(
        [("loop.for %n = 0 to 4", "loop.for %n = 0 to 4 vectorized")],
        "loop 'n' is vectorized; instructions follow each other: make it serial",
        id="kind",
    ),
    pytest.param(
        [(GEMM, "%z = arith.constant 0 : i8\n loop.store %z, %X[%v, 0] : !x")],
        "block 'C' computes numbers one by one, which the accelerator cannot: tensorize it",
        id="scalars",
    ),
    pytest.param(
        [
            (
                '"C" (%v < 40 = %t * 4 + %n) {',
                '"C" (%v < 40 = %t * 4 + %n, reduce %r < 1 = 0) '
                'init {\n loop.intrinsic @gemm "reset"(%C[%v, i1]) writes 1 : !c\n} {',
            ),
        ],
        "block 'C' resets and updates in one; decompose-reduction makes two blocks of it",
        id="init",
    ),
    pytest.param(
        [('@gemm "update"', '@gem "update"')],
        "the module declares no te.intrinsic @gem; import-intrinsics brings a library",
        id="symbol",
    ),
    pytest.param(
        [(' reset "gemm.reset" update "gemm"', "")],
        "te.intrinsic @gemm has no form 'update'",
        id="form",
    ),
    pytest.param(
        [("%T[%v, i1]", "%X[%v, i1]"), ("!c, !xt, !wt", "!c, !x, !wt")],
        "block 'C': %X of @gemm lies in global, not in inp: promote-memory-scope gives it a "
        "tile there",
        id="scope",
    ),
    pytest.param(
        [("%T[%v, i1]", "%T[%v, i1 + 1]")],
        "block 'C': what @gemm takes of %T is no element of inp (1x16xi8): its layout and the "
        "origin of the tile put it across elements; transform-layout, or a tile that begins at a "
        "multiple of the element",
        id="across elements",
    ),
    pytest.param(
        [(ADD, ADD.replace('compute"(%C[', 'compute"(%D['))],
        "block 'A': %D is not %C, but an operation of the ALU overwrites its first operand: "
        "compute-in-place",
        id="not in place",
    ),
    pytest.param(
        [(ADD, ADD.replace("imm [1]", "imm [40000]"))],
        "block 'A': the immediate 40000 of @add_imm is outside -32768 to 32767; a tensor of "
        "it, in acc, can be used instead",
        id="immediate",
    ),
    pytest.param(
        [(ADD, ADD.replace("imm [1]", "imm [32]").replace("@add_imm", "@shr_imm"))],
        "block 'A': @shr_imm shifts 32-bit numbers by 32, not by 0 to 31",
        id="shift",
    ),
    pytest.param(
        [
            (
                ADD,
                ADD.replace("@add_imm", "@xor")
                .replace("%C[%v, i1])", "%C[%v, i1], %D[%v, i1])")
                .replace(" imm [1]", "")
                .replace("!c, !c", "!c, !c, !c"),
            )
        ],
        "block 'A': the accelerator has no operation 'xor' of accumulators",
        id="operation",
    ),
    pytest.param(
        [
            (
                ADD,
                ADD.replace("@add_imm", "@add")
                .replace("%C[%v, i1])", "%C[%v, i1], %C[%v + 1, i1])")
                .replace(" imm [1]", "")
                .replace("!c, !c", "!c, !c, !c"),
            )
        ],
        "block 'A': it reads elements of %C that it also writes, so that the result depends on the "
        "order of its loops; two tiles are needed",
        id="order",
    ),
    pytest.param(
        [("loop.copy %X to %T pad 0 : i8", "loop.copy %X to %T pad 1 : i8")],
        "the copy between %X and %T: the accelerator pads with zeros, not with 1",
        id="pad value",
    ),
    pytest.param(
        [("loop.copy %X to %T pad 0 : i8 : !x to !xt", "loop.copy %T to %X : !xt to !x")],
        "nothing copies %T in inp to %X in global: there are global to uop, global to inp, global "
        "to wgt, global to acc, out to global",
        id="direction",
    ),
    pytest.param(
        [
            ("%T = loop.alloc at [%t * 4, 0]", "%T = loop.alloc at [%t * 4, 8]"),
            ("%T[%v, i1]", "%T[%v, i1 + 8]"),
        ],
        "the copy between %X and %T: an element of inp is not one piece of %X: give both the same "
        "blocks with transform-layout, and let tiles begin at a multiple of a block",
        id="blocks",
    ),
    pytest.param(
        [
            ("%T = loop.alloc at [%t * 4, 0]", "%T = loop.alloc at [%t * 4 + 40, 0]"),
            ("%T[%v, i1]", "%T[%v + 40, i1]"),
        ],
        "the copy between %X and %T: the whole tile is padding, and a load fills pads around "
        "elements only",
        id="all padding",
    ),
    pytest.param(
        [
            ("%T = loop.alloc at [%t * 4, 0]", "%T = loop.alloc at [%t * 4 - 20, 0]"),
            ("%T[%v, i1]", "%T[%v - 20, i1]"),
            ("0 to 10", "4 to 10"),
        ],
        "the copy between %X and %T: the whole tile is padding, and a load fills pads around "
        "elements only",
        id="padding before",
    ),
    pytest.param(
        [('push_dep "ld" to "ex"', 'push_dep "dma" to "ex"')],
        "no unit is called 'dma'; there are ld, ex, st",
        id="unit",
    ),
    pytest.param(
        [('loop.push_dep "ld" to "ex"', "loop.barrier")],
        "the accelerator has nothing for loop.barrier",
        id="nothing for it",
    ),
]

WIDE_W = TYPES["wt"].replace("16x16xi8", "16x48xi8").replace("[1, 1, 16, 16]", "[1, 3, 16, 16]")

PADS = [
    pytest.param(
        [
            ("%W to %U", "%W to %U pad 0 : i8"),
            ("%U = loop.alloc :", "%U = loop.alloc at [0, 16] :"),
            ("%U[i0, i1]", "%U[i0, i1 + 16]"),
        ],
        {"wt": WIDE_W},
        "%W and %U: a load of wgt takes no pads; pad the buffer in memory, with a layout that has "
        "a halo",
        id="wgt",
    ),
    pytest.param(
        [("at [%t * 4, 0] : !xt", "at [%t * 4 - 17, 0] : !xt"), ("%T[%v, ", "%T[%v - 17, ")],
        {"xt": rows((40, 16), "inp")},
        "%X and %T: its pads [17, 0, 0, 0] (rows before and after, elements before and after) are "
        "not all at most 15; smaller tiles, or a layout with a halo, need less",
        id="large",
    ),
    pytest.param(
        [
            ("at [%t * 4, 0] : !xt", "at [%t * 4 - 1, -16] : !xt"),
            ("%T[%v, i1]", "%T[%v, 0, i1]"),
            ("%T = loop.alloc at [%t * 4 - 1, -16]", "%T = loop.alloc at [%t * 4 - 1, -1, -16]"),
        ],
        {
            "x": "memref<40x40x48xi8, #loop.layout<affine_map<(n, m, k) -> (n, m, k floordiv 16, "
            "0, k mod 16)>, [40, 40, 3, 1, 16]>>",
            "xt": "memref<4x4x80xi8, #loop.layout<affine_map<(n, m, k) -> (n, m, k floordiv 16, "
            '0, k mod 16)>, [4, 4, 5, 1, 16]>, "inp">',
        },
        "%X and %T: it has pads in more dimensions than the rows and columns of a load; pad the "
        "others in memory, with a layout that has a halo",
        id="three dimensions",
    ),
    pytest.param(
        [("at [%t * 4, 0] : !xt", "at [%t * 4, 32] : !xt"), ("%T[%v, i1]", "%T[%v, i1 + 32]")],
        {"x": rows((40, 40))},
        "%X and %T: 40 in dimension 1 is no multiple of 16, and what fills the last element is not "
        "0: give %X a layout with pad 0",
        id="part of an element",
    ),
    pytest.param(
        [],
        {"o": rows((40, 10)).replace("[40, 1, 1, 16]", "[40, 1, 1, 16], pad 0 : i8")},
        "%O and %R: 10 in dimension 1 is no multiple of 16, so the store overwrites the pad 0 of "
        "the last element; give it a layout without pad",
        id="part of an element stored",
    ),
    pytest.param(
        [],
        {
            "xt": TYPES["xt"].replace(
                "(n, k floordiv 16, 0, k mod 16)", "(3 - n, k floordiv 16, 0, k mod 16)"
            )
        },
        "%X and %T: the layout of the tile does not split each coordinate into digits, such as "
        "(c floordiv 16) and (c mod 16)",
        id="digits",
    ),
]


@pytest.mark.parametrize(("changes", "message"), LOWERING)
def test_lowering(changes, message):
    with pytest.raises(UserError) as caught:
        lower(*changes)
    assert caught.value.message == f"lower-loop-to-vta: {message}", caught.value


@pytest.mark.parametrize(("changes", "types", "message"), PADS)
def test_pads(changes, types, message):
    with pytest.raises(UserError) as caught:
        lower(*changes, types=types)
    expected = f"lower-loop-to-vta: the copy between {message}"
    assert caught.value.message == expected, caught.value
