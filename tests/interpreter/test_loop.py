"""The loop dialect against plain NumPy: layouts, tiles, guards, init regions, calls, errors."""

import numpy as np
import pytest
from parse import parse_function

from analysis.errors import UnsupportedError, UserError
from backends.interpreter.buffers import pack, unpack
from backends.interpreter.loop import run_loop

TILED = """
!packed = memref<30x20xf32, #loop.layout<affine_map<(d0, d1) -> (d1 floordiv 16, d0, d1 mod 16)>,
                                         [2, 30, 16], pad 0.0 : f32>>
func.func @matmul(%A: memref<19x30xf32>, %B: !packed, %C: memref<19x20xf32>) {
  loop.for %y_o = 0 to 5 parallel {
    loop.for %x_o = 0 to 3 {
      %T = loop.alloc at [%y_o * 4, %x_o * 8] : memref<4x8xf32, "register">
      loop.for %init_y = 0 to 4 unrolled {
        loop.for %init_x = 0 to 8 vectorized {
          loop.block "C_init" (%y < 19 = %y_o * 4 + %init_y, %x < 20 = %x_o * 8 + %init_x) {
            %z = arith.constant 0.0 : f32
            loop.store %z, %T[%y, %x] : memref<4x8xf32, "register">
          }
        }
      }
      loop.for %k_o = 0 to 4 {
        loop.for %k_i = 0 to 8 {
          loop.for %y_i = 0 to 4 unrolled {
            loop.for %x_i = 0 to 8 vectorized {
              loop.block "C" (%y < 19 = %y_o * 4 + %y_i, %x < 20 = %x_o * 8 + %x_i,
                              reduce %k < 30 = %k_o * 8 + %k_i) {
                %c = loop.load %T[%y, %x] : memref<4x8xf32, "register">
                %a = loop.load %A[%y, %k] : memref<19x30xf32>
                %b = loop.load %B[%k, %x] : !packed
                %p = arith.mulf %a, %b fastmath<contract> : f32
                %s = arith.addf %c, %p fastmath<contract> : f32
                loop.store %s, %T[%y, %x] : memref<4x8xf32, "register">
              }
            }
          }
        }
      }
      loop.copy %T to %C : memref<4x8xf32, "register"> to memref<19x20xf32>
    }
  }
  func.return
}
"""


def test_tiled_matmul_with_tails_a_packed_operand_and_a_tile():
    function = parse_function(TILED)
    generator = np.random.default_rng(0)
    a = generator.integers(-8, 9, (19, 30)).astype(np.float32)
    b = generator.integers(-8, 9, (30, 20)).astype(np.float32)
    c = np.full((19, 20), np.nan, np.float32)
    run_loop(function, [a, pack(b, function.body.block.args[1].type), c])
    assert np.array_equal(c, a @ b)


def test_an_uninitialised_tile_is_poison():
    text = TILED.replace("loop.for %init_y = 0 to 4", "loop.for %init_y = 1 to 4")
    function = parse_function(text)
    b = pack(np.ones((30, 20), np.float32), function.body.block.args[1].type)
    c = np.zeros((19, 20), np.float32)
    run_loop(function, [np.ones((19, 30), np.float32), b, c])
    assert np.isnan(c[::4]).all()
    assert (c[1::4] == 30).all()


def test_a_split_of_a_split_with_domain_guards_alone_counts_points_twice():
    # 20 = 1 x 20 points split by 16: 16..19 are reached from both chunks of the inner split
    text = """
    func.func @f(%A: memref<40xi32>, %C: memref<1xi32>) {{
      loop.for %o = 0 to 2 {{
        loop.for %m = 0 to 2 {{
          loop.for %i = 0 to 16 {{
            loop.block "C" (%z < 1 = 0, reduce %k < 40 = %o * 20 + %m * 16 + %i){where} {{
              %c = loop.load %C[%z] : memref<1xi32>
              %a = loop.load %A[%k] : memref<40xi32>
              %s = arith.addi %c, %a : i32
              loop.store %s, %C[%z] : memref<1xi32>
            }}
          }}
        }}
      }}
      func.return
    }}"""
    for where, expected in (("", 52), (" where (%m * 16 + %i < 20)", 40)):
        c = np.zeros(1, np.int32)
        run_loop(parse_function(text.format(where=where)), [np.ones(40, np.int32), c])
        assert c.tolist() == [expected]


