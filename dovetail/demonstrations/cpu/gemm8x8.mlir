// dovetail-opt --set-target host -p 'import-intrinsics{library=vdla}, lower-te-to-loop, tile-loops{loops=y,x,k sizes=8,8,8}, promote-memory-scope{buffer=C scope=local at=x_o}, promote-memory-scope{buffer=A scope=local at=k_o}, promote-memory-scope{buffer=B scope=local at=k_o}, tensorize{block=C intrinsic=gemm8x8}'
// An accelerator's instruction, called on tiles; a CPU computes what the instruction declares.
func.func @product(%A: tensor<24x16xf32>, %B: tensor<24x32xf32>) -> tensor<16x32xf32> {
  %C = te.compute "C" (%y = 0 to 16, %x = 0 to 32) sum (%k = 0 to 24) {
    %a = te.read %A[%k, %y] : tensor<24x16xf32>
    %b = te.read %B[%k, %x] : tensor<24x32xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<16x32xf32>
  func.return %C : tensor<16x32xf32>
}
