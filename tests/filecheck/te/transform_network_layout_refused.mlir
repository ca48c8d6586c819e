// RUN: not dovetail-opt %s -p transform-network-layout 2>&1 | filecheck %s

// Vectors are as wide as the target's.
// CHECK: error: the module has no target: give dovetail-opt --set-target host (or 'llvm -mcpu=NAME'), or write
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = graph.call @k(%x) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}

func.func private @k(%x: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}
