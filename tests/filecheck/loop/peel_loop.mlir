// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=4},peel-loop{loop=y_o}' | filecheck %s --check-prefix=CHECK
// RUN: dovetail-opt %s -p 'split-loop{loop=i factor=8},peel-loop{loop=i_o}' | filecheck %s --check-prefix=SYMBOLIC
// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=4},unroll-loop{loop=y_o},peel-loop{loop=y_o}' | filecheck %s --check-prefix=UNROLLED
// RUN: dovetail-opt %s -p 'peel-loop{loop=e}' | filecheck %s --check-prefix=FIRST
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=x},peel-loop{loop=x}' 2>&1 | filecheck %s --check-prefix=KIND
// RUN: not dovetail-opt %s -p 'peel-loop{loop=x}' 2>&1 | filecheck %s --check-prefix=NOTHING
// RUN: not dovetail-opt %s -p 'peel-loop{loop=z}' 2>&1 | filecheck %s --check-prefix=EVERY
// RUN: not dovetail-opt %s -p 'peel-loop{loop=d}' 2>&1 | filecheck %s --check-prefix=SEVERAL
// RUN: not dovetail-opt %s -p 'peel-loop{loop=n}' 2>&1 | filecheck %s --check-prefix=DEPENDS
// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=4},split-loop{loop=x factor=3},reorder-loops{loops=y_o,x_o,y_i,x_i},fuse-loops{loops=y_o,x_o into=tiles},peel-loop{loop=tiles}' | filecheck %s --check-prefix=FUSED

// CHECK-LABEL: func.func @scale(%A: memref<13x6xf32>, %B: memref<13x6xf32>) {
// CHECK-NEXT:  loop.for %y_o = 0 to 3 {
// CHECK-NEXT:    loop.for %y_i = 0 to 4 {
// CHECK-NEXT:      loop.for %x = 0 to 6 {
// CHECK-NEXT:        loop.block "B" (%v_y < 13 = %y_o * 4 + %y_i, %v_x < 6 = %x) {
// CHECK-NEXT:          %a = loop.load %A[%v_y, %v_x] : memref<13x6xf32>
// CHECK-NEXT:          %b = arith.addf %a, %a : f32
// CHECK-NEXT:          loop.store %b, %B[%v_y, %v_x] : memref<13x6xf32>
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }
// CHECK-NEXT:  loop.for %y_o_tail = 3 to 4 {
// CHECK-NEXT:    loop.for %y_i_tail = 0 to 4 {
// CHECK-NEXT:      loop.for %x_tail = 0 to 6 {
// CHECK-NEXT:        loop.block "B_tail" (%v_y_1 < 13 = %y_o_tail * 4 + %y_i_tail, %v_x_1 < 6 = %x_tail) {
// CHECK-NEXT:          %a_1 = loop.load %A[%v_y_1, %v_x_1] : memref<13x6xf32>
// CHECK-NEXT:          %b_1 = arith.addf %a_1, %a_1 : f32
// CHECK-NEXT:          loop.store %b_1, %B[%v_y_1, %v_x_1] : memref<13x6xf32>
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

// The outer one of two fused loops is a quotient, which has its last value in the last iterations.

// FUSED-LABEL: func.func @scale
// FUSED-NEXT:    loop.for %tiles = 0 to 6 {
// FUSED:               loop.block "B" (%v_y < 13 = (%tiles floordiv 2) * 4 + %y_i, %v_x < 6 =
// FUSED:         loop.for %tiles_tail = 6 to 8 {

