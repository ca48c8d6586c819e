// dovetail-opt -p fold-constants
func.func @main(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = graph.weight @w dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %t = graph.transpose(%w) perm = [1, 0] : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = graph.matmul(%x, %t) : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  func.return %y : tensor<3x2xf32>
}
// -----
builtin.module {
  func.func @main(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
    %t = graph.weight @t dense<[[1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
    %y = graph.matmul(%x, %t) : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
    func.return %y : tensor<3x2xf32>
  }
}
