// RUN: dovetail-opt %s -p 'split-loop{loop=h factor=4},split-loop{loop=w factor=3},reorder-loops{loops=h_o,w_o,h_i,w_i},compute-at{block=S at=w_o},compute-at{block=B at=w_o}' | filecheck %s --check-prefix=CHECK
// RUN: dovetail-opt %s -p 'split-loop{loop=g factor=8},compute-at{block=G at=g_o}' | filecheck %s --check-prefix=WHOLE
// RUN: dovetail-opt %s -p 'compute-at{block=Q at=now function=others}' | filecheck %s --check-prefix=OTHERS
// RUN: not dovetail-opt %s -p 'compute-at{block=Q at=now function=times}' 2>&1 | filecheck %s --check-prefix=TIME
// RUN: not dovetail-opt %s -p 'compute-at{block=Q at=now function=carried}' 2>&1 | filecheck %s --check-prefix=CARRIED
// RUN: not dovetail-opt %s -p 'compute-at{block=U at=b}' 2>&1 | filecheck %s --check-prefix=INSTRUCTION
// RUN: not dovetail-opt %s -p 'compute-at{block=diagonal at=b}' 2>&1 | filecheck %s --check-prefix=APART
// RUN: not dovetail-opt %s -p 'compute-at{block=count at=b}' 2>&1 | filecheck %s --check-prefix=CONTINUES
// RUN: not dovetail-opt %s -p 'split-loop{loop=p factor=4},peel-loop{loop=p_o},compute-at{block=S at=h}' 2>&1 | filecheck %s --check-prefix=WRITER
// RUN: not dovetail-opt %s -p 'compute-at{block=moved at=b}' 2>&1 | filecheck %s --check-prefix=WHOLLY
// RUN: not dovetail-opt %s -p 'compute-at{block=S at=r}' 2>&1 | filecheck %s --check-prefix=INSIDE
// RUN: not dovetail-opt %s -p 'compute-at{block=C at=y}' 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=w},compute-at{block=S at=w}' 2>&1 | filecheck %s --check-prefix=LANES
// RUN: not dovetail-opt %s -p 'compute-at{block=B at=h}' 2>&1 | filecheck %s --check-prefix=NOTHING
// RUN: not dovetail-opt %s -p 'compute-at{block=tile at=n}' 2>&1 | filecheck %s --check-prefix=LIVES
// RUN: not dovetail-opt %s -p 'compute-at{block=P at=c}' 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: not dovetail-opt %s -p 'compute-at{block=P at=n}' 2>&1 | filecheck %s --check-prefix=LATER
// RUN: not dovetail-opt %s -p 'compute-at{block=R at=n}' 2>&1 | filecheck %s --check-prefix=RESULT
// RUN: dovetail-opt %s -p 'compute-at{block=apart at=a}' | filecheck %s --check-prefix=BOXES
// RUN: dovetail-opt %s -p 'compute-at{block=T at=e}' | filecheck %s --check-prefix=FAR
// RUN: not dovetail-opt %s -p 'compute-at{block=half at=e}' 2>&1 | filecheck %s --check-prefix=POINTS
// RUN: not dovetail-opt %s -p 'compute-at{block=mixed at=e}' 2>&1 | filecheck %s --check-prefix=MIXED
// RUN: not dovetail-opt %s -p 'compute-at{block=again at=e}' 2>&1 | filecheck %s --check-prefix=AGAIN
// RUN: not dovetail-opt %s -p 'compute-at{block=input at=d}' 2>&1 | filecheck %s --check-prefix=BETWEEN
// RUN: not dovetail-opt %s -p 'compute-at{block=early at=i}' 2>&1 | filecheck %s --check-prefix=WITHIN
// RUN: not dovetail-opt %s -p 'split-loop{loop=h factor=4},parallelize-loop{loop=h_o},compute-at{block=S at=h_o}' 2>&1 | filecheck %s --check-prefix=OVERLAP

