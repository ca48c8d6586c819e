// dovetail-opt --set-target host -p 'lower-te-to-loop, transform-layout{buffer=B map="(k, x) -> (x floordiv 32, k, x mod 32)"}, tile-loops{loops=y,x sizes=4,32}, split-loop{loop=x_i factor=16 names=x_r,x_v}, split-loop{loop=k factor=2}, reorder-loops{loops=x_o,y_o,k_o,k_i,y_i,x_r,x_v}, unroll-loop{loop=k_i}, unroll-loop{loop=y_i}, unroll-loop{loop=x_r}, vectorize-loop{loop=x_v}, decompose-reduction{block=C loop=k_o}, promote-memory-scope{buffer=C scope=register at=y_o}, peel-loop{loop=y_o}, parallelize-loop{loop=x_o}'
func.func @matmul(%A: tensor<13x17xf32>, %B: tensor<17x67xf32>) -> tensor<13x67xf32> {
  %C = te.compute "C" (%y = 0 to 13, %x = 0 to 67) sum (%k = 0 to 17) {
    %a = te.read %A[%y, %k] : tensor<13x17xf32>
    %b = te.read %B[%k, %x] : tensor<17x67xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<13x67xf32>
  func.return %C : tensor<13x67xf32>
}
