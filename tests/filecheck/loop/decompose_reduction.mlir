// RUN: dovetail-opt %s -p 'split-loop{loop=r factor=3},reorder-loops{loops=k,r_i},unroll-loop{loop=r_i},decompose-reduction{block=S loop=k}' | filecheck %s --check-prefix=CHECK
// RUN: dovetail-opt %s -p 'split-loop{loop=k factor=8},decompose-reduction{block=S loop=k_i}' | filecheck %s --check-prefix=OUTER
// RUN: not dovetail-opt %s -p 'decompose-reduction{block=C loop=k function=rowsum}' 2>&1 | filecheck %s --check-prefix=BLOCK
// RUN: not dovetail-opt %s -p 'decompose-reduction{block=S loop=k function=rowsum},decompose-reduction{block=S loop=k function=rowsum}' 2>&1 | filecheck %s --check-prefix=INIT
// RUN: not dovetail-opt %s -p 'decompose-reduction{block=R loop=y}' 2>&1 | filecheck %s --check-prefix=AROUND
// RUN: dovetail-opt %s -p 'split-loop{loop=k factor=8 function=rowsum},peel-loop{loop=k_o},decompose-reduction{block=S_tail loop=k_o_tail}' | filecheck %s --check-prefix=NEVER
// RUN: not dovetail-opt %s -p 'decompose-reduction{block=back loop=bk}' 2>&1 | filecheck %s --check-prefix=BEGINS
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=S scope=local at=k function=rowsum},decompose-reduction{block=S loop=r function=rowsum}' 2>&1 | filecheck %s --check-prefix=LIVES
// RUN: dovetail-opt %s -p 'split-loop{loop=k factor=8 function=rowsum},peel-loop{loop=k_o},decompose-reduction{block=S loop=r function=rowsum}' | filecheck %s --check-prefix=USES
// RUN: not dovetail-opt %s -p 'decompose-reduction{block=again loop=rep}' 2>&1 | filecheck %s --check-prefix=ITSELF
// RUN: not dovetail-opt %s -p 'decompose-reduction{block=G loop=g}' 2>&1 | filecheck %s --check-prefix=EARLY
// RUN: dovetail-opt %s -p 'decompose-reduction{block=L loop=i}' | filecheck %s --check-prefix=MIXED

// The init nest has clones of the loops that the results depend on. Where the reduction began
// further out, it runs only where it begins.

// CHECK-LABEL: func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
// CHECK-NEXT:  loop.for %r_o = 0 to 3 {
// CHECK-NEXT:    loop.for %S_init_r_i = 0 to 3 unrolled {
// CHECK-NEXT:      loop.block "S_init" (%v_r < 8 = %r_o * 3 + %S_init_r_i) {
// CHECK-NEXT:        %zero = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:        loop.store %zero, %S[%v_r] : memref<8xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.for %k = 0 to 20 {
// CHECK-NEXT:      loop.for %r_i = 0 to 3 unrolled {
// CHECK-NEXT:        loop.block "S" (%v_r_1 < 8 = %r_o * 3 + %r_i, reduce %v_k < 20 = %k) {
// CHECK-NEXT:          %s = loop.load %S[%v_r_1] : memref<8xf32>
// CHECK-NEXT:          %a = loop.load %A[%v_r_1, %v_k] : memref<8x20xf32>
// CHECK-NEXT:          %t = arith.addf %s, %a : f32
// CHECK-NEXT:          loop.store %t, %S[%v_r_1] : memref<8xf32>
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

// OUTER-LABEL: func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
// OUTER-NEXT:  loop.for %r = 0 to 8 {
// OUTER-NEXT:    loop.for %k_o = 0 to 3 {
// OUTER-NEXT:      loop.block "S_init" (%v_r < 8 = %r) where (-%k_o >= 0) {
// OUTER-NEXT:        %zero = arith.constant 0.000000e+00 : f32
// OUTER-NEXT:        loop.store %zero, %S[%v_r] : memref<8xf32>
// OUTER-NEXT:      }
// OUTER-NEXT:      loop.for %k_i = 0 to 8 {
// OUTER-NEXT:        loop.block "S" (%v_r_1 < 8 = %r, reduce %v_k < 20 = %k_o * 8 + %k_i) {
// OUTER-NEXT:          %s = loop.load %S[%v_r_1] : memref<8xf32>
// OUTER-NEXT:          %a = loop.load %A[%v_r_1, %v_k] : memref<8x20xf32>
// OUTER-NEXT:          %t = arith.addf %s, %a : f32
// OUTER-NEXT:          loop.store %t, %S[%v_r_1] : memref<8xf32>
// OUTER-NEXT:        }
// OUTER-NEXT:      }
// OUTER-NEXT:    }
// OUTER-NEXT:  }