// The box of a dimension that the loops around move begins at the first element that is read; one
// that they do not move is cut to the shape. The reduction keeps its loop. A producer may follow
// into the loop of its consumer, although that now stands inside.

// CHECK-LABEL: func.func @stencil(%A: memref<13x10xf32>, %C: memref<11x8xf32>) {
// CHECK-NEXT:  %B = loop.alloc : memref<13x10xf32>
// CHECK-NEXT:  %S = loop.alloc : memref<11x10xf32>
// CHECK-NEXT:  loop.for %h_o = 0 to 3 {
// CHECK-NEXT:    loop.for %w_o = 0 to 3 {
// CHECK-NEXT:      loop.for %B_y = 0 to 7 {
// CHECK-NEXT:        loop.for %B_x = 0 to 5 {
// CHECK-NEXT:          loop.block "B" (%v_y < 13 = %h_o * 4 + %B_y - 1, %v_x < 10 = %w_o * 3 + %B_x) {
// CHECK-NEXT:            %a = loop.load %A[%v_y, %v_x] : memref<13x10xf32>
// CHECK-NEXT:            %b = arith.addf %a, %a : f32
// CHECK-NEXT:            loop.store %b, %B[%v_y, %v_x] : memref<13x10xf32>
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:      loop.for %S_p = 0 to 5 {
// CHECK-NEXT:        loop.for %S_q = 0 to 5 {
// CHECK-NEXT:          loop.for %S_r = 0 to 3 {
// CHECK-NEXT:            loop.block "S" (%v_p < 11 = %h_o * 4 + %S_p - 1, %v_q < 10 = %w_o * 3 + %S_q, reduce %v_r < 3 = %S_r) init {
// CHECK-NEXT:              %zero = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:              loop.store %zero, %S[%v_p, %v_q] : memref<11x10xf32>
// CHECK-NEXT:            } {
// CHECK-NEXT:              %s = loop.load %S[%v_p, %v_q] : memref<11x10xf32>
// CHECK-NEXT:              %b_1 = loop.load %B[%v_p + %v_r, %v_q] : memref<13x10xf32>
// CHECK-NEXT:              %t = arith.addf %s, %b_1 : f32
// CHECK-NEXT:              loop.store %t, %S[%v_p, %v_q] : memref<11x10xf32>
// CHECK-NEXT:            }
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:      loop.for %h_i = 0 to 4 {
// CHECK-NEXT:        loop.for %w_i = 0 to 3 {
// CHECK-NEXT:          loop.block "C" (%v_h < 11 = %h_o * 4 + %h_i, %v_w < 8 = %w_o * 3 + %w_i) {
// CHECK-NEXT:            %zero_1 = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:            %l = loop.load %S[%v_h - 1, %v_w] where (%v_h - 1 >= 0) else %zero_1 : memref<11x10xf32>
// CHECK-NEXT:            %r = loop.load %S[%v_h, %v_w + 2] : memref<11x10xf32>
// CHECK-NEXT:            %c = arith.subf %r, %l : f32
// CHECK-NEXT:            loop.store %c, %C[%v_h, %v_w] : memref<11x8xf32>
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

// A size that is not known, as of what is gathered, is that of the whole dimension.

// WHOLE-LABEL: func.func @gather(%A: memref<20xf32>, %I: memref<30xindex>, %O: memref<30xf32>) {
// WHOLE-NEXT:  %G = loop.alloc : memref<20xf32>
// WHOLE-NEXT:  loop.for %g_o = 0 to 4 {
// WHOLE-NEXT:    loop.for %G_f = 0 to 20 {
// WHOLE-NEXT:      loop.block "G" (%v_f < 20 = %G_f) {
// WHOLE-NEXT:        %a = loop.load %A[%v_f] : memref<20xf32>
// WHOLE-NEXT:        loop.store %a, %G[%v_f] : memref<20xf32>
// WHOLE-NEXT:      }
// WHOLE-NEXT:    }
// WHOLE-NEXT:    loop.for %g_i = 0 to 8 {
// WHOLE-NEXT:      loop.block "O" (%v_g < 30 = %g_o * 8 + %g_i) {
// WHOLE-NEXT:        %i = loop.load %I[%v_g] : memref<30xindex>
// WHOLE-NEXT:        %x = loop.load %G[%i] : memref<20xf32>
// WHOLE-NEXT:        loop.store %x, %O[%v_g] : memref<30xf32>
// WHOLE-NEXT:      }
// WHOLE-NEXT:    }
// WHOLE-NEXT:  }

// INSTRUCTION: error: compute-at: block 'U' does not write each element once, at coordinates that are its own variables, so it cannot be computed for a part of them
// APART: error: compute-at: block 'diagonal' does not write each element once, at coordinates that are its own variables, so it cannot be computed for a part of them
// CONTINUES: error: compute-at: block 'count' continues what is in %N, so it may only be computed once; a reduction moves before it is decomposed
// WRITER: error: compute-at: block 'S_tail' also writes %S; compute 'S' in its new place before it is peeled or decomposed
// WHOLLY: error: compute-at: %M is used by loop.copy; compute 'moved' in its new place before blocks are tensorized and tiles are moved
// INSIDE: error: compute-at: block 'S' is already inside loop 'r'
// BEFORE: error: compute-at: loop 'y' begins before block 'C'; a producer moves into the loops of what comes after it
// LANES: error: compute-at: loop 'w' is vectorized, and its lanes run together; choose a loop around it
// NOTHING: error: compute-at: nothing below loop 'h' reads what block 'B' writes; those that do: S
// LIVES: error: compute-at: %L, which block 'tile' uses, does not live in loop 'n'
// ORDER: error: compute-at: block 'X' reads %P before loop 'c' begins
// ORDER-NEXT: %P[0] is written by block 'P' (v=0) and then read by block 'X' (v=0), which would find nothing there
// TIME: error: compute-at: block 'late' reads elements of %Q that loop 'now' does not need; compute 'late' in that loop first
// TIME-NEXT: %Q[7] is written by block 'Q' (v=7) and then read by block 'late' (v=0), which would find nothing there
// CARRIED: error: compute-at: block 'late' reads elements of %Q that loop 'now' does not need; compute 'late' in that loop first
// CARRIED-NEXT: %Q[1] is written by block 'Q' (v=1) and then read by block 'late' (v=1), which would find nothing there
// LATER: error: compute-at: block 'Y' reads elements of %P that loop 'n' does not need; compute 'Y' in that loop first
// LATER-NEXT: %P[5] is written by block 'P' (v=5) and then read by block 'Y' (v=5), which would find nothing there
// RESULT: error: compute-at: %R is a result of @readers, and loop 'n' does not need all of it
// RESULT-NEXT: %R[5] is written by block 'R' (v=5) and then read by the caller of @readers, which would find nothing there
// POINTS: error: compute-at: block 'half' does not compute all that is read below loop 'e', as a guard or a loop around both leaves out a part of it; compute it in its new place first
// POINTS-NEXT: %H[4] would be written by block 'half' (v=4), which does not run now, and then read by block 'E' (v=4)
// MIXED: error: compute-at: a loop or guard of block 'mixed' is about its reduction and its results at once; compute it in its new place before its loops are split
// AGAIN: error: compute-at: block 'again' runs more than once at a point, in iterations of loop 'twice'; compute it in its new place before that loop is there
// AGAIN-NEXT: %N[0] is written by block 'again' (v=0, k=0 in ak=0, twice=0, av=0) and then written by block 'again' (v=0, k=0 in ak=0, twice=1, av=0), which would not run again
// BETWEEN: error: compute-at: block 'change' writes %A, which block 'input' reads, before it would be computed in loop 'd'
// BETWEEN-NEXT: %A[2] is read by block 'input' (v=2) and then written by block 'change' (v=2), which would run before it
// WITHIN: error: compute-at: block 'shift' writes %B, which block 'early' reads, before it would be computed in loop 'i'
// WITHIN-NEXT: %B[3] is read by block 'early' (v=3) and then written by block 'shift' (v=3), which would run before it
// OVERLAP: error: compute-at: loop 'h_o' is parallel, and its iterations would compute the same elements of %S; give that a tile in the loop before it gets its kind
// OVERLAP-NEXT: %S[3, 0] is read by block 'S' (p=3, q=0, r=0 in h_o=0, r=0) and then written by block 'S' (p=3, q=0, r=0 in h_o=1, r=0), which would run at the same time

te.intrinsic @same (%x: tensor<8xi32>) {
  te.yield %x : tensor<8xi32>
} lower compute "same" on "ex"

func.func @stencil(%A: memref<13x10xf32>, %C: memref<11x8xf32>) {
  %B = loop.alloc : memref<13x10xf32>
  %S = loop.alloc : memref<11x10xf32>
  loop.for %y = 0 to 13 {
    loop.for %x = 0 to 10 {
      loop.block "B" (%v_y < 13 = %y, %v_x < 10 = %x) {
        %a = loop.load %A[%v_y, %v_x] : memref<13x10xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v_y, %v_x] : memref<13x10xf32>
      }
    }
  }
  loop.for %p = 0 to 11 {
    loop.for %q = 0 to 10 {
      loop.for %r = 0 to 3 {
        loop.block "S" (%v_p < 11 = %p, %v_q < 10 = %q, reduce %v_r < 3 = %r) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %S[%v_p, %v_q] : memref<11x10xf32>
        } {
          %s = loop.load %S[%v_p, %v_q] : memref<11x10xf32>
          %b = loop.load %B[%v_p + %v_r, %v_q] : memref<13x10xf32>
          %t = arith.addf %s, %b : f32
          loop.store %t, %S[%v_p, %v_q] : memref<11x10xf32>
        }
      }
    }
  }
  loop.for %h = 0 to 11 {
    loop.for %w = 0 to 8 {
      loop.block "C" (%v_h < 11 = %h, %v_w < 8 = %w) {
        %zero = arith.constant 0.0 : f32
        %l = loop.load %S[%v_h - 1, %v_w] where (%v_h >= 1) else %zero : memref<11x10xf32>
        %r = loop.load %S[%v_h, %v_w + 2] : memref<11x10xf32>
        %c = arith.subf %r, %l : f32
        loop.store %c, %C[%v_h, %v_w] : memref<11x8xf32>
      }
    }
  }
  func.return
}