HALO = """
!halo = memref<4x5xf32, #loop.layout<affine_map<(d0, d1) -> (d0 + 1, d1 + 1)>,
                                      [6, 7], pad 0.0 : f32>>
func.func @blur(%X: !halo, %Y: !halo) {
  loop.for %h = 0 to 4 {
    loop.for %w = 0 to 5 {
      loop.for %r = 0 to 3 {
        loop.block "Y" (%y < 4 = %h, %x < 5 = %w, reduce %k < 3 = %r) init {
          %z = arith.constant 0.0 : f32
          loop.store %z, %Y[%y, %x] : !halo
        } {
          %c = loop.load %Y[%y, %x] : !halo
          %a = loop.load %X[%y + %k - 1, %x] : !halo
          %s = arith.addf %c, %a : f32
          loop.store %s, %Y[%y, %x] : !halo
        }
      }
    }
  }
  func.return
}
"""


def test_reads_of_a_halo_and_writes_of_the_interior():
    function = parse_function(HALO)
    type = function.body.block.args[0].type
    x = np.random.default_rng(1).integers(-8, 9, (4, 5)).astype(np.float32)
    y = pack(np.full((4, 5), np.nan, np.float32), type)
    run_loop(function, [pack(x, type), y])
    padded = np.pad(x, ((1, 1), (0, 0)))
    assert np.array_equal(unpack(y, type), padded[:-2] + padded[1:-1] + padded[2:])
    halo = [y[0], y[-1], y[:, 0], y[:, -1]]
    assert not any(edge.any() for edge in halo)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            "%X[%y + %k - 1, %x]",
            "%X[%y + %k, %x]",
            'loop.block "Y": loads %X[5, 0], outside memref<4x5xf32, #loop.layout<affine_map<'
            "(d0, d1) -> ((d0 + 1), (d1 + 1))>, [6, 7], pad 0.000000e+00 : f32>> at y = 3, x = 0, "
            "k = 2 (loops h = 3, w = 0, r = 2)",
        ),
        (
            "loop.store %s, %Y[%y, %x]",
            "loop.store %s, %Y[%y, %x + 1]",
            'loop.block "Y": stores %Y[0, 5], outside memref<4x5xf32, #loop.layout<affine_map<'
            "(d0, d1) -> ((d0 + 1), (d1 + 1))>, [6, 7], pad 0.000000e+00 : f32>> at y = 0, x = 4, "
            "k = 0 (loops h = 0, w = 4, r = 0)",
        ),
    ],
)
def test_accesses_outside_name_the_instance(old, new, text):
    function = parse_function(HALO.replace(old, new))
    type = function.body.block.args[0].type
    arrays = [pack(np.zeros((4, 5), np.float32), type) for _ in range(2)]
    with pytest.raises(UserError) as caught:
        run_loop(function, arrays)
    assert str(caught.value) == text


def test_init_runs_once_however_the_reduction_is_ordered():
    text = """
    func.func @f(%A: memref<6x10xi32>, %C: memref<6xi32>) {{
      {0} {1} {2}
        loop.block "C" (%v < 6 = %y, reduce %k < 10 = %o * 4 + %i) init {{
          %z = arith.constant 100 : i32
          loop.store %z, %C[%v] : memref<6xi32>
        }} {{
          %c = loop.load %C[%v] : memref<6xi32>
          %a = loop.load %A[%v, %k] : memref<6x10xi32>
          %s = arith.addi %c, %a : i32
          loop.store %s, %C[%v] : memref<6xi32>
        }}
        {3}
      }} }} }}
      func.return
    }}"""
    y, o, i = (f"loop.for %{n} = 0 to {s} {{" for n, s in (("y", 6), ("o", 3), ("i", 4)))
    a = np.random.default_rng(2).integers(-8, 9, (6, 10)).astype(np.int32)
    for order in ((y, o, i), (o, y, i), (o, i, y), (i, y, o)):
        # a second operation in the loop forces its iterations into Python
        for extra in ("", "loop.barrier"):
            c = np.zeros(6, np.int32)
            run_loop(parse_function(text.format(*order, extra)), [a, c])
            assert np.array_equal(c, 100 + a.sum(axis=1)), order


def test_a_peeled_remainder_continues_the_reduction():
    block = """
        loop.block "{0}" (%v < 6 = %y, reduce %k < 10 = %i) init {{
          %z = arith.constant 100 : i32
          loop.store %z, %C[%v] : memref<6xi32>
        }} {{
          %c = loop.load %C[%v] : memref<6xi32>
          %a = loop.load %A[%v, %k] : memref<6x10xi32>
          %s = arith.addi %c, %a : i32
          loop.store %s, %C[%v] : memref<6xi32>
        }} }} }}"""
    text = f"""
    func.func @f(%A: memref<6x10xi32>, %C: memref<6xi32>) {{
      loop.for %y = 0 to 6 {{ loop.for %i = 0 to 8 {{ {block.format("C")}
      loop.for %y = 0 to 6 {{ loop.for %i = 8 to 10 {{ {block.format("C_tail")}
      func.return
    }}"""
    a = np.random.default_rng(2).integers(-8, 9, (6, 10)).astype(np.int32)
    c = np.zeros(6, np.int32)
    run_loop(parse_function(text), [a, c])
    assert np.array_equal(c, 100 + a.sum(axis=1))


