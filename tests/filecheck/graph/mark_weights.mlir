// RUN: dovetail-opt %s -p mark-weights | filecheck %s

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = graph.weight @w splat(0.5) : tensor<4xf32>
  %v = graph.weight @v splat(2.0) : tensor<4xf32>
  %a = graph.call @once(%x, %w) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %b = graph.call @shared(%a, %w) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %c = graph.call @shared(%v, %v) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %d = graph.call @mixed(%b, %c) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %e = graph.call @mixed(%d, %w) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return %e : tensor<4xf32>
}

// An argument that is always a weight is marked, beside what else is said about it.
// CHECK: func.func private @once(%x: tensor<4xf32> {dovetail.name = "x"}, %y: tensor<4xf32> {dovetail.name = "y", dovetail.weight})
func.func private @once(%x: tensor<4xf32> {dovetail.name = "x"}, %y: tensor<4xf32> {dovetail.name = "y"}) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}

// All calls count: the first argument is a weight in one of two.
// CHECK: func.func private @shared(%x: tensor<4xf32>, %y: tensor<4xf32> {dovetail.weight})
func.func private @shared(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}

// CHECK: func.func private @mixed(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32>
func.func private @mixed(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}

// Nobody calls this one.
// CHECK: func.func private @alone(%x: tensor<4xf32>) -> tensor<4xf32>
func.func private @alone(%x: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}
