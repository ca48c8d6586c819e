// RUN: dovetail-opt %s -p lower-graph-to-te | filecheck %s

// Padding becomes guards, the bias its own computation.
// CHECK-LABEL: func.func @conv
// CHECK-NEXT:    %y_sum = te.compute "y_sum" (%n = 0 to 1, %c = 0 to 4, %y = 0 to 4, %x = 0 to 8) sum (%rc = 0 to 3, %ry = 0 to 3, %rx = 0 to 1) {
// CHECK-NEXT:      %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:      te.read %X[%n, %rc, %y * 2 + %ry - 1, %x + %rx] where (%y * 2 + %ry - 1 >= 0) else %[[ZERO]] : tensor<1x3x8x8xf32>
// CHECK-NEXT:      te.read %w[%c, %rc, %ry, %rx] : tensor<4x3x3x1xf32>
// CHECK-NEXT:      arith.mulf
// CHECK-NEXT:      te.yield
// CHECK-NEXT:    } : tensor<1x4x4x8xf32>
// CHECK-NEXT:    te.compute "y" (
// CHECK-NEXT:      te.read %y_sum[
// CHECK-NEXT:      te.read %b[
func.func @conv(%X: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x1xf32>, %b: tensor<4xf32>) -> tensor<1x4x4x8xf32> {
  %y = graph.conv(%X, %w, %b) strides = [2, 1] dilations = [1, 1] pads = [1, 0, 1, 0] : (tensor<1x3x8x8xf32>, tensor<4x3x3x1xf32>, tensor<4xf32>) -> tensor<1x4x4x8xf32>
  func.return %y : tensor<1x4x4x8xf32>
}

// Only the dimensions that are merged divide.
// CHECK-LABEL: func.func @reshape
// CHECK:         te.read %x[%n, %c floordiv 4, %c mod 4, %x_1] : tensor<2x3x4x5xf32>
func.func @reshape(%x: tensor<2x3x4x5xf32>) -> tensor<2x12x5xf32> {
  %y = graph.reshape(%x) : (tensor<2x3x4x5xf32>) -> tensor<2x12x5xf32>
  func.return %y : tensor<2x12x5xf32>
}

// Broadcast dimensions are read at 0.
// CHECK-LABEL: func.func @broadcast
// CHECK:         te.read %x[%i, 0] : tensor<4x1xf32>
// CHECK-NEXT:    te.read %y[%j] : tensor<5xf32>
func.func @broadcast(%x: tensor<4x1xf32>, %y: tensor<5xf32>) -> tensor<4x5xf32> {
  %z = graph.add(%x, %y) : (tensor<4x1xf32>, tensor<5xf32>) -> tensor<4x5xf32>
  func.return %z : tensor<4x5xf32>
}

// A softmax is four computations.
// CHECK-LABEL: func.func @softmax
// CHECK:         te.compute "y_max" (%i = 0 to 4, %j = 0 to 1) max (%k = 0 to 5) {
// CHECK:         te.compute "y_exp" (%{{.*}} "i" = 0 to 4, %{{.*}} "j" = 0 to 5) {
// CHECK:         te.compute "y_sum" (%{{.*}} "i" = 0 to 4, %{{.*}} "j" = 0 to 1) sum (%{{.*}} "k" = 0 to 5) {
// CHECK:         te.compute "y" (
func.func @softmax(%x: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %y = graph.softmax(%x) : (tensor<4x5xf32>) -> tensor<4x5xf32>
  func.return %y : tensor<4x5xf32>
}

// Symbolic dimensions are bounds of axes; a mean over one divides by its size.
// CHECK-LABEL: func.func @symbolic
// CHECK-NEXT:    %n = te.dim "n"
// CHECK-NEXT:    %m_sum = te.compute "m_sum" (%i = 0 to 1, %j = 0 to 4) sum (%k = 0 to %n) {
// CHECK:         %m = te.compute "m" (
// CHECK:           %[[ONE:.*]] = arith.constant 1 : index
// CHECK-NEXT:      %[[SIZE:.*]] = arith.muli %[[ONE]], %n : index
// CHECK-NEXT:      %[[WHOLE:.*]] = arith.index_cast %[[SIZE]] : index to i64
// CHECK-NEXT:      %[[COUNT:.*]] = arith.sitofp %[[WHOLE]] : i64 to f32
// CHECK-NEXT:      arith.divf %{{.*}}, %[[COUNT]] : f32
// CHECK:         %y = te.compute "y" (%{{.*}} = 0 to %n, %{{.*}} = 0 to 4) {
// CHECK:         %z = te.compute "z" (%{{.*}} = 0 to %n, %{{.*}} = 0 to 2, %{{.*}} = 0 to 2) {
// CHECK-NEXT:      te.read %y[%{{.*}}, %{{.*}} * 2 + %{{.*}}]
func.func @symbolic(%x: tensor<?x4xf32, #loop.layout<["n", 4]>>) -> tensor<?x2x2xf32, #loop.layout<["n", 2, 2]>> {
  %m = graph.reduce_mean(%x) axes = [0] : (tensor<?x4xf32, #loop.layout<["n", 4]>>) -> tensor<1x4xf32>
  %y = graph.add(%x, %m) : (tensor<?x4xf32, #loop.layout<["n", 4]>>, tensor<1x4xf32>) -> tensor<?x4xf32, #loop.layout<["n", 4]>>
  %z = graph.reshape(%y) : (tensor<?x4xf32, #loop.layout<["n", 4]>>) -> tensor<?x2x2xf32, #loop.layout<["n", 2, 2]>>
  func.return %z : tensor<?x2x2xf32, #loop.layout<["n", 2, 2]>>
}
