// dovetail-opt --set-target host -p 'lower-te-to-loop, tile-loops{loops=y,x,k sizes=4,16,8}, promote-memory-scope{buffer=B scope=local at=k_o}, double-buffer{buffer=B_local loop=k_o}, vectorize-loop{loop=x_i}'
// A tile of B is copied while the one before it is used.
func.func @product(%A: tensor<13x17xf32>, %B: tensor<17x35xf32>) -> tensor<13x35xf32> {
  %C = te.compute "C" (%y = 0 to 13, %x = 0 to 35) sum (%k = 0 to 17) {
    %a = te.read %A[%y, %k] : tensor<13x17xf32>
    %b = te.read %B[%k, %x] : tensor<17x35xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<13x35xf32>
  func.return %C : tensor<13x35xf32>
}
