// RUN: not dovetail-opt %s -p lower-graph-to-te 2>&1 | filecheck %s

// CHECK: error: lower-graph-to-te: graph.mod of f32
func.func @mod(%x: tensor<5xf32>, %y: tensor<5xf32>) -> tensor<5xf32> {
  %z = graph.mod(%x, %y) kind = "trunc" : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
  func.return %z : tensor<5xf32>
}
