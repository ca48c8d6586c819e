// RUN: dovetail-opt %s -p 'inline-compute{block=B}' | filecheck %s --check-prefix=CHECK
// RUN: not dovetail-opt %s -p 'inline-compute{block=N}' 2>&1 | filecheck %s --check-prefix=REDUCTION
// RUN: not dovetail-opt %s -p 'inline-compute{block=cut}' 2>&1 | filecheck %s --check-prefix=GUARD
// RUN: not dovetail-opt %s -p 'inline-compute{block=D}' 2>&1 | filecheck %s --check-prefix=RESULT
// RUN: dovetail-opt %s -p 'inline-compute{block=shifted}' | filecheck %s --check-prefix=SHIFTED
// RUN: dovetail-opt %s -p 'inline-compute{block=digits}' | filecheck %s --check-prefix=DIGITS
// RUN: dovetail-opt %s -p 'inline-compute{block=G}' | filecheck %s --check-prefix=GUARDED
// RUN: dovetail-opt %s -p 'inline-compute{block=lifted}' | filecheck %s --check-prefix=CHOSEN
// RUN: not dovetail-opt %s -p 'inline-compute{block=halves}' 2>&1 | filecheck %s --check-prefix=COORDINATES
// RUN: not dovetail-opt %s -p 'inline-compute{block=divided}' 2>&1 | filecheck %s --check-prefix=DIVIDED
// RUN: not dovetail-opt %s -p 'inline-compute{block=diagonal}' 2>&1 | filecheck %s --check-prefix=DIAGONAL
// RUN: not dovetail-opt %s -p 'inline-compute{block=reader}' 2>&1 | filecheck %s --check-prefix=WRITTEN
// RUN: not dovetail-opt %s -p 'inline-compute{block=late}' 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: not dovetail-opt %s -p 'inline-compute{block=copied}' 2>&1 | filecheck %s --check-prefix=AGAIN
// RUN: not dovetail-opt %s -p 'inline-compute{block=few}' 2>&1 | filecheck %s --check-prefix=FEW
// RUN: not dovetail-opt %s -p 'inline-compute{block=X}' 2>&1 | filecheck %s --check-prefix=LIVES

// CHECK-LABEL: func.func @chain(%A: memref<6x8xf32>, %D: memref<6x8xf32>, %R: memref<6xf32>) {
// CHECK-NEXT:  loop.for %h = 0 to 6 {
// CHECK-NEXT:    loop.for %w = 0 to 8 {
// CHECK-NEXT:      loop.block "D" (%v_y < 6 = %h, %v_x < 8 = %w) {
// CHECK-NEXT:        %a = loop.load %A[%v_y, %v_x] : memref<6x8xf32>
// CHECK-NEXT:        %b = arith.addf %a, %a : f32
// CHECK-NEXT:        %a_1 = loop.load %A[%v_y, %v_x] : memref<6x8xf32>
// CHECK-NEXT:        %d = arith.mulf %b, %a_1 : f32
// CHECK-NEXT:        loop.store %d, %D[%v_y, %v_x] : memref<6x8xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }
// CHECK-NEXT:  loop.for %s = 0 to 6 {
// CHECK-NEXT:    loop.for %kk = 0 to 8 {
// CHECK-NEXT:      loop.block "R" (%v_s < 6 = %s, reduce %v_k < 8 = %kk) init {
// CHECK-NEXT:        %zero = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:        loop.store %zero, %R[%v_s] : memref<6xf32>
// CHECK-NEXT:      } {
// CHECK-NEXT:        %t = loop.load %R[%v_s] : memref<6xf32>
// CHECK-NEXT:        %d_1 = loop.load %D[%v_s, %v_k] : memref<6x8xf32>
// CHECK-NEXT:        %u = arith.addf %t, %d_1 : f32
// CHECK-NEXT:        loop.store %u, %R[%v_s] : memref<6xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

// A producer may write anywhere, as long as its variables follow from the place.
// SHIFTED:      loop.block "unshifted" (%v < 8 = %a1) {
// SHIFTED-NEXT:   %x = loop.load %A[%v] : memref<32xf32>
// SHIFTED-NEXT:   loop.store %x, %O[%v] : memref<8xf32>
// DIGITS:       loop.block "matrix" (%y < 4 = {{.*}}) {
// DIGITS-NEXT:    [[A:%.*]] = loop.load %A[%x{{.*}} + %y * 8] : memref<32xf32>

