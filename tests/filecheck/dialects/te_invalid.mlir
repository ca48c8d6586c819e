// RUN: dovetail-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics 2>&1 | filecheck %s

// CHECK: te.compute "C": the spatial axes have the extents [4], but the result is tensor<5xf32>
func.func @shape(%A: tensor<5xf32>) {
  %C = te.compute "C" (%y = 0 to 4) {
    %a = te.read %A[%y] : tensor<5xf32>
    te.yield %a : f32
  } : tensor<5xf32>
  func.return
}
// -----
// CHECK: te.compute "C": no reducer is called 'mean'; there are sum, prod, max, min, argmax, argmin, and 'reduce' with a combiner
func.func @reducer(%A: tensor<5xf32>) {
  %C = te.compute "C" () mean (%y = 0 to 5) {
    %a = te.read %A[%y] : tensor<5xf32>
    te.yield %a : f32
  } : tensor<f32>
  func.return
}
// -----
// CHECK: te.compute "C": yields f32 for results of i32
func.func @element(%A: tensor<5xf32>) {
  %C = te.compute "C" (%y = 0 to 5) {
    %a = te.read %A[%y] : tensor<5xf32>
    te.yield %a : f32
  } : tensor<5xi32>
  func.return
}
// -----
// CHECK: te.read: 1 indices for the 2 dimensions of tensor<5x4xf32>
func.func @rank(%A: tensor<5x4xf32>) {
  %C = te.compute "C" (%y = 0 to 5) {
    %a = te.read %A[%y] : tensor<5x4xf32>
    te.yield %a : f32
  } : tensor<5xf32>
  func.return
}
// -----
// CHECK: te.read: tensor<?xf32> has a dimension without a name; name it in its layout: #loop.layout<["m", 64]>
func.func @unnamed(%A: tensor<?xf32>) {
  %C = te.compute "C" (%y = 0 to 5) {
    %a = te.read %A[%y] : tensor<?xf32>
    te.yield %a : f32
  } : tensor<5xf32>
  func.return
}
// -----
// CHECK: te.scatter "out": yields f32, index
func.func @scatter(%T: tensor<10xf32>) {
  %out = te.scatter "out" (%i = 0 to 7) sum into %T {
    %v = te.read %T[%i] : tensor<10xf32>
    te.yield %v : f32
  } : tensor<10xf32>
  func.return
}
// -----
// CHECK: te.read: reads f32 from tensor<5xi32>
%A = "test.op"() : () -> tensor<5xi32>
%r = "te.read"(%A) <{map = affine_map<() -> (0)>, where = affine_map<() -> ()>, operandSegmentSizes = array<i32: 1, 0, 0>}> : (tensor<5xi32>) -> f32
// -----
// CHECK: te.read: a guard and a value where it fails come together
%A = "test.op"() : () -> tensor<5xi32>
%r = "te.read"(%A) <{map = affine_map<() -> (0)>, where = affine_map<() -> (1)>, operandSegmentSizes = array<i32: 1, 0, 0>}> : (tensor<5xi32>) -> i32
// -----
// CHECK: te.read: the map has 1 dimensions and 0 symbols for 0 operands
%A = "test.op"() : () -> tensor<5xi32>
%r = "te.read"(%A) <{map = affine_map<(d0) -> (d0)>, where = affine_map<() -> ()>, operandSegmentSizes = array<i32: 1, 0, 0>}> : (tensor<5xi32>) -> i32
// -----
// CHECK: te.read: expected a tensor, got memref<5xi32>
%A = "test.op"() : () -> memref<5xi32>
%r = te.read %A[0] : memref<5xi32>
// -----
// CHECK: an index is an affine expression: one factor of a product is a constant
%A, %i = "test.op"() : () -> (tensor<5xi32>, index)
%r = te.read %A[%i * %i] : tensor<5xi32>
// -----
// CHECK: an index is an affine expression: what follows mod is a positive constant
%A, %i = "test.op"() : () -> (tensor<5xi32>, index)
%r = te.read %A[%i mod 0] : tensor<5xi32>
// -----
// CHECK: te.compute: an axis begins at 0
%v = "test.op"() : () -> f32
%C = te.compute "C" (%y = 1 to 5) {
  te.yield %v : f32
} : tensor<4xf32>
// -----
// CHECK: te.compute "C": 1 names of axes, 1 extents, 0 arguments
%C = "te.compute"() <{compute_name = "C", axes = ["y"], extents = affine_map<() -> (4)>, rank = #builtin.int<1>, operandSegmentSizes = array<i32: 0, 0>}> ({
  %v = "test.op"() : () -> f32
  te.yield %v : f32
}) : () -> tensor<4xf32>
// -----
// CHECK: te.compute "C": reduced axes and a reducer come together
%v = "test.op"() : () -> f32
%C = te.compute "C" (%y = 0 to 5) sum () {
  te.yield %v : f32
} : tensor<5xf32>
// -----
// CHECK: te.compute "C": argmax yields a value and an index
%v = "test.op"() : () -> f32
%C = te.compute "C" (%y = 0 to 5) argmax (%k = 0 to 3) {
  te.yield %v : f32
} : tensor<5xf32>
// -----
// CHECK: te.compute "C": sum yields one value, not 2
%v = "test.op"() : () -> f32
%C, %D = te.compute "C" (%y = 0 to 5) sum (%k = 0 to 3) {
  te.yield %v, %v : f32, f32
} : tensor<5xf32>, tensor<5xf32>
// -----
// CHECK: te.compute "C": a combiner comes with the reducer 'reduce'
%v = "test.op"() : () -> f32
%C = te.compute "C" (%y = 0 to 5) reduce (%k = 0 to 3) {
  te.yield %v : f32
} : tensor<5xf32>
// -----
// CHECK: te.compute "C": one identity a result, of its element type
%v, %i = "test.op"() : () -> (f32, i32)
%C = te.compute "C" (%y = 0 to 5) reduce (%k = 0 to 3) from (%i : i32) combine (%a, %b) {
  te.yield %a : i32
} {
  te.yield %v : f32
} : tensor<5xf32>
// -----
// CHECK: te.compute "C": the combiner yields i64, not f32
%v = "test.op"() : () -> f32
%C = te.compute "C" (%y = 0 to 5) reduce (%k = 0 to 3) from (%v : f32) combine (%a, %b) {
  %n = "test.op"() : () -> i64
  te.yield %n : i64
} {
  te.yield %v : f32
} : tensor<5xf32>
// -----
// CHECK: te.scatter "out": no reducer is called 'mean'; there are sum, prod, max, min
%T, %v, %j = "test.op"() : () -> (tensor<10xf32>, f32, index)
%out = te.scatter "out" (%i = 0 to 7) mean into %T {
  te.yield %v, %j : f32, index
} : tensor<10xf32>
// -----
// CHECK: te.intrinsic @dot: reset and update come together
te.intrinsic @dot (%a: tensor<4xf32>) {
  te.yield %a : tensor<4xf32>
} lower compute "dot" reset "clear"
// -----
// CHECK: te.intrinsic @dot: the behaviour yields f32, which is no tensor
te.intrinsic @dot (%a: tensor<4xf32>) {
  %v = te.read %a[0] : tensor<4xf32>
  te.yield %v : f32
} lower compute "dot"
// -----
// CHECK: te.intrinsic @dot: the behaviour ends with te.yield of its result
te.intrinsic @dot (%a: tensor<4xf32>) {
  %v = te.read %a[0] : tensor<4xf32>
} lower compute "dot"
// -----
// CHECK: te.intrinsic @dot: it needs features, and has no llvm text that uses them
te.intrinsic @dot (%a: tensor<4xf32>) {
  te.yield %a : tensor<4xf32>
} lower compute "dot" needs "avx2"
