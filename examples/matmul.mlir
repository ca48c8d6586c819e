// C = A B, as a tensor expression: what is computed, and nothing about how.
func.func @matmul(%A: tensor<500x512xf32>, %B: tensor<512x500xf32>) -> tensor<500x500xf32> {
  %C = te.compute "C" (%y = 0 to 500, %x = 0 to 500) sum (%k = 0 to 512) {
    %a = te.read %A[%y, %k] : tensor<500x512xf32>
    %b = te.read %B[%k, %x] : tensor<512x500xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<500x500xf32>
  func.return %C : tensor<500x500xf32>
}
