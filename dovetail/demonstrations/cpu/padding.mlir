// dovetail-opt --set-target host -p 'lower-te-to-loop, transform-layout{buffer=B map="(k, x) -> (x floordiv 32, k, x mod 32)" extents=2,17,32 pad=0}, tile-loops{loops=y,x sizes=4,32}, split-loop{loop=x_i factor=16 names=x_r,x_v}, reorder-loops{loops=y_o,x_o,k,y_i,x_r,x_v}, promote-memory-scope{buffer=C scope=register at=x_o}, pad-block{block=C loops=y_i,x_r multiples=4,32}, unroll-loop{loop=y_i}, unroll-loop{loop=x_r}, vectorize-loop{loop=x_v}, decompose-reduction{block=C loop=k}'
// A product whose extents no tile divides: the tails are computed as whole tiles, and left out of C.
func.func @product(%A: tensor<13x17xf32>, %B: tensor<17x35xf32>) -> tensor<13x35xf32> {
  %C = te.compute "C" (%y = 0 to 13, %x = 0 to 35) sum (%k = 0 to 17) {
    %a = te.read %A[%y, %k] : tensor<13x17xf32>
    %b = te.read %B[%k, %x] : tensor<17x35xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<13x35xf32>
  func.return %C : tensor<13x35xf32>
}
