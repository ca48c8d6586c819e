// dovetail-opt --set-target 'nvptx -mcpu=sm_90' -p 'lower-te-to-loop, split-loop{loop=O_x factor=8 names=bx,tx}, compute-at{block=rows at=bx}, promote-memory-scope{buffer=rows scope=shared at=bx}, split-loop{loop=rows_x factor=8 names=i,rx}, bind-thread{loop=bx axis="blockIdx.x"}, bind-thread{loop=rx axis="threadIdx.x"}, bind-thread{loop=tx axis="threadIdx.x"}, insert-thread-barriers'
// What neighbouring threads both read, each of them computes a part of.
func.func @blur(%A: tensor<35xf32>) -> tensor<31xf32> {
  %rows = te.compute "rows" (%x = 0 to 33) {
    %a = te.read %A[%x] : tensor<35xf32>
    %b = te.read %A[%x + 2] : tensor<35xf32>
    %s = arith.addf %a, %b : f32
    te.yield %s : f32
  } : tensor<33xf32>
  %O = te.compute "O" (%x = 0 to 31) {
    %a = te.read %rows[%x] : tensor<33xf32>
    %b = te.read %rows[%x + 2] : tensor<33xf32>
    %s = arith.addf %a, %b : f32
    te.yield %s : f32
  } : tensor<31xf32>
  func.return %O : tensor<31xf32>
}
