// dovetail-opt -p mark-weights
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = graph.weight @w splat(0.5) : tensor<4xf32>
  %y = graph.call @add(%x, %w) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
func.func private @add(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %c = graph.add(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return %c : tensor<4xf32>
}
// -----
builtin.module {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %w = graph.weight @w splat(0.5) : tensor<4xf32>
    %y = graph.call @add(%x, %w) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    func.return %y : tensor<4xf32>
  }
  func.func private @add(%a: tensor<4xf32>, %b: tensor<4xf32> {dovetail.weight}) -> tensor<4xf32> {
    %c = graph.add(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    func.return %c : tensor<4xf32>
  }
}
