// dovetail-opt --set-target vta -p 'import-intrinsics{library=vta}, lower-te-to-loop, transform-layout{buffer=A map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, transform-layout{buffer=B map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, transform-layout{buffer=S map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, transform-layout{buffer=O map="(d0, d1) -> (d0 floordiv 1, d1 floordiv 16, d0 mod 1, d1 mod 16)"}, split-loop{loop=O_c factor=32}, fuse-loops{loops=O_n,O_c_o into=e}, split-loop{loop=O_c_i factor=16 names=c_b,c_e}, compute-at{block=S at=e}, split-loop{loop=S_c factor=16}, promote-memory-scope{buffer=S scope=acc at=e}, promote-memory-scope{buffer=A scope=acc at=e}, promote-memory-scope{buffer=B scope=acc at=e}, promote-memory-scope{buffer=O scope=out at=e}, compute-in-place{block=S buffer=A_acc}, tensorize{block=S intrinsic=add}, tensorize{block=O intrinsic=cast_saturate}, insert-dependence-tokens, lower-virtual-threads, allocate-sram, lower-loop-to-vta'
// A sum of two tensors of 32 bits, each tile of it computed where it is saturated to 8 bits.
func.func @sum(%A: tensor<6x64xi32>, %B: tensor<6x64xi32>) -> tensor<6x64xi8> {
  %S = te.compute "S" (%n = 0 to 6, %c = 0 to 64) {
    %a = te.read %A[%n, %c] : tensor<6x64xi32>
    %b = te.read %B[%n, %c] : tensor<6x64xi32>
    %s = arith.addi %a, %b : i32
    te.yield %s : i32
  } : tensor<6x64xi32>
  %O = te.compute "O" (%n = 0 to 6, %c = 0 to 64) {
    %s = te.read %S[%n, %c] : tensor<6x64xi32>
    %low = arith.constant -128 : i32
    %high = arith.constant 127 : i32
    %l = arith.maxsi %s, %low : i32
    %h = arith.minsi %l, %high : i32
    %r = arith.trunci %h : i32 to i8
    te.yield %r : i8
  } : tensor<6x64xi8>
  func.return %O : tensor<6x64xi8>
}
