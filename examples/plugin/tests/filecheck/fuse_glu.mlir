// RUN: dovetail-opt %s -p fuse-glu | filecheck %s

// CHECK-LABEL: func.func @fused
// CHECK-NEXT:    %y = sample.glu(%x) axis = 1 :
// CHECK-NEXT:    func.return %y
func.func @fused(%x: tensor<2x6xf32>) -> tensor<2x3xf32> {
  %a = graph.slice(%x) starts = [0, 0] sizes = [-1, 3] steps = [1, 1] : (tensor<2x6xf32>) -> tensor<2x3xf32>
  %b = graph.slice(%x) starts = [0, 3] sizes = [-1, 3] steps = [1, 1] : (tensor<2x6xf32>) -> tensor<2x3xf32>
  %s = graph.sigmoid(%b) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = graph.mul(%a, %s) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}

// The first half is the gate, so this is another function.
// CHECK-LABEL: func.func @other_half
// CHECK-NOT:     sample.glu
// CHECK:         graph.mul
func.func @other_half(%x: tensor<2x6xf32>) -> tensor<2x3xf32> {
  %a = graph.slice(%x) starts = [0, 3] sizes = [-1, 3] steps = [1, 1] : (tensor<2x6xf32>) -> tensor<2x3xf32>
  %b = graph.slice(%x) starts = [0, 0] sizes = [-1, 3] steps = [1, 1] : (tensor<2x6xf32>) -> tensor<2x3xf32>
  %s = graph.sigmoid(%b) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = graph.mul(%a, %s) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}

// Halves of two tensors.
// CHECK-LABEL: func.func @two_tensors
// CHECK-NOT:     sample.glu
// CHECK:         graph.mul
func.func @two_tensors(%x: tensor<2x6xf32>, %z: tensor<2x6xf32>) -> tensor<2x3xf32> {
  %a = graph.slice(%x) starts = [0, 0] sizes = [-1, 3] steps = [1, 1] : (tensor<2x6xf32>) -> tensor<2x3xf32>
  %b = graph.slice(%z) starts = [0, 3] sizes = [-1, 3] steps = [1, 1] : (tensor<2x6xf32>) -> tensor<2x3xf32>
  %s = graph.sigmoid(%b) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = graph.mul(%s, %a) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}

// Every second element is no half.
// CHECK-LABEL: func.func @strided
// CHECK-NOT:     sample.glu
// CHECK:         graph.mul
func.func @strided(%x: tensor<2x6xf32>) -> tensor<2x3xf32> {
  %a = graph.slice(%x) starts = [0, 0] sizes = [-1, 3] steps = [1, 2] : (tensor<2x6xf32>) -> tensor<2x3xf32>
  %b = graph.slice(%x) starts = [0, 3] sizes = [-1, 3] steps = [1, 1] : (tensor<2x6xf32>) -> tensor<2x3xf32>
  %s = graph.sigmoid(%b) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = graph.mul(%a, %s) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}
