// RUN: not dovetail-opt %s -p 'import-intrinsics{library=vta},lower-te-to-loop,schedule-kernels' 2>&1 | filecheck %s

// CHECK: schedule-kernels: @copy has 0 reductions; a kernel for an accelerator has one, and what follows it element by element
builtin.module attributes {target = #target.target<"vta">} {
  func.func @copy(%A: tensor<8x32xi8>) -> tensor<8x32xi8> {
    %C = te.compute "C" (%y = 0 to 8, %x = 0 to 32) {
      %a = te.read %A[%y, %x] : tensor<8x32xi8>
      te.yield %a : i8
    } : tensor<8x32xi8>
    func.return %C : tensor<8x32xi8>
  }
}
