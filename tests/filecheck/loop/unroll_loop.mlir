// RUN: dovetail-opt %s -p 'unroll-loop{loop=x}' | filecheck %s --check-prefix=CHECK
// RUN: not dovetail-opt %s -p 'unroll-loop{loop=i}' 2>&1 | filecheck %s --check-prefix=RUNTIME
// RUN: not dovetail-opt %s -p 'unroll-loop{loop=x},unroll-loop{loop=x}' 2>&1 | filecheck %s --check-prefix=TWICE

// CHECK-LABEL: func.func @scale(%A: memref<13x6xf32>, %B: memref<13x6xf32>) {
// CHECK-NEXT:  loop.for %y = 0 to 13 {
// CHECK-NEXT:    loop.for %x = 0 to 6 unrolled {
// CHECK-NEXT:      loop.block "B" (%v_y < 13 = %y, %v_x < 6 = %x) {
// CHECK-NEXT:        %a = loop.load %A[%v_y, %v_x] : memref<13x6xf32>
// CHECK-NEXT:        %b = arith.addf %a, %a : f32
// CHECK-NEXT:        loop.store %b, %B[%v_y, %v_x] : memref<13x6xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

// RUNTIME: error: unroll-loop: the extent of loop 'i' is only known at run time; split it by a constant and make the inner loop unrolled
// TWICE: error: unroll-loop: loop 'x' is already unrolled

func.func @scale(%A: memref<13x6xf32>, %B: memref<13x6xf32>) {
  loop.for %y = 0 to 13 {
    loop.for %x = 0 to 6 {
      loop.block "B" (%v_y < 13 = %y, %v_x < 6 = %x) {
        %a = loop.load %A[%v_y, %v_x] : memref<13x6xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v_y, %v_x] : memref<13x6xf32>
      }
    }
  }
  func.return
}

func.func @symbolic(%M: memref<?xf32, #loop.layout<["m"]>>) {
  %m = loop.dim "m"
  loop.for %i = 0 to %m {
    loop.block "M" (%v_i < %m = %i) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %M[%v_i] : memref<?xf32, #loop.layout<["m"]>>
    }
  }
  func.return
}