// SYMBOLIC-LABEL: func.func @symbolic(%M: memref<?xf32, #loop.layout<["m"]>>) {
// SYMBOLIC-NEXT:  %m = loop.dim "m"
// SYMBOLIC-NEXT:  loop.for %i_o = 0 to %m floordiv 8 {
// SYMBOLIC-NEXT:    loop.for %i_i = 0 to 8 {
// SYMBOLIC-NEXT:      loop.block "M" (%v_i < %m = %i_o * 8 + %i_i) {
// SYMBOLIC-NEXT:        %one = arith.constant 1.000000e+00 : f32
// SYMBOLIC-NEXT:        loop.store %one, %M[%v_i] : memref<?xf32, #loop.layout<["m"]>>
// SYMBOLIC-NEXT:      }
// SYMBOLIC-NEXT:    }
// SYMBOLIC-NEXT:  }
// SYMBOLIC-NEXT:  loop.for %i_o_tail = %m floordiv 8 to (%m + 7) floordiv 8 {
// SYMBOLIC-NEXT:    loop.for %i_i_tail = 0 to 8 {
// SYMBOLIC-NEXT:      loop.block "M_tail" (%v_i_1 < %m = %i_o_tail * 8 + %i_i_tail) {
// SYMBOLIC-NEXT:        %one_1 = arith.constant 1.000000e+00 : f32
// SYMBOLIC-NEXT:        loop.store %one_1, %M[%v_i_1] : memref<?xf32, #loop.layout<["m"]>>
// SYMBOLIC-NEXT:      }
// SYMBOLIC-NEXT:    }
// SYMBOLIC-NEXT:  }

// KIND: error: peel-loop: loop 'x' is vectorized, and its iterations belong together; peel it before it is given that kind
// NOTHING: error: peel-loop: no guard below loop 'x' fails in its last iterations; there is nothing to peel
// EVERY: error: peel-loop: every iteration of loop 'z' needs its guard; there is no full one
// SEVERAL: error: peel-loop: which of the guards below loop 'd' fails first is only known at run time, or differs between iterations around it; peel an inner loop first
// DEPENDS: error: peel-loop: where loop 'n' must be cut depends on the loops around it; peel one of those first
// DEPENDS-NEXT:  for o=0 it would be cut at 20, and it goes from 0 to 16

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

func.func @nested(%A: memref<20xf32>) {
  loop.for %o = 0 to 2 {
    loop.for %n = 0 to 16 {
      loop.block "A" (%v < 20 = %o * 16 + %n) {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %A[%v] : memref<20xf32>
      }
    }
  }
  loop.for %w = 0 to 4 {
    loop.block "short" (%v < 8 = %w * 8 + 7) {
      %zero = arith.constant 0.0 : f32
      loop.store %zero, %A[%v] : memref<20xf32>
    }
  }
  loop.for %z = 0 to 4 {
    loop.block "none" (%v < 20 = %z * 8 + 20) {
      %zero = arith.constant 0.0 : f32
      loop.store %zero, %A[%v] : memref<20xf32>
    }
  }
  func.return
}
func.func @runtime(%M: memref<?x?xf32, #loop.layout<["m", "n"]>>) {
  %m = loop.dim "m"
  %n = loop.dim "n"
  loop.for %d = 0 to %m {
    loop.block "diagonal" (%v < %m = %d * 2, %w < %n = %d * 3) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %M[%v, %w] : memref<?x?xf32, #loop.layout<["m", "n"]>>
    }
  }
  func.return
}

// UNROLLED-LABEL: func.func @scale
// UNROLLED-NEXT:    loop.for %y_o = 0 to 3 unrolled {
// UNROLLED:         loop.for %y_o_tail = 3 to 4 unrolled {

// FIRST. of guards that are only known at run time, one is known to fail first.

// FIRST-LABEL: func.func @first
// FIRST:         loop.for %e = 0 to %m floordiv 3 {
// FIRST:         loop.for %e_tail = %m floordiv 3 to %m {

func.func @first(%M: memref<?x?xf32, #loop.layout<["m", "n"]>>) {
  %m = loop.dim "m"
  loop.for %e = 0 to %m {
    loop.block "twice" (%v < %m = %e * 2 + 1, %w < %m = %e * 3 + 2) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %M[%v, %w] : memref<?x?xf32, #loop.layout<["m", "n"]>>
    }
  }
  func.return
}
