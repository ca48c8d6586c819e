// RUN: not dovetail-opt %s -t llvm-ir 2>&1 | filecheck %s

// CHECK: error: llvm: loop.store of %A: its address moves by 2 elements a lane of the vectorized loop i; 0 (a splat) and 1 (a vector) can be vectorized
func.func @stride(%A: memref<16xf32>) {
  loop.for %i = 0 to 8 vectorized {
    loop.block "A" (%v < 8 = %i) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %A[%v * 2] : memref<16xf32>
    }
  }
  func.return
}
