// dovetail-opt --set-target host -p 'lower-te-to-loop, tile-loops{loops=y,x,k sizes=3,4,5}, blockize{loop=y_i}, reorder-loops{loops=x_o,k_o,y_o}, parallelize-loop{loop=x_o}, expand-intrinsics, vectorize-loop{loop=C_x_i}'
// Tiles are reordered and shared out among threads as single instances, and are loops again then.
func.func @product(%A: tensor<9x15xf32>, %B: tensor<15x36xf32>) -> tensor<9x36xf32> {
  %C = te.compute "C" (%y = 0 to 9, %x = 0 to 36) sum (%k = 0 to 15) {
    %a = te.read %A[%y, %k] : tensor<9x15xf32>
    %b = te.read %B[%k, %x] : tensor<15x36xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<9x36xf32>
  func.return %C : tensor<9x36xf32>
}
