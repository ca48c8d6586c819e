// RUN: dovetail-opt %s -t loop-expanded | filecheck %s --check-prefix=CHECK

// The target prints what expand-unrolled-loops makes; the pipeline's result keeps its marks.

// CHECK-LABEL: func.func @rows(%A: memref<5x4xf32>) {
// CHECK-NEXT:  loop.for %y_o = 0 to 3 {
// CHECK-NEXT:    %T = loop.alloc at [%y_o * 2, 0] : memref<2x4xf32, "register">
// CHECK-NEXT:    loop.for %z = 0 to 4 vectorized {
// CHECK-NEXT:      loop.block "B" (%v_y < 5 = %y_o * 2, %v_z < 4 = %z) {
// CHECK-NEXT:        %one = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:        loop.store %one, %A[%v_y, %v_z] : memref<5x4xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.for %x = 0 to 4 vectorized {
// CHECK-NEXT:      loop.block "A" (%v_y_1 < 5 = %y_o * 2 + 1, %v_x < 4 = %x) {
// CHECK-NEXT:        %one_1 = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:        loop.store %one_1, %T[%v_y_1, %v_x] : memref<2x4xf32, "register">
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.for %z_1 = 0 to 4 vectorized {
// CHECK-NEXT:      loop.block "B_1" (%v_y_2 < 5 = %y_o * 2 + 1, %v_z_1 < 4 = %z_1) {
// CHECK-NEXT:        %one_2 = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:        loop.store %one_2, %A[%v_y_2, %v_z_1] : memref<5x4xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

func.func @rows(%A: memref<5x4xf32>) {
  loop.for %y_o = 0 to 3 {
    %T = loop.alloc at [%y_o * 2, 0] : memref<2x4xf32, "register">
    loop.for %y_i = 0 to 2 unrolled {
      loop.for %x = 0 to 4 vectorized {
        loop.block "A" (%v_y < 5 = %y_o * 2 + %y_i, %v_x < 4 = %x) where (%y_i >= 1) {
          %one = arith.constant 1.0 : f32
          loop.store %one, %T[%v_y, %v_x] : memref<2x4xf32, "register">
        }
      }
      loop.for %z = 0 to 4 vectorized {
        loop.block "B" (%v_y < 5 = %y_o * 2 + %y_i, %v_z < 4 = %z) {
          %one = arith.constant 1.0 : f32
          loop.store %one, %A[%v_y, %v_z] : memref<5x4xf32>
        }
      }
    }
  }
  func.return
}
