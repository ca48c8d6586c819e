// RUN: not dovetail-opt %s -t llvm-ir 2>&1 | filecheck %s

// CHECK: error: llvm: the lanes of the vectorized loop i all write one element of %A
func.func @one_place(%A: memref<16xf32>) {
  loop.for %i = 0 to 8 vectorized {
    loop.block "A" (%v < 8 = %i) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %A[3] : memref<16xf32>
    }
  }
  func.return
}
