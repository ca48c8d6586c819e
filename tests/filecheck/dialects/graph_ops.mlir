// RUN: dovetail-opt %s | dovetail-opt | filecheck %s
// RUN: dovetail-opt %s --print-op-generic | dovetail-opt | filecheck %s

// Text keeps what differs from the defaults, and weights keep the rule that makes them.

// CHECK-LABEL: func.func @convolution
func.func @convolution(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x4x4xf32> {
  // CHECK-NEXT: %w = graph.weight @"conv/w" splat(0.02) : tensor<4x3x3x3xf32>
  %w = graph.weight @"conv/w" splat(0.02) : tensor<4x3x3x3xf32>
  // CHECK-NEXT: %b = graph.weight @b dense<[1.000000e-01, 1.000000e-07, -2.000000e+00, 3.000000e+00]> : tensor<4xf32>
  %b = graph.weight @b dense<[0.1, 1.0e-7, -2.0, 3.0]> : tensor<4xf32>
  // CHECK-NEXT: graph.conv(%x, %w, %b) strides = [2, 2] dilations = [1, 1] pads = [1, 1, 1, 1] : (
  %y = graph.conv(%x, %w, %b) strides = [2, 2] dilations = [1, 1] pads = [1, 1, 1, 1] groups = 1 : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x4x4xf32>
  // CHECK-NEXT: graph.leaky_relu(%y) alpha = 1.000000e-01 : (
  %z = graph.leaky_relu(%y) alpha = 0.1 : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  // CHECK-NEXT: graph.gelu(%z) approximate = "tanh" attributes {note = 1 : i64} : (
  %g = graph.gelu(%z) approximate = "tanh" attributes {note = 1 : i64} : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  func.return %g : tensor<1x4x4x4xf32>
}

// CHECK-LABEL: func.func @weights
func.func @weights() -> (tensor<2xi1>, tensor<2xui8>, tensor<f16>, tensor<5xf32>, tensor<9xi8>) {
  // CHECK: dense<[true, false]> : tensor<2xi1>
  %i = graph.weight @i dense<[1, 0]> : tensor<2xi1>
  // CHECK: dense<[1, 255]> : tensor<2xui8>
  %u = graph.weight @u dense<[1, 255]> : tensor<2xui8>
  // CHECK: dense<1.500000e+00> : tensor<f16>
  %h = graph.weight @h dense<1.5> : tensor<f16>
  // CHECK: random(1, -1.0, 1.0) : tensor<5xf32>
  %r = graph.weight @r random(1, -1.0, 1.0) : tensor<5xf32>
  // CHECK: elided("00ff") : tensor<9xi8>
  %e = graph.weight @e elided("00ff") : tensor<9xi8>
  func.return %i, %u, %h, %r, %e : tensor<2xi1>, tensor<2xui8>, tensor<f16>, tensor<5xf32>, tensor<9xi8>
}

// CHECK-LABEL: func.func @reductions
func.func @reductions(%x: tensor<2x3x4xf32>) -> (tensor<2x1x4xf32>, tensor<2x4xi64>) {
  // CHECK-NEXT: graph.reduce_sum(%x) axes = [1] : (
  %s = graph.reduce_sum(%x) axes = [1] : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  // CHECK-NEXT: graph.arg_max(%x) axis = -2 keepdims = false : (
  %a = graph.arg_max(%x) axis = -2 keepdims = false : (tensor<2x3x4xf32>) -> tensor<2x4xi64>
  func.return %s, %a : tensor<2x1x4xf32>, tensor<2x4xi64>
}

// CHECK-LABEL: func.func @movement
func.func @movement(%x: tensor<2x3x4xf32>) -> tensor<12x3xf32> {
  // CHECK-NEXT: graph.transpose(%x) perm = [0, 2, 1] : (
  %t = graph.transpose(%x) perm = [0, 2, 1] : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  // CHECK-NEXT: graph.slice(%t) starts = [0, 3, 0] sizes = [-1, 4, -1] steps = [1, -1, 1] : (
  %s = graph.slice(%t) starts = [0, 3, 0] sizes = [-1, 4, -1] steps = [1, -1, 1] : (tensor<2x4x3xf32>) -> tensor<2x4x3xf32>
  // CHECK-NEXT: graph.concat(%t, %s) axis = 1 : (
  %c = graph.concat(%t, %s) axis = 1 : (tensor<2x4x3xf32>, tensor<2x4x3xf32>) -> tensor<2x8x3xf32>
  // CHECK-NEXT: graph.pad(%c) pads = [0, -2, 0, 0, 0, 0] : (
  %p = graph.pad(%c) pads = [0, -2, 0, 0, 0, 0] : (tensor<2x8x3xf32>) -> tensor<2x6x3xf32>
  // CHECK-NEXT: graph.reshape(%p) : (tensor<2x6x3xf32>) -> tensor<12x3xf32>
  %r = graph.reshape(%p) : (tensor<2x6x3xf32>) -> tensor<12x3xf32>
  func.return %r : tensor<12x3xf32>
}

// CHECK-LABEL: func.func @called
func.func @called(%x: tensor<2x3x4xf32>) -> tensor<12x3xf32> {
  // CHECK-NEXT: graph.call @movement(%x) on "cpu" : (tensor<2x3x4xf32>) -> tensor<12x3xf32>
  %y = graph.call @movement(%x) on "cpu" : (tensor<2x3x4xf32>) -> tensor<12x3xf32>
  func.return %y : tensor<12x3xf32>
}