def test_a_halo_behind_the_last_element_is_no_element():
    type = "memref<2x3xi32, #loop.layout<[3, 4]>>"
    text = f"""
    func.func @f(%A: memref<2x3xi32>, %C: {type}) {{
      loop.for %y = 0 to 2 {{ loop.for %x = 0 to 3 {{
        loop.block "C" (%v < 2 = %y, %w < 3 = %x) {{
          %a = loop.load %A[%v, %w] : memref<2x3xi32>
          loop.store %a, %C[%v, %w] : {type}
        }}
      }} }}
      func.return
    }}"""
    a = np.arange(6, dtype=np.int32).reshape(2, 3)
    c = np.full((3, 4), 77, np.int32)
    function = parse_function(text)
    run_loop(function, [a, c])
    assert np.array_equal(c[:2, :3], a) and (c[2] == 77).all() and (c[:, 3] == 77).all()
    packed = function.body.block.args[1].type
    assert np.array_equal(unpack(c, packed), a)
    assert pack(a, packed).shape == (3, 4)


def test_a_recurrence_runs_in_order():
    text = """
    func.func @scan(%A: memref<50x3xi64>) {
      loop.for %i = 1 to 50 {
        loop.for %j = 0 to 3 {
          loop.block "s" (%y < 50 = %i, %x < 3 = %j) {
            %p = loop.load %A[%y - 1, %x] : memref<50x3xi64>
            %a = loop.load %A[%y, %x] : memref<50x3xi64>
            %s = arith.addi %p, %a : i64
            loop.store %s, %A[%y, %x] : memref<50x3xi64>
          }
        }
      }
      func.return
    }"""
    a = np.random.default_rng(3).integers(-8, 9, (50, 3))
    expected = a.cumsum(axis=0)
    run_loop(parse_function(text), [a])
    assert np.array_equal(a, expected)


def test_argmax_by_two_stores():
    text = """
    func.func @f(%A: memref<4x9xf32>, %V: memref<4xf32>, %N: memref<4xi64>) {
      loop.for %i = 0 to 4 { loop.for %j = 0 to 9 {
        loop.block "m" (%y < 4 = %i, reduce %k < 9 = %j) init {
          %w = arith.constant 0xFF800000 : f32
          %o = arith.constant -1 : i64
          loop.store %w, %V[%y] : memref<4xf32>
          loop.store %o, %N[%y] : memref<4xi64>
        } {
          %a = loop.load %A[%y, %k] : memref<4x9xf32>
          %v = loop.load %V[%y] : memref<4xf32>
          %n = loop.load %N[%y] : memref<4xi64>
          %c = arith.cmpf ogt, %a, %v : f32
          %i64 = arith.index_cast %k : index to i64
          %w = arith.select %c, %a, %v : f32
          %o = arith.select %c, %i64, %n : i64
          loop.store %w, %V[%y] : memref<4xf32>
          loop.store %o, %N[%y] : memref<4xi64>
        }
      } }
      func.return
    }"""
    a = np.random.default_rng(4).integers(0, 4, (4, 9)).astype(np.float32)
    v, n = np.zeros(4, np.float32), np.zeros(4, np.int64)
    run_loop(parse_function(text), [a, v, n])
    assert n.tolist() == a.argmax(axis=1).tolist()
    assert v.tolist() == a.max(axis=1).tolist()


