// dovetail-opt -p 'bind-virtual-thread{loop=t}'
builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @accumulate (%x: tensor<1x8xi32>) {
    %s = te.compute "s" (%n = 0 to 1, %c = 0 to 8) sum (%r = 0 to 1) {
      %v = te.read %x[%n, %c] : tensor<1x8xi32>
      te.yield %v : i32
    } : tensor<1x8xi32>
    te.yield %s : tensor<1x8xi32>
  } lower compute "copy" reset "fill_zero" update "accumulate" on "ex"
  func.func @sum(%A: memref<128x16xi32>, %C: memref<1x16xi32>) {
    loop.for %t = 0 to 2 {
      loop.for %k = 0 to 128 {
        loop.block "S" (%v_t < 2 = %t, reduce %v_k < 128 = %k) init {
          loop.intrinsic @accumulate "reset"(%C[i0, %v_t * 8 + i1]) writes 1 : memref<1x16xi32>
        } {
          loop.intrinsic @accumulate "update"(%C[i0, %v_t * 8 + i1], %A[%v_k + i0, %v_t * 8 + i1]) writes 1 : memref<1x16xi32>, memref<128x16xi32>
        }
      }
    }
    func.return
  }
}
// -----
builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @accumulate (%x: tensor<1x8xi32>) {
    %s = te.compute "s" (%n = 0 to 1, %c = 0 to 8) sum (%r = 0 to 1) {
      %v = te.read %x[%n, %c] : tensor<1x8xi32>
      te.yield %v : i32
    } : tensor<1x8xi32>
    te.yield %s : tensor<1x8xi32>
  } lower compute "copy" reset "fill_zero" update "accumulate" on "ex"
  func.func @sum(%A: memref<128x16xi32>, %C: memref<1x16xi32>) {
    loop.for %t = 0 to 2 vthread {
      loop.for %k = 0 to 128 {
        loop.block "S" (%v_t < 2 = %t, reduce %v_k < 128 = %k) init {
          loop.intrinsic @accumulate "reset"(%C[i0, %v_t * 8 + i1]) writes 1 : memref<1x16xi32>
        } {
          loop.intrinsic @accumulate "update"(%C[i0, %v_t * 8 + i1], %A[%v_k + i0, %v_t * 8 + i1]) writes 1 : memref<1x16xi32>, memref<128x16xi32>
        }
      }
    }
    func.return
  }
}
