// dovetail-opt --set-target vta -p 'import-intrinsics{library=vta}, lower-te-to-loop, transform-layout{buffer=C map="(d0, d1) -> (d0, d1 floordiv 16, 0, d1 mod 16)"}, transform-layout{buffer=X map="(d0, d1) -> (d0, d1 floordiv 16, 0, d1 mod 16)"}, transform-layout{buffer=O map="(d0, d1) -> (d0, d1 floordiv 16, 0, d1 mod 16)"}, transform-layout{buffer=W map="(d0, d1) -> (d0 floordiv 16, d1 floordiv 16, d0 mod 16, d1 mod 16)"}, tile-loops{loops=n,o,k sizes=5,16,16}, reorder-loops{loops=n_o,k_o,n_i,o_o,o_i,k_i}, reverse-compute-at{block=O at=n_o}, promote-memory-scope{buffer=C scope=acc at=n_o}, promote-memory-scope{buffer=O scope=out at=n_o}, promote-memory-scope{buffer=X scope=inp at=k_o}, promote-memory-scope{buffer=W scope=wgt at=k_o}, decompose-reduction{block=C loop=k_o}, tensorize{block=C_init intrinsic=gemm}, tensorize{block=C intrinsic=gemm}, tensorize{block=O intrinsic=cast}, double-buffer{buffer=X_inp,W_wgt loop=k_o}, insert-dependence-tokens, allocate-sram, lower-loop-to-vta'
// A product of 8-bit integers without virtual threads: while one tile is used, the next one is loaded.
func.func @product(%X: tensor<10x80xi8>, %W: tensor<64x80xi8>) -> tensor<10x64xi8> {
  %C = te.compute "C" (%n = 0 to 10, %o = 0 to 64) sum (%k = 0 to 80) {
    %x = te.read %X[%n, %k] : tensor<10x80xi8>
    %w = te.read %W[%o, %k] : tensor<64x80xi8>
    %x32 = arith.extsi %x : i8 to i32
    %w32 = arith.extsi %w : i8 to i32
    %p = arith.muli %x32, %w32 : i32
    te.yield %p : i32
  } : tensor<10x64xi32>
  %O = te.compute "O" (%n = 0 to 10, %o = 0 to 64) {
    %c = te.read %C[%n, %o] : tensor<10x64xi32>
    %r = arith.trunci %c : i32 to i8
    te.yield %r : i8
  } : tensor<10x64xi8>
  func.return %O : tensor<10x64xi8>
}
