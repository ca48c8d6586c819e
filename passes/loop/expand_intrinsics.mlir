// dovetail-opt -p expand-intrinsics
te.intrinsic @dot4 (%a: tensor<4xi32>, %b: tensor<4xi32>) {
  %c = te.compute "c" () sum (%k = 0 to 4) {
    %x = te.read %a[%k] : tensor<4xi32>
    %y = te.read %b[%k] : tensor<4xi32>
    %p = arith.muli %x, %y : i32
    te.yield %p : i32
  } : tensor<i32>
  te.yield %c : tensor<i32>
} lower compute "dot4" reset "clear" update "dot4_add"
func.func @rows(%A: memref<8x20xi32>, %B: memref<20xi32>, %C: memref<8xi32>) {
  loop.for %r = 0 to 8 {
    loop.for %k_o = 0 to 5 {
      loop.block "C" (%v_r < 8 = %r, reduce %v_k < 5 = %k_o) init {
        loop.intrinsic @dot4 "reset"(%C[%v_r]) writes 1 : memref<8xi32>
      } {
        loop.intrinsic @dot4 "update"(%C[%v_r], %A[%v_r, %v_k * 4 + i0], %B[%v_k * 4 + i0]) writes 1 : memref<8xi32>, memref<8x20xi32>, memref<20xi32>
      }
    }
  }
  func.return
}
// -----
builtin.module {
  te.intrinsic @dot4 (%a: tensor<4xi32>, %b: tensor<4xi32>) {
    %c = te.compute "c" () sum (%k = 0 to 4) {
      %x = te.read %a[%k] : tensor<4xi32>
      %y = te.read %b[%k] : tensor<4xi32>
      %p = arith.muli %x, %y : i32
      te.yield %p : i32
    } : tensor<i32>
    te.yield %c : tensor<i32>
  } lower compute "dot4" reset "clear" update "dot4_add"
  func.func @rows(%A: memref<8x20xi32>, %B: memref<20xi32>, %C: memref<8xi32>) {
    loop.for %r = 0 to 8 {
      loop.for %k_o = 0 to 5 {
        loop.block "C_init" (%v_r < 8 = %r, %v_k < 5 = %k_o) where (-%k_o >= 0) {
          %0 = arith.constant 0 : i32
          loop.store %0, %C[%v_r] : memref<8xi32>
        }
        loop.for %C_k = 0 to 4 {
          loop.block "C" (%v_r_1 < 8 = %r, reduce %v_k_1 < 5 = %k_o, reduce %k < 4 = %C_k) {
            %1 = loop.load %A[%v_r_1, %v_k_1 * 4 + %k] : memref<8x20xi32>
            %2 = loop.load %B[%v_k_1 * 4 + %k] : memref<20xi32>
            %p = arith.muli %1, %2 : i32
            %3 = loop.load %C[%v_r_1] : memref<8xi32>
            %4 = arith.addi %3, %p : i32
            loop.store %4, %C[%v_r_1] : memref<8xi32>
          }
        }
      }
    }
    func.return
  }
}
