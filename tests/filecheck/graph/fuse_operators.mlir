// RUN: dovetail-opt %s -p fuse-operators | filecheck %s

// Elementwise ops join the convolution; two anchors never share a kernel, so the sum goes to the
// one that comes first.
// CHECK-LABEL: func.func @residual
// CHECK-NEXT:    %w = graph.weight
// CHECK-NEXT:    %b = graph.call @conv(%x, %w) on "cpu"
// CHECK-NEXT:    %r = graph.call @conv_add_relu(%x, %w, %b) on "cpu"
// CHECK-NEXT:    func.return %r
func.func @residual(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = graph.weight @w splat(0.5) : tensor<2x2x1x1xf32>
  %a = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %b = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %s = graph.add(%a, %b) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %r = graph.relu(%s) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  func.return %r : tensor<1x2x4x4xf32>
}

// A transpose does not join the convolution before it, but the reduction after it.
// CHECK-LABEL: func.func @reduction
// CHECK-NEXT:    %w = graph.weight
// CHECK-NEXT:    %a = graph.call @conv_1(%x, %w) on "cpu"
// CHECK-NEXT:    %m = graph.call @transpose_reduce_mean(%a) on "cpu"
// CHECK-NEXT:    %e = graph.call @exp(%m) on "cpu"
// CHECK-NEXT:    func.return %e
func.func @reduction(%x: tensor<1x2x4x4xf32>) -> tensor<1x1x4x2xf32> {
  %w = graph.weight @w splat(0.5) : tensor<2x2x1x1xf32>
  %a = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %t = graph.transpose(%a) perm = [0, 2, 3, 1] : (tensor<1x2x4x4xf32>) -> tensor<1x4x4x2xf32>
  %m = graph.reduce_mean(%t) axes = [1] : (tensor<1x4x4x2xf32>) -> tensor<1x1x4x2xf32>
  %e = graph.exp(%m) : (tensor<1x1x4x2xf32>) -> tensor<1x1x4x2xf32>
  func.return %e : tensor<1x1x4x2xf32>
}

// A diamond is one kernel; an opaque op is alone.
// CHECK-LABEL: func.func @diamond
// CHECK-NEXT:    %s = graph.call @relu_exp_neg_add(%x) on "cpu"
// CHECK-NEXT:    %y = graph.call @softmax(%s) on "cpu"
func.func @diamond(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %r = graph.relu(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %e = graph.exp(%r) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %n = graph.neg(%r) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = graph.add(%e, %n) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = graph.softmax(%s) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %y : tensor<4x4xf32>
}

// A value that is returned ends its kernel.
// CHECK-LABEL: func.func @returned
// CHECK-NEXT:    %r = graph.call @relu(%x) on "cpu"
// CHECK-NEXT:    %e = graph.call @exp_1(%r) on "cpu"
// CHECK-NEXT:    func.return %r, %e
func.func @returned(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %r = graph.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %e = graph.exp(%r) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %r, %e : tensor<4xf32>, tensor<4xf32>
}

// CHECK:       func.func private @conv_add_relu(%x: tensor<1x2x4x4xf32>, %w: tensor<2x2x1x1xf32>, %b: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
// CHECK-NEXT:    %a = graph.conv(%x, %w)
// CHECK-NEXT:    %s = graph.add(%a, %b)
// CHECK-NEXT:    %r = graph.relu(%s)
// CHECK-NEXT:    func.return %r
