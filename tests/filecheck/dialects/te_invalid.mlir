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
