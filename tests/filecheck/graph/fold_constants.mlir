// RUN: dovetail-opt %s -p fold-constants | filecheck %s

// What is uniform stays a splat, and weights that nobody reads any more go.
// CHECK-LABEL: func.func @folds
// CHECK-NEXT:    %t = graph.weight @t dense<{{\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK-NEXT:    %e = graph.weight @e splat(1.0) : tensor<2xf32>
// CHECK-NEXT:    graph.matmul(%x, %t)
func.func @folds(%x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<2xf32>) {
  %w = graph.weight @w dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %t = graph.transpose(%w) perm = [1, 0] : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %z = graph.weight @z splat(0.0) : tensor<2xf32>
  %e = graph.exp(%z) : (tensor<2xf32>) -> tensor<2xf32>
  %y = graph.matmul(%x, %t) : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  func.return %y, %e : tensor<3x2xf32>, tensor<2xf32>
}

// A broadcast that is larger than its operand and than the limit stays.
// CHECK-LABEL: func.func @large
// CHECK:         graph.expand
func.func @large() -> tensor<8388608x1xf32> {
  %w = graph.weight @w splat(1.0) : tensor<1x1xf32>
  %e = graph.expand(%w) : (tensor<1x1xf32>) -> tensor<8388608x1xf32>
  func.return %e : tensor<8388608x1xf32>
}

// An operand that is not a weight is a reason to stay.
// CHECK-LABEL: func.func @depends
// CHECK:         graph.add
func.func @depends(%x: tensor<2xf32>) -> tensor<2xf32> {
  %w = graph.weight @w splat(1.0) : tensor<2xf32>
  %y = graph.add(%x, %w) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}
