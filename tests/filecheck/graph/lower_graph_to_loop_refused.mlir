// RUN: not dovetail-opt %s -p lower-graph-to-loop 2>&1 | filecheck %s

// CHECK: error: lower-graph-to-loop: @main returns a tensor that no kernel computes; run copy-outputs first
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %y = graph.call @k(%x) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  func.return %y, %x : tensor<4xf32>, tensor<4xf32>
}

func.func private @k(%x: memref<4xf32>, %y: memref<4xf32>) {
  func.return
}
