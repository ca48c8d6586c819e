// C = A^T B, as a declaration; examples/gpu_matmul.pipeline schedules it for the threads of a GPU.
func.func @matmul(%A: tensor<1024x1024xf32>, %B: tensor<1024x1024xf32>) -> tensor<1024x1024xf32> {
  %C = te.compute "C" (%y = 0 to 1024, %x = 0 to 1024) sum (%k = 0 to 1024) {
    %a = te.read %A[%k, %y] : tensor<1024x1024xf32>
    %b = te.read %B[%k, %x] : tensor<1024x1024xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<1024x1024xf32>
  func.return %C : tensor<1024x1024xf32>
}
