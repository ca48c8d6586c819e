// RUN: dovetail-opt %s -p 'split-loop{loop=k factor=5},reorder-loops{loops=k_i,r}' | filecheck %s --check-prefix=CHECK
// RUN: not dovetail-opt %s -p 'split-loop{loop=k factor=5},reorder-loops{loops=k_i,r reassociate=false}' 2>&1 | filecheck %s --check-prefix=STRICT
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=y,y}' 2>&1 | filecheck %s --check-prefix=ONE
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=p,s}' 2>&1 | filecheck %s --check-prefix=APART
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=q,p}' 2>&1 | filecheck %s --check-prefix=STATEMENTS
// RUN: dovetail-opt %s -p 'reorder-loops{loops=t,s}' | filecheck %s --check-prefix=BLOCKS
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=f,e}' 2>&1 | filecheck %s --check-prefix=PAIR
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=u,rep}' 2>&1 | filecheck %s --check-prefix=AGAIN
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=d},reorder-loops{loops=d,c}' 2>&1 | filecheck %s --check-prefix=LANES
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=b,a}' 2>&1 | filecheck %s --check-prefix=TOKENS
// RUN: dovetail-opt %s -p 'reorder-loops{loops=m,o,n}' | filecheck %s --check-prefix=TRIANGLE
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=n,m function=triangle}' 2>&1 | filecheck %s --check-prefix=BOUNDS
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=h,g}' 2>&1 | filecheck %s --check-prefix=POINTS
// RUN: dovetail-opt %s -p 'reorder-loops{loops=ab,aa}' | filecheck %s --check-prefix=RECOMPUTED
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=bb,ba}' 2>&1 | filecheck %s --check-prefix=RELIES
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=db,da}' 2>&1 | filecheck %s --check-prefix=CHANGED

// Loops between the named ones stay where they are; the order of a reduction is free, and a sum of
// floats whose terms come in another order is marked.

// CHECK-LABEL: func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
// CHECK-NEXT:  loop.for %k_i = 0 to 5 {
// CHECK-NEXT:    loop.for %k_o = 0 to 4 {
// CHECK-NEXT:      loop.for %r = 0 to 8 {
// CHECK-NEXT:        loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k_o * 5 + %k_i) init {
// CHECK-NEXT:          %zero = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:          loop.store %zero, %S[%v_r] : memref<8xf32>
// CHECK-NEXT:        } {
// CHECK-NEXT:          %s = loop.load %S[%v_r] : memref<8xf32>
// CHECK-NEXT:          %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32>
// CHECK-NEXT:          %t = arith.addf %s, %a fastmath<reassoc> : f32
// CHECK-NEXT:          loop.store %t, %S[%v_r] : memref<8xf32>
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

// STRICT: error: reorder-loops: reassociate=false: block 'S' would combine its floats in another order, which rounds differently: (v_r=0, v_k=1) comes before (v_r=0, v_k=5) now, and would come after it
// ONE: error: reorder-loops: loops=y,y: name two or more loops, each once
// APART: error: reorder-loops: loop 's' is not inside loop 'p'; only nested loops can change places
// STATEMENTS: error: reorder-loops: loop 'p' has more than one statement, so the loops in it cannot move out of it; reorder before statements are added

// Several blocks move together where none depends on another iteration.

// BLOCKS-LABEL: func.func @two
// BLOCKS: loop.for %t = 0 to 8 {
// BLOCKS-NEXT: loop.for %s = 0 to 8 {
// BLOCKS-NEXT: loop.block "third" (%v_2 < 8 = %s, %w_1 < 8 = %t) {

// PAIR: error: reorder-loops: in the order f, e block 'P' would read an element of %B before block 'Q' writes it
// PAIR-NEXT: %B[1, 1] is written by block 'Q' (v=0, w=1) and then read by block 'P' (v=1, w=0), which would run before it

// A reduction that is begun anew in each iteration of a loop around it.

// AGAIN: error: reorder-loops: in the order u, rep block 'A' would write an element of %S before block 'A' reads it
// AGAIN-NEXT: %S[0] is read by block 'A' (v=0, k=1) and then written by block 'A' (v=0, k=0), which would run before it

// Lanes may depend on what comes before all of them, not on each other.