def test_symbolic_tails_gather_and_a_call():
    text = """
    !x = memref<?xf32, #loop.layout<["m"]>>
    !i = memref<?xi64, #loop.layout<["m"]>>
    func.func @f(%X: !x, %I: !i, %Y: !x) {
      func.call @g(%X, %I, %Y) : (!x, !i, !x) -> ()
      func.return
    }
    func.func @g(%X: !x, %I: !i, %Y: !x) {
      %m = loop.dim "m"
      loop.for %o = 0 to %m ceildiv 4 bind "blockIdx.x" {
        loop.for %l = 0 to 4 bind "threadIdx.x" {
          loop.block "g" (%v < %m = %o * 4 + %l) {
            %n = loop.load %I[%v] : !i
            %j = arith.index_cast %n : i64 to index
            %x = loop.load %X[%j] : !x
            loop.store %x, %Y[%v] : !x
          }
        }
      }
      func.return
    }"""
    for m in (1, 7, 8):
        generator = np.random.default_rng(m)
        x, index = generator.normal(size=m).astype(np.float32), generator.integers(0, m, m)
        y = np.zeros(m, np.float32)
        run_loop(parse_function(text), [x, index, y])
        assert np.array_equal(y, x[index])
    index[3] = 8
    with pytest.raises(UserError, match=r'"g": loads %X\[8\], outside .* at v = 3 \(loops o = 0'):
        run_loop(parse_function(text), [x, index, y])


def test_copies_pad_what_lies_outside():
    text = """
    func.func @f(%A: memref<4x4xi32>, %B: memref<4x4xi32>) {
      %T = loop.alloc at [-1, 2] : memref<3x3xi32>
      loop.copy %A to %T pad 7 : i32 : memref<4x4xi32> to memref<3x3xi32>
      loop.for %i = 0 to 3 { loop.for %j = 0 to 3 {
        loop.block "b" (%y < 3 = %i, %x < 3 = %j) {
          %t = loop.load %T[%y - 1, %x + 2] : memref<3x3xi32>
          loop.store %t, %B[%y, %x] : memref<4x4xi32>
        }
      } }
      func.return
    }"""
    a, b = np.arange(16, dtype=np.int32).reshape(4, 4), np.zeros((4, 4), np.int32)
    run_loop(parse_function(text), [a, b])
    assert b[:3, :3].tolist() == [[7, 7, 7], [2, 3, 7], [6, 7, 7]]


INTRINSIC = """
te.intrinsic @dot (%a: tensor<2x4xi32>, %b: tensor<3x4xi32>) {{
  %c = te.compute "c" (%i = 0 to 2, %j = 0 to 3) sum (%k = 0 to 4) {{
    %x = te.read %a[%i, %k] : tensor<2x4xi32>
    %y = te.read %b[%j, %k] : tensor<3x4xi32>
    %p = arith.muli %x, %y : i32
    te.yield %p : i32
  }} : tensor<2x3xi32>
  te.yield %c : tensor<2x3xi32>
}} lower compute "dot" reset "clear" update "dot_add"
func.func @f(%A: memref<2x4xi32>, %B: memref<3x4xi32>, %C: memref<2x3xi32>) {{
  loop.for %t = 0 to 3 {{
    loop.block "dot" () where (%t >= 1) {{
      loop.intrinsic @dot "{form}"(%C{inputs}) writes 1 : memref<2x3xi32>{types}
    }}
  }}
  func.return
}}
"""


@pytest.mark.parametrize("form", ["compute", "reset", "update"])
def test_intrinsics_do_what_their_declaration_says(form):
    inputs = "" if form == "reset" else ", %A, %B"
    types = "" if form == "reset" else ", memref<2x4xi32>, memref<3x4xi32>"
    text = INTRINSIC.format(form=form, inputs=inputs, types=types)
    generator = np.random.default_rng(5)
    a, b = (generator.integers(-8, 9, s).astype(np.int32) for s in ((2, 4), (3, 4)))
    c = np.full((2, 3), 1000, np.int32)
    run_loop(parse_function(text), [a, b, c])
    product = a @ b.T
    expected = {"compute": product, "reset": product * 0, "update": 1000 + 2 * product}[form]
    assert np.array_equal(c, expected)


PARTS = """
te.intrinsic @shift (%a: tensor<2x4xi32>, %imm: i32) {{
  %c = te.compute "c" (%i = 0 to 2, %j = 0 to 4) {{
    %x = te.read %a[%i, %j] : tensor<2x4xi32>
    %y = arith.shrsi %x, %imm : i32
    te.yield %y : i32
  }} : tensor<2x4xi32>
  te.yield %c : tensor<2x4xi32>
}} lower compute "shift"
func.func @f(%A: memref<8x5x3xi32>) {{
  loop.for %t = 0 to 3 {{
    %T = loop.alloc at [1, 0] : memref<2x4xi32>
    loop.block "s" (%v < 3 = %t) {{
      loop.intrinsic @shift "compute"({operands}) writes 1{imm} : {types}
    }}
  }}
  func.return
}}
"""
WHOLE = "memref<8x5x3xi32>"
OPERANDS = "%A[%v * 2 + i1, i0 * 3 + 1, %v], %A[%v * 2 + i1, i0, %v]"


