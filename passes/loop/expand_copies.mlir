// dovetail-opt -p expand-copies
func.func @rows(%A: memref<13x6xf32>, %B: memref<13x6xf32>) {
  loop.for %y_o = 0 to 4 {
    %T = loop.alloc at [%y_o * 4 - 1, 0] : memref<6x6xf32, "inp">
    loop.copy %A to %T pad 0.0 : f32 : memref<13x6xf32> to memref<6x6xf32, "inp">
    loop.copy %T to %B : memref<6x6xf32, "inp"> to memref<13x6xf32>
  }
  func.return
}
// -----
builtin.module {
  func.func @rows(%A: memref<13x6xf32>, %B: memref<13x6xf32>) {
    loop.for %y_o = 0 to 4 {
      %T = loop.alloc at [%y_o * 4 - 1, 0] : memref<6x6xf32, "inp">
      loop.for %T_pad_d0 = 0 to 6 {
        loop.for %T_pad_d1 = 0 to 6 {
          loop.block "T_pad" (%v_d0 < 18 = %y_o * 4 + %T_pad_d0, %v_d1 < 6 = %T_pad_d1) {
            %0 = arith.constant 0.000000e+00 : f32
            loop.store %0, %T[%v_d0 - 1, %v_d1] : memref<6x6xf32, "inp">
          }
        }
      }
      loop.for %T_in_d0 = 0 to 6 {
        loop.for %T_in_d1 = 0 to 6 {
          loop.block "T_in" (%v_d0_1 < 13 = %y_o * 4 + %T_in_d0 - 1, %v_d1_1 < 6 = %T_in_d1) {
            %1 = loop.load %A[%v_d0_1, %v_d1_1] : memref<13x6xf32>
            loop.store %1, %T[%v_d0_1, %v_d1_1] : memref<6x6xf32, "inp">
          }
        }
      }
      loop.for %T_out_d0 = 0 to 6 {
        loop.for %T_out_d1 = 0 to 6 {
          loop.block "T_out" (%v_d0_2 < 13 = %y_o * 4 + %T_out_d0 - 1, %v_d1_2 < 6 = %T_out_d1) {
            %2 = loop.load %T[%v_d0_2, %v_d1_2] : memref<6x6xf32, "inp">
            loop.store %2, %B[%v_d0_2, %v_d1_2] : memref<13x6xf32>
          }
        }
      }
    }
    func.return
  }
}