func.func @gather(%A: memref<20xf32>, %I: memref<30xindex>, %O: memref<30xf32>) {
  %G = loop.alloc : memref<20xf32>
  loop.for %f = 0 to 20 {
    loop.block "G" (%v_f < 20 = %f) {
      %a = loop.load %A[%v_f] : memref<20xf32>
      loop.store %a, %G[%v_f] : memref<20xf32>
    }
  }
  loop.for %g = 0 to 30 {
    loop.block "O" (%v_g < 30 = %g) {
      %i = loop.load %I[%v_g] : memref<30xindex>
      %x = loop.load %G[%i] : memref<20xf32>
      loop.store %x, %O[%v_g] : memref<30xf32>
    }
  }
  func.return
}

func.func @producers(%A: memref<8x8xi32>, %N: memref<8xi32>, %D: memref<8x8xi32>, %M: memref<8xi32>, %U: memref<8xi32>, %O: memref<8xi32>) {
  loop.for %a = 0 to 8 {
    loop.block "diagonal" (%v < 8 = %a) {
      %x = loop.load %A[%v, %v] : memref<8x8xi32>
      loop.store %x, %D[%v, %v] : memref<8x8xi32>
    }
    loop.block "count" (%v < 8 = %a) {
      %x = loop.load %N[%v] : memref<8xi32>
      %y = arith.addi %x, %x : i32
      loop.store %y, %N[%v] : memref<8xi32>
    }
    loop.block "U" () {
      loop.intrinsic @same "compute"(%U[i0], %A[0, i0]) writes 1 : memref<8xi32>, memref<8x8xi32>
    }
    loop.block "moved" (%v < 8 = %a) {
      %x = loop.load %A[0, %v] : memref<8x8xi32>
      loop.store %x, %M[%v] : memref<8xi32>
    }
  }
  %T = loop.alloc : memref<8xi32>
  loop.copy %M to %T : memref<8xi32> to memref<8xi32>
  loop.for %b = 0 to 8 {
    loop.block "V" (%v < 8 = %b) {
      %d = loop.load %D[%v, %v] : memref<8x8xi32>
      %n = loop.load %N[%v] : memref<8xi32>
      %u = loop.load %U[%v] : memref<8xi32>
      %m = loop.load %M[%v] : memref<8xi32>
      %x = arith.addi %d, %n : i32
      %y = arith.addi %u, %m : i32
      %z = arith.addi %x, %y : i32
      loop.store %z, %O[%v] : memref<8xi32>
    }
  }
  func.return
}

