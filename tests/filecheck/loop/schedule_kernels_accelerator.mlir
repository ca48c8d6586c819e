// RUN: dovetail-opt %s -p 'import-intrinsics{library=vta},lower-te-to-loop,schedule-kernels' | filecheck %s

// A product is tiled, its reduction calls @gemm, what follows it is computed in the accumulators.
// CHECK-LABEL: func.func @product
// CHECK-SAME:    dovetail.schedule = "transform-layout{
// CHECK:         loop.for %x_t = 0 to 2 vthread {
// CHECK:           %C_acc = loop.alloc at [{{.*}}] : memref<{{.*}}, "acc">
// CHECK:           %O_out = loop.alloc at [{{.*}}] : memref<{{.*}}, "out">
// CHECK:           loop.copy %A to %A_inp
// CHECK:           loop.copy %B to %B_wgt
// CHECK:           loop.intrinsic @gemm "reset"(%C_acc
// CHECK:           loop.intrinsic @gemm "update"(%C_acc{{.*}}, %A_inp{{.*}}, %B_wgt
// CHECK:           loop.intrinsic @shr_imm "compute"(%C_acc{{.*}}, %C_acc{{.*}}) writes 1 imm [6]
// CHECK:           loop.intrinsic @cast "compute"(%O_out{{.*}}, %C_acc
// CHECK:           loop.copy %O_out to %O
builtin.module attributes {target = #target.target<"vta">} {
  func.func @product(%A: tensor<8x32xi8>, %B: tensor<64x32xi8>) -> tensor<8x64xi8> {
    %C = te.compute "C" (%y = 0 to 8, %x = 0 to 64) sum (%k = 0 to 32) {
      %a = te.read %A[%y, %k] : tensor<8x32xi8>
      %b = te.read %B[%x, %k] : tensor<64x32xi8>
      %a32 = arith.extsi %a : i8 to i32
      %b32 = arith.extsi %b : i8 to i32
      %p = arith.muli %a32, %b32 : i32
      te.yield %p : i32
    } : tensor<8x64xi32>
    %S = te.compute "S" (%y = 0 to 8, %x = 0 to 64) {
      %c = te.read %C[%y, %x] : tensor<8x64xi32>
      %k = arith.constant 6 : i32
      %r = arith.shrsi %c, %k : i32
      te.yield %r : i32
    } : tensor<8x64xi32>
    %O = te.compute "O" (%y = 0 to 8, %x = 0 to 64) {
      %c = te.read %S[%y, %x] : tensor<8x64xi32>
      %r = arith.trunci %c : i32 to i8
      te.yield %r : i8
    } : tensor<8x64xi8>
    func.return %O : tensor<8x64xi8>
  }
}
