// RUN: dovetail-opt %s --parsing-diagnostics | filecheck %s

// CHECK: graph.softmax has no property 'axes'; there are: axis
func.func @axis(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %z = graph.softmax(%x) axes = 1 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %z : tensor<2x3xf32>
}
