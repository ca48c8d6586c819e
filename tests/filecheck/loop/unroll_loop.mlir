// RUN: dovetail-opt %s -p 'unroll-loop{loop=x}' | filecheck %s --check-prefix=CHECK
// RUN: dovetail-opt %s -p 'unroll-loop{loop=s}' | filecheck %s --check-prefix=SLIDING
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

// A constant number of iterations from an expression counts from 0.

// SLIDING-LABEL: func.func @sliding
// SLIDING-NEXT:    loop.for %t = 0 to 5 {
// SLIDING-NEXT:      loop.for %s = 0 to 3 unrolled {
// SLIDING-NEXT:        loop.block "sliding" (%v < 7 = %s + %t, %w < 5 = %t) {

func.func @sliding(%A: memref<7x5xf32>) {
  loop.for %t = 0 to 5 {
    loop.for %s = %t to %t + 3 {
      loop.block "sliding" (%v < 7 = %s, %w < 5 = %t) {
        %one = arith.constant 1.0 : f32
        loop.store %one, %A[%v, %w] : memref<7x5xf32>
      }
    }
  }
  func.return
}
