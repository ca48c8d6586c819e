// RUN: dovetail-opt %s --split-input-file -t pseudo | filecheck %s --strict-whitespace --match-full-lines
// RUN: dovetail-opt %s --split-input-file -p fuse-operators -t pseudo | filecheck %s --strict-whitespace --match-full-lines --check-prefix=FUSED

// A network, before and after its operators are grouped into kernels.
// CHECK:def network(x: f32[1, 3, 8, 8]) -> f32[1, 4, 4, 4]:
// CHECK-NEXT:    w = weight("conv/w")  # f32[4, 3, 3, 3]
// CHECK-NEXT:    y = conv(x, w, strides=[2, 2], dilations=[1, 1], pads=[1, 1, 1, 1])  # f32[1, 4, 4, 4]
// CHECK-NEXT:    z = leaky_relu(y, alpha=0.1)  # f32[1, 4, 4, 4]
// CHECK-NEXT:    return z
// FUSED:def network(x: f32[1, 3, 8, 8]) -> f32[1, 4, 4, 4]:
// FUSED-NEXT:    w = weight("conv/w")  # f32[4, 3, 3, 3]
// FUSED-NEXT:    z = conv_leaky_relu(x, w)  # f32[1, 4, 4, 4] on cpu
// FUSED-NEXT:    return z
// FUSED-EMPTY:
// FUSED-NEXT:def conv_leaky_relu(x: f32[1, 3, 8, 8], w: f32[4, 3, 3, 3]) -> f32[1, 4, 4, 4]:
// FUSED-NEXT:    y = conv(x, w, strides=[2, 2], dilations=[1, 1], pads=[1, 1, 1, 1])  # f32[1, 4, 4, 4]
// FUSED-NEXT:    z = leaky_relu(y, alpha=0.1)  # f32[1, 4, 4, 4]
// FUSED-NEXT:    return z
func.func @network(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x4x4xf32> {
  %w = graph.weight @"conv/w" splat(0.02) : tensor<4x3x3x3xf32>
  %y = graph.conv(%x, %w) strides = [2, 2] dilations = [1, 1] pads = [1, 1, 1, 1] : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32>
  %z = graph.leaky_relu(%y) alpha = 0.1 : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  func.return %z : tensor<1x4x4x4xf32>
}

// -----

// Words, truth values, more than one result. The header of many arguments is a line for each.
// CHECK:def words(
// CHECK-NEXT:    data_of_the_first_input: f32[2, 3, 4],
// CHECK-NEXT:    data_of_the_second_input: f32[2, 3, 4],
// CHECK-NEXT:) -> (f32[2, 3, 4], i64[2, 4]):
// CHECK-NEXT:    g = gelu(data_of_the_first_input, approximate="tanh")  # f32[2, 3, 4]
// CHECK-NEXT:    a = arg_max(data_of_the_second_input, axis=-2, keepdims=False)  # i64[2, 4]
// CHECK-NEXT:    return g, a
// FUSED:def words(
func.func @words(%data_of_the_first_input: tensor<2x3x4xf32>, %data_of_the_second_input: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<2x4xi64>) {
  %g = graph.gelu(%data_of_the_first_input) approximate = "tanh" : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %a = graph.arg_max(%data_of_the_second_input) axis = -2 keepdims = false : (tensor<2x3x4xf32>) -> tensor<2x4xi64>
  func.return %g, %a : tensor<2x3x4xf32>, tensor<2x4xi64>
}
