// RUN: dovetail-opt %s | dovetail-opt | filecheck %s
// RUN: dovetail-opt %s --print-op-generic | dovetail-opt | filecheck %s

// Inside loops, with symbolic addresses.
// CHECK:       vta.uop_kernel @row {(0, 0, 0), (1, 1, 0)}
// CHECK-LABEL: func.func @tile
// CHECK:         vta.load inp %X[%o * 784 + %t * 2] at [%t * 256] rows 14 of 14 stride 56 pad [1, 0, 1, 1] : memref<4096xi8>
// CHECK-NEXT:    vta.load wgt %W[%t] at [%t * 9] rows 1 of 9 : memref<4096xi8>
// CHECK-NEXT:    vta.push_dep "load" to "compute"
// CHECK-NEXT:    vta.pop_dep "load" to "compute"
// CHECK-NEXT:    vta.gemm reset @row at [%t * 196, 0, 0] outer 14 by [14, 0, 0] inner 7 by [2, 0, 0]
// CHECK-NEXT:    vta.gemm @row at [%t * 196, %t * 256, %t * 9] outer 14 by [14, 16, 0] inner 3 by [0, 1, 1]
// CHECK-NEXT:    vta.alu shr @row at [%t * 196, %t * 196] outer 98 by [2, 2] imm 8
// CHECK-NEXT:    vta.alu add @row at [0, 196] inner 98 by [2, 2]
// CHECK:         vta.store out %O[%o * 784] at [%t * 196] rows 14 of 14 stride 56 : memref<4096xi8>
vta.uop_kernel @row {(0, 0, 0), (1, 1, 0)}
func.func @tile(%X: memref<4096xi8>, %W: memref<4096xi8>, %O: memref<4096xi8>) {
  loop.for %o = 0 to 4 {
    loop.for %t = 0 to 2 vthread {
      vta.load inp %X[%o * 784 + %t * 2] at [%t * 256] rows 14 of 14 stride 56 pad [1, 0, 1, 1] : memref<4096xi8>
      vta.load wgt %W[%t] at [%t * 9] rows 1 of 9 stride 9 : memref<4096xi8>
      vta.push_dep "load" to "compute"
      vta.pop_dep "load" to "compute"
      vta.gemm reset @row at [%t * 196, 0, 0] outer 14 by [14, 0, 0] inner 7 by [2, 0, 0]
      vta.gemm @row at [%t * 196, %t * 256, %t * 9] outer 14 by [14, 16, 0] inner 3 by [0, 1, 1]
      vta.alu shr @row at [%t * 196, %t * 196] outer 98 by [2, 2] imm 8
      vta.alu add @row at [0, 196] inner 98 by [2, 2]
      vta.push_dep "compute" to "store"
      vta.pop_dep "compute" to "store"
      vta.store out %O[%o * 784] at [%t * 196] rows 14 of 14 stride 56 : memref<4096xi8>
    }
  }
  func.return
}

// Flat: every address is a number.
// CHECK-LABEL: func.func @flat
// CHECK-NEXT:    vta.load uop [16384] at [0] rows 1 of 2
// CHECK-NEXT:    vta.load acc8 [100000] at [3] rows 2 of 4 stride 0
// CHECK-NEXT:    vta.gemm @row at [0, 0, 0]
// CHECK-NEXT:    vta.alu max @row at [0, 0] imm -32768
// CHECK-NEXT:    vta.finish
func.func @flat() {
  vta.load uop [16384] at [0] rows 1 of 2
  vta.load acc8 [100000] at [3] rows 2 of 4 stride 0
  vta.gemm @row at [0, 0, 0] outer 1 by [0, 0, 0]
  vta.alu max @row at [0, 0] imm -32768
  vta.finish
  func.return
}
