// dovetail-opt --set-target host -p 'lower-te-to-loop, tile-loops{loops=y,x sizes=4,16}, reorder-loops{loops=x_o,y_o,k,y_i,x_i}, pack-buffer{buffer=B at=x_o map="(k, x) -> (x floordiv 16, k, x mod 16)"}, unroll-loop{loop=y_i}, vectorize-loop{loop=x_i}'
// A panel of B is copied to where its rows lie side by side, and used for all rows of A.
func.func @product(%A: tensor<9x17xf32>, %B: tensor<17x37xf32>) -> tensor<9x37xf32> {
  %C = te.compute "C" (%y = 0 to 9, %x = 0 to 37) sum (%k = 0 to 17) {
    %a = te.read %A[%y, %k] : tensor<9x17xf32>
    %b = te.read %B[%k, %x] : tensor<17x37xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<9x37xf32>
  func.return %C : tensor<9x37xf32>
}