func.func @readers(%A: memref<8xf32>, %Q: memref<8xf32>, %R: memref<8xf32>, %X: memref<8xf32>, %Y: memref<8xf32>) {
  %P = loop.alloc : memref<8xf32>
  loop.for %m = 0 to 8 {
    %L = loop.alloc : memref<1xf32>
    loop.for %l = 0 to 1 {
      loop.block "local" (%v < 8 = %m) {
        %x = loop.load %A[%v] : memref<8xf32>
        loop.store %x, %L[0] : memref<1xf32>
      }
    }
    loop.block "tile" (%v < 8 = %m) {
      %x = loop.load %L[0] : memref<1xf32>
      loop.store %x, %Q[%v] : memref<8xf32>
    }
  }
  loop.for %o = 0 to 8 {
    loop.block "P" (%v < 8 = %o) {
      %x = loop.load %A[%v] : memref<8xf32>
      loop.store %x, %P[%v] : memref<8xf32>
    }
  }
  loop.for %s = 0 to 8 {
    loop.block "R" (%v < 8 = %s) {
      %x = loop.load %A[%v] : memref<8xf32>
      loop.store %x, %R[%v] : memref<8xf32>
    }
  }
  loop.for %n = 0 to 5 {
    loop.block "X" (%v < 5 = %n) {
      %x = loop.load %P[%v] : memref<8xf32>
      %q = loop.load %Q[%v] : memref<8xf32>
      %r = loop.load %R[%v] : memref<8xf32>
      %y = arith.addf %x, %q : f32
      %z = arith.addf %y, %r : f32
      loop.store %z, %X[%v] : memref<8xf32>
    }
  }
  loop.for %c = 0 to 8 {
    loop.block "Y" (%v < 8 = %c) {
      %x = loop.load %P[%v] : memref<8xf32>
      loop.store %x, %Y[%v] : memref<8xf32>
    }
  }
  func.return
}