// BLOCK: error: decompose-reduction: no block is named 'C': there are: S
// INIT: error: decompose-reduction: block 'S' has no init region to decompose
// AROUND: error: decompose-reduction: loop 'y' is not around block 'R'; those around it: s, kk
// BEGINS: error: decompose-reduction: the reduction of block 'back' does not begin in the first iterations of the loops in 'bk'; decompose it before these are changed
// LIVES: error: decompose-reduction: %S_local only lives inside loop 'r'; decompose at a loop further in

// What continues the reduction in the same loop comes after its beginning as before.

// USES-LABEL: func.func @rowsum
// USES-NEXT: loop.for %S_init_r = 0 to 8 {
// USES-NEXT: loop.block "S_init"

// ITSELF: error: decompose-reduction: block 'again' reads an element of %S below loop 'rep' before block 'again' begins it; decompose at a loop further in, or before that is there
// ITSELF-NEXT: %S[0] is read by block 'again' (v=0, k=0 in rep=0, u=0) and then written by block 'again' (v=0, k=0 in rep=1, u=0), which would run before it
// EARLY: error: decompose-reduction: block 'next' reads an element of %S below loop 'g' before block 'G' begins it; decompose at a loop further in, or before that is there
// EARLY-NEXT: %S[1] is read by block 'next' (v=0) and then written by block 'G' (v=1, k=0), which would run before it

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

// A guard on reduction and result decides where a result begins, too: here always.

// MIXED-LABEL: func.func @mixed
// MIXED-NEXT:    loop.for %L_init_i = 0 to 8 {
// MIXED-NEXT:      loop.block "L_init" (%v_i < 8 = %L_init_i) {
func.func @mixed(%A: memref<8x8xf32>, %L: memref<8xf32>) {
  loop.for %i = 0 to 8 {
    loop.for %j = 0 to 8 {
      loop.block "L" (%v_i < 8 = %i, reduce %v_j < 8 = %j) where (%i >= %j) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %L[%v_i] : memref<8xf32>
      } {
        %s = loop.load %L[%v_i] : memref<8xf32>
        %a = loop.load %A[%v_i, %v_j] : memref<8x8xf32>
        %t = arith.addf %s, %a : f32
        loop.store %t, %L[%v_i] : memref<8xf32>
      }
    }
  }
  func.return
}

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
func.func @again(%A: memref<8xf32>, %S: memref<1xf32>) {
  loop.for %rep = 0 to 2 {
    loop.for %u = 0 to 8 {
      loop.block "again" (%v < 1 = 0, reduce %k < 8 = %u) init {
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
func.func @early(%A: memref<8x8xf32>, %S: memref<8xf32>, %O: memref<7xf32>) {
  loop.for %g = 0 to 8 {
    loop.for %gk = 0 to 8 {
      loop.block "G" (%v < 8 = %g, reduce %k < 8 = %gk) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v] : memref<8xf32>
      } {
        %s = loop.load %S[%v] : memref<8xf32>
        %a = loop.load %A[%v, %k] : memref<8x8xf32>
        %t = arith.addf %s, %a : f32
        loop.store %t, %S[%v] : memref<8xf32>
      }
    }
    loop.block "next" (%v < 7 = %g) {
      %s = loop.load %S[%v + 1] : memref<8xf32>
      loop.store %s, %O[%v] : memref<7xf32>
    }
  }
  func.return
}

// NEVER. the tail of a reduction never begins one.
// NEVER:           loop.for %k_o_tail = 2 to 3 {
// NEVER-NEXT:        loop.for %k_i_tail = 0 to 8 {
// NEVER-NEXT:          loop.block "S_tail" (%v_r_1 < 8 = %r, reduce %v_k_1 < 20 = %k_o_tail * 8 + %k_i_tail) {

func.func @back(%A: memref<8xf32>, %S: memref<1xf32>) {
  loop.for %bk = 0 to 8 {
    loop.block "back" (reduce %v < 8 = 7 - %bk) init {
      %zero = arith.constant 0.0 : f32
      loop.store %zero, %S[0] : memref<1xf32>
    } {
      %s = loop.load %S[0] : memref<1xf32>
      %a = loop.load %A[%v] : memref<8xf32>
      %t = arith.addf %s, %a : f32
      loop.store %t, %S[0] : memref<1xf32>
    }
  }
  func.return
}
