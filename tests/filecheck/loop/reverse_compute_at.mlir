// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=4},split-loop{loop=x factor=4},vectorize-loop{loop=x_i},reverse-compute-at{block=D at=y_o}' | filecheck %s --check-prefix=CHECK
// RUN: dovetail-opt %s -p 'reverse-compute-at{block=O at=k}' | filecheck %s --check-prefix=LAST
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=R at=w}' 2>&1 | filecheck %s --check-prefix=REDUCES
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=wide at=f}' 2>&1 | filecheck %s --check-prefix=NOTHING
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=next at=b}' 2>&1 | filecheck %s --check-prefix=ELSEWHERE
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=wide at=b}' 2>&1 | filecheck %s --check-prefix=COUNTERPART
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=Y at=n}' 2>&1 | filecheck %s --check-prefix=INSIDE
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=self at=b}' 2>&1 | filecheck %s --check-prefix=SELF
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=earlier at=b}' 2>&1 | filecheck %s --check-prefix=EARLIER
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=Y at=m}' 2>&1 | filecheck %s --check-prefix=LIVES
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=twice at=b}' 2>&1 | filecheck %s --check-prefix=USED
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=both at=b}' 2>&1 | filecheck %s --check-prefix=ALSO
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=half at=f}' 2>&1 | filecheck %s --check-prefix=GUARD
// RUN: not dovetail-opt %s -p 'split-loop{loop=y factor=4},peel-loop{loop=y_o},reverse-compute-at{block=D at=y_o}' 2>&1 | filecheck %s --check-prefix=POINTS
// RUN: not dovetail-opt %s -p 'split-loop{loop=k factor=3},peel-loop{loop=k_o},reverse-compute-at{block=O at=k_o}' 2>&1 | filecheck %s --check-prefix=FINAL
// RUN: not dovetail-opt %s -p 'reverse-compute-at{block=out_packed_out at=i function=scattered}' 2>&1 | filecheck %s --check-prefix=COMPUTED

// The consumer gets the producer's loops. Where the reduction is around, it runs in the last
// iteration.

