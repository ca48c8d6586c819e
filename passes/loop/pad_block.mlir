// dovetail-opt -p 'pad-block{block=S loops=y,k multiples=4,8}'
func.func @row_products(%A: memref<3x5xf32>, %B: memref<5xf32>, %S: memref<3xf32>) {
  loop.for %y = 0 to 3 {
    loop.for %k = 0 to 5 {
      loop.block "S" (%v_y < 3 = %y, reduce %v_k < 5 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v_y] : memref<3xf32>
      } {
        %s = loop.load %S[%v_y] : memref<3xf32>
        %a = loop.load %A[%v_y, %v_k] : memref<3x5xf32>
        %b = loop.load %B[%v_k] : memref<5xf32>
        %p = arith.mulf %a, %b : f32
        %t = arith.addf %s, %p : f32
        loop.store %t, %S[%v_y] : memref<3xf32>
      }
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @row_products(%A: memref<3x5xf32>, %B: memref<5xf32>, %S: memref<3xf32>) {
    %S_pad = loop.alloc : memref<4xf32>
    loop.for %y = 0 to 4 {
      loop.for %k = 0 to 8 {
        loop.block "S" (%v_y < 4 = %y, reduce %v_k < 8 = %k) init {
          %zero = arith.constant 0.000000e+00 : f32
          loop.store %zero, %S_pad[%v_y] : memref<4xf32>
        } {
          %s = loop.load %S_pad[%v_y] : memref<4xf32>
          %pad = arith.constant 0.000000e+00 : f32
          %a = loop.load %A[%v_y, %v_k] where (-%v_y + 2 >= 0, -%v_k + 4 >= 0) else %pad : memref<3x5xf32>
          %pad_1 = arith.constant 0.000000e+00 : f32
          %b = loop.load %B[%v_k] where (-%v_k + 4 >= 0) else %pad_1 : memref<5xf32>
          %p = arith.mulf %a, %b : f32
          %t = arith.addf %s, %p : f32
          loop.store %t, %S_pad[%v_y] : memref<4xf32>
        }
      }
    }
    loop.for %S_crop_d0 = 0 to 3 {
      loop.block "S_crop" (%v_d0 < 3 = %S_crop_d0) {
        %0 = loop.load %S_pad[%v_d0] : memref<4xf32>
        loop.store %0, %S[%v_d0] : memref<3xf32>
      }
    }
    func.return
  }
}
