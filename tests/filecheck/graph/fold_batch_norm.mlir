// RUN: dovetail-opt %s -p fold-batch-norm | filecheck %s

// Scale 6, variance 4 and no epsilon are a factor of 3; the shift is 1 - 2 * 3.
// CHECK-LABEL: func.func @conv
// CHECK-NEXT:    %w = graph.weight @w splat(1.5) : tensor<2x1x1x1xf32>
// CHECK-NEXT:    %b = graph.weight @b dense<[-2.000000e+00, 1.000000e+00]> : tensor<2xf32>
// CHECK-NEXT:    %n = graph.conv(%x, %w, %b)
// CHECK-NEXT:    func.return %n
func.func @conv(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = graph.weight @w splat(0.5) : tensor<2x1x1x1xf32>
  %b = graph.weight @b dense<[1.0, 2.0]> : tensor<2xf32>
  %s = graph.weight @s splat(6.0) : tensor<2xf32>
  %o = graph.weight @o splat(1.0) : tensor<2xf32>
  %m = graph.weight @m splat(2.0) : tensor<2xf32>
  %v = graph.weight @v splat(4.0) : tensor<2xf32>
  %c = graph.conv(%x, %w, %b) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %n = graph.batch_norm(%c, %s, %o, %m, %v) epsilon = 0.0 : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  func.return %n : tensor<1x2x4x4xf32>
}

// A product without a bias gets one.
// CHECK-LABEL: func.func @gemm
// CHECK-NEXT:    %w = graph.weight @w splat(1.5) : tensor<3x2xf32>
// CHECK-NEXT:    %w_bias = graph.weight @w splat(-5.0) : tensor<2xf32>
// CHECK-NEXT:    graph.gemm(%x, %w, %w_bias)
func.func @gemm(%x: tensor<4x3xf32>) -> tensor<4x2xf32> {
  %w = graph.weight @w splat(0.5) : tensor<3x2xf32>
  %s = graph.weight @s splat(6.0) : tensor<2xf32>
  %o = graph.weight @o splat(1.0) : tensor<2xf32>
  %m = graph.weight @m splat(2.0) : tensor<2xf32>
  %v = graph.weight @v splat(4.0) : tensor<2xf32>
  %c = graph.gemm(%x, %w) : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
  %n = graph.batch_norm(%c, %s, %o, %m, %v) epsilon = 0.0 : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  func.return %n : tensor<4x2xf32>
}

// The convolution is read elsewhere too: a product and a sum remain.
// CHECK-LABEL: func.func @shared
// CHECK:         %c = graph.conv(%x, %w)
// CHECK:         %{{.*}} = graph.mul(%c, %{{.*}}) : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
// CHECK:         %n = graph.add(%{{.*}}, %{{.*}}) : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
// CHECK-NEXT:    func.return %n, %c
func.func @shared(%x: tensor<1x1x4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) {
  %w = graph.weight @w splat(0.5) : tensor<2x1x1x1xf32>
  %s = graph.weight @s splat(6.0) : tensor<2xf32>
  %c = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %n = graph.batch_norm(%c, %s, %s, %s, %s) : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  func.return %n, %c : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>
}

// A parameter is not a weight.
// CHECK-LABEL: func.func @computed
// CHECK:         graph.batch_norm
func.func @computed(%x: tensor<1x1x4x4xf32>, %s: tensor<2xf32>) -> tensor<1x2x4x4xf32> {
  %w = graph.weight @w splat(0.5) : tensor<2x1x1x1xf32>
  %c = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %n = graph.batch_norm(%c, %s, %s, %s, %s) : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  func.return %n : tensor<1x2x4x4xf32>
}

// A normalisation of something else is one product and one sum, and what follows goes into them.
// CHECK-LABEL: func.func @chain
// CHECK-NEXT:    graph.weight @factor splat(6.0) : tensor<2x1x1xf32>
// CHECK-NEXT:    graph.mul(%x,
// CHECK-NEXT:    graph.weight @shift splat(7.0) : tensor<2x1x1xf32>
// CHECK-NEXT:    %a = graph.add(
// CHECK-NEXT:    func.return %a
func.func @chain(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %s = graph.weight @s splat(6.0) : tensor<2xf32>
  %o = graph.weight @o splat(1.0) : tensor<2xf32>
  %m = graph.weight @m splat(0.0) : tensor<2xf32>
  %v = graph.weight @v splat(4.0) : tensor<2xf32>
  %two = graph.weight @two splat(2.0) : tensor<2x1x1xf32>
  %five = graph.weight @five splat(5.0) : tensor<1x2x1x1xf32>
  %n = graph.batch_norm(%x, %s, %o, %m, %v) epsilon = 0.0 : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %p = graph.mul(%n, %two) : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %a = graph.add(%p, %five) : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  func.return %a : tensor<1x2x4x4xf32>
}
