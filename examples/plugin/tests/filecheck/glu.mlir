// RUN: dovetail-opt %s | dovetail-opt | filecheck %s
// RUN: dovetail-opt %s -p fuse-operators,lower-graph-to-te | filecheck %s --check-prefix TE

// CHECK: %y = sample.glu(%x) axis = 1 : (tensor<2x6xf32>) -> tensor<2x3xf32>

// It is injective, so it shares a kernel with the op that reads it.
// TE-LABEL: func.func private @glu_relu(%x: tensor<2x6xf32>) -> tensor<2x3xf32> {
// TE-NEXT:    %y = te.compute "y" (%i = 0 to 2, %j = 0 to 3) {
// TE-NEXT:      %[[A:.*]] = te.read %x[%i, %j]
// TE-NEXT:      %[[B:.*]] = te.read %x[%i, %j + 3]
// TE:           arith.divf
// TE-NEXT:      arith.mulf %[[A]], %{{.*}}
func.func @main(%x: tensor<2x6xf32>) -> tensor<2x3xf32> {
  %y = sample.glu(%x) axis = 1 : (tensor<2x6xf32>) -> tensor<2x3xf32>
  %z = graph.relu(%y) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %z : tensor<2x3xf32>
}
