// RUN: dovetail-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics 2>&1 | filecheck %s

// What each elementwise op refuses.

// CHECK: graph.exp: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.exp(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.log: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.log(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.sqrt: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.sqrt(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.reciprocal: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.reciprocal(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.floor: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.floor(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.ceil: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.ceil(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.round: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.round(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.sin: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.sin(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.cos: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.cos(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.tanh: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.tanh(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.erf: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.erf(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.sigmoid: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.sigmoid(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.softplus: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.softplus(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.leaky_relu: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.leaky_relu(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.elu: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.elu(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.hard_sigmoid: element type: expected a float, got i32
%x = "test.op"() : () -> tensor<2xi32>
%r = graph.hard_sigmoid(%x) : (tensor<2xi32>) -> tensor<2xi32>
// -----
// CHECK: graph.gelu: element type: expected a float, got i8
%x = "test.op"() : () -> tensor<2xi8>
%r = graph.gelu(%x) : (tensor<2xi8>) -> tensor<2xi8>
// -----
// CHECK: graph.gelu: approximate: expected none or tanh, got sigmoid
%x = "test.op"() : () -> tensor<2xf32>
%r = graph.gelu(%x) approximate = "sigmoid" : (tensor<2xf32>) -> tensor<2xf32>
// -----
// CHECK: graph.abs: result type: expected tensor<2xf32>, got tensor<3xf32>
%x = "test.op"() : () -> tensor<2xf32>
%r = graph.abs(%x) : (tensor<2xf32>) -> tensor<3xf32>
// -----
// CHECK: graph.neg: result type: expected tensor<2xf32>, got tensor<3xf32>
%x = "test.op"() : () -> tensor<2xf32>
%r = graph.neg(%x) : (tensor<2xf32>) -> tensor<3xf32>
// -----
// CHECK: graph.sign: result type: expected tensor<2xf32>, got tensor<3xf32>
%x = "test.op"() : () -> tensor<2xf32>
%r = graph.sign(%x) : (tensor<2xf32>) -> tensor<3xf32>
// -----
// CHECK: graph.relu: result type: expected tensor<2xf32>, got tensor<3xf32>
%x = "test.op"() : () -> tensor<2xf32>
%r = graph.relu(%x) : (tensor<2xf32>) -> tensor<3xf32>
// -----
// CHECK: graph.clip: result type: expected tensor<2xf32>, got tensor<3xf32>
%x = "test.op"() : () -> tensor<2xf32>
%r = graph.clip(%x) : (tensor<2xf32>) -> tensor<3xf32>
// -----
// CHECK: graph.cast: result type: expected tensor<2xi8>, got tensor<4xi8>
%x = "test.op"() : () -> tensor<2xf32>
%r = graph.cast(%x) : (tensor<2xf32>) -> tensor<4xi8>
// -----
// CHECK: graph.add: 2x3 and 4 do not broadcast
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4xf32>
%r = graph.add(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.sub: 2x3 and 4 do not broadcast
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4xf32>
%r = graph.sub(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.div: 2x3 and 4 do not broadcast
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4xf32>
%r = graph.div(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.pow: 2x3 and 4 do not broadcast
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4xf32>
%r = graph.pow(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.min: 2x3 and 4 do not broadcast
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4xf32>
%r = graph.min(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.max: 2x3 and 4 do not broadcast
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4xf32>
%r = graph.max(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.prelu: 2x3 and 4 do not broadcast
%x = "test.op"() : () -> tensor<2x3xf32>
%y = "test.op"() : () -> tensor<4xf32>
%r = graph.prelu(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
// -----
// CHECK: graph.mul: operand element types: expected f32, got i32
%x = "test.op"() : () -> tensor<2xf32>
%y = "test.op"() : () -> tensor<2xi32>
%r = graph.mul(%x, %y) : (tensor<2xf32>, tensor<2xi32>) -> tensor<2xf32>
// -----
// CHECK: graph.mod: kind: expected floor or trunc, got round
%x = "test.op"() : () -> tensor<2xf32>
%y = "test.op"() : () -> tensor<2xf32>
%r = graph.mod(%x, %y) kind = "round" : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
// -----
// CHECK: graph.and: element type: expected i1, got f32
%x = "test.op"() : () -> tensor<2xf32>
%y = "test.op"() : () -> tensor<2xf32>
%r = graph.and(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
// -----
// CHECK: graph.or: element type: expected i1, got f32
%x = "test.op"() : () -> tensor<2xf32>
%y = "test.op"() : () -> tensor<2xf32>
%r = graph.or(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
// -----
// CHECK: graph.xor: element type: expected i1, got f32
%x = "test.op"() : () -> tensor<2xf32>
%y = "test.op"() : () -> tensor<2xf32>
%r = graph.xor(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
// -----
// CHECK: graph.not: element type: expected i1, got f32
%x = "test.op"() : () -> tensor<2xf32>
%r = graph.not(%x) : (tensor<2xf32>) -> tensor<2xf32>
// -----
// CHECK: graph.equal: result type: expected tensor<2xi1>, got tensor<2xf32>
%x = "test.op"() : () -> tensor<2xf32>
%y = "test.op"() : () -> tensor<2xf32>
%r = graph.equal(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
// -----
// CHECK: graph.less: result type: expected tensor<2xi1>, got tensor<2xf32>
%x = "test.op"() : () -> tensor<2xf32>
%y = "test.op"() : () -> tensor<2xf32>
%r = graph.less(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
// -----
// CHECK: graph.less_or_equal: result type: expected tensor<2xi1>, got tensor<2xf32>
%x = "test.op"() : () -> tensor<2xf32>
%y = "test.op"() : () -> tensor<2xf32>
%r = graph.less_or_equal(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
// -----
// CHECK: graph.where: condition element type: expected i1, got f32
%x = "test.op"() : () -> tensor<2xf32>
%y = "test.op"() : () -> tensor<2xf32>
%w = "test.op"() : () -> tensor<2xf32>
%r = graph.where(%x, %y, %w) : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
// -----
// CHECK: graph.where: 2 and 2 and 3 do not broadcast
%x = "test.op"() : () -> tensor<2xi1>
%y = "test.op"() : () -> tensor<2xf32>
%w = "test.op"() : () -> tensor<3xf32>
%r = graph.where(%x, %y, %w) : (tensor<2xi1>, tensor<2xf32>, tensor<3xf32>) -> tensor<3xf32>
