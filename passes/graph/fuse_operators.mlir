// dovetail-opt -p fuse-operators
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = graph.weight @w splat(0.5) : tensor<8x6xf32>
  %p = graph.matmul(%x, %w) : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
  %r = graph.relu(%p) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %s = graph.softmax(%r) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  func.return %s : tensor<4x6xf32>
}
// -----
builtin.module {
  func.func @main(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
    %w = graph.weight @w splat(0.5) : tensor<8x6xf32>
    %r = graph.call @matmul_relu(%x, %w) on "cpu" : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
    %s = graph.call @softmax(%r) on "cpu" : (tensor<4x6xf32>) -> tensor<4x6xf32>
    func.return %s : tensor<4x6xf32>
  }
  func.func private @matmul_relu(%x: tensor<4x8xf32>, %w: tensor<8x6xf32>) -> tensor<4x6xf32> {
    %p = graph.matmul(%x, %w) : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
    %r = graph.relu(%p) : (tensor<4x6xf32>) -> tensor<4x6xf32>
    func.return %r : tensor<4x6xf32>
  }
  func.func private @softmax(%r: tensor<4x6xf32>) -> tensor<4x6xf32> {
    %s = graph.softmax(%r) : (tensor<4x6xf32>) -> tensor<4x6xf32>
    func.return %s : tensor<4x6xf32>
  }
}