func.func @parts(%A: memref<8x8xf32>, %O: memref<8xf32>) {
  %T = loop.alloc : memref<8xf32>
  %H = loop.alloc : memref<8xf32>
  %M = loop.alloc : memref<8xf32>
  %N = loop.alloc : memref<8xf32>
  loop.for %t = 0 to 8 {
    loop.block "T" (%v < 8 = %t) {
      %x = loop.load %A[0, %v] : memref<8x8xf32>
      loop.store %x, %T[%v] : memref<8xf32>
    }
  }
  loop.for %u = 0 to 8 {
    loop.block "half" (%v < 8 = %u) where (%u < 4) {
      %x = loop.load %A[0, %v] : memref<8x8xf32>
      loop.store %x, %H[%v] : memref<8xf32>
    }
  }
  loop.for %z = 0 to 8 {
    loop.block "mixed" (%v < 8 = %z, reduce %k < 8 = %z) init {
      %zero = arith.constant 0.0 : f32
      loop.store %zero, %M[%v] : memref<8xf32>
    } {
      %s = loop.load %M[%v] : memref<8xf32>
      %x = loop.load %A[%v, %k] : memref<8x8xf32>
      %y = arith.addf %s, %x : f32
      loop.store %y, %M[%v] : memref<8xf32>
    }
  }
  loop.for %ak = 0 to 8 {
    loop.for %twice = 0 to 2 {
      loop.for %av = 0 to 8 {
        loop.block "again" (%v < 8 = %av, reduce %k < 8 = %ak) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %N[%v] : memref<8xf32>
        } {
          %s = loop.load %N[%v] : memref<8xf32>
          %x = loop.load %A[%v, %k] : memref<8x8xf32>
          %y = arith.addf %s, %x : f32
          loop.store %y, %N[%v] : memref<8xf32>
        }
      }
    }
  }
  loop.for %e = 0 to 8 {
    loop.block "E" (%v < 8 = %e) {
      %t = loop.load %T[%v] : memref<8xf32>
      %u = loop.load %T[7 - %v] : memref<8xf32>
      %h = loop.load %H[%v] : memref<8xf32>
      %m = loop.load %M[%v] : memref<8xf32>
      %n = loop.load %N[%v] : memref<8xf32>
      %w = arith.addf %t, %u : f32
      %x = arith.addf %w, %h : f32
      %y = arith.addf %x, %m : f32
      %z = arith.addf %y, %n : f32
      loop.store %z, %O[%v] : memref<8xf32>
    }
  }
  func.return
}

