// RUN: dovetail-opt %s -p deduplicate-kernels | filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %a = graph.call @double(%x) on "cpu"
// CHECK-NEXT:    %b = graph.call @double(%a) on "cpu"
// CHECK-NEXT:    %c = graph.call @triple(%b) on "cpu"
// CHECK-NEXT:    %d = graph.call @from_halo(%h) on "cpu"
// CHECK-NEXT:    %e = graph.call @weighted(%d) on "cpu"
// CHECK-NEXT:    %f = graph.call @public(%e) on "cpu"
// CHECK-NEXT:    func.return %c, %f
func.func @main(%x: tensor<4xf32>, %h: tensor<4xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [6], pad 0.0 : f32>>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = graph.call @double(%x) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  %b = graph.call @twice(%a) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  %c = graph.call @triple(%b) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  %d = graph.call @from_halo(%h) on "cpu" : (tensor<4xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [6], pad 0.0 : f32>>) -> tensor<4xf32>
  %e = graph.call @weighted(%d) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  %f = graph.call @public(%e) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  func.return %c, %f : tensor<4xf32>, tensor<4xf32>
}

// The first of two that differ in the names of functions, computations, axes and values stays.
// CHECK: func.func private @double
func.func private @double(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = te.compute "y" (%i = 0 to 4) {
    %k = arith.constant 2.0 : f32
    %a = te.read %x[%i] : tensor<4xf32>
    %b = arith.mulf %a, %k : f32
    te.yield %b : f32
  } : tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// CHECK-NOT: @twice
func.func private @twice(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r = te.compute "result" (%j = 0 to 4) {
    %two = arith.constant 2.0 : f32
    %a = te.read %x[%j] : tensor<4xf32>
    %doubled = arith.mulf %a, %two : f32
    te.yield %doubled : f32
  } : tensor<4xf32>
  func.return %r : tensor<4xf32>
}

// Another constant, another layout, another mark of an argument, another visibility: they stay.
// CHECK: func.func private @triple
func.func private @triple(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = te.compute "y" (%i = 0 to 4) {
    %k = arith.constant 3.0 : f32
    %a = te.read %x[%i] : tensor<4xf32>
    %b = arith.mulf %a, %k : f32
    te.yield %b : f32
  } : tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// CHECK: func.func private @from_halo
func.func private @from_halo(%x: tensor<4xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [6], pad 0.0 : f32>>) -> tensor<4xf32> {
  %y = te.compute "y" (%i = 0 to 4) {
    %k = arith.constant 2.0 : f32
    %a = te.read %x[%i] : tensor<4xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [6], pad 0.0 : f32>>
    %b = arith.mulf %a, %k : f32
    te.yield %b : f32
  } : tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// CHECK: func.func private @weighted
func.func private @weighted(%x: tensor<4xf32> {dovetail.weight}) -> tensor<4xf32> {
  %y = te.compute "y" (%i = 0 to 4) {
    %k = arith.constant 2.0 : f32
    %a = te.read %x[%i] : tensor<4xf32>
    %b = arith.mulf %a, %k : f32
    te.yield %b : f32
  } : tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// CHECK: func.func @public
func.func @public(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = te.compute "y" (%i = 0 to 4) {
    %k = arith.constant 2.0 : f32
    %a = te.read %x[%i] : tensor<4xf32>
    %b = arith.mulf %a, %k : f32
    te.yield %b : f32
  } : tensor<4xf32>
  func.return %y : tensor<4xf32>
}
