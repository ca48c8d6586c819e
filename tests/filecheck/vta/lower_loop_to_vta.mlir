// RUN: dovetail-opt %s -p lower-loop-to-vta | filecheck %s

!x = memref<32x9x9xi8, #loop.layout<affine_map<(c, h, w) -> (c floordiv 16, h, w, 0, c mod 16)>, [2, 9, 9, 1, 16]>>
!w = memref<32x32x3x3xi8, #loop.layout<affine_map<(o, c, h, w) -> (o floordiv 16, c floordiv 16, h, w, o mod 16, c mod 16)>, [2, 2, 3, 3, 16, 16]>>
!o = memref<32x9x9xi8, #loop.layout<affine_map<(c, h, w) -> (c floordiv 16, h, w, 0, c mod 16)>, [2, 9, 9, 1, 16]>>
!xt = memref<16x4x11xi8, #loop.layout<affine_map<(c, h, w) -> (c floordiv 16, h, w, 0, c mod 16)>, [1, 4, 11, 1, 16]>, "inp">
!wt = memref<32x16x3x3xi8, #loop.layout<affine_map<(o, c, h, w) -> (o floordiv 16, c floordiv 16, h, w, o mod 16, c mod 16)>, [2, 1, 3, 3, 16, 16]>, "wgt">
!ct = memref<32x2x9xi32, #loop.layout<affine_map<(c, h, w) -> (c floordiv 16, h, w, 0, c mod 16)>, [2, 2, 9, 1, 16]>, "acc">
!ot = memref<32x2x9xi8, #loop.layout<affine_map<(c, h, w) -> (c floordiv 16, h, w, 0, c mod 16)>, [2, 2, 9, 1, 16]>, "out">
!a = memref<4x48xi32, #loop.layout<affine_map<(n, k) -> (n, k floordiv 16, 0, k mod 16)>, [4, 3, 1, 16]>, "acc">

builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @gemm (%x: tensor<1x16xi8>, %w: tensor<16x16xi8>) {
    te.yield %x : tensor<1x16xi8>
  } lower compute "gemm" reset "gemm.reset" update "gemm" on "ex"
  te.intrinsic @shr_imm (%x: tensor<1x16xi32>, %imm: i32) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "alu.shr" on "ex"
  te.intrinsic @shl_imm (%x: tensor<1x16xi32>, %imm: i32) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "alu.shl" on "ex"
  te.intrinsic @mul_imm (%x: tensor<1x16xi32>, %imm: i32) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "alu.mul" on "ex"
  te.intrinsic @add (%x: tensor<1x16xi32>, %y: tensor<1x16xi32>) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "alu.add" on "ex"
  te.intrinsic @cast_saturate (%x: tensor<1x16xi32>) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "out.saturate" on "ex"
  te.intrinsic @cast (%x: tensor<1x16xi32>) {
    te.yield %x : tensor<1x16xi32>
  } lower compute "out" on "ex"

  // Two rows of nine at a time. The first tile has a pad above, the last one row of pixels and
  // pads below: the loop is cut into iterations that are alike. The tail of the last tile shrinks
  // the loops of the instruction. Two blocks of channels of the result are two stores.

  // CHECK-LABEL: func.func @convolution
  // CHECK-NEXT:    vta.load inp %X[0] at [0] rows 3 of 9 pad [1, 0, 1, 1] {label = "X_inp"}
  // CHECK-NEXT:    vta.load wgt %W[0] at [0] rows 2 of 9 stride 18 {label = "W_wgt"}
  // CHECK-NEXT:    vta.push_dep "load" to "compute"
  // CHECK-NEXT:    vta.pop_dep "load" to "compute"
  // CHECK-NEXT:    vta.gemm @uops at [0, 0, 0] outer 3 by [0, 1, 1] inner 9 by [1, 1, 0] {label = "C"}
  // CHECK-NEXT:    vta.alu max @uops_1 at [0, 0] inner 36 by [1, 1] imm -128 {label = "O"}
  // CHECK-NEXT:    vta.alu min @uops_1 at [0, 0] inner 36 by [1, 1] imm 127 {label = "O"}
  // CHECK-NEXT:    vta.store out %O[0] at [0] rows 2 of 18 stride 81 {label = "O_out"}
  // CHECK-NEXT:    loop.for %oh_o = 1 to 4 {
  // CHECK-NEXT:      vta.load inp %X[%oh_o * 18 - 9] at [0] rows 4 of 9 pad [0, 0, 1, 1] {label = "X_inp"}
  // CHECK:           vta.gemm @uops at [0, 0, 0] outer 3 by [0, 1, 1] inner 9 by [1, 1, 0] {label = "C_1"}
  // CHECK:           vta.store out %O[%oh_o * 18] at [0] rows 2 of 18 stride 81 {label = "O_out"}
  // CHECK-NEXT:    }
  // CHECK-NEXT:    vta.load inp %X[63] at [0] rows 2 of 9 pad [0, 2, 1, 1] {label = "X_inp"}
  // CHECK:         vta.gemm @uops_2 at [0, 0, 0] outer 3 by [0, 11, 3] inner 3 by [0, 1, 1] {label = "C_2"}
  // CHECK-NEXT:    vta.alu max @uops_1 at [0, 0] outer 2 by [18, 18] inner 9 by [1, 1] imm -128 {label = "O_2"}
  // CHECK:         loop.for %O_out_d0 = 0 to 2 {
  // CHECK-NEXT:      vta.store out %O[%O_out_d0 * 81 + 72] at [%O_out_d0 * 18] rows 1 of 9 {label = "O_out"}
  // CHECK-NEXT:    }
  // CHECK-NEXT:    vta.finish
  // CHECK-NEXT:    func.return
  func.func @convolution(%X: !x, %W: !w, %O: !o) {
    loop.for %oh_o = 0 to 5 {
      %C = loop.alloc at [0, %oh_o * 2, 0] {address = 0 : i64} : !ct
      %X_inp = loop.alloc at [0, %oh_o * 2 - 1, -1] {address = 0 : i64} : !xt
      %O_out = loop.alloc at [0, %oh_o * 2, 0] {address = 0 : i64} : !ot
      loop.copy %X to %X_inp pad 0 : i8 : !x to !xt
      %W_wgt = loop.alloc {address = 0 : i64} : !wt
      loop.copy %W to %W_wgt : !w to !wt
      loop.push_dep "ld" to "ex"
      loop.pop_dep "ld" to "ex"
      loop.for %kh = 0 to 3 {
        loop.for %oh_i = 0 to 2 {
          loop.for %kw = 0 to 3 {
            loop.for %oc = 0 to 2 {
              loop.for %ow = 0 to 9 {
                loop.block "C" (%voc < 2 = %oc, %vh < 9 = %oh_o * 2 + %oh_i, %vw < 9 = %ow, reduce %vkh < 3 = %kh, reduce %vkw < 3 = %kw) {
                  loop.intrinsic @gemm "update"(%C[%voc * 16 + i1, %vh, %vw], %X_inp[i1, %vh + %vkh - 1, %vw + %vkw - 1], %W_wgt[%voc * 16 + i0, i1, %vkh, %vkw]) writes 1 : !ct, !xt, !wt
                }
              }
            }
          }
        }
      }
      loop.for %oc_1 = 0 to 2 {
        loop.for %oh_i1 = 0 to 2 {
          loop.for %ow_1 = 0 to 9 {
            loop.block "O" (%voc < 2 = %oc_1, %vh < 9 = %oh_o * 2 + %oh_i1, %vw < 9 = %ow_1) {
              loop.intrinsic @cast_saturate "compute"(%O_out[%voc * 16 + i1, %vh, %vw], %C[%voc * 16 + i1, %vh, %vw]) writes 1 : !ot, !ct
            }
          }
        }
      }
      loop.copy %O_out to %O : !ot to !o
    }
    func.return
  }

  // Shifts have 5 bits with sign, products by powers of two are shifts, a sum may be in place on
  // either side. A shift by nothing is no instruction. The guard of a split of a split cuts a nest
  // in two.

  // CHECK-LABEL: func.func @arithmetic
  // CHECK-NEXT:    vta.alu shr @uops_1 at [4, 4] inner 12 by [1, 1] imm 15 {label = "S"}
  // CHECK-NEXT:    vta.alu shr @uops_1 at [4, 4] inner 12 by [1, 1] imm 5 {label = "S"}
  // CHECK-NEXT:    vta.alu shr @uops_1 at [4, 4] inner 12 by [1, 1] imm -3 {label = "L"}
  // CHECK-NEXT:    vta.alu shr @uops_1 at [4, 4] inner 12 by [1, 1] imm -16 {label = "P"}
  // CHECK-NEXT:    vta.alu shr @uops_1 at [4, 4] inner 12 by [1, 1] imm -2 {label = "P"}
  // CHECK-NEXT:    vta.alu mul @uops_1 at [4, 4] inner 12 by [1, 1] imm 12 {label = "T"}
  // CHECK-NEXT:    vta.alu add @uops_1 at [16, 4] inner 6 by [1, 1] {label = "A"}
  // CHECK-NEXT:    vta.alu add @uops_1 at [22, 10] inner 3 by [1, 1] {label = "A"}
  // CHECK-NEXT:    vta.finish
  func.func @arithmetic() {
    %A = loop.alloc {address = 4 : i64} : !a
    %B = loop.alloc {address = 16 : i64} : !a
    loop.for %n = 0 to 4 {
      loop.for %k = 0 to 3 {
        loop.block "S" (%vn < 4 = %n, %vk < 3 = %k) {
          loop.intrinsic @shr_imm "compute"(%A[%vn, %vk * 16 + i1], %A[%vn, %vk * 16 + i1]) writes 1 imm [20] : !a, !a
        }
      }
    }
    loop.for %k1 = 0 to 3 {
      loop.for %n1 = 0 to 4 {
        loop.block "L" (%vn < 4 = %n1, %vk < 3 = %k1) {
          loop.intrinsic @shl_imm "compute"(%A[%vn, %vk * 16 + i1], %A[%vn, %vk * 16 + i1]) writes 1 imm [3] : !a, !a
        }
      }
    }
    loop.for %n2 = 0 to 4 {
      loop.for %k2 = 0 to 3 {
        loop.block "P" (%vn < 4 = %n2, %vk < 3 = %k2) {
          loop.intrinsic @mul_imm "compute"(%A[%vn, %vk * 16 + i1], %A[%vn, %vk * 16 + i1]) writes 1 imm [262144] : !a, !a
        }
      }
    }
    loop.for %n3 = 0 to 4 {
      loop.for %k3 = 0 to 3 {
        loop.block "T" (%vn < 4 = %n3, %vk < 3 = %k3) {
          loop.intrinsic @mul_imm "compute"(%A[%vn, %vk * 16 + i1], %A[%vn, %vk * 16 + i1]) writes 1 imm [12] : !a, !a
        }
      }
    }
    loop.for %n4 = 0 to 4 {
      loop.for %k4 = 0 to 3 {
        loop.block "Z" (%vn < 4 = %n4, %vk < 3 = %k4) {
          loop.intrinsic @shr_imm "compute"(%A[%vn, %vk * 16 + i1], %A[%vn, %vk * 16 + i1]) writes 1 imm [0] : !a, !a
        }
      }
    }
    loop.for %n_o = 0 to 2 {
      loop.for %n_i = 0 to 2 {
        loop.for %k5 = 0 to 3 {
          loop.block "A" (%vn < 3 = %n_o * 2 + %n_i, %vk < 3 = %k5) {
            loop.intrinsic @add "compute"(%B[%vn, %vk * 16 + i1], %A[%vn, %vk * 16 + i1], %B[%vn, %vk * 16 + i1]) writes 1 : !a, !a, !a
          }
        }
      }
    }
    func.return
  }

  // One accumulator at a time is too few for the pipeline: others, which no tile holds, are written
  // in between, and once before, so that they have a value.

  // CHECK-LABEL: func.func @one_accumulator
  // CHECK-NEXT:    vta.gemm reset @[[SPARE:.*]] at [36, 0, 0] {label = "spare"}
  // CHECK-NEXT:    vta.gemm @[[KERNEL:.*]] at [0, 0, 0] outer 3 by [0, 11, 3] inner 3 by [0, 1, 1] {label = "C", remark = "2 of 3 micro-ops write spare accumulators: the pipeline needs more of them in turn than the tile has"}
  func.func @one_accumulator() {
    %C = loop.alloc {address = 0 : i64} : !ct
    %X = loop.alloc at [0, 0, 0] {address = 0 : i64} : !xt
    %W = loop.alloc {address = 0 : i64} : !wt
    loop.for %kh = 0 to 3 {
      loop.for %kw = 0 to 3 {
        loop.block "C" (reduce %vkh < 3 = %kh, reduce %vkw < 3 = %kw) {
          loop.intrinsic @gemm "update"(%C[i1, 0, 0], %X[i1, %vkh, %vkw], %W[i0, i1, %vkh, %vkw]) writes 1 : !ct, !xt, !wt
        }
      }
    }
    func.return
  }

  // A store does not see what was only loaded: an operation that changes nothing touches it first.
  // A loop that repeats a reset is left out.

  // CHECK-LABEL: func.func @loaded
  // CHECK-NEXT:    vta.gemm reset @uops_1 at [36, 0, 0] inner 36 by [1, 0, 0] {label = "D"}
  // CHECK-NEXT:    vta.load acc %X[0] at [0] rows 2 of 18 stride 81 {label = "C"}
  // CHECK-NEXT:    vta.alu add @uops_1 at [0, 0] inner 36 by [1, 1] imm 0 {label = "O"}
  // CHECK-NEXT:    vta.store out %O[0] at [0] rows 2 of 18 stride 81 {label = "O_out"}
  // CHECK-NEXT:    vta.finish
  func.func @loaded(%X: memref<32x9x9xi32, #loop.layout<affine_map<(c, h, w) -> (c floordiv 16, h, w, 0, c mod 16)>, [2, 9, 9, 1, 16]>>, %O: !o) {
    %C = loop.alloc {address = 0 : i64} : !ct
    %D = loop.alloc {address = 36 : i64} : !ct
    %O_out = loop.alloc {address = 0 : i64} : !ot
    loop.for %again = 0 to 3 {
      loop.for %oc_0 = 0 to 2 {
        loop.for %oh_0 = 0 to 2 {
          loop.for %ow_0 = 0 to 9 {
            loop.block "D" (%voc < 2 = %oc_0, %vh < 2 = %oh_0, %vw < 9 = %ow_0) {
              loop.intrinsic @gemm "reset"(%D[%voc * 16 + i1, %vh, %vw]) writes 1 : !ct
            }
          }
        }
      }
    }
    loop.copy %X to %C : memref<32x9x9xi32, #loop.layout<affine_map<(c, h, w) -> (c floordiv 16, h, w, 0, c mod 16)>, [2, 9, 9, 1, 16]>> to !ct
    loop.for %oc = 0 to 2 {
      loop.for %oh = 0 to 2 {
        loop.for %ow = 0 to 9 {
          loop.block "O" (%voc < 2 = %oc, %vh < 2 = %oh, %vw < 9 = %ow) {
            loop.intrinsic @cast "compute"(%O_out[%voc * 16 + i1, %vh, %vw], %C[%voc * 16 + i1, %vh, %vw]) writes 1 : !ot, !ct
          }
        }
      }
    }
    loop.copy %O_out to %O : !ot to !o
    func.return
  }
  // CHECK:       vta.uop_kernel @[[KERNEL]] {(0, 0, 0), (36, 0, 0), (37, 0, 0)}
  // CHECK:       vta.uop_kernel @[[SPARE]] {(0, 0, 0), (1, 0, 0)}
}
