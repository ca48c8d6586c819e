// dovetail-opt --set-target vta -p 'import-intrinsics{library=vta}, lower-te-to-loop, transform-layout{buffer=C map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, transform-layout{buffer=X map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)" pad=0}, transform-layout{buffer=W map="(d0, d1) -> (d0 floordiv 16, d1 floordiv 16, d0 mod 16, d1 mod 16)" pad=0}, transform-layout{buffer=O map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, pad-block{block=C loops=o,k multiples=16,16}, pad-block{block=O loops=O_o multiples=16}, tile-loops{loops=o,k sizes=16,16 block=C}, reorder-loops{loops=n,o_o,k_o,o_i,k_i}, reverse-compute-at{block=O at=o_o}, promote-memory-scope{buffer=C scope=acc at=o_o}, promote-memory-scope{buffer=X scope=inp at=k_o}, promote-memory-scope{buffer=W scope=wgt at=k_o}, promote-memory-scope{buffer=O scope=out at=o_o}, decompose-reduction{block=C loop=k_o}, tensorize{block=C_init intrinsic=gemm}, tensorize{block=C intrinsic=gemm}, tensorize{block=O intrinsic=cast_saturate}, insert-dependence-tokens, lower-virtual-threads, allocate-sram, lower-loop-to-vta'
// A product whose extents are no multiples of what the accelerator multiplies at once.
func.func @product(%X: tensor<3x37xi8>, %W: tensor<21x37xi8>) -> tensor<3x21xi8> {
  %C = te.compute "C" (%n = 0 to 3, %o = 0 to 21) sum (%k = 0 to 37) {
    %x = te.read %X[%n, %k] : tensor<3x37xi8>
    %w = te.read %W[%o, %k] : tensor<21x37xi8>
    %x32 = arith.extsi %x : i8 to i32
    %w32 = arith.extsi %w : i8 to i32
    %p = arith.muli %x32, %w32 : i32
    te.yield %p : i32
  } : tensor<3x21xi32>
  %O = te.compute "O" (%n = 0 to 3, %o = 0 to 21) {
    %c = te.read %C[%n, %o] : tensor<3x21xi32>
    %low = arith.constant -128 : i32
    %high = arith.constant 127 : i32
    %l = arith.maxsi %c, %low : i32
    %h = arith.minsi %l, %high : i32
    %r = arith.trunci %h : i32 to i8
    te.yield %r : i8
  } : tensor<3x21xi8>
  func.return %O : tensor<3x21xi8>
}
