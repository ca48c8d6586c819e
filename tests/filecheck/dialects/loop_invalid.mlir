// RUN: dovetail-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics 2>&1 | filecheck %s

// CHECK: loop.for: i: no kind is called 'warpIdx.x'; there are serial, parallel, vectorized, unrolled, vthread, blockIdx.x
func.func @kind() {
  loop.for %i = 0 to 4 bind "warpIdx.x" {
  }
  func.return
}
// -----
// CHECK: loop.load: 1 indices for the 2 dimensions of memref<5x4xf32>
func.func @rank(%A: memref<5x4xf32>) {
  loop.for %i = 0 to 4 {
    loop.block "b" (%v < 4 = %i) {
      %a = loop.load %A[%v] : memref<5x4xf32>
    }
  }
  func.return
}
// -----
// CHECK: loop.store: f32 into a memref<5xi32>
"builtin.module"() ({
  %A = "test.op"() : () -> memref<5xi32>
  %v = "test.op"() : () -> f32
  "loop.store"(%v, %A) <{map = affine_map<() -> (0)>}> : (f32, memref<5xi32>) -> ()
}) : () -> ()
// -----
// CHECK: loop.block: b: init without a reduce variable
func.func @init() {
  loop.block "b" () init {
  } {
  }
  func.return
}
// -----
// CHECK: loop.layout: the map has 2 results for 1 physical extents
func.func @layout(%A: memref<5x4xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [5]>>) {
  func.return
}
// -----
// CHECK: loop.prefetch: locality is 0 (none) to 3 (keep), not more
func.func @locality(%A: memref<5xf32>) {
  loop.prefetch %A[0] locality 4 : memref<5xf32>
  func.return
}
// -----
// CHECK: loop.intrinsic: a form is one of compute, reset, update, not 'other'
func.func @form(%A: memref<5xf32>) {
  loop.intrinsic @f "other"(%A) writes 1 : memref<5xf32>
  func.return
}