// CHECK-LABEL: func.func @chain(%A: memref<6x8xf32>, %D: memref<6x8xf32>, %R: memref<6xf32>) {
// CHECK-NEXT:  %B = loop.alloc : memref<6x8xf32>
// CHECK-NEXT:  loop.for %y_o = 0 to 2 {
// CHECK-NEXT:    loop.for %y_i = 0 to 4 {
// CHECK-NEXT:      loop.for %x_o = 0 to 2 {
// CHECK-NEXT:        loop.for %x_i = 0 to 4 vectorized {
// CHECK-NEXT:          loop.block "B" (%v_y < 6 = %y_o * 4 + %y_i, %v_x < 8 = %x_o * 4 + %x_i) {
// CHECK-NEXT:            %a = loop.load %A[%v_y, %v_x] : memref<6x8xf32>
// CHECK-NEXT:            %b = arith.addf %a, %a : f32
// CHECK-NEXT:            loop.store %b, %B[%v_y, %v_x] : memref<6x8xf32>
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.for %D_y_i = 0 to 4 {
// CHECK-NEXT:      loop.for %D_x_o = 0 to 2 {
// CHECK-NEXT:        loop.for %D_x_i = 0 to 4 vectorized {
// CHECK-NEXT:          loop.block "D" (%v_y_1 < 6 = %y_o * 4 + %D_y_i, %v_x_1 < 8 = %D_x_o * 4 + %D_x_i) {
// CHECK-NEXT:            %b_1 = loop.load %B[%v_y_1, %v_x_1] : memref<6x8xf32>
// CHECK-NEXT:            %a_1 = loop.load %A[%v_y_1, %v_x_1] : memref<6x8xf32>
// CHECK-NEXT:            %d = arith.mulf %b_1, %a_1 : f32
// CHECK-NEXT:            loop.store %d, %D[%v_y_1, %v_x_1] : memref<6x8xf32>
// CHECK-NEXT:          }
// CHECK-NEXT:        }
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

// LAST-LABEL: func.func @partial(%A: memref<8x8xf32>, %S: memref<8xf32>, %O: memref<8xf32>) {
// LAST-NEXT:  loop.for %k = 0 to 8 {
// LAST-NEXT:    loop.for %l = 0 to 8 {
// LAST-NEXT:      loop.block "S" (%v < 8 = %l, reduce %w < 8 = %k) init {
// LAST-NEXT:        %zero = arith.constant 0.000000e+00 : f32
// LAST-NEXT:        loop.store %zero, %S[%v] : memref<8xf32>
// LAST-NEXT:      } {
// LAST-NEXT:        %s = loop.load %S[%v] : memref<8xf32>
// LAST-NEXT:        %a = loop.load %A[%v, %w] : memref<8x8xf32>
// LAST-NEXT:        %t = arith.addf %s, %a : f32
// LAST-NEXT:        loop.store %t, %S[%v] : memref<8xf32>
// LAST-NEXT:      }
// LAST-NEXT:    }
// LAST-NEXT:    loop.for %O_l = 0 to 8 {
// LAST-NEXT:      loop.block "O" (%v_1 < 8 = %O_l) where (%k - 7 >= 0) {
// LAST-NEXT:        %s_1 = loop.load %S[%v_1] : memref<8xf32>
// LAST-NEXT:        loop.store %s_1, %O[%v_1] : memref<8xf32>
// LAST-NEXT:      }
// LAST-NEXT:    }
// LAST-NEXT:  }
// LAST-NEXT:  loop.for %n = 0 to 8 {
// LAST-NEXT:    %T = loop.alloc : memref<1xf32>
// LAST-NEXT:    loop.for %p = 0 to 1 {
// LAST-NEXT:      loop.block "X" (%v_2 < 8 = %n) {
// LAST-NEXT:        %s_2 = loop.load %O[%v_2] : memref<8xf32>
// LAST-NEXT:        loop.store %s_2, %A[0, %v_2] : memref<8x8xf32>
// LAST-NEXT:      }
// LAST-NEXT:    }
// LAST-NEXT:    loop.block "Y" (%v_3 < 8 = %n) {
// LAST-NEXT:      %o = loop.load %O[%v_3] : memref<8xf32>
// LAST-NEXT:      %s_3 = loop.load %A[0, %v_3] : memref<8x8xf32>
// LAST-NEXT:      loop.store %s_3, %T[0] : memref<1xf32>
// LAST-NEXT:    }
// LAST-NEXT:  }

// REDUCES: error: reverse-compute-at: block 'R' reduces; only elementwise consumers move
// NOTHING: error: reverse-compute-at: block 'wide' reads nothing that is written below loop 'f'
// ELSEWHERE: error: reverse-compute-at: block 'next' reads %B at other places than its own element; compute it after the whole producer
// COUNTERPART: error: reverse-compute-at: variable %w of block 'wide' has no counterpart in block 'produce'
// INSIDE: error: reverse-compute-at: block 'Y' is already inside loop 'n'
// SELF: error: reverse-compute-at: block 'self' reads %B, which it writes
// EARLIER: error: reverse-compute-at: block 'earlier' comes before loop 'b'; only a later block can move into it
// LIVES: error: reverse-compute-at: %T, which block 'Y' uses, does not live in loop 'm'
// USED: error: reverse-compute-at: in loop 'b' block 'twice' would write an element of %O before block 'next' writes it
// USED-NEXT: %O[0] is written by block 'next' (v=0) and then written by block 'twice' (v=0), which would run before it
// ALSO: error: reverse-compute-at: in loop 'b' block 'both' would read an element of %E before block 'second' writes it
// ALSO-NEXT: %E[0] is written by block 'second' (v=0) and then read by block 'both' (v=0), which would run before it
// GUARD: error: reverse-compute-at: block 'half' has a guard that loop 'f' does not have; compute it before its own loops are split
// POINTS: error: reverse-compute-at: loop 'y_o' does not run over all points of block 'D'; compute it in a loop further out, or before loops are peeled
// FINAL: error: reverse-compute-at: in loop 'k_o' block 'O' would read an element of %S before block 'S_tail' writes it
// FINAL-NEXT: %S[0] is written by block 'S_tail' (v=0, w=6) and then read by block 'O' (v=0), which would run before it

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

func.func @places(%A: memref<8xf32>, %O: memref<8xf32>, %R: memref<8xf32>, %U: memref<8x8xf32>, %H: memref<8xf32>) {
  %B = loop.alloc : memref<8xf32>
  %E = loop.alloc : memref<8xf32>
  loop.for %a = 0 to 8 {
    loop.block "earlier" (%v < 8 = %a) {
      %x = loop.load %B[%v] : memref<8xf32>
      loop.store %x, %R[%v] : memref<8xf32>
    }
  }
  loop.for %b = 0 to 8 {
    loop.block "produce" (%v < 8 = %b) {
      %x = loop.load %A[%v] : memref<8xf32>
      loop.store %x, %B[%v] : memref<8xf32>
    }
  }
  loop.for %c = 0 to 8 {
    loop.block "next" (%v < 8 = %c) {
      %x = loop.load %B[7 - %v] : memref<8xf32>
      loop.store %x, %O[%v] : memref<8xf32>
    }
  }
  loop.for %d = 0 to 8 {
    loop.for %e = 0 to 8 {
      loop.block "wide" (%v < 8 = %d, %w < 8 = %e) {
        %x = loop.load %B[%v] : memref<8xf32>
        loop.store %x, %U[%v, %w] : memref<8x8xf32>
      }
    }
  }
  loop.for %f = 0 to 8 {
    loop.block "second" (%v < 8 = %f) {
      %x = loop.load %A[%v] : memref<8xf32>
      loop.store %x, %E[%v] : memref<8xf32>
    }
  }
  loop.for %g = 0 to 8 {
    loop.block "both" (%v < 8 = %g) {
      %x = loop.load %B[%v] : memref<8xf32>
      %y = loop.load %E[%v] : memref<8xf32>
      %z = arith.addf %x, %y : f32
      loop.store %z, %R[%v] : memref<8xf32>
    }
  }
  loop.for %h = 0 to 8 {
    loop.block "twice" (%v < 8 = %h) {
      %x = loop.load %B[%v] : memref<8xf32>
      loop.store %x, %O[%v] : memref<8xf32>
    }
  }
  loop.for %i = 0 to 8 {
    loop.block "self" (%v < 8 = %i) {
      %x = loop.load %B[%v] : memref<8xf32>
      loop.store %x, %B[%v] : memref<8xf32>
    }
  }
  loop.for %j = 0 to 8 {
    loop.block "half" (%v < 8 = %j) where (%j < 4) {
      %x = loop.load %E[%v] : memref<8xf32>
      loop.store %x, %H[%v] : memref<8xf32>
    }
  }
  func.return
}
func.func @partial(%A: memref<8x8xf32>, %S: memref<8xf32>, %O: memref<8xf32>) {
  loop.for %k = 0 to 8 {
    loop.for %l = 0 to 8 {
      loop.block "S" (%v < 8 = %l, reduce %w < 8 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v] : memref<8xf32>
      } {
        %s = loop.load %S[%v] : memref<8xf32>
        %a = loop.load %A[%v, %w] : memref<8x8xf32>
        %t = arith.addf %s, %a : f32
        loop.store %t, %S[%v] : memref<8xf32>
      }
    }
  }
  loop.for %m = 0 to 8 {
    loop.block "O" (%v < 8 = %m) {
      %s = loop.load %S[%v] : memref<8xf32>
      loop.store %s, %O[%v] : memref<8xf32>
    }
  }
  loop.for %n = 0 to 8 {
    %T = loop.alloc : memref<1xf32>
    loop.for %p = 0 to 1 {
      loop.block "X" (%v < 8 = %n) {
        %s = loop.load %O[%v] : memref<8xf32>
        loop.store %s, %A[0, %v] : memref<8x8xf32>
      }
    }
    loop.block "Y" (%v < 8 = %n) {
      %o = loop.load %O[%v] : memref<8xf32>
      %s = loop.load %A[0, %v] : memref<8x8xf32>
      loop.store %s, %T[0] : memref<1xf32>
    }
  }
  func.return
}


