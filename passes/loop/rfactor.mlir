// dovetail-opt -p 'split-loop{loop=k factor=4},rfactor{block=S loop=k_i}'
func.func @row_sum(%A: memref<3x8xf32>, %S: memref<3xf32>) {
  loop.for %y = 0 to 3 {
    loop.for %k = 0 to 8 {
      loop.block "S" (%v_y < 3 = %y, reduce %v_k < 8 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v_y] : memref<3xf32>
      } {
        %s = loop.load %S[%v_y] : memref<3xf32>
        %a = loop.load %A[%v_y, %v_k] : memref<3x8xf32>
        %t = arith.addf %s, %a : f32
        loop.store %t, %S[%v_y] : memref<3xf32>
      }
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @row_sum(%A: memref<3x8xf32>, %S: memref<3xf32>) {
    %S_rf = loop.alloc : memref<3x4xf32>
    loop.for %y = 0 to 3 {
      loop.for %k_o = 0 to 2 {
        loop.for %k_i = 0 to 4 {
          loop.block "S_rf" (%v_y < 3 = %y, %v_rf < 4 = %k_i, reduce %v_k < 8 = %k_o * 4) init {
            %0 = arith.constant 0.000000e+00 : f32
            loop.store %0, %S_rf[%v_y, %v_rf] : memref<3x4xf32>
          } {
            %s = loop.load %S_rf[%v_y, %v_rf] : memref<3x4xf32>
            %a = loop.load %A[%v_y, %v_k + %v_rf] : memref<3x8xf32>
            %t = arith.addf %s, %a fastmath<reassoc> : f32
            loop.store %t, %S_rf[%v_y, %v_rf] : memref<3x4xf32>
          }
        }
      }
      loop.for %S_k_i = 0 to 4 {
        loop.block "S" (%v_y_1 < 3 = %y, reduce %v_rf_1 < 4 = %S_k_i) init {
          %zero = arith.constant 0.000000e+00 : f32
          loop.store %zero, %S[%v_y_1] : memref<3xf32>
        } {
          %s_1 = loop.load %S[%v_y_1] : memref<3xf32>
          %part = loop.load %S_rf[%v_y_1, %v_rf_1] : memref<3x4xf32>
          %1 = arith.addf %s_1, %part fastmath<reassoc> : f32
          loop.store %1, %S[%v_y_1] : memref<3xf32>
        }
      }
    }
    func.return
  }
}
