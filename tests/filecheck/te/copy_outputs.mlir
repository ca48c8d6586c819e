// RUN: dovetail-opt %s -p copy-outputs | filecheck %s

// An input, a weight and a tensor that is returned twice are copied; the first time, a result of a
// kernel is returned as it is.
// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %w = graph.weight @w
// CHECK-NEXT:    %y = graph.call @relu(%x) on "cpu"
// CHECK-NEXT:    %x_1 = graph.call @copy_x(%x) on "cpu"
// CHECK-NEXT:    %y_1 = graph.call @copy_y(%y) on "cpu"
// CHECK-NEXT:    %w_1 = graph.call @copy_w(%w) on "cpu"
// CHECK-NEXT:    %b_1 = graph.call @copy_b(%b) on "cpu"
// CHECK-NEXT:    %x_2 = graph.call @copy_x_1(%x) on "cpu"
// CHECK-NEXT:    func.return %x_1, %y, %y_1, %w_1, %b_1, %x_2
func.func @main(%x: tensor<4xf32>, %b: tensor<?x3xf32, #loop.layout<["n", 3]>>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xf32>, tensor<?x3xf32, #loop.layout<["n", 3]>>, tensor<4xf32>) {
  %w = graph.weight @w splat(0.5) : tensor<2xf32>
  %y = graph.call @relu(%x) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  func.return %x, %y, %y, %w, %b, %x : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xf32>, tensor<?x3xf32, #loop.layout<["n", 3]>>, tensor<4xf32>
}

// The copy of a tensor with a symbolic dimension.
// CHECK:       func.func private @copy_b(%source: tensor<?x3xf32, #loop.layout<["n", 3]>>)
// CHECK-NEXT:    %n = te.dim "n"
// CHECK-NEXT:    %[[COPY:.*]] = te.compute "copy" (%i0 = 0 to %n, %i1 = 0 to 3) {
// CHECK-NEXT:      %[[VALUE:.*]] = te.read %source[%i0, %i1]
// CHECK-NEXT:      te.yield %[[VALUE]] : f32
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return %[[COPY]]
func.func private @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = te.compute "y" (%i = 0 to 4) {
    %zero = arith.constant 0.0 : f32
    %a = te.read %x[%i] : tensor<4xf32>
    %r = arith.maximumf %a, %zero : f32
    te.yield %r : f32
  } : tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// A function that computes is no network; nor is a private one.
// CHECK-LABEL: func.func @kernel
// CHECK-NEXT:    arith.constant
// CHECK-NEXT:    func.return %x
// CHECK:       func.func private @same
// CHECK-NEXT:    func.return %x
func.func @kernel(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = arith.constant 0 : index
  func.return %x : tensor<4xf32>
}

func.func private @same(%x: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}