def parts(operands, imm=" imm [2]", types=f"{WHOLE}, {WHOLE}"):
    return parse_function(PARTS.format(operands=operands, imm=imm, types=types))


def test_an_intrinsic_computes_on_parts_of_buffers():
    a = np.random.default_rng(1).integers(-99, 99, (8, 5, 3)).astype(np.int32)
    expected = a.copy()
    for v in range(3):
        expected[2 * v : 2 * v + 4, [1, 4], v] = expected[2 * v : 2 * v + 4, [0, 1], v] >> 2
    run_loop(parts(OPERANDS), [a])
    assert np.array_equal(a, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((OPERANDS, ""), "@shift: 0 immediates are given for 1 scalar arguments"),
        (
            (OPERANDS.replace("%v * 2", "%v * 4"),),
            r"@shift: it reaches %A\[8, 0, 2\], outside memref<8x5x3xi32> at v = 2 \(loops t = 2\)",
        ),
        (
            ("%T, %A[%v * 2 + i2, i0, %v]", " imm [1]", f"memref<2x4xi32>, {WHOLE}"),
            r"%A is indexed by i2, but the operand is tensor<2x4xi32>",
        ),
        (
            ("%A, %A[%v * 2 + i1, i0, %v]",),
            r"%A is memref<8x5x3xi32>, but the operand is tensor<2x4xi32>",
        ),
        (
            ("%T", " imm [1]", "memref<2x4xi32>"),
            "@shift: the form compute has 1 results and 1 tensors to read; 1 and 0 are given",
        ),
    ],
)
def test_calls_that_do_not_fit_their_declaration(options, message):
    with pytest.raises(UserError, match=message):
        run_loop(parts(*options), [np.zeros((8, 5, 3), np.int32)])


def test_arguments_that_cannot_be():
    function = parse_function(TILED)
    a, b = np.zeros((19, 30), np.float32), np.zeros((2, 30, 16), np.float32)
    c = np.zeros((19, 20), np.float32)
    with pytest.raises(UserError, match="the array for %A is not contiguous"):
        run_loop(function, [np.zeros((30, 19), np.float32).T, b, c])
    with pytest.raises(UserError, match="%B has the shape 2x30x16, not 30x20"):
        run_loop(function, [a, np.zeros((30, 20), np.float32), c])
    memory = np.zeros(1000, np.float32)
    with pytest.raises(UserError, match="the arrays for %A and %C overlap"):
        run_loop(function, [memory[:570].reshape(19, 30), b, memory[500:880].reshape(19, 20)])


def test_a_tile_cannot_cross_a_function():
    text = """
    func.func @f() {
      %T = loop.alloc at [1] : memref<4xf32>
      func.call @g(%T) : (memref<4xf32>) -> ()
      func.return
    }
    func.func @g(%A: memref<4xf32>) { func.return }"""
    with pytest.raises(UserError, match="%T is a tile with the origin \\[1\\]"):
        run_loop(parse_function(text), [])


def test_operations_of_other_levels():
    text = 'func.func @f(%A: tensor<4xf32>) { %m = te.dim "m" func.return }'
    with pytest.raises(UnsupportedError, match=r"loop has no meaning for te\.dim"):
        run_loop(parse_function(text), [np.float32(0)])


def test_pack_and_unpack():
    text = """func.func @f(%A: memref<5x3xf32, #loop.layout<
        affine_map<(d0, d1) -> (d0 floordiv 4, d1 + 1, d0 mod 4)>, [2, 5, 4]{pad}>>) {{
        func.return }}"""
    a = np.arange(15, dtype=np.float32).reshape(5, 3)
    for pad, filler in ((", pad 9.0 : f32", 9), ("", np.nan)):
        type = parse_function(text.format(pad=pad)).body.block.args[0].type
        packed = pack(a, type)
        expected = np.full((2, 5, 4), filler, np.float32)
        for i in range(5):
            for j in range(3):
                expected[i // 4, j + 1, i % 4] = a[i, j]
        assert np.array_equal(packed, expected, equal_nan=True)
        assert np.array_equal(unpack(packed, type), a)
    with pytest.raises(UserError, match="has the shape 5x3, not 3x5"):
        pack(a.T, type)
    with pytest.raises(UserError, match="has the physical extents 2x5x4, not 5x3"):
        unpack(a, type)
    small = parse_function(text.format(pad="").replace("[2, 5, 4]", "[1, 5, 4]"))
    with pytest.raises(UserError, match="puts elements of a 5x3 array outside"):
        pack(a, small.body.block.args[0].type)