// The guard of a read goes to what its producer reads. Three times nothing is nothing, but not one
// more than that. The producer's own guard does not matter where all that is read is written.
// GUARDED:      loop.block "reader" (%v < 8 = %j) {
// GUARDED-NEXT:   %zero = arith.constant 0.000000e+00 : f32
// GUARDED-NEXT:   %x = loop.load %A[%v - 1] where (%v - 1 >= 0) else %zero : memref<8xf32>
// GUARDED-NEXT:   %three = arith.constant 3.000000e+00 : f32
// GUARDED-NEXT:   %y = arith.mulf %x, %three : f32
// GUARDED-NEXT:   loop.store %y, %W[%v] : memref<8xf32>
// CHOSEN:       loop.block "window" (%v < 8 = %b) {
// CHOSEN:         %x = loop.load %A[%v - 2] where (%v - 2 >= 0, -%v + 6 >= 0) else %zero : memref<8xf32>
// CHOSEN-NEXT:    %one = arith.constant 1.000000e+00 : f32
// CHOSEN-NEXT:    %y = arith.addf %x, %one : f32
// CHOSEN:         [[LOW:%.*]] = arith.cmpi sge
// CHOSEN:         [[HIGH:%.*]] = arith.cmpi sge
// CHOSEN-NEXT:    [[BOTH:%.*]] = arith.andi [[LOW]], [[HIGH]] : i1
// CHOSEN-NEXT:    [[VALUE:%.*]] = arith.select [[BOTH]], %y, %zero : f32
// CHOSEN-NEXT:    loop.store [[VALUE]], %O[%v] : memref<8xf32>

// REDUCTION: error: inline-compute: block 'N' is a reduction; only one value a point inlines
// GUARD: error: inline-compute: block 'changed' reads elements of %U that block 'cut' does not compute, as it has a guard
// GUARD-NEXT: %U[4] is read by block 'changed' (v=4), and no instance of block 'cut' writes it
// RESULT: error: inline-compute: %D, which block 'D' writes, is a result of @chain; it must be stored
// COORDINATES: error: inline-compute: block 'halves' computes with %v, which does not follow from the coordinates at which it writes %H
// DIVIDED: error: inline-compute: block 'quotients' reads %I under a guard, and where it fails block 'divided' could divide integers by zero
// DIAGONAL: error: inline-compute: block 'square' reads elements of %Q that block 'diagonal' does not compute; inline it before blocks are padded
// DIAGONAL-NEXT: %Q[0, 1] is read by block 'square' (v=0, w=1), and no instance of block 'diagonal' writes it
// WRITTEN: error: inline-compute: %W is also written by block 'again'
// BEFORE: error: inline-compute: block 'early' reads %Z before block 'late' writes it
// AGAIN: error: inline-compute: block 'changed' writes %O, which block 'copied' reads, before block 'user' would read it
// AGAIN-NEXT: %O[0] is read by block 'copied' (v=0) and then written by block 'changed' (v=0), which would run before it
// FEW: error: inline-compute: block 'more' reads elements of %F that block 'few' does not compute; inline it before blocks are padded
// FEW-NEXT: %F[8] is read by block 'more' (v=8), and no instance of block 'few' writes it
// LIVES: error: inline-compute: %T, which block 'X' reads, only lives inside loop 'l'

func.func @chain(%A: memref<6x8xf32>, %D: memref<6x8xf32>, %R: memref<6xf32>) {
  %B = loop.alloc : memref<6x8xf32>
  loop.for %y = 0 to 6 {
    loop.for %x = 0 to 8 {
      loop.block "B" (%v_y < 6 = %y, %v_x < 8 = %x) {
        %a = loop.load %A[%v_y, %v_x] : memref<6x8xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v_y, %v_x] : memref<6x8xf32>
      }
    }
  }
  loop.for %h = 0 to 6 {
    loop.for %w = 0 to 8 {
      loop.block "D" (%v_y < 6 = %h, %v_x < 8 = %w) {
        %b = loop.load %B[%v_y, %v_x] : memref<6x8xf32>
        %a = loop.load %A[%v_y, %v_x] : memref<6x8xf32>
        %d = arith.mulf %b, %a : f32
        loop.store %d, %D[%v_y, %v_x] : memref<6x8xf32>
      }
    }
  }
  loop.for %s = 0 to 6 {
    loop.for %kk = 0 to 8 {
      loop.block "R" (%v_s < 6 = %s, reduce %v_k < 8 = %kk) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %R[%v_s] : memref<6xf32>
      } {
        %t = loop.load %R[%v_s] : memref<6xf32>
        %d = loop.load %D[%v_s, %v_k] : memref<6x8xf32>
        %u = arith.addf %t, %d : f32
        loop.store %u, %R[%v_s] : memref<6xf32>
      }
    }
  }
  func.return
}

