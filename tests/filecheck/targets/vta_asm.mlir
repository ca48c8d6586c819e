// RUN: dovetail-opt %s -t vta-asm{function=pipeline} | filecheck %s
// RUN: not dovetail-opt %s -t vta-asm 2>&1 | filecheck %s --check-prefix=SEVERAL
// RUN: not dovetail-opt %s -t vta-asm{function=pipelin} 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not dovetail-opt %s -p 'lower-loop-to-vta' -t vta-asm{function=loops} 2>&1 | filecheck %s --check-prefix=LOOPS

// RUN: not dovetail-opt %s -t vta-bin{function=pipeline} 2>&1 | filecheck %s --check-prefix=BYTES

// BYTES: error: -t vta-bin writes bytes, which are no text: give -o FILE
// SEVERAL: error: vta: the module has several functions: pipeline, crowded, loops; choose one
// UNKNOWN: error: vta: no function of instructions is called 'pipelin': did you mean pipeline? there are: pipeline, crowded, loops
// LOOPS: error: vta: @loops has loop.block, which is no instruction; lower-loop-to-vta lowers loops

// Loops are run, tokens are bits. The first push has no instruction before it, and the last pop
// none after it: NOPs. The second round finds its micro-ops at other accumulators, so it loads them;
// the third uses the first ones, which are still there. FINISH waits for the store.

// CHECK:      # @pipeline for 1x16_i8w8a32_15_15_18_17
// CHECK-NEXT: # X: 512 bytes at 0
// CHECK-NEXT: # W: 256 bytes at 512
// CHECK-NEXT: # O: 512 bytes at 768
// CHECK-NEXT: # micro-ops: 6 at 1280
// CHECK-NEXT: # instructions: 18 at 1312
// CHECK-NEXT: weights: load wgt 2 at 0 rows 1 of 1
// CHECK-NEXT: nop compute push_prev
// CHECK-NEXT: rows_t0: load inp 0 at 0 rows 1 of 8 pop_next push_next
// CHECK-NEXT: clear_t0_uops: load uop 320 at 0 rows 1 of 1
// CHECK-NEXT: clear_t0: gemm reset uop 0 to 1 inner 4 by [1, 0, 0] pop_prev
// CHECK-NEXT: gemm_t0_uops: load uop 321 at 1 rows 1 of 2
// CHECK-NEXT: gemm_t0: gemm uop 1 to 3 inner 2 by [2, 2, 0] push_prev push_next
// CHECK-NEXT: store_t0: store out 48 at 0 rows 1 of 4 pop_prev
// CHECK-NEXT: rows_t1: load inp 8 at 0 rows 1 of 8 pop_next push_next
// CHECK-NEXT: clear_t1_uops: load uop 323 at 3 rows 1 of 1
// CHECK-NEXT: clear_t1: gemm reset uop 3 to 4 inner 4 by [1, 0, 0] pop_prev
// CHECK-NEXT: gemm_t1_uops: load uop 324 at 4 rows 1 of 2
// CHECK-NEXT: gemm_t1: gemm uop 4 to 6 inner 2 by [2, 2, 0] push_prev push_next
// CHECK-NEXT: store_t1: store out 64 at 4 rows 1 of 4 pop_prev
// CHECK-NEXT: again: gemm uop 1 to 3 inner 2 by [2, 2, 0]
// CHECK-NEXT: store out 80 at 0 rows 1 of 4 push_prev
// CHECK-NEXT: nop load pop_next push_next
// CHECK-NEXT: finish pop_prev pop_next
// CHECK-NOT:  {{.}}
builtin.module attributes {target = #target.target<"vta">} {
  vta.uop_kernel @one {(0, 0, 0)}
  vta.uop_kernel @two {(0, 0, 0), (1, 1, 0)}
  func.func @pipeline(%X: memref<512xi8>, %W: memref<256xi8>, %O: memref<512xi8>) {
    vta.load wgt %W[0] at [0] rows 1 of 1 {label = "weights"} : memref<256xi8>
    vta.push_dep "compute" to "load"
    loop.for %t = 0 to 2 {
      vta.pop_dep "compute" to "load"
      vta.load inp %X[%t * 8] at [0] rows 1 of 8 {label = "rows"} : memref<512xi8>
      vta.push_dep "load" to "compute"
      vta.pop_dep "load" to "compute"
      vta.gemm reset @one at [%t * 4, 0, 0] inner 4 by [1, 0, 0] {label = "clear"}
      vta.gemm @two at [%t * 4, 0, 0] inner 2 by [2, 2, 0]
      vta.push_dep "compute" to "load"
      vta.push_dep "compute" to "store"
      vta.pop_dep "compute" to "store"
      vta.store out %O[%t * 16] at [%t * 4] rows 1 of 4 : memref<512xi8>
    }
    vta.gemm @two at [0, 0, 0] inner 2 by [2, 2, 0] {label = "again"}
    vta.store out %O[32] at [0] rows 1 of 4 {label = "store"} : memref<512xi8>
    vta.pop_dep "compute" to "load"
    vta.finish
    func.return
  }
  func.func @crowded() {
    vta.finish
    func.return
  }
  func.func @loops() {
    loop.for %i = 0 to 2 {
      loop.block "B" () {
      }
    }
    vta.finish
    func.return
  }
}
