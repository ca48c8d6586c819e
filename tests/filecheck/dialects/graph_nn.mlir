// RUN: dovetail-opt %s | dovetail-opt | filecheck %s
// RUN: dovetail-opt %s --print-op-generic | dovetail-opt | filecheck %s

// Every op of graph/nn.py: products, pools, norms, reductions.
// CHECK-LABEL: builtin.module
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
%w = "test.op"() : () -> tensor<4x2x3x3xf32>
%c = "test.op"() : () -> tensor<4xf32>
%m = "test.op"() : () -> tensor<2x3x4xf32>
%n = "test.op"() : () -> tensor<4x5xf32>
%k = "test.op"() : () -> tensor<5xf32>
// CHECK: graph.conv(%x, %w, %c) strides = [2, 1] dilations = [1, 1] pads = [1, 1, 1, 1] groups = 2 : (tensor<1x4x8x8xf32>, tensor<4x2x3x3xf32>, tensor<4xf32>) -> tensor<1x4x4x8xf32>
%0 = graph.conv(%x, %w, %c) strides = [2, 1] dilations = [1, 1] pads = [1, 1, 1, 1] groups = 2 : (tensor<1x4x8x8xf32>, tensor<4x2x3x3xf32>, tensor<4xf32>) -> tensor<1x4x4x8xf32>
// CHECK-NEXT: graph.matmul(%m, %n) : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x3x5xf32>
%1 = graph.matmul(%m, %n) : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: graph.gemm(%n, %n, %k) alpha = 5.000000e-01 beta = 2.000000e+00 trans_a = true : (tensor<4x5xf32>, tensor<4x5xf32>, tensor<5xf32>) -> tensor<5x5xf32>
%2 = graph.gemm(%n, %n, %k) alpha = 5.000000e-01 beta = 2.000000e+00 trans_a = true : (tensor<4x5xf32>, tensor<4x5xf32>, tensor<5xf32>) -> tensor<5x5xf32>
// CHECK-NEXT: graph.max_pool(%x) kernel = [3, 3] strides = [2, 2] dilations = [1, 1] pads = [0, 0, 0, 0] ceil_mode = true : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
%3 = graph.max_pool(%x) kernel = [3, 3] strides = [2, 2] dilations = [1, 1] pads = [0, 0, 0, 0] ceil_mode = true : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
// CHECK-NEXT: graph.average_pool(%x) count_include_pad = true kernel = [3, 3] strides = [2, 2] dilations = [1, 1] pads = [1, 1, 1, 1] : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
%4 = graph.average_pool(%x) count_include_pad = true kernel = [3, 3] strides = [2, 2] dilations = [1, 1] pads = [1, 1, 1, 1] : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
// CHECK-NEXT: graph.batch_norm(%x, %c, %c, %c, %c) epsilon = 1.000000e-03 : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
%5 = graph.batch_norm(%x, %c, %c, %c, %c) epsilon = 1.000000e-03 : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
// CHECK-NEXT: graph.layer_norm(%m, %c, %c) : (tensor<2x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
%6 = graph.layer_norm(%m, %c, %c) : (tensor<2x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT: graph.rms_norm(%m, %c) : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
%7 = graph.rms_norm(%m, %c) : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT: graph.group_norm(%x, %c, %c) groups = 2 : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
%8 = graph.group_norm(%x, %c, %c) groups = 2 : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
// CHECK-NEXT: graph.lrn(%x) size = 5 beta = 5.000000e-01 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
%9 = graph.lrn(%x) size = 5 beta = 5.000000e-01 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
// CHECK-NEXT: graph.softmax(%m) axis = 1 : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
%10 = graph.softmax(%m) axis = 1 : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT: graph.log_softmax(%m) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
%11 = graph.log_softmax(%m) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT: graph.cum_sum(%m) exclusive = true reverse = true axis = 0 : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
%12 = graph.cum_sum(%m) exclusive = true reverse = true axis = 0 : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT: graph.reduce_sum(%m) axes = [0, -1] : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
%13 = graph.reduce_sum(%m) axes = [0, -1] : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
// CHECK-NEXT: graph.reduce_mean(%m) axes = [0, -1] : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
%14 = graph.reduce_mean(%m) axes = [0, -1] : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
// CHECK-NEXT: graph.reduce_prod(%m) axes = [0, -1] : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
%15 = graph.reduce_prod(%m) axes = [0, -1] : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
// CHECK-NEXT: graph.reduce_max(%m) axes = [0, -1] : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
%16 = graph.reduce_max(%m) axes = [0, -1] : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
// CHECK-NEXT: graph.reduce_min(%m) axes = [1] keepdims = false : (tensor<2x3x4xf32>) -> tensor<2x4xf32>
%17 = graph.reduce_min(%m) axes = [1] keepdims = false : (tensor<2x3x4xf32>) -> tensor<2x4xf32>
// CHECK-NEXT: graph.arg_max(%m) axis = -2 keepdims = false : (tensor<2x3x4xf32>) -> tensor<2x4xi64>
%18 = graph.arg_max(%m) axis = -2 keepdims = false : (tensor<2x3x4xf32>) -> tensor<2x4xi64>
// CHECK-NEXT: graph.arg_min(%m) axis = 0 select_last = true : (tensor<2x3x4xf32>) -> tensor<1x3x4xi64>
%19 = graph.arg_min(%m) axis = 0 select_last = true : (tensor<2x3x4xf32>) -> tensor<1x3x4xi64>
