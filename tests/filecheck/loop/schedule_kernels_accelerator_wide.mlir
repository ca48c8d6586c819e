// RUN: not dovetail-opt %s -p 'import-intrinsics{library=vta},lower-te-to-loop,schedule-kernels' 2>&1 | filecheck %s

// CHECK: promote-memory-scope: %C would have to be moved out of acc, in loop 'x_o', but no unit of the target drains acc
builtin.module attributes {target = #target.target<"vta">} {
  func.func @wide(%A: tensor<8x32xi8>, %B: tensor<64x32xi8>) -> tensor<8x64xi32> {
    %C = te.compute "C" (%y = 0 to 8, %x = 0 to 64) sum (%k = 0 to 32) {
      %a = te.read %A[%y, %k] : tensor<8x32xi8>
      %b = te.read %B[%x, %k] : tensor<64x32xi8>
      %a32 = arith.extsi %a : i8 to i32
      %b32 = arith.extsi %b : i8 to i32
      %p = arith.muli %a32, %b32 : i32
      te.yield %p : i32
    } : tensor<8x64xi32>
    func.return %C : tensor<8x64xi32>
  }
}
