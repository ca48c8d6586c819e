// dovetail-opt -p 'tile-loops{loops=y,x,k sizes=3,4,8},blockize{loop=y_i}'
func.func @matmul(%A: memref<12x24xf32>, %B: memref<24x8xf32>, %C: memref<12x8xf32>) {
  loop.for %y = 0 to 12 {
    loop.for %x = 0 to 8 {
      loop.for %k = 0 to 24 {
        loop.block "C" (%v_y < 12 = %y, %v_x < 8 = %x, reduce %v_k < 24 = %k) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %C[%v_y, %v_x] : memref<12x8xf32>
        } {
          %c = loop.load %C[%v_y, %v_x] : memref<12x8xf32>
          %a = loop.load %A[%v_y, %v_k] : memref<12x24xf32>
          %b = loop.load %B[%v_k, %v_x] : memref<24x8xf32>
          %p = arith.mulf %a, %b : f32
          %s = arith.addf %c, %p : f32
          loop.store %s, %C[%v_y, %v_x] : memref<12x8xf32>
        }
      }
    }
  }
  func.return
}
// -----
builtin.module {
  te.intrinsic @C_tile (%A: tensor<3x8xf32>, %B: tensor<8x4xf32>) {
    %0 = te.compute "C" (%y_i = 0 to 3, %x_i = 0 to 4) sum (%k_i = 0 to 8) {
      %1 = te.read %A[%y_i, %k_i] : tensor<3x8xf32>
      %2 = te.read %B[%k_i, %x_i] : tensor<8x4xf32>
      %p = arith.mulf %1, %2 : f32
      te.yield %p : f32
    } : tensor<3x4xf32>
    te.yield %0 : tensor<3x4xf32>
  } lower compute "C_tile" reset "C_tile.reset" update "C_tile.update"
  func.func @matmul(%A: memref<12x24xf32>, %B: memref<24x8xf32>, %C: memref<12x8xf32>) {
    loop.for %y_o = 0 to 4 {
      loop.for %x_o = 0 to 2 {
        loop.for %k_o = 0 to 3 {
          loop.block "C" (%v_y < 4 = %y_o, %v_x < 2 = %x_o, reduce %v_k < 3 = %k_o) init {
            loop.intrinsic @C_tile "reset"(%C[%v_y * 3 + i0, %v_x * 4 + i1]) writes 1 : memref<12x8xf32>
          } {
            loop.intrinsic @C_tile "update"(%C[%v_y * 3 + i0, %v_x * 4 + i1], %A[%v_y * 3 + i0, %v_k * 8 + i1], %B[%v_k * 8 + i0, %v_x * 4 + i1]) writes 1 : memref<12x8xf32>, memref<12x24xf32>, memref<24x8xf32>
          }
        }
      }
    }
    func.return
  }
}

