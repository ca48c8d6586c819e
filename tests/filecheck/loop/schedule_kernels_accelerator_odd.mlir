// RUN: dovetail-opt %s -p 'import-intrinsics{library=vta},lower-te-to-loop,schedule-kernels' | filecheck %s

// 20 of a reduction and 40 of a result are no whole elements of 16: operands have zeros behind them,
// the blocks are padded, and the last store of the result goes into cells that are nobody's.

// CHECK-LABEL: func.func @odd(
// CHECK-SAME:  %A: memref<8x20xi8, #loop.layout<{{.*}}, [8, 2, 1, 16], pad 0 : i8>>
// CHECK-SAME:  %B: memref<40x20xi8, #loop.layout<{{.*}}, [3, 2, 16, 16], pad 0 : i8>>
// CHECK-SAME:  %O: memref<8x40xi8, #loop.layout<{{.*}}, [8, 3, 1, 16]>>
// CHECK-SAME:  pad-block{block=\22C\22 loops=\22x\22,\22k\22 multiples=16,16},pad-block{block=\22O\22 loops=\22O_x\22 multiples=16}
// CHECK:       loop.copy %A to %A_inp pad 0 : i8
// CHECK:       loop.copy %B to %B_wgt pad 0 : i8
// CHECK:       loop.intrinsic @gemm "update"
builtin.module attributes {target = #target.target<"vta">} {
  func.func @odd(%A: tensor<8x20xi8>, %B: tensor<40x20xi8>) -> tensor<8x40xi8> {
    %C = te.compute "C" (%y = 0 to 8, %x = 0 to 40) sum (%k = 0 to 20) {
      %a = te.read %A[%y, %k] : tensor<8x20xi8>
      %b = te.read %B[%x, %k] : tensor<40x20xi8>
      %a32 = arith.extsi %a : i8 to i32
      %b32 = arith.extsi %b : i8 to i32
      %p = arith.muli %a32, %b32 : i32
      te.yield %p : i32
    } : tensor<8x40xi32>
    %O = te.compute "O" (%y = 0 to 8, %x = 0 to 40) {
      %c = te.read %C[%y, %x] : tensor<8x40xi32>
      %o = arith.trunci %c : i32 to i8
      te.yield %o : i8
    } : tensor<8x40xi8>
    func.return %O : tensor<8x40xi8>
  }
}
