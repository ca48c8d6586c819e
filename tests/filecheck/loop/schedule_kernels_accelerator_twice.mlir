// RUN: not dovetail-opt %s -p 'import-intrinsics{library=vta},schedule-kernels' 2>&1 | filecheck %s

// CHECK: error: schedule-kernels: block 'C' of @sum is scheduled already; it takes loops as lower-te-to-loop leaves them
builtin.module attributes {target = #target.target<"vta">} {
  func.func @sum(%A: memref<8x32xi32>, %C: memref<8xi32>) {
    loop.for %y = 0 to 8 {
      loop.for %k_o = 0 to 2 {
        loop.for %k_i = 0 to 16 {
          loop.block "C" (%v_y < 8 = %y, reduce %v_k < 32 = %k_o * 16 + %k_i) {
            %c = loop.load %C[%v_y] : memref<8xi32>
            %a = loop.load %A[%v_y, %v_k] : memref<8x32xi32>
            %s = arith.addi %c, %a : i32
            loop.store %s, %C[%v_y] : memref<8xi32>
          }
        }
      }
    }
    func.return
  }
}
