// RUN: dovetail-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics 2>&1 | filecheck %s

// What ops that move elements refuse.

// CHECK: graph.reshape: 2x3 and 5 hold different numbers of elements
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.reshape(%x) : (tensor<2x3xf32>) -> tensor<5xf32>
// -----
// CHECK: graph.transpose: [0, 0] is not a permutation of the 2 dimensions
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.transpose(%x) perm = [0, 0] : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.slice: elements 1 to 3 are not in a dimension of 3
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.slice(%x) starts = [0, 1] sizes = [-1, 3] steps = [1, 1] : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.slice: a whole dimension is taken from 0 in steps of 1
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.slice(%x) starts = [1, 0] sizes = [-1, 3] steps = [1, 1] : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.slice: starts has 1 entries, expected 2
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.slice(%x) starts = [1] sizes = [-1, 3] steps = [1, 1] : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.pad: pads [0, -2, 0, -2] take more away than 2x3 has
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.pad(%x) pads = [0, -2, 0, -2] : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.pad: mode: expected constant or reflect or edge or wrap, got mirror
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.pad(%x) pads = [0, 0, 0, 0] mode = "mirror" : (tensor<2x3xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.expand: result type: expected tensor<4x3xf32>, got tensor<3xf32>
%x = "test.op"() : () -> tensor<4x3xf32>
%r = graph.expand(%x) : (tensor<4x3xf32>) -> tensor<3xf32>
// -----
// CHECK: graph.expand: 4 and 2x3 do not broadcast
%x = "test.op"() : () -> tensor<4xf32>
%r = graph.expand(%x) : (tensor<4xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.tile: repeats has 1 entries, expected 2
%x = "test.op"() : () -> tensor<2x3xf32>
%r = graph.tile(%x) repeats = [2] : (tensor<2x3xf32>) -> tensor<4x3xf32>
// -----
// CHECK: graph.gather: indices element type: expected an integer, got f32
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4xf32>
%r = graph.gather(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<4x3xf32>
// -----
// CHECK: graph.gather: axis 2 is out of range for rank 2
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4xi64>
%r = graph.gather(%x, %y) axis = 2 : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<4x3xf32>
// -----
// CHECK: graph.gather_elements: indices: expected rank 2, got 4
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4xi64>
%r = graph.gather_elements(%x, %y) : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<4xf32>
// -----
// CHECK: graph.gather_elements: indices: dimension 1 is 4, the operand's is 3
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<2x4xi64>
%r = graph.gather_elements(%x, %y) : (tensor<2x3xf32>, tensor<2x4xi64>) -> tensor<2x4xf32>
// -----
// CHECK: graph.concat: 2x3 and 2x4 differ outside axis 0
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<2x4xf32>
%r = graph.concat(%x, %y) axis = 0 : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
// -----
// CHECK: graph.concat: operand element types: expected f32, got f16
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<2x3xf16>
%r = graph.concat(%x, %y) axis = 0 : (tensor<2x3xf32>, tensor<2x3xf16>) -> tensor<4x3xf32>
// -----
// CHECK: graph.concat: operands: expected at least one, got none
%r = graph.concat() axis = 0 : () -> tensor<4x3xf32>
