// dovetail-opt -p lower-graph-to-te
func.func @conv(%X: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32> {
  %y = graph.conv(%X, %w) strides = [1, 1] dilations = [1, 1] pads = [1, 1, 1, 1] : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32>
  func.return %y : tensor<1x4x8x8xf32>
}
// -----
builtin.module {
  func.func @conv(%X: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32> {
    %y = te.compute "y" (%n = 0 to 1, %c = 0 to 4, %y_1 "y" = 0 to 8, %x = 0 to 8) sum (%rc = 0 to 3, %ry = 0 to 3, %rx = 0 to 3) {
      %0 = arith.constant 0.000000e+00 : f32
      %1 = te.read %X[%n, %rc, %y_1 + %ry - 1, %x + %rx - 1] where (%y_1 + %ry - 1 >= 0, -%y_1 - %ry + 8 >= 0, %x + %rx - 1 >= 0, -%x - %rx + 8 >= 0) else %0 : tensor<1x3x8x8xf32>
      %2 = te.read %w[%c, %rc, %ry, %rx] : tensor<4x3x3x3xf32>
      %3 = arith.mulf %1, %2 : f32
      te.yield %3 : f32
    } : tensor<1x4x8x8xf32>
    func.return %y : tensor<1x4x8x8xf32>
  }
}
