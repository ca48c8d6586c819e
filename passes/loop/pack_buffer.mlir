// dovetail-opt -p 'pack-buffer{buffer=B map="(k, x) -> (x, k)" at=x}'
func.func @matmul(%A: memref<13x20xf32>, %B: memref<20x8xf32>, %C: memref<13x8xf32>) {
  loop.for %x = 0 to 8 {
    loop.for %y = 0 to 13 {
      loop.for %k = 0 to 20 {
        loop.block "C" (%v_y < 13 = %y, %v_x < 8 = %x, reduce %v_k < 20 = %k) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %C[%v_y, %v_x] : memref<13x8xf32>
        } {
          %c = loop.load %C[%v_y, %v_x] : memref<13x8xf32>
          %a = loop.load %A[%v_y, %v_k] : memref<13x20xf32>
          %b = loop.load %B[%v_k, %v_x] : memref<20x8xf32>
          %p = arith.mulf %a, %b : f32
          %s = arith.addf %c, %p : f32
          loop.store %s, %C[%v_y, %v_x] : memref<13x8xf32>
        }
      }
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @matmul(%A: memref<13x20xf32>, %B: memref<20x8xf32>, %C: memref<13x8xf32>) {
    loop.for %x = 0 to 8 {
      %B_packed = loop.alloc at [0, %x] : memref<20x1xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [1, 20]>, "local">
      loop.for %B_packed_in_d0 = 0 to 20 {
        loop.for %B_packed_in_d1 = 0 to 1 {
          loop.block "B_packed_in" (%v_d0 < 20 = %B_packed_in_d0, %v_d1 < 8 = %x + %B_packed_in_d1) {
            %0 = loop.load %B[%v_d0, %v_d1] : memref<20x8xf32>
            loop.store %0, %B_packed[%v_d0, %v_d1] : memref<20x1xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [1, 20]>, "local">
          }
        }
      }
      loop.for %y = 0 to 13 {
        loop.for %k = 0 to 20 {
          loop.block "C" (%v_y < 13 = %y, %v_x < 8 = %x, reduce %v_k < 20 = %k) init {
            %zero = arith.constant 0.000000e+00 : f32
            loop.store %zero, %C[%v_y, %v_x] : memref<13x8xf32>
          } {
            %c = loop.load %C[%v_y, %v_x] : memref<13x8xf32>
            %a = loop.load %A[%v_y, %v_k] : memref<13x20xf32>
            %b = loop.load %B_packed[%v_k, %v_x] : memref<20x1xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [1, 20]>, "local">
            %p = arith.mulf %a, %b : f32
            %s = arith.addf %c, %p : f32
            loop.store %s, %C[%v_y, %v_x] : memref<13x8xf32>
          }
        }
      }
    }
    func.return
  }
}

