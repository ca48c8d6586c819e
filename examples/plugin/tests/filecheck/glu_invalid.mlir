// RUN: dovetail-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: sample.glu: axis: expected 0 to 1, got 2
func.func @axis(%x: tensor<2x6xf32>) {
  %y = sample.glu(%x) axis = 2 : (tensor<2x6xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: sample.glu: dimension 1 of x: expected an even number, got 5
func.func @odd(%x: tensor<2x5xf32>) {
  %y = sample.glu(%x) axis = 1 : (tensor<2x5xf32>) -> tensor<2x2xf32>
  func.return
}

// -----

// CHECK: sample.glu: element type: expected a float, got i32
func.func @integers(%x: tensor<2x6xi32>) {
  %y = sample.glu(%x) axis = 1 : (tensor<2x6xi32>) -> tensor<2x3xi32>
  func.return
}
