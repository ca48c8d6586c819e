// RUN: not dovetail-opt %s -p 'import-intrinsics{library=vta},lower-te-to-loop,schedule-kernels' 2>&1 | filecheck %s

// CHECK: schedule-kernels: no instruction of the module computes block 'C' (its extents are y 8, x 64, k 32); there are @gemm, @shr_imm
builtin.module attributes {target = #target.target<"vta">} {
  func.func @other(%A: tensor<8x32xi8>, %B: tensor<64x32xi8>) -> tensor<8x64xi8> {
    %C = te.compute "C" (%y = 0 to 8, %x = 0 to 64) max (%k = 0 to 32) {
      %a = te.read %A[%y, %k] : tensor<8x32xi8>
      %b = te.read %B[%x, %k] : tensor<64x32xi8>
      %p = arith.muli %a, %b : i8
      te.yield %p : i8
    } : tensor<8x64xi8>
    func.return %C : tensor<8x64xi8>
  }
}
