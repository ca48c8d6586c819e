// RUN: dovetail-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics 2>&1 | filecheck %s

// What products, pools, norms and reductions refuse.

// CHECK: graph.conv: 4 output channels do not divide into 3 groups
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
%y = "test.op"() : () -> tensor<4x2x3x3xf32>
%r = graph.conv(%x, %y) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] groups = 3 : (tensor<1x4x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x8x8xf32>
// -----
// CHECK: graph.conv: bias is 3, expected 4
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
%y = "test.op"() : () -> tensor<4x4x3x3xf32>
%w = "test.op"() : () -> tensor<3xf32>
%r = graph.conv(%x, %y, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x4x8x8xf32>, tensor<4x4x3x3xf32>, tensor<3xf32>) -> tensor<1x4x8x8xf32>
// -----
// CHECK: graph.conv: input 1x4 and weight 4x4 must have one rank >= 3
%x = "test.op"() : () -> tensor<1x4xf32>
%y = "test.op"() : () -> tensor<4x4xf32>
%r = graph.conv(%x, %y) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
// -----
// CHECK: graph.conv: stride 0 and dilation 1 must be positive
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
%y = "test.op"() : () -> tensor<4x4x3x3xf32>
%r = graph.conv(%x, %y) strides = [0, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x4x8x8xf32>, tensor<4x4x3x3xf32>) -> tensor<1x4x8x8xf32>
// -----
// CHECK: graph.matmul: 2x3 by 4x5: 3 columns meet 4 rows
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4x5xf32>
%r = graph.matmul(%x, %y) : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
// -----
// CHECK: graph.matmul: a scalar has no matrix product
%x = "test.op"() : () -> tensor<f32>
%y = "test.op"() : () -> tensor<4x5xf32>
%r = graph.matmul(%x, %y) : (tensor<f32>, tensor<4x5xf32>) -> tensor<5xf32>
// -----
// CHECK: graph.gemm: 2x3x4 and 4x5 must be matrices
%x = "test.op"() : () -> tensor<2x3x4xf32>
%y = "test.op"() : () -> tensor<4x5xf32>
%r = graph.gemm(%x, %y) : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
// -----
// CHECK: graph.gemm: 4x2x5 does not broadcast to 2x5
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<3x5xf32>
%w = "test.op"() : () -> tensor<4x2x5xf32>
%r = graph.gemm(%x, %y, %w) : (tensor<2x3xf32>, tensor<3x5xf32>, tensor<4x2x5xf32>) -> tensor<2x5xf32>
// -----
// CHECK: graph.max_pool: the kernel has 1 dimensions, expected 2
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
%r = graph.max_pool(%x) kernel = [3] strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
// -----
// CHECK: graph.max_pool: pads has 2 entries, expected 4
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
%r = graph.max_pool(%x) kernel = [3, 3] strides = [1, 1] dilations = [1, 1] pads = [0, 0] : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
// -----
// CHECK: graph.average_pool: input 4x8 must have rank >= 3
%x = "test.op"() : () -> tensor<4x8xf32>
%r = graph.average_pool(%x) kernel = [3, 3] strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<4x8xf32>) -> tensor<4x8xf32>
// -----
// CHECK: graph.batch_norm: scale: expected 4, got 5
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
%y = "test.op"() : () -> tensor<5xf32>
%w = "test.op"() : () -> tensor<4xf32>
%v = "test.op"() : () -> tensor<4xf32>
%u = "test.op"() : () -> tensor<4xf32>
%r = graph.batch_norm(%x, %y, %w, %v, %u) : (tensor<1x4x8x8xf32>, tensor<5xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
// -----
// CHECK: graph.batch_norm: variance: expected 4, got 1x4
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
%y = "test.op"() : () -> tensor<4xf32>
%w = "test.op"() : () -> tensor<4xf32>
%v = "test.op"() : () -> tensor<4xf32>
%u = "test.op"() : () -> tensor<1x4xf32>
%r = graph.batch_norm(%x, %y, %w, %v, %u) : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<1x4xf32>) -> tensor<1x4x8x8xf32>
// -----
// CHECK: graph.batch_norm: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<1x4xi32>
%y = "test.op"() : () -> tensor<4xf32>
%w = "test.op"() : () -> tensor<4xf32>
%v = "test.op"() : () -> tensor<4xf32>
%u = "test.op"() : () -> tensor<4xf32>
%r = graph.batch_norm(%x, %y, %w, %v, %u) : (tensor<1x4xi32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4xi32>
// -----
// CHECK: graph.layer_norm: axis 3 is out of range for rank 2
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<3xf32>
%r = graph.layer_norm(%x, %y) axis = 3 : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.layer_norm: bias: 2x3 does not broadcast to 3
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<3xf32>
%w = "test.op"() : () -> tensor<2x3xf32>
%r = graph.layer_norm(%x, %y, %w) : (tensor<2x3xf32>, tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.rms_norm: scale: 2x3 does not broadcast to 3
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<2x3xf32>
%r = graph.rms_norm(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.group_norm: 4 channels do not divide into 3 groups
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
%y = "test.op"() : () -> tensor<4xf32>
%w = "test.op"() : () -> tensor<4xf32>
%r = graph.group_norm(%x, %y, %w) groups = 3 : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
// -----
// CHECK: graph.group_norm: input 4 has no channels (dimension 1)
%x = "test.op"() : () -> tensor<4xf32>
%y = "test.op"() : () -> tensor<4xf32>
%w = "test.op"() : () -> tensor<4xf32>
%r = graph.group_norm(%x, %y, %w) groups = 1 : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// -----
// CHECK: graph.lrn: size: expected 1 at least, got 0
%x = "test.op"() : () -> tensor<1x4x8x8xf32>
%r = graph.lrn(%x) size = 0 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
// -----
// CHECK: graph.softmax: axis 2 is out of range for rank 2
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.softmax(%x) axis = 2 : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.log_softmax: axis 2 is out of range for rank 2
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.log_softmax(%x) axis = 2 : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.cum_sum: axis 2 is out of range for rank 2
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.cum_sum(%x) axis = 2 : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.reduce_sum: axis 2 is out of range for rank 2
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.reduce_sum(%x) axes = [2] : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.reduce_mean: axis 2 is out of range for rank 2
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.reduce_mean(%x) axes = [2] : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.reduce_prod: axis 2 is out of range for rank 2
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.reduce_prod(%x) axes = [2] : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.reduce_max: axes [0, -2] name an axis twice
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.reduce_max(%x) axes = [0, -2] : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.reduce_min: axes [0, -2] name an axis twice
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.reduce_min(%x) axes = [0, -2] : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.arg_max: result type: expected tensor<1x3xi64>, got tensor<1x3xf32>
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.arg_max(%x) axis = 0 : (tensor<2x3xf32>) -> tensor<1x3xf32>
// -----
// CHECK: graph.arg_min: result type: expected tensor<1x3xi64>, got tensor<1x3xf32>
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.arg_min(%x) axis = 0 : (tensor<2x3xf32>) -> tensor<1x3xf32>
