// RUN: dovetail-opt %s -p lower-graph-to-loop | filecheck %s

// A module whose functions call nothing has no network.
// CHECK:      func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT:   func.return %x
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}
