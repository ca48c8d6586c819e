// dovetail-opt --set-target vta -p 'import-intrinsics{library=vta}, lower-te-to-loop, inline-compute{block=L}, transform-layout{buffer=C map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, transform-layout{buffer=X map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, transform-layout{buffer=S map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, transform-layout{buffer=O map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, pack-buffer{buffer=W map="(d0, d1) -> (d0 floordiv 16, d1 floordiv 16, d0 mod 16, d1 mod 16)"}, tile-loops{loops=n,o,k sizes=4,32,32}, split-loop{loop=o_i factor=16 names=o_b,o_e}, split-loop{loop=k_i factor=16 names=k_b,k_e}, reorder-loops{loops=o_o,n_o,k_o,k_b,n_i,o_b,o_e,k_e}, reverse-compute-at{block=S at=n_o}, reverse-compute-at{block=O at=n_o}, compute-in-place{block=S}, promote-memory-scope{buffer=C scope=acc at=n_o}, promote-memory-scope{buffer=X scope=inp at=k_o}, promote-memory-scope{buffer=W scope=wgt at=k_o}, promote-memory-scope{buffer=O scope=out at=n_o}, decompose-reduction{block=C loop=k_o}, tensorize{block=C_init intrinsic=gemm}, tensorize{block=C intrinsic=gemm}, tensorize{block=S intrinsic=shr_imm}, tensorize{block=O intrinsic=cast_saturate}, peel-loop{loop=k_o}, unroll-loop{loop=k_o}, expand-unrolled-loops, bind-virtual-thread{loop=o_o}, insert-dependence-tokens, lower-virtual-threads, allocate-sram, lower-loop-to-vta'
// A product of 8-bit integers, scaled and saturated, by two virtual threads that hide each other's loads.
func.func @product(%X: tensor<10x80xi8>, %W: tensor<64x80xi8> {dovetail.weight}) -> tensor<10x64xi8> {
  %C = te.compute "C" (%n = 0 to 10, %o = 0 to 64) sum (%k = 0 to 80) {
    %x = te.read %X[%n, %k] : tensor<10x80xi8>
    %w = te.read %W[%o, %k] : tensor<64x80xi8>
    %x32 = arith.extsi %x : i8 to i32
    %w32 = arith.extsi %w : i8 to i32
    %p = arith.muli %x32, %w32 : i32
    te.yield %p : i32
  } : tensor<10x64xi32>
  %S = te.compute "S" (%n = 0 to 10, %o = 0 to 64) {
    %c = te.read %C[%n, %o] : tensor<10x64xi32>
    %six = arith.constant 3 : i32
    %s = arith.shrsi %c, %six : i32
    te.yield %s : i32
  } : tensor<10x64xi32>
  %L = te.compute "L" (%n = 0 to 10, %o = 0 to 64) {
    %s = te.read %S[%n, %o] : tensor<10x64xi32>
    %low = arith.constant -128 : i32
    %l = arith.maxsi %s, %low : i32
    te.yield %l : i32
  } : tensor<10x64xi32>
  %O = te.compute "O" (%n = 0 to 10, %o = 0 to 64) {
    %l = te.read %L[%n, %o] : tensor<10x64xi32>
    %high = arith.constant 127 : i32
    %h = arith.minsi %l, %high : i32
    %r = arith.trunci %h : i32 to i8
    te.yield %r : i8
  } : tensor<10x64xi8>
  func.return %O : tensor<10x64xi8>
}
