// dovetail-opt --set-target host -p 'lower-te-to-loop, inline-compute{block=scaled}, tile-loops{loops=O_y,O_x sizes=4,16}, compute-at{block=rows at=O_x_o}, prefetch-buffer{buffer=A ahead=O_y_o over=O_x_o}, fuse-loops{loops=rows_y,rows_x}, unroll-loop{loop=O_y_i}, vectorize-loop{loop=O_x_i}'
// A blur in two steps, the first one computed where the second needs it.
func.func @blur(%A: tensor<15x35xf32>) -> tensor<13x33xf32> {
  %scaled = te.compute "scaled" (%y = 0 to 15, %x = 0 to 35) {
    %a = te.read %A[%y, %x] : tensor<15x35xf32>
    %two = arith.constant 2.0 : f32
    %s = arith.mulf %a, %two : f32
    te.yield %s : f32
  } : tensor<15x35xf32>
  %rows = te.compute "rows" (%y = 0 to 15, %x = 0 to 33) {
    %a = te.read %scaled[%y, %x] : tensor<15x35xf32>
    %b = te.read %scaled[%y, %x + 1] : tensor<15x35xf32>
    %c = te.read %scaled[%y, %x + 2] : tensor<15x35xf32>
    %s = arith.addf %a, %b : f32
    %t = arith.addf %s, %c : f32
    te.yield %t : f32
  } : tensor<15x33xf32>
  %O = te.compute "O" (%y = 0 to 13, %x = 0 to 33) {
    %a = te.read %rows[%y, %x] : tensor<15x33xf32>
    %b = te.read %rows[%y + 2, %x] : tensor<15x33xf32>
    %s = arith.addf %a, %b : f32
    te.yield %s : f32
  } : tensor<13x33xf32>
  func.return %O : tensor<13x33xf32>
}
