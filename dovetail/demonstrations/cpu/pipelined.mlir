// dovetail-opt --set-target host -p 'lower-te-to-loop, tile-loops{loops=y,x,k sizes=4,16,5}, pack-buffer{buffer=B at=k_o map="(k, x) -> (k, x)"}, promote-memory-scope{buffer=A scope=local at=k_o}, double-buffer{buffer=A_local,B_packed loop=k_o copies=3}, unroll-loop{loop=y_i}'
// The tiles of A and B are copied two iterations ahead of the one that multiplies them.
func.func @product(%A: tensor<9x17xf32>, %B: tensor<17x37xf32>) -> tensor<9x37xf32> {
  %C = te.compute "C" (%y = 0 to 9, %x = 0 to 37) sum (%k = 0 to 17) {
    %a = te.read %A[%y, %k] : tensor<9x17xf32>
    %b = te.read %B[%k, %x] : tensor<17x37xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<9x37xf32>
  func.return %C : tensor<9x37xf32>
}
