// RUN: dovetail-opt %s | dovetail-opt | filecheck %s
// RUN: dovetail-opt %s --print-op-generic | dovetail-opt | filecheck %s

// Every op that moves elements without computing.
// CHECK-LABEL: builtin.module
%m = "test.op"() : () -> tensor<2x3x4xf32>
%v = "test.op"() : () -> tensor<3x1xf32>
%i = "test.op"() : () -> tensor<5x1xi64>
// CHECK: graph.reshape(%m) : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
%0 = graph.reshape(%m) : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
// CHECK-NEXT: graph.transpose(%m) perm = [2, 0, 1] : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
%1 = graph.transpose(%m) perm = [2, 0, 1] : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
// CHECK-NEXT: graph.slice(%m) starts = [1, 0, 3] sizes = [1, -1, 2] steps = [1, 1, -2] : (tensor<2x3x4xf32>) -> tensor<1x3x2xf32>
%2 = graph.slice(%m) starts = [1, 0, 3] sizes = [1, -1, 2] steps = [1, 1, -2] : (tensor<2x3x4xf32>) -> tensor<1x3x2xf32>
// CHECK-NEXT: graph.pad(%m) pads = [0, 1, 0, 0, 1, 0] mode = "edge" : (tensor<2x3x4xf32>) -> tensor<2x5x4xf32>
%3 = graph.pad(%m) pads = [0, 1, 0, 0, 1, 0] mode = "edge" : (tensor<2x3x4xf32>) -> tensor<2x5x4xf32>
// CHECK-NEXT: graph.pad(%m) pads = [0, 0, -1, 0, 0, 2] value = 1.000000e+00 : (tensor<2x3x4xf32>) -> tensor<2x3x5xf32>
%4 = graph.pad(%m) pads = [0, 0, -1, 0, 0, 2] value = 1.000000e+00 : (tensor<2x3x4xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: graph.expand(%v) : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
%5 = graph.expand(%v) : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT: graph.tile(%v) repeats = [2, 4] : (tensor<3x1xf32>) -> tensor<6x4xf32>
%6 = graph.tile(%v) repeats = [2, 4] : (tensor<3x1xf32>) -> tensor<6x4xf32>
// CHECK-NEXT: graph.gather(%m, %i) axis = 1 : (tensor<2x3x4xf32>, tensor<5x1xi64>) -> tensor<2x5x1x4xf32>
%7 = graph.gather(%m, %i) axis = 1 : (tensor<2x3x4xf32>, tensor<5x1xi64>) -> tensor<2x5x1x4xf32>
// CHECK-NEXT: graph.gather_elements(%v, %i) : (tensor<3x1xf32>, tensor<5x1xi64>) -> tensor<5x1xf32>
%8 = graph.gather_elements(%v, %i) : (tensor<3x1xf32>, tensor<5x1xi64>) -> tensor<5x1xf32>
// CHECK-NEXT: graph.concat(%m, %m) axis = -1 : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x8xf32>
%9 = graph.concat(%m, %m) axis = -1 : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x8xf32>
