// dovetail-opt --set-target host -p 'lower-te-to-loop, split-loop{loop=k factor=64}, rfactor{block=S loop=k_i}, split-loop{loop=k_i factor=16 names=k_u,k_v}, unroll-loop{loop=k_u}, vectorize-loop{loop=k_v}, decompose-reduction{block=S_rf loop=k_o}, promote-memory-scope{buffer=S_rf scope=local at=y}, unroll-loop{loop=S_k_i}'
// The sums of rows, in the lanes of four vectors that are added up in the end.
func.func @rowsum(%A: tensor<11x520xf32>) -> tensor<11xf32> {
  %S = te.compute "S" (%y = 0 to 11) sum (%k = 0 to 520) {
    %a = te.read %A[%y, %k] : tensor<11x520xf32>
    te.yield %a : f32
  } : tensor<11xf32>
  func.return %S : tensor<11xf32>
}
