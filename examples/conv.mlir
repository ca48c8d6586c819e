// An int8 convolution and the epilogue of a quantised network: shift, bias, rectification, saturation.
func.func @conv(%X: tensor<1x32x14x14xi8>, %W: tensor<64x32x3x3xi8>, %B: tensor<1x64xi32>) -> tensor<1x64x14x14xi8> {
  %C = te.compute "C" (%n = 0 to 1, %oc = 0 to 64, %oh = 0 to 14, %ow = 0 to 14) sum (%ic = 0 to 32, %kh = 0 to 3, %kw = 0 to 3) {
    %zero = arith.constant 0 : i8
    %x = te.read %X[%n, %ic, %oh + %kh - 1, %ow + %kw - 1] where (%oh + %kh - 1 >= 0, %oh + %kh - 1 < 14, %ow + %kw - 1 >= 0, %ow + %kw - 1 < 14) else %zero : tensor<1x32x14x14xi8>
    %w = te.read %W[%oc, %ic, %kh, %kw] : tensor<64x32x3x3xi8>
    %x32 = arith.extsi %x : i8 to i32
    %w32 = arith.extsi %w : i8 to i32
    %p = arith.muli %x32, %w32 : i32
    te.yield %p : i32
  } : tensor<1x64x14x14xi32>
  %S = te.compute "S" (%n = 0 to 1, %oc = 0 to 64, %oh = 0 to 14, %ow = 0 to 14) {
    %c = te.read %C[%n, %oc, %oh, %ow] : tensor<1x64x14x14xi32>
    %k = arith.constant 8 : i32
    %r = arith.shrsi %c, %k : i32
    te.yield %r : i32
  } : tensor<1x64x14x14xi32>
  %A = te.compute "A" (%n = 0 to 1, %oc = 0 to 64, %oh = 0 to 14, %ow = 0 to 14) {
    %c = te.read %S[%n, %oc, %oh, %ow] : tensor<1x64x14x14xi32>
    %b = te.read %B[%n, %oc] : tensor<1x64xi32>
    %r = arith.addi %c, %b : i32
    te.yield %r : i32
  } : tensor<1x64x14x14xi32>
  %M = te.compute "M" (%n = 0 to 1, %oc = 0 to 64, %oh = 0 to 14, %ow = 0 to 14) {
    %c = te.read %A[%n, %oc, %oh, %ow] : tensor<1x64x14x14xi32>
    %k = arith.constant 0 : i32
    %r = arith.maxsi %c, %k : i32
    te.yield %r : i32
  } : tensor<1x64x14x14xi32>
  %L = te.compute "L" (%n = 0 to 1, %oc = 0 to 64, %oh = 0 to 14, %ow = 0 to 14) {
    %c = te.read %M[%n, %oc, %oh, %ow] : tensor<1x64x14x14xi32>
    %k = arith.constant 127 : i32
    %r = arith.minsi %c, %k : i32
    te.yield %r : i32
  } : tensor<1x64x14x14xi32>
  %O = te.compute "O" (%n = 0 to 1, %oc = 0 to 64, %oh = 0 to 14, %ow = 0 to 14) {
    %c = te.read %L[%n, %oc, %oh, %ow] : tensor<1x64x14x14xi32>
    %r = arith.trunci %c : i32 to i8
    te.yield %r : i8
  } : tensor<1x64x14x14xi8>
  func.return %O : tensor<1x64x14x14xi8>
}