// COMPUTED: error: reverse-compute-at: block 'out' writes %out_packed at an index that it computes, so that the element is only known when it runs; compute 'out_packed_out' after the whole of it
func.func @scattered(%T: memref<20xf32>, %I: memref<4xi64>, %V: memref<4xf32>, %out: memref<20xf32>) {
  %out_packed = loop.alloc : memref<20xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 4), (d0 mod 4))>, [5, 4]>>
  loop.for %out_packed_in_d0 = 0 to 20 {
    loop.block "out_packed_in" (%v_d0 < 20 = %out_packed_in_d0) {
      %0 = loop.load %out[%v_d0] : memref<20xf32>
      loop.store %0, %out_packed[%v_d0] : memref<20xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 4), (d0 mod 4))>, [5, 4]>>
    }
  }
  loop.for %d0 = 0 to 20 {
    loop.block "out_copy" (%v_d0_1 < 20 = %d0) {
      %1 = loop.load %T[%v_d0_1] : memref<20xf32>
      loop.store %1, %out_packed[%v_d0_1] : memref<20xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 4), (d0 mod 4))>, [5, 4]>>
    }
  }
  loop.for %i = 0 to 4 {
    loop.block "out" (reduce %v_i < 4 = %i) {
      %n = loop.load %I[%v_i] : memref<4xi64>
      %j = arith.index_cast %n : i64 to index
      %v = loop.load %V[%v_i] : memref<4xf32>
      %2 = loop.load %out_packed[%j] : memref<20xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 4), (d0 mod 4))>, [5, 4]>>
      %3 = arith.addf %2, %v fastmath<contract> : f32
      loop.store %3, %out_packed[%j] : memref<20xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 4), (d0 mod 4))>, [5, 4]>>
    }
  }
  loop.for %out_packed_out_d0 = 0 to 20 {
    loop.block "out_packed_out" (%v_d0_2 < 20 = %out_packed_out_d0) {
      %4 = loop.load %out_packed[%v_d0_2] : memref<20xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 4), (d0 mod 4))>, [5, 4]>>
      loop.store %4, %out[%v_d0_2] : memref<20xf32>
    }
  }
  func.return
}
