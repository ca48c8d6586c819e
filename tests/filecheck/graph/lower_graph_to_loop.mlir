// RUN: dovetail-opt %s -p lower-graph-to-loop | filecheck %s

// Inputs, weights, outputs; the weight that two kernels want in two layouts is two arguments; a
// tensor between kernels and a kernel's scratch memory are allocations; the marks stay.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%x: memref<4xf32> {dovetail.name = "in"}, %w: memref<4xf32> {dovetail.weight = {{.*}}}, %w_1: memref<4xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 2), (d0 mod 2))>, [2, 2]>> {dovetail.weight = {{.*}}}, %c: memref<4xf32> {dovetail.name = "out"}) attributes {dovetail.outputs = 1 : i64} {
// CHECK-NEXT:    %a = loop.alloc : memref<4xf32, #loop.layout<affine_map<(d0) -> ((d0 + 1))>, [5], pad 0.000000e+00 : f32>>
// CHECK-NEXT:    func.call @k(%x, %w, %a) {device = "cpu"}
// CHECK-NEXT:    %[[SCRATCH:.*]] = loop.alloc : memref<8xf32>
// CHECK-NEXT:    func.call @packed(%a, %w_1, %c, %[[SCRATCH]]) {device = "cpu"}
// CHECK-NEXT:    %[[UNUSED:.*]] = loop.alloc
// CHECK-NEXT:    func.call @k(%c, %w, %[[UNUSED]])
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
func.func @main(%x: tensor<4xf32> {dovetail.name = "in"}) -> (tensor<4xf32> {dovetail.name = "out"}) {
  %w = graph.weight @w splat(0.5) : tensor<4xf32>
  %a = graph.call @k(%x, %w) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [5], pad 0.0 : f32>>
  %c = graph.call @packed(%a, %w) on "cpu" : (tensor<4xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [5], pad 0.0 : f32>>, tensor<4xf32>) -> tensor<4xf32>
  %u = graph.call @k(%c, %w) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [5], pad 0.0 : f32>>
  func.return %c : tensor<4xf32>
}

func.func private @k(%x: memref<4xf32>, %w: memref<4xf32>, %y: memref<4xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [5], pad 0.0 : f32>>) {
  func.return
}

func.func private @packed(%x: memref<4xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [5], pad 0.0 : f32>>, %w: memref<4xf32, #loop.layout<affine_map<(d0) -> (d0 floordiv 2, d0 mod 2)>, [2, 2]>>, %y: memref<4xf32>, %s: memref<8xf32> {dovetail.scratch}) {
  func.return
}

