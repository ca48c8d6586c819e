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
// CHECK: loop.prefetch: locality is 0 (none) to 3 (keep), not 4
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
// -----
// CHECK: loop.for: i: no kind is called 'vectorised'; there are serial, parallel, vectorized
loop.for %i = 0 to 4 vectorised {
}
// -----
// CHECK: loop.for: i: a bound is one expression of the operands
"loop.for"() <{loop_name = "i", kind = "serial", lower = affine_map<() -> (0)>, upper = affine_map<() -> (4, 5)>}> ({
^bb0(%i : index):
}) : () -> ()
// -----
// CHECK: loop.for: i: the body has one argument, the loop's variable
"loop.for"() <{loop_name = "i", kind = "serial", lower = affine_map<() -> (0)>, upper = affine_map<() -> (4)>}> ({
^bb0:
}) : () -> ()
// -----
// CHECK: loop.block: b: a variable is spatial or reduce, not 'parallel'
"loop.block"() <{block_name = "b", iterators = ["parallel"], domains = affine_map<() -> (4)>, bindings = affine_map<() -> (0)>, where = affine_map<() -> ()>}> ({
^bb0(%v : index):
}) : () -> ()
// -----
// CHECK: loop.block: b: a region has 0 arguments for 1 variables
"loop.block"() <{block_name = "b", iterators = ["spatial"], domains = affine_map<() -> (4)>, bindings = affine_map<() -> (0)>, where = affine_map<() -> ()>}> ({
^bb0:
}) : () -> ()
// -----
// CHECK: loop.block: b: 2 domains for 1 variables
"loop.block"() <{block_name = "b", iterators = ["spatial"], domains = affine_map<() -> (4, 4)>, bindings = affine_map<() -> (0)>, where = affine_map<() -> ()>}> ({
^bb0(%v : index):
}) : () -> ()
// -----
// CHECK: loop.block: b: a map has 1 dimensions for 0 outer values
"loop.block"() <{block_name = "b", iterators = ["spatial"], domains = affine_map<() -> (4)>, bindings = affine_map<() -> (0)>, where = affine_map<(d0) -> (d0)>}> ({
^bb0(%v : index):
}) : () -> ()
// -----
// CHECK: loop.load: expected a memref, got tensor<5xf32>
%A = "test.op"() : () -> tensor<5xf32>
%v = loop.load %A[0] : tensor<5xf32>
// -----
// CHECK: loop.load: reads f32, but i32 where the guard fails
%A, %n = "test.op"() : () -> (memref<5xf32>, i32)
%v = "loop.load"(%A, %n) <{map = affine_map<() -> (0)>, where = affine_map<() -> (1)>, operandSegmentSizes = array<i32: 1, 0, 1>}> : (memref<5xf32>, i32) -> f32
// -----
// CHECK: loop.load: the guard has 1 dimensions and 0 symbols for 0 operands
%A, %n = "test.op"() : () -> (memref<5xf32>, f32)
%v = "loop.load"(%A, %n) <{map = affine_map<() -> (0)>, where = affine_map<(d0) -> (d0)>, operandSegmentSizes = array<i32: 1, 0, 1>}> : (memref<5xf32>, f32) -> f32
// -----
// CHECK: loop.alloc: expected a memref, got tensor<5xf32>
%A = loop.alloc : tensor<5xf32>
// -----
// CHECK: loop.alloc: shared by 'threads', which is no thread axis; there are blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z
%A = loop.alloc shared_by ["threads"] : memref<5xf32>
// -----
// CHECK: loop.alloc: 1 indices for the 2 dimensions of memref<5x4xf32>
%A = loop.alloc at [0] : memref<5x4xf32>
// -----
// CHECK: loop.copy: memref<5xf32> and memref<5xi32> differ in element type
%A, %B = "test.op"() : () -> (memref<5xf32>, memref<5xi32>)
loop.copy %A to %B : memref<5xf32> to memref<5xi32>
// -----
// CHECK: loop.copy: memref<4xf32> and memref<2x2xf32> differ in rank
%A, %B = "test.op"() : () -> (memref<4xf32>, memref<2x2xf32>)
loop.copy %A to %B : memref<4xf32> to memref<2x2xf32>
// -----
// CHECK: loop.copy: pads memref<4xf32> with i32
%A, %B = "test.op"() : () -> (memref<5xf32>, memref<4xf32>)
loop.copy %A to %B pad 0 : i32 : memref<5xf32> to memref<4xf32>
// -----
// CHECK: loop.prefetch: the distance is one expression
%A = "test.op"() : () -> memref<5xf32>
"loop.prefetch"(%A) <{map = affine_map<() -> (0)>, distance = affine_map<() -> (0, 1)>, locality = #builtin.int<1>}> : (memref<5xf32>) -> ()
// -----
// CHECK: loop.intrinsic: writes 1 to 1 of its operands, not 2
%A = "test.op"() : () -> memref<5xf32>
loop.intrinsic @f "compute"(%A) writes 2 : memref<5xf32>
// -----
// CHECK: loop.layout: the map must not have symbols
"test.op"() {layout = #loop.layout<affine_map<(d0)[s0] -> (d0 + s0)>, [5]>} : () -> ()
// -----
// CHECK: loop.intrinsic: 1 indices for the 2 dimensions of memref<5x2xf32>
%A = "test.op"() : () -> memref<5x2xf32>
loop.intrinsic @f "compute"(%A[i0]) writes 1 : memref<5x2xf32>
// -----
// CHECK: 'j' is no index of an element; they are i0, i1, ...
%A = "test.op"() : () -> memref<5xf32>
loop.intrinsic @f "compute"(%A[j]) writes 1 : memref<5xf32>
// -----
// CHECK: loop.alloc: memref<8xf32> is no part of memref<2x9xf32>: they have one element type and scope, and the extents in memory of the whole are those of the tile behind the number of parts
%R = "test.op"() : () -> memref<2x9xf32>
%T = loop.alloc in %R[1] of memref<2x9xf32> : memref<8xf32>
// -----
// CHECK: loop.alloc: memref<8xf32> is no part of memref<2x8xf32, "local">: they have one element type and scope
%R = "test.op"() : () -> memref<2x8xf32, "local">
%T = loop.alloc in %R[1] of memref<2x8xf32, "local"> : memref<8xf32>
// -----
// CHECK: loop.alloc: a tile lies in one part of a memory, or in none
%R = "test.op"() : () -> memref<2x8xf32>
%T = loop.alloc in %R[1, 0] of memref<2x8xf32> : memref<8xf32>
