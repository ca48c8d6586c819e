// RUN: not dovetail-opt %s -p 'import-intrinsics{library=vta},lower-te-to-loop,schedule-kernels' 2>&1 | filecheck %s

// CHECK: schedule-kernels: no instruction of the module computes block 'C', in whole pieces of its extents (y 8, x 64, k 20); there are @gemm, @shr_imm
builtin.module attributes {target = #target.target<"vta">} {
  func.func @odd(%A: tensor<8x20xi8>, %B: tensor<64x20xi8>) -> tensor<8x64xi32> {
    %C = te.compute "C" (%y = 0 to 8, %x = 0 to 64) sum (%k = 0 to 20) {
      %a = te.read %A[%y, %k] : tensor<8x20xi8>
      %b = te.read %B[%x, %k] : tensor<64x20xi8>
      %a32 = arith.extsi %a : i8 to i32
      %b32 = arith.extsi %b : i8 to i32
      %p = arith.muli %a32, %b32 : i32
      te.yield %p : i32
    } : tensor<8x64xi32>
    func.return %C : tensor<8x64xi32>
  }
}
