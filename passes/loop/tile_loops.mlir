// dovetail-opt -p 'tile-loops{loops=y,x,k sizes=8,8,8}'
func.func @matmul(%A: memref<1024x1024xf32>, %B: memref<1024x1024xf32>, %C: memref<1024x1024xf32>) {
  loop.for %y = 0 to 1024 {
    loop.for %x = 0 to 1024 {
      loop.for %k = 0 to 1024 {
        loop.block "C" (%v_y < 1024 = %y, %v_x < 1024 = %x, reduce %v_k < 1024 = %k) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %C[%v_y, %v_x] : memref<1024x1024xf32>
        } {
          %c = loop.load %C[%v_y, %v_x] : memref<1024x1024xf32>
          %a = loop.load %A[%v_k, %v_y] : memref<1024x1024xf32>
          %b = loop.load %B[%v_k, %v_x] : memref<1024x1024xf32>
          %p = arith.mulf %a, %b : f32
          %s = arith.addf %c, %p : f32
          loop.store %s, %C[%v_y, %v_x] : memref<1024x1024xf32>
        }
      }
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @matmul(%A: memref<1024x1024xf32>, %B: memref<1024x1024xf32>, %C: memref<1024x1024xf32>) {
    loop.for %y_o = 0 to 128 {
      loop.for %x_o = 0 to 128 {
        loop.for %k_o = 0 to 128 {
          loop.for %y_i = 0 to 8 {
            loop.for %x_i = 0 to 8 {
              loop.for %k_i = 0 to 8 {
                loop.block "C" (%v_y < 1024 = %y_o * 8 + %y_i, %v_x < 1024 = %x_o * 8 + %x_i, reduce %v_k < 1024 = %k_o * 8 + %k_i) init {
                  %zero = arith.constant 0.000000e+00 : f32
                  loop.store %zero, %C[%v_y, %v_x] : memref<1024x1024xf32>
                } {
                  %c = loop.load %C[%v_y, %v_x] : memref<1024x1024xf32>
                  %a = loop.load %A[%v_k, %v_y] : memref<1024x1024xf32>
                  %b = loop.load %B[%v_k, %v_x] : memref<1024x1024xf32>
                  %p = arith.mulf %a, %b : f32
                  %s = arith.addf %c, %p : f32
                  loop.store %s, %C[%v_y, %v_x] : memref<1024x1024xf32>
                }
              }
            }
          }
        }
      }
    }
    func.return
  }
}