func.func @other(%A: memref<8xf32>, %O: memref<8xf32>, %R: memref<8xf32>) {
  %Q = loop.alloc : memref<8x8xf32>
  %Z = loop.alloc : memref<8xf32>
  %U = loop.alloc : memref<8xf32>
  %V = loop.alloc : memref<8xf32>
  loop.for %b = 0 to 8 {
    loop.block "diagonal" (%v < 8 = %b) {
      %x = loop.load %A[%v] : memref<8xf32>
      loop.store %x, %Q[%v, %v] : memref<8x8xf32>
    }
  }
  loop.for %b1 = 0 to 8 {
    loop.for %b2 = 0 to 8 {
      loop.block "square" (%v < 8 = %b1, %w < 8 = %b2) {
        %x = loop.load %Q[%v, %w] : memref<8x8xf32>
        loop.store %x, %O[%v] : memref<8xf32>
      }
    }
  }
  loop.for %c = 0 to 8 {
    loop.block "early" (%v < 8 = %c) {
      %x = loop.load %Z[%v] : memref<8xf32>
      loop.store %x, %O[%v] : memref<8xf32>
    }
  }
  loop.for %d = 0 to 8 {
    loop.block "late" (%v < 8 = %d) {
      %x = loop.load %A[%v] : memref<8xf32>
      loop.store %x, %Z[%v] : memref<8xf32>
    }
  }
  loop.for %e = 0 to 8 {
    loop.block "cut" (%v < 8 = %e) where (%e < 4) {
      %x = loop.load %A[%v] : memref<8xf32>
      loop.store %x, %U[%v] : memref<8xf32>
    }
  }
  loop.for %f = 0 to 8 {
    loop.block "copied" (%v < 8 = %f) {
      %x = loop.load %O[%v] : memref<8xf32>
      loop.store %x, %V[%v] : memref<8xf32>
    }
  }
  loop.for %g = 0 to 8 {
    loop.block "changed" (%v < 8 = %g) {
      %x = loop.load %U[%v] : memref<8xf32>
      loop.store %x, %O[%v] : memref<8xf32>
    }
  }
  loop.for %h = 0 to 8 {
    loop.block "user" (%v < 8 = %h) {
      %x = loop.load %V[%v] : memref<8xf32>
      loop.store %x, %R[%v] : memref<8xf32>
    }
  }
  func.return
}
func.func @guarded(%A: memref<8xf32>, %O: memref<8xf32>) {
  %G = loop.alloc : memref<8xf32>
  %W = loop.alloc : memref<8xf32>
  %X = loop.alloc : memref<8xf32>
  loop.for %i = 0 to 8 {
    loop.block "G" (%v < 8 = %i) {
      %x = loop.load %A[%v] : memref<8xf32>
      %three = arith.constant 3.0 : f32
      %y = arith.mulf %x, %three : f32
      loop.store %y, %G[%v] : memref<8xf32>
    }
  }
  loop.for %j = 0 to 8 {
    loop.block "reader" (%v < 8 = %j) {
      %zero = arith.constant 0.0 : f32
      %x = loop.load %G[%v - 1] where (%v >= 1) else %zero : memref<8xf32>
      loop.store %x, %W[%v] : memref<8xf32>
    }
  }
  loop.for %k = 0 to 8 {
    loop.block "again" (%v < 8 = %k) {
      %zero = arith.constant 0.0 : f32
      loop.store %zero, %W[%v] : memref<8xf32>
    }
  }
  loop.for %l = 0 to 8 {
    %T = loop.alloc : memref<1xf32>
    loop.block "T" (%v < 8 = %l) {
      %x = loop.load %W[%v] : memref<8xf32>
      loop.store %x, %T[0] : memref<1xf32>
    }
    loop.block "X" (%v < 8 = %l) {
      %x = loop.load %T[0] : memref<1xf32>
      loop.store %x, %X[%v] : memref<8xf32>
    }
  }
  loop.for %m = 0 to 8 {
    loop.block "last" (%v < 8 = %m) {
      %x = loop.load %X[%v] : memref<8xf32>
      loop.store %x, %O[%v] : memref<8xf32>
    }
  }
  func.return
}
func.func @sum(%A: memref<8xf32>, %O: memref<8xf32>) {
  %N = loop.alloc : memref<8xf32>
  loop.for %p = 0 to 8 {
    loop.for %q = 0 to 8 {
      loop.block "N" (%v < 8 = %p, reduce %w < 8 = %q) {
        %x = loop.load %N[%v] : memref<8xf32>
        %y = loop.load %A[%w] : memref<8xf32>
        %z = arith.addf %x, %y : f32
        loop.store %z, %N[%v] : memref<8xf32>
      }
    }
  }
  func.return
}
func.func @pads(%A: memref<8xf32>, %O: memref<10xf32>) {
  %F = loop.alloc : memref<10xf32>
  loop.for %r = 0 to 8 {
    loop.block "few" (%v < 8 = %r) {
      %x = loop.load %A[%v] : memref<8xf32>
      loop.store %x, %F[%v] : memref<10xf32>
    }
  }
  loop.for %s = 0 to 10 {
    loop.block "more" (%v < 10 = %s) {
      %x = loop.load %F[%v] : memref<10xf32>
      loop.store %x, %O[%v] : memref<10xf32>
    }
  }
  func.return
}
func.func @places(%A: memref<32xf32>, %O: memref<8xf32>, %M: memref<4x8xf32>) {
  %P = loop.alloc : memref<9xf32>
  %Dg = loop.alloc : memref<4x8xf32>
  %H = loop.alloc : memref<4xf32>
  loop.for %a = 0 to 8 {
    loop.block "shifted" (%v < 8 = %a) {
      %x = loop.load %A[%v] : memref<32xf32>
      loop.store %x, %P[%v + 1] : memref<9xf32>
    }
  }
  loop.for %a1 = 0 to 8 {
    loop.block "unshifted" (%v < 8 = %a1) {
      %x = loop.load %P[%v + 1] : memref<9xf32>
      loop.store %x, %O[%v] : memref<8xf32>
    }
  }
  loop.for %b = 0 to 32 {
    loop.block "digits" (%n < 32 = %b) {
      %x = loop.load %A[%n] : memref<32xf32>
      loop.store %x, %Dg[%n floordiv 8, %n mod 8] : memref<4x8xf32>
    }
  }
  loop.for %b1 = 0 to 4 {
    loop.for %c = 0 to 8 {
      loop.block "matrix" (%y < 4 = %b1, %x < 8 = %c) {
        %a = loop.load %Dg[%y, %x] : memref<4x8xf32>
        loop.store %a, %M[%y, %x] : memref<4x8xf32>
      }
    }
  }
  loop.for %d = 0 to 8 {
    loop.block "halves" (%v < 8 = %d) {
      %x = loop.load %A[%v] : memref<32xf32>
      loop.store %x, %H[%v floordiv 2] : memref<4xf32>
    }
  }
  loop.for %e = 0 to 4 {
    loop.block "odd" (%v < 4 = %e) {
      %x = loop.load %H[%v] : memref<4xf32>
      loop.store %x, %O[%v] : memref<8xf32>
    }
  }
  func.return
}
func.func @windows(%A: memref<8xf32>, %O: memref<8xf32>, %Ints: memref<8xi32>, %Y: memref<8xi32>) {
  %L = loop.alloc : memref<8xf32>
  %I = loop.alloc : memref<8xi32>
  loop.for %a = 0 to 8 {
    loop.block "lifted" (%v < 8 = %a) where (5 - %a >= 0) {
      %x = loop.load %A[%v] : memref<8xf32>
      %one = arith.constant 1.0 : f32
      %y = arith.addf %x, %one : f32
      loop.store %y, %L[%v] : memref<8xf32>
    }
  }
  loop.for %b = 0 to 8 {
    loop.block "window" (%v < 8 = %b) {
      %zero = arith.constant 0.0 : f32
      %x = loop.load %L[%v - 2] where (%v >= 2, %v < 7) else %zero : memref<8xf32>
      loop.store %x, %O[%v] : memref<8xf32>
    }
  }
  loop.for %c = 0 to 8 {
    loop.block "divided" (%v < 8 = %c) {
      %x = loop.load %Ints[%v] : memref<8xi32>
      %y = arith.divsi %x, %x : i32
      loop.store %y, %I[%v] : memref<8xi32>
    }
  }
  loop.for %d = 0 to 8 {
    loop.block "quotients" (%v < 8 = %d) {
      %zero = arith.constant 0 : i32
      %x = loop.load %I[%v - 1] where (%v >= 1) else %zero : memref<8xi32>
      loop.store %x, %Y[%v] : memref<8xi32>
    }
  }
  func.return
}
