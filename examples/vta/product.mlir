// A product of 8-bit integers for VTA: sums in 32 bits, scaled, saturated to 8 bits again.
builtin.module attributes {target = #target.target<"vta">} {
  func.func @product(%X: tensor<8x32xi8>, %W: tensor<64x32xi8>) -> tensor<8x64xi8> {
    %C = te.compute "C" (%n = 0 to 8, %o = 0 to 64) sum (%k = 0 to 32) {
      %x = te.read %X[%n, %k] : tensor<8x32xi8>
      %w = te.read %W[%o, %k] : tensor<64x32xi8>
      %x32 = arith.extsi %x : i8 to i32
      %w32 = arith.extsi %w : i8 to i32
      %p = arith.muli %x32, %w32 : i32
      te.yield %p : i32
    } : tensor<8x64xi32>
    %S = te.compute "S" (%n = 0 to 8, %o = 0 to 64) {
      %c = te.read %C[%n, %o] : tensor<8x64xi32>
      %six = arith.constant 6 : i32
      %s = arith.shrsi %c, %six : i32
      te.yield %s : i32
    } : tensor<8x64xi32>
    %O = te.compute "O" (%n = 0 to 8, %o = 0 to 64) {
      %s = te.read %S[%n, %o] : tensor<8x64xi32>
      %low = arith.constant -128 : i32
      %high = arith.constant 127 : i32
      %l = arith.maxsi %s, %low : i32
      %h = arith.minsi %l, %high : i32
      %r = arith.trunci %h : i32 to i8
      te.yield %r : i8
    } : tensor<8x64xi8>
    func.return %O : tensor<8x64xi8>
  }
}
