// RUN: dovetail-opt %s -p fold-constants | filecheck %s

// 2 / (1 + exp(-2)): the op has a meaning, so it is computed where its operand is a weight.
// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %y = graph.weight @{{.*}} splat(1.7615{{[0-9]*}}) : tensor<1x2xf32>
// CHECK-NEXT:    func.return %y
func.func @main() -> tensor<1x2xf32> {
  %x = graph.weight @x splat(2.0) : tensor<1x4xf32>
  %y = sample.glu(%x) axis = 1 : (tensor<1x4xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}