// LANES: error: reorder-loops: in the order d, c two iterations of loop 'd', which is vectorized, would touch one element of %A
// LANES-NEXT: %A[1, 1] is written by block 'L' (v=0, w=0) and then read by block 'L' (v=1, w=1), which would run at the same time
// What each iteration computes for itself may be computed in any order, but not if another iteration
// reads it, or if its inputs change.
// RECOMPUTED:      loop.for %ab = 0 to 4 {
// RECOMPUTED-NEXT:   loop.for %aa = 0 to 4 {
// RECOMPUTED-NEXT:     loop.for %ac = 0 to 3 {
// RECOMPUTED-NEXT:       loop.block "window_a" (%v{{.*}} < 9 = %aa + %ab + %ac) {
// RELIES: error: reorder-loops: in the order bb, ba block 'window_b' would write an element of %T before block 'window_b' writes it
// RELIES-NEXT: %T[1] is written by block 'window_b' (v=1 in ba=0, bb=1, bc=0) and then written by block 'window_b' (v=1 in ba=1, bb=0, bc=0), which would run before it
// CHANGED: error: reorder-loops: in the order db, da block 'window_d' would write an element of %T before block 'window_d' writes it

// TOKENS: error: reorder-loops: loop.barrier stands below loop 'a'; reorder before units or threads wait for each other

// A bound may use a loop that stays outside of it.

// TRIANGLE-LABEL: func.func @prism
// TRIANGLE-NEXT: loop.for %m = 0 to 8 {
// TRIANGLE-NEXT: loop.for %o = 0 to 4 {
// TRIANGLE-NEXT: loop.for %n = 0 to %m {
// TRIANGLE-NEXT: loop.block "prism" (%v < 8 = %m, %w < 8 = %n, %z < 4 = %o) {

// BOUNDS: error: reorder-loops: the bounds of loop 'n' use loop 'm', which must stay outside of it
// POINTS: error: reorder-loops: in the order h, g block 'skewed' would read an element of %A before block 'skewed' writes it
// POINTS-NEXT: %A[1, 1] is written by block 'skewed' (v=0, w=1) and then read by block 'skewed' (v=1, w=0), which would run before it

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

func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
  loop.for %r = 0 to 8 {
    loop.for %k = 0 to 20 {
      loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v_r] : memref<8xf32>
      } {
        %s = loop.load %S[%v_r] : memref<8xf32>
        %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32>
        %t = arith.addf %s, %a : f32
        loop.store %t, %S[%v_r] : memref<8xf32>
      }
    }
  }
  func.return
}

