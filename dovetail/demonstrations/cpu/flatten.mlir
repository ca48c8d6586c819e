// dovetail-opt --set-target host -p 'lower-te-to-loop, reverse-inline{block=D}, split-loop{loop=x factor=8}, vectorize-loop{loop=x_i}, parallelize-loop{loop=y}'
// A bias in lanes, whose result is cropped, rectified and written as one long row.
func.func @flatten(%A: tensor<7x24xf32>, %b: tensor<24xf32>) -> tensor<120xf32> {
  %C = te.compute "C" (%y = 0 to 7, %x = 0 to 24) {
    %a = te.read %A[%y, %x] : tensor<7x24xf32>
    %v = te.read %b[%x] : tensor<24xf32>
    %s = arith.addf %a, %v : f32
    te.yield %s : f32
  } : tensor<7x24xf32>
  %D = te.compute "D" (%i = 0 to 120) {
    %zero = arith.constant 0.0 : f32
    %c = te.read %C[%i floordiv 24 + 1, %i mod 24] : tensor<7x24xf32>
    %m = arith.maximumf %c, %zero : f32
    te.yield %m : f32
  } : tensor<120xf32>
  func.return %D : tensor<120xf32>
}
