// RUN: dovetail-opt %s --split-input-file -t pseudo | filecheck %s --strict-whitespace --match-full-lines

// An instruction is its two loops around its micro-ops; of many micro-ops, a loop over them.
// CHECK:row = [(0, 0, 0), (1, 1, 0)]  # micro-ops: acc, source, wgt
// CHECK-NEXT:long = [(0, 0, 0), (1, 1, 0), (2, 2, 0), (3, 3, 0), (4, 4, 0), (5, 5, 0), (6, 6, 0), (7, 7, 0), (8, 8, 0)]  # micro-ops: acc, source, wgt
// CHECK-EMPTY:
// CHECK-NEXT:def tile(X: i8[4096], O: i8[4096]):
// CHECK-NEXT:    for vthread t in range(2):
// CHECK-NEXT:        load(inp[t*256], X[t*2], rows=14, columns=14, stride=56, pad=[1, 0, 1, 1])
// CHECK-NEXT:        load.push_dep_to(compute)
// CHECK-NEXT:        compute.pop_dep_from(load)
// CHECK-NEXT:        for y in range(14):
// CHECK-NEXT:            for x in range(7):
// CHECK-NEXT:                acc[t*196 + y*14 + x*2] = 0
// CHECK-NEXT:                acc[t*196 + y*14 + x*2 + 1] = 0
// CHECK-NEXT:        for y in range(14):
// CHECK-NEXT:            for x in range(3):
// CHECK-NEXT:                acc[t*196 + y*14] += gemm(inp[t*256 + y*16 + x], wgt[t*9 + x])
// CHECK-NEXT:                acc[t*196 + y*14 + 1] += gemm(inp[t*256 + y*16 + x + 1], wgt[t*9 + x])
// CHECK-NEXT:        for a, s, w in long:
// CHECK-NEXT:            acc[t + a] += gemm(inp[s], wgt[w])
// CHECK-NEXT:        for y in range(98):
// CHECK-NEXT:            acc[t*196 + y*2] >>= 8
// CHECK-NEXT:            acc[t*196 + y*2 + 1] >>= 8
// CHECK-NEXT:        for x in range(98):
// CHECK-NEXT:            acc[x*2] = max(acc[x*2], acc[x*2 + 196])
// CHECK-NEXT:            acc[x*2 + 1] = max(acc[x*2 + 1], acc[x*2 + 197])
// CHECK-NEXT:        store(O[t*784], out[t*196], rows=14, columns=14, stride=56)
vta.uop_kernel @row {(0, 0, 0), (1, 1, 0)}
vta.uop_kernel @long {(0, 0, 0), (1, 1, 0), (2, 2, 0), (3, 3, 0), (4, 4, 0), (5, 5, 0), (6, 6, 0), (7, 7, 0), (8, 8, 0)}
func.func @tile(%X: memref<4096xi8>, %O: memref<4096xi8>) {
  loop.for %t = 0 to 2 vthread {
    vta.load inp %X[%t * 2] at [%t * 256] rows 14 of 14 stride 56 pad [1, 0, 1, 1] : memref<4096xi8>
    vta.push_dep "load" to "compute"
    vta.pop_dep "load" to "compute"
    vta.gemm reset @row at [%t * 196, 0, 0] outer 14 by [14, 0, 0] inner 7 by [2, 0, 0]
    vta.gemm @row at [%t * 196, %t * 256, %t * 9] outer 14 by [14, 16, 0] inner 3 by [0, 1, 1]
    vta.gemm @long at [%t, 0, 0]
    vta.alu shr @row at [%t * 196, %t * 196] outer 98 by [2, 2] imm 8
    vta.alu max @row at [0, 196] inner 98 by [2, 2]
    vta.store out %O[%t * 784] at [%t * 196] rows 14 of 14 stride 56 : memref<4096xi8>
  }
  func.return
}

// -----

// CHECK:one = [(0, 0, 0)]  # micro-ops: acc, source, wgt
// CHECK-EMPTY:
// CHECK-NEXT:def flat():
// CHECK-NEXT:    load(uop[0], dram[16384], rows=1, columns=1)
// CHECK-NEXT:    acc[0] += acc[1]
// CHECK-NEXT:    acc[0] *= 3
// CHECK-NEXT:    acc[0] = min(acc[0], 127)
// CHECK-NEXT:    finish()
vta.uop_kernel @one {(0, 0, 0)}
func.func @flat() {
  vta.load uop [16384] at [0] rows 1 of 1
  vta.alu add @one at [0, 1]
  vta.alu mul @one at [0, 0] imm 3
  vta.alu min @one at [0, 0] imm 127
  vta.finish
  func.return
}
