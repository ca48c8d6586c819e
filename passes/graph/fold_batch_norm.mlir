// dovetail-opt -p fold-batch-norm
func.func @main(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = graph.weight @w splat(0.5) : tensor<2x1x1x1xf32>
  %scale = graph.weight @scale dense<[6.0, 4.0]> : tensor<2xf32>
  %bias = graph.weight @bias splat(1.0) : tensor<2xf32>
  %mean = graph.weight @mean splat(2.0) : tensor<2xf32>
  %variance = graph.weight @variance splat(4.0) : tensor<2xf32>
  %c = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %y = graph.batch_norm(%c, %scale, %bias, %mean, %variance) epsilon = 0.0 : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  func.return %y : tensor<1x2x4x4xf32>
}
// -----
builtin.module {
  func.func @main(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
    %w = graph.weight @w dense<[[[[1.500000e+00]]], [[[1.000000e+00]]]]> : tensor<2x1x1x1xf32>
    %w_bias = graph.weight @w dense<[-5.000000e+00, -3.000000e+00]> : tensor<2xf32>
    %y = graph.conv(%x, %w, %w_bias) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
    func.return %y : tensor<1x2x4x4xf32>
  }
}
