// RUN: dovetail-opt %s | dovetail-opt | filecheck %s
// RUN: dovetail-opt %s --print-op-generic | dovetail-opt | filecheck %s

// Every elementwise op; properties that have their default are left out.
// CHECK-LABEL: builtin.module
%x = "test.op"() : () -> tensor<2x3xf32>
%v = "test.op"() : () -> tensor<3xf32>
%b = "test.op"() : () -> tensor<2x3xi1>
// CHECK: graph.abs(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%0 = graph.abs(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.neg(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%1 = graph.neg(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.sign(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%2 = graph.sign(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.relu(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%3 = graph.relu(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.exp(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%4 = graph.exp(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.log(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%5 = graph.log(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.sqrt(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%6 = graph.sqrt(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.reciprocal(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%7 = graph.reciprocal(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.floor(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%8 = graph.floor(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.ceil(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%9 = graph.ceil(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.round(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%10 = graph.round(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.sin(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%11 = graph.sin(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.cos(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%12 = graph.cos(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.tanh(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%13 = graph.tanh(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.erf(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%14 = graph.erf(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.sigmoid(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%15 = graph.sigmoid(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.softplus(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
%16 = graph.softplus(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.gelu(%x) approximate = "tanh" : (tensor<2x3xf32>) -> tensor<2x3xf32>
%17 = graph.gelu(%x) approximate = "tanh" : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.leaky_relu(%x) alpha = 1.000000e-01 : (tensor<2x3xf32>) -> tensor<2x3xf32>
%18 = graph.leaky_relu(%x) alpha = 1.000000e-01 : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.elu(%x) alpha = 2.000000e+00 : (tensor<2x3xf32>) -> tensor<2x3xf32>
%19 = graph.elu(%x) alpha = 2.000000e+00 : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.hard_sigmoid(%x) alpha = 2.500000e-01 beta = 1.000000e+00 : (tensor<2x3xf32>) -> tensor<2x3xf32>
%20 = graph.hard_sigmoid(%x) alpha = 2.500000e-01 beta = 1.000000e+00 : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.clip(%x) low = 0.000000e+00 high = 6.000000e+00 : (tensor<2x3xf32>) -> tensor<2x3xf32>
%21 = graph.clip(%x) low = 0.000000e+00 high = 6.000000e+00 : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.cast(%x) : (tensor<2x3xf32>) -> tensor<2x3xi8>
%22 = graph.cast(%x) : (tensor<2x3xf32>) -> tensor<2x3xi8>
// CHECK-NEXT: graph.add(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
%23 = graph.add(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.sub(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
%24 = graph.sub(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.mul(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
%25 = graph.mul(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.div(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
%26 = graph.div(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.pow(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
%27 = graph.pow(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.min(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
%28 = graph.min(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.max(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
%29 = graph.max(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.prelu(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
%30 = graph.prelu(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.mod(%x, %v) kind = "trunc" : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
%31 = graph.mod(%x, %v) kind = "trunc" : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: graph.not(%b) : (tensor<2x3xi1>) -> tensor<2x3xi1>
%32 = graph.not(%b) : (tensor<2x3xi1>) -> tensor<2x3xi1>
// CHECK-NEXT: graph.and(%b, %b) : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>
%33 = graph.and(%b, %b) : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>
// CHECK-NEXT: graph.or(%b, %b) : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>
%34 = graph.or(%b, %b) : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>
// CHECK-NEXT: graph.xor(%b, %b) : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>
%35 = graph.xor(%b, %b) : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>
// CHECK-NEXT: graph.equal(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
%36 = graph.equal(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
// CHECK-NEXT: graph.less(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
%37 = graph.less(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
// CHECK-NEXT: graph.less_or_equal(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
%38 = graph.less_or_equal(%x, %v) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
// CHECK-NEXT: graph.where(%b, %x, %v) : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
%39 = graph.where(%b, %x, %v) : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
