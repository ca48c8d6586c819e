// RUN: not dovetail-opt %s -p 'lower-te-to-loop' 2>&1 | filecheck %s --check-prefix=CHECK

// CHECK: error: lower-te-to-loop: arith.addf is not a tensor expression; the operations it lowers are te.compute, te.scatter and scalar ones

func.func @f(%A: tensor<4xf32>) -> tensor<4xf32> {
  %B = te.compute "B" (%y = 0 to 4) {
    %v = te.read %A[%y] : tensor<4xf32>
    te.yield %v : f32
  } : tensor<4xf32>
  %C = arith.addf %B, %B : tensor<4xf32>
  func.return %C : tensor<4xf32>
}
