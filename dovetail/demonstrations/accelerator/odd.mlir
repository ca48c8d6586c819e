// dovetail-opt --set-target vta -p 'import-intrinsics{library=vta}, lower-te-to-loop, transform-layout{buffer=X map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)" pad=0}, transform-layout{buffer=W map="(d0, d1) -> (d0 floordiv 16, d1 floordiv 16, d0 mod 16, d1 mod 16)" pad=0}, transform-layout{buffer=C map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, transform-layout{buffer=O map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, pad-block{block=C loops=o,k multiples=16,16}, pad-block{block=O loops=O_o multiples=16}, split-loop{loop=o factor=16}, split-loop{loop=k factor=16}, split-loop{loop=n factor=4}, reorder-loops{loops=n_o,o_o,k_o,n_i,o_i,k_i}, reverse-compute-at{block=O at=o_o}, promote-memory-scope{buffer=C scope=acc at=o_o}, promote-memory-scope{buffer=X scope=inp at=k_o}, promote-memory-scope{buffer=W scope=wgt at=k_o}, promote-memory-scope{buffer=O scope=out at=o_o}, decompose-reduction{block=C loop=k_o}, tensorize{block=C_init intrinsic=gemm}, tensorize{block=C intrinsic=gemm}, tensorize{block=O intrinsic=cast}, double-buffer{buffer=W_wgt loop=k_o}, insert-dependence-tokens, lower-virtual-threads, allocate-sram, lower-loop-to-vta'
// A product of odd sizes in whole instructions; weights are loaded while others are used.
func.func @product(%X: tensor<8x40xi8>, %W: tensor<27x40xi8>) -> tensor<8x27xi8> {
  %C = te.compute "C" (%n = 0 to 8, %o = 0 to 27) sum (%k = 0 to 40) {
    %x = te.read %X[%n, %k] : tensor<8x40xi8>
    %w = te.read %W[%o, %k] : tensor<27x40xi8>
    %x32 = arith.extsi %x : i8 to i32
    %w32 = arith.extsi %w : i8 to i32
    %p = arith.muli %x32, %w32 : i32
    te.yield %p : i32
  } : tensor<8x27xi32>
  %O = te.compute "O" (%n = 0 to 8, %o = 0 to 27) {
    %c = te.read %C[%n, %o] : tensor<8x27xi32>
    %r = arith.trunci %c : i32 to i8
    te.yield %r : i8
  } : tensor<8x27xi8>
  func.return %O : tensor<8x27xi8>
}
