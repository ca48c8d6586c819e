// RUN: dovetail-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics 2>&1 | filecheck %s

// CHECK: graph.conv: input 1x3x8x8 has 3 channels, weight 4x2x3x3 with 1 groups needs 2
func.func @channels(%x: tensor<1x3x8x8xf32>, %w: tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32> {
  %y = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x3x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  func.return %y : tensor<1x4x6x6xf32>
}

// -----

// CHECK: graph.conv: strides has 1 entries, expected 2
func.func @strides(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x4x6x6xf32> {
  %y = graph.conv(%x, %w) strides = [1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x6x6xf32>
  func.return %y : tensor<1x4x6x6xf32>
}

// -----

// CHECK: graph.max_pool: a window of 9 with dilation 1 does not fit in 8 padded to 8
func.func @window(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32> {
  %y = graph.max_pool(%x) kernel = [9, 9] strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
  func.return %y : tensor<1x3x1x1xf32>
}

// -----

// CHECK: graph.add: result type: expected tensor<2x3xf32>, got tensor<2x4xf32>
func.func @result(%x: tensor<2x3xf32>, %y: tensor<3xf32>) -> tensor<2x4xf32> {
  %z = graph.add(%x, %y) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  func.return %z : tensor<2x4xf32>
}

// -----

// CHECK: graph.add: 2x3 and 4 do not broadcast
func.func @broadcast(%x: tensor<2x3xf32>, %y: tensor<4xf32>) -> tensor<2x3xf32> {
  %z = graph.add(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  func.return %z : tensor<2x3xf32>
}

// -----

// CHECK: graph.mul: operand element types: expected f32, got i32
func.func @elements(%x: tensor<2xf32>, %y: tensor<2xi32>) -> tensor<2xf32> {
  %z = graph.mul(%x, %y) : (tensor<2xf32>, tensor<2xi32>) -> tensor<2xf32>
  func.return %z : tensor<2xf32>
}

// -----

// CHECK: graph.exp: element type: expected a float, got i32
func.func @float(%x: tensor<2xi32>) -> tensor<2xi32> {
  %z = graph.exp(%x) : (tensor<2xi32>) -> tensor<2xi32>
  func.return %z : tensor<2xi32>
}

// -----

// CHECK: graph.reshape: 2x3 and 5 hold different numbers of elements
func.func @reshape(%x: tensor<2x3xf32>) -> tensor<5xf32> {
  %z = graph.reshape(%x) : (tensor<2x3xf32>) -> tensor<5xf32>
  func.return %z : tensor<5xf32>
}

// -----

// CHECK: graph.softmax: axis 2 is out of range for rank 2
func.func @axis(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %z = graph.softmax(%x) axis = 2 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %z : tensor<2x3xf32>
}

// -----

// CHECK: graph.call: no function is named @nobody
func.func @call(%x: tensor<2xf32>) -> tensor<2xf32> {
  %z = graph.call @nobody(%x) on "cpu" : (tensor<2xf32>) -> tensor<2xf32>
  func.return %z : tensor<2xf32>
}

// -----

// CHECK: graph.call: @double has type (tensor<2xf32>) -> tensor<2xf32>, called with (tensor<3xf32>) -> (tensor<3xf32>)
func.func @double(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = graph.add(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}
func.func @signature(%x: tensor<3xf32>) -> tensor<3xf32> {
  %z = graph.call @double(%x) on "cpu" : (tensor<3xf32>) -> tensor<3xf32>
  func.return %z : tensor<3xf32>
}

// -----

// CHECK: graph.weight: result type: expected tensor<2xf32>, got tensor<3xf32>
%w = "graph.weight"() <{label = "w", content = #graph.content<splat(0.5) : tensor<2xf32>>}> : () -> tensor<3xf32>

// -----

// CHECK: a weight is a tensor, not f32
%w = graph.weight @w splat(0.5) : f32

// -----

// CHECK: graph.exp: tensor<?xf32> has a dimension without a name; name it in its layout: #loop.layout<["m", 64]>
%x = "test.op"() : () -> tensor<?xf32>
%y = graph.exp(%x) : (tensor<?xf32>) -> tensor<?xf32>

// -----

// CHECK: graph.transpose: property 'perm' is missing
%x = "test.op"() : () -> tensor<2x3xf32>
%y = graph.transpose(%x) : (tensor<2x3xf32>) -> tensor<3x2xf32>

// -----

// CHECK: graph.softmax: property 'axis' cannot be array<i64: 1>
%x = "test.op"() : () -> tensor<2x3xf32>
%y = graph.softmax(%x) axis = [1] : (tensor<2x3xf32>) -> tensor<2x3xf32>

// -----

// CHECK: 1 operands have 2 types
%x = "test.op"() : () -> tensor<2xf32>
%y = graph.add(%x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
