// dovetail-opt --set-target host -p 'lower-te-to-loop, pad-block{block=C loops=y,x multiples=4,16}, tile-loops{loops=y,x sizes=4,16}, reorder-loops{loops=y_o,x_o,k,y_i,x_i}, unroll-loop{loop=y_i}, vectorize-loop{loop=x_i}, decompose-reduction{block=C loop=k}'
// Whole tiles are computed, and what is too much is left out in the end.
func.func @product(%A: tensor<13x17xf32>, %B: tensor<17x35xf32>) -> tensor<13x35xf32> {
  %C = te.compute "C" (%y = 0 to 13, %x = 0 to 35) sum (%k = 0 to 17) {
    %a = te.read %A[%y, %k] : tensor<13x17xf32>
    %b = te.read %B[%k, %x] : tensor<17x35xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<13x35xf32>
  func.return %C : tensor<13x35xf32>
}