func.func @two(%A: memref<8x8xf32>) {
  loop.for %p = 0 to 8 {
    loop.block "first" (%v < 8 = %p) {
      %zero = arith.constant 0.0 : f32
      loop.store %zero, %A[%v, 0] : memref<8x8xf32>
    }
    loop.for %q = 0 to 8 {
      loop.block "second" (%v < 8 = %p, %w < 8 = %q) {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %A[%v, %w] : memref<8x8xf32>
      }
    }
  }
  loop.for %s = 0 to 8 {
    loop.for %t = 0 to 8 {
      loop.block "third" (%v < 8 = %s, %w < 8 = %t) {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %A[%v, %w] : memref<8x8xf32>
      }
      loop.block "fourth" (%v < 8 = %s, %w < 8 = %t) {
        %a = loop.load %A[%v, %w] : memref<8x8xf32>
        loop.store %a, %A[%v, %w] : memref<8x8xf32>
      }
    }
  }
  func.return
}
func.func @triangle(%A: memref<8x8xf32>) {
  loop.for %m = 0 to 8 {
    loop.for %n = 0 to %m {
      loop.block "lower" (%v < 8 = %m, %w < 8 = %n) {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %A[%v, %w] : memref<8x8xf32>
      }
    }
  }
  func.return
}
func.func @prism(%A: memref<8x8x4xf32>) {
  loop.for %m = 0 to 8 {
    loop.for %n = 0 to %m {
      loop.for %o = 0 to 4 {
        loop.block "prism" (%v < 8 = %m, %w < 8 = %n, %z < 4 = %o) {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %A[%v, %w, %z] : memref<8x8x4xf32>
        }
      }
    }
  }
  func.return
}
func.func @skewed(%A: memref<9x9xf32>) {
  loop.for %g = 0 to 8 {
    loop.for %h = 0 to 8 {
      loop.block "skewed" (%v < 8 = %g, %w < 8 = %h) {
        %a = loop.load %A[%v, %w + 1] : memref<9x9xf32>
        loop.store %a, %A[%v + 1, %w] : memref<9x9xf32>
      }
    }
  }
  func.return
}
func.func @pair(%A: memref<9x9xf32>, %B: memref<9x9xf32>) {
  loop.for %e = 0 to 8 {
    loop.for %f = 0 to 8 {
      loop.block "P" (%v < 8 = %e, %w < 8 = %f) {
        %b = loop.load %B[%v, %w + 1] : memref<9x9xf32>
        loop.store %b, %A[%v, %w] : memref<9x9xf32>
      }
      loop.block "Q" (%v < 8 = %e, %w < 8 = %f) {
        %a = loop.load %A[%v, %w + 1] : memref<9x9xf32>
        loop.store %a, %B[%v + 1, %w] : memref<9x9xf32>
      }
    }
  }
  func.return
}
func.func @again(%A: memref<8xf32>, %S: memref<1xf32>) {
  loop.for %rep = 0 to 2 {
    loop.for %u = 0 to 8 {
      loop.block "A" (%v < 1 = 0, reduce %k < 8 = %u) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v] : memref<1xf32>
      } {
        %s = loop.load %S[%v] : memref<1xf32>
        %a = loop.load %A[%k] : memref<8xf32>
        %t = arith.addf %s, %a : f32
        loop.store %t, %S[%v] : memref<1xf32>
      }
    }
  }
  func.return
}
func.func @lanes(%A: memref<9x9xf32>) {
  loop.for %c = 0 to 8 {
    loop.for %d = 0 to 8 {
      loop.block "L" (%v < 8 = %c, %w < 8 = %d) {
        %a = loop.load %A[%v, %w] : memref<9x9xf32>
        loop.store %a, %A[%v + 1, %w + 1] : memref<9x9xf32>
      }
    }
  }
  func.return
}
func.func @tokens(%A: memref<8x8xf32>) {
  loop.for %a = 0 to 8 {
    loop.for %b = 0 to 8 {
      loop.barrier
      loop.block "T" (%v < 8 = %a, %w < 8 = %b) {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %A[%v, %w] : memref<8x8xf32>
      }
    }
  }
  func.return
}
func.func @recomputed(%A: memref<9xf32>, %O: memref<4x4xf32>) {
  %T = loop.alloc : memref<9xf32>
  loop.for %aa = 0 to 4 {
    loop.for %ab = 0 to 4 {
      loop.for %ac = 0 to 3 {
        loop.block "window_a" (%v < 9 = %aa + %ab + %ac) {
          %x = loop.load %A[%v] : memref<9xf32>
          loop.store %x, %T[%v] : memref<9xf32>
        }
      }
      loop.block "reader_a" (%v < 4 = %aa, %w < 4 = %ab) {
        %x = loop.load %T[%v + %w + 2] : memref<9xf32>
        loop.store %x, %O[%v, %w] : memref<4x4xf32>
      }
    }
  }
  func.return
}
func.func @relied(%A: memref<9xf32>, %O: memref<4x4xf32>) {
  %T = loop.alloc : memref<9xf32>
  loop.for %ba = 0 to 4 {
    loop.for %bb = 0 to 4 {
      loop.for %bc = 0 to 2 {
        loop.block "window_b" (%v < 9 = %ba + %bb + %bc) {
          %x = loop.load %A[%v] : memref<9xf32>
          loop.store %x, %T[%v] : memref<9xf32>
        }
      }
      loop.block "reader_b" (%v < 4 = %ba, %w < 4 = %bb) {
        %x = loop.load %T[%v + %w + 2] : memref<9xf32>
        loop.store %x, %O[%v, %w] : memref<4x4xf32>
      }
    }
  }
  func.return
}
func.func @changed(%A: memref<9xf32>, %O: memref<4x4xf32>) {
  %T = loop.alloc : memref<9xf32>
  loop.for %da = 0 to 4 {
    loop.for %db = 0 to 4 {
      loop.for %dc = 0 to 3 {
        loop.block "window_d" (%v < 9 = %da + %db + %dc) {
          %x = loop.load %A[%v] : memref<9xf32>
          loop.store %x, %T[%v] : memref<9xf32>
        }
      }
      loop.block "reader_d" (%v < 4 = %da, %w < 4 = %db) {
        %x = loop.load %T[%v + %w + 2] : memref<9xf32>
        loop.store %x, %O[%v, %w] : memref<4x4xf32>
        loop.store %x, %A[8] : memref<9xf32>
      }
    }
  }
  func.return
}