func.func @changes(%A: memref<8xf32>, %B: memref<8xf32>, %O: memref<8xf32>) {
  %F = loop.alloc : memref<8xf32>
  %G = loop.alloc : memref<8xf32>
  loop.for %fa = 0 to 8 {
    loop.block "input" (%v < 8 = %fa) {
      %x = loop.load %A[%v] : memref<8xf32>
      loop.store %x, %F[%v] : memref<8xf32>
    }
  }
  loop.for %fb = 0 to 8 {
    loop.block "early" (%v < 8 = %fb) {
      %x = loop.load %B[%v] : memref<8xf32>
      loop.store %x, %G[%v] : memref<8xf32>
    }
  }
  loop.for %fc = 0 to 4 {
    loop.block "change" (%v < 8 = %fc + 2) {
      %x = loop.load %O[%v] : memref<8xf32>
      loop.store %x, %A[%v] : memref<8xf32>
    }
  }
  loop.for %d = 0 to 8 {
    loop.block "use" (%v < 8 = %d) {
      %x = loop.load %F[%v] : memref<8xf32>
      loop.store %x, %O[%v] : memref<8xf32>
    }
  }
  loop.for %i = 0 to 8 {
    loop.block "shift" (%v < 8 = %i) {
      %x = loop.load %G[7 - %v] : memref<8xf32>
      loop.store %x, %B[%v] : memref<8xf32>
    }
  }
  func.return
}

// Boxes that begin at different places are in one, or in the whole if they lie far from each other.

// FAR-LABEL: func.func @parts
// FAR:         loop.for %e = 0 to 8 {
// FAR-NEXT:      loop.for %T_v = 0 to 8 {
// FAR-NEXT:        loop.block "T" (%{{.*}} < 8 = %T_v) {

// BOXES-LABEL: func.func @boxes
// BOXES:         loop.for %a = 0 to 3 {
// BOXES-NEXT:      loop.for %apart_v = 0 to 3 {
// BOXES-NEXT:        loop.block "apart" (%v < 9 = %a * 2 + %apart_v) {
// BOXES:           loop.block "U" (%v_1 < 3 = %a) {
func.func @boxes(%A: memref<9xf32>, %O: memref<3xf32>) {
  %B = loop.alloc : memref<9xf32>
  loop.for %i = 0 to 9 {
    loop.block "apart" (%v < 9 = %i) {
      %b = loop.load %A[%v] : memref<9xf32>
      loop.store %b, %B[%v] : memref<9xf32>
    }
  }
  loop.for %a = 0 to 3 {
    loop.block "U" (%v < 3 = %a) {
      %x = loop.load %B[%v * 2] : memref<9xf32>
      %y = loop.load %B[%v * 3] : memref<9xf32>
      %z = arith.addf %x, %y : f32
      loop.store %z, %O[%v] : memref<3xf32>
    }
  }
  func.return
}

