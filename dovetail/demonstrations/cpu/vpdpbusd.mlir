// dovetail-opt --set-target host -p 'import-intrinsics{library=vnni}, lower-te-to-loop, pack-buffer{buffer=B map="(k, x) -> (x floordiv 32, k floordiv 4, x mod 32, k mod 4)"}, split-loop{loop=y factor=4}, split-loop{loop=x factor=32}, split-loop{loop=x_i factor=16 names=x_r,x_v}, split-loop{loop=k factor=4}, reorder-loops{loops=x_o,y_o,k_o,y_i,x_r,x_v,k_i}, unroll-loop{loop=y_i}, unroll-loop{loop=x_r}, vectorize-loop{loop=x_v}, decompose-reduction{block=C loop=k_o}, promote-memory-scope{buffer=C scope=register at=y_o}, tensorize{block=C intrinsic=vpdpbusd}, peel-loop{loop=y_o}'
// An instruction of the processor itself: sums of four products of bytes, kept in registers.
func.func @product(%A: tensor<13x24xi8>, %B: tensor<24x64xi8>) -> tensor<13x64xi32> {
  %C = te.compute "C" (%y = 0 to 13, %x = 0 to 64) sum (%k = 0 to 24) {
    %a = te.read %A[%y, %k] : tensor<13x24xi8>
    %b = te.read %B[%k, %x] : tensor<24x64xi8>
    %aw = arith.extui %a : i8 to i32
    %bw = arith.extsi %b : i8 to i32
    %p = arith.muli %aw, %bw : i32
    te.yield %p : i32
  } : tensor<13x64xi32>
  func.return %C : tensor<13x64xi32>
}
