// RUN: not dovetail-opt %s -p 'inline-compute{block=B}' 2>&1 | filecheck %s

// CHECK: error: inline-compute: %B, which block 'B' writes, is used by loop.copy, which needs it in memory
func.func @copied(%A: memref<8xi32>, %C: memref<8xi32>) {
  %B = loop.alloc : memref<8xi32>
  loop.for %i = 0 to 8 {
    loop.block "B" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %B[%v] : memref<8xi32>
    }
  }
  loop.copy %B to %C : memref<8xi32> to memref<8xi32>
  func.return
}