// TIME. what an iteration of t needs is not there before that iteration. CARRIED. nor is what another
// one leaves out.

func.func @times(%A: memref<8xf32>, %O: memref<8xf32>) {
  %Q = loop.alloc : memref<8xf32>
  loop.for %t = 0 to 8 {
    loop.for %i = 0 to 8 {
      loop.block "Q" (%v < 8 = %i) {
        %a = loop.load %A[%v] : memref<8xf32>
        loop.store %a, %Q[%v] : memref<8xf32>
      }
    }
    loop.for %now = 0 to 1 {
      loop.block "needs" (%v < 8 = %t) {
        %a = loop.load %Q[%v] : memref<8xf32>
        loop.store %a, %O[%v] : memref<8xf32>
      }
    }
    loop.block "late" (%v < 8 = %t) {
      %a = loop.load %Q[7 - %v] : memref<8xf32>
      loop.store %a, %O[%v] : memref<8xf32>
    }
  }
  func.return
}

func.func @carried(%A: memref<16xf32>, %O: memref<8xf32>) {
  %Q = loop.alloc : memref<16xf32>
  loop.for %t = 0 to 8 {
    loop.for %i = 0 to 2 {
      loop.block "Q" (%v < 16 = %t * 2 + %i) {
        %a = loop.load %A[%v] : memref<16xf32>
        loop.store %a, %Q[%v] : memref<16xf32>
      }
    }
    loop.for %now = 0 to 1 {
      loop.block "needs" (%v < 8 = %t) {
        %a = loop.load %Q[%v * 2] : memref<16xf32>
        loop.store %a, %O[%v] : memref<8xf32>
      }
    }
    loop.block "late" (%v < 8 = %t) where (%t - 1 >= 0) {
      %a = loop.load %Q[%v * 2 - 1] : memref<16xf32>
      loop.store %a, %O[%v] : memref<8xf32>
    }
  }
  func.return
}

// OTHERS. a read before the new place finds what it needs where it is of other elements, or of
// those that an earlier iteration has computed.

// OTHERS-LABEL: func.func @others
// OTHERS-NEXT:    %Q = loop.alloc : memref<9xf32>
// OTHERS-NEXT:    loop.for %t = 0 to 4 {
// OTHERS-NEXT:      loop.block "sooner" (%v < 4 = %t) where (%t - 1 >= 0) {
// OTHERS:           loop.for %now = 0 to 2 {
// OTHERS-NEXT:        loop.block "Q" (%v_1 < 8 = %t * 2 + %now) {

func.func @others(%A: memref<8xf32>, %O: memref<8xf32>) {
  %Q = loop.alloc : memref<9xf32>
  loop.for %t = 0 to 4 {
    loop.for %i = 0 to 2 {
      loop.block "Q" (%v < 8 = %t * 2 + %i) {
        %a = loop.load %A[%v] : memref<8xf32>
        loop.store %a, %Q[%v] : memref<9xf32>
      }
    }
    loop.block "sooner" (%v < 4 = %t) where (%t - 1 >= 0) {
      %a = loop.load %Q[%v * 2 - 1] : memref<9xf32>
      loop.store %a, %O[%v] : memref<8xf32>
    }
    loop.for %now = 0 to 2 {
      loop.block "needs" (%v < 8 = %t * 2 + %now) {
        %a = loop.load %Q[%v] : memref<9xf32>
        loop.store %a, %O[%v] : memref<8xf32>
      }
    }
  }
  func.return
}
