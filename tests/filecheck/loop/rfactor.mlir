// RUN: dovetail-opt %s -p 'split-loop{loop=k factor=4},rfactor{block=S loop=k_i}' | filecheck %s --check-prefix=INNER
// RUN: dovetail-opt %s -p 'split-loop{loop=k factor=16},rfactor{block=S loop=k_i}' | filecheck %s --check-prefix=TAIL
// RUN: dovetail-opt %s -p 'rfactor{block=S loop=k reassociate=false}' | filecheck %s --check-prefix=SINGLE
// RUN: dovetail-opt %s -p 'split-loop{loop=e factor=4},rfactor{block=pick loop=e_o}' | filecheck %s --check-prefix=CHOICE
// RUN: dovetail-opt %s -p 'rfactor{block=P loop=b}' | filecheck %s --check-prefix=CHAIN
// RUN: dovetail-opt %s -p 'fuse-loops{loops=a,b},split-loop{loop=a_b_f factor=2},rfactor{block=P loop=a_b_f_i}' | filecheck %s --check-prefix=FUSED
// RUN: dovetail-opt %s -p 'split-loop{loop=k factor=4},peel-loop{loop=k_o},rfactor{block=S_tail loop=k_i_tail}' | filecheck %s --check-prefix=GOES-ON
// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=2},promote-memory-scope{buffer=S scope=local at=y_o},rfactor{block=S loop=k}' | filecheck %s --check-prefix=TILE
// RUN: not dovetail-opt %s -p 'rfactor{block=G loop=q}' 2>&1 | filecheck %s --check-prefix=AROUND
// RUN: not dovetail-opt %s -p 'rfactor{block=S loop=y}' 2>&1 | filecheck %s --check-prefix=RESULT
// RUN: not dovetail-opt %s -p 'rfactor{block=P loop=free}' 2>&1 | filecheck %s --check-prefix=MOVES
// RUN: not dovetail-opt %s -p 'rfactor{block=N loop=n}' 2>&1 | filecheck %s --check-prefix=SYMBOLIC
// RUN: not dovetail-opt %s -p 'split-loop{loop=k factor=4},rfactor{block=S loop=k_i reassociate=false}' 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: not dovetail-opt %s -p 'rfactor{block=H loop=h}' 2>&1 | filecheck %s --check-prefix=PLACE
// RUN: not dovetail-opt %s -p 'rfactor{block=M loop=m}' 2>&1 | filecheck %s --check-prefix=MIXED
// RUN: not dovetail-opt %s -p 'rfactor{block=O loop=o}' 2>&1 | filecheck %s --check-prefix=OTHER
// RUN: not dovetail-opt %s -p 'rfactor{block=K loop=c}' 2>&1 | filecheck %s --check-prefix=DEPENDS
// RUN: not dovetail-opt %s -p 'rfactor{block=L loop=l}' 2>&1 | filecheck %s --check-prefix=LAST
// RUN: not dovetail-opt %s -p 'decompose-reduction{block=pick loop=e},rfactor{block=pick loop=e}' 2>&1 | filecheck %s --check-prefix=BEGINS
// RUN: not dovetail-opt %s -p 'rfactor{block=G loop=g}' 2>&1 | filecheck %s --check-prefix=GUARD
// RUN: not dovetail-opt %s -p 'rfactor{block=T loop=t}' 2>&1 | filecheck %s --check-prefix=TRIANGLE
// RUN: not dovetail-opt %s -p 'rfactor{block=I loop=i}' 2>&1 | filecheck %s --check-prefix=INSIDE
// RUN: not dovetail-opt %s -p 'rfactor{block=U loop=u}' 2>&1 | filecheck %s --check-prefix=LIVES
// RUN: not dovetail-opt %s -p 'rfactor{block=D loop=d}' 2>&1 | filecheck %s --check-prefix=BOTH

// The reduction goes on over k_o for each of four partial results, which are then added up.

// INNER-LABEL: func.func @row_sum
// INNER-NEXT:    %S_rf = loop.alloc : memref<3x4xf32>
// INNER-NEXT:    loop.for %y = 0 to 3 {
// INNER-NEXT:      loop.for %k_o = 0 to 3 {
// INNER-NEXT:        loop.for %k_i = 0 to 4 {
// INNER-NEXT:          loop.block "S_rf" (%v_y < 3 = %y, %v_rf < 4 = %k_i, reduce %v_k < 10 = %k_o * 4) where (-%k_o * 4 - %k_i + 9 >= 0) init {
// INNER-NEXT:            %{{.*}} = arith.constant 0.000000e+00 : f32
// INNER-NEXT:            loop.store %{{.*}}, %S_rf[%v_y, %v_rf] : memref<3x4xf32>
// INNER-NEXT:          } {
// INNER-NEXT:            %s = loop.load %S_rf[%v_y, %v_rf] : memref<3x4xf32>
// INNER-NEXT:            %a = loop.load %A[%v_y, %v_k + %v_rf] : memref<3x10xf32>
// INNER-NEXT:            %t = arith.addf %s, %a fastmath<reassoc> : f32
// INNER-NEXT:            loop.store %t, %S_rf[%v_y, %v_rf] : memref<3x4xf32>
// INNER:           loop.for %S_k_i = 0 to 4 {
// INNER-NEXT:        loop.block "S" (%v_y_1 < 3 = %y, reduce %v_rf_1 < 4 = %S_k_i) init {
// INNER-NEXT:          %zero = arith.constant 0.000000e+00 : f32
// INNER-NEXT:          loop.store %zero, %S[%v_y_1] : memref<3xf32>
// INNER-NEXT:        } {
// INNER-NEXT:          %s_1 = loop.load %S[%v_y_1] : memref<3xf32>
// INNER-NEXT:          %part = loop.load %S_rf[%v_y_1, %v_rf_1] : memref<3x4xf32>
// INNER-NEXT:          %{{.*}} = arith.addf %s_1, %part fastmath<reassoc> : f32

// Six of the sixteen partial results get no term, so all begin before.

// TAIL-LABEL: func.func @row_sum
// TAIL:           loop.for %S_rf_init_k_i = 0 to 16 {
// TAIL-NEXT:        loop.block "S_rf_init" (%v_y < 3 = %y, %v_rf < 16 = %S_rf_init_k_i) {
// TAIL:             loop.store %{{.*}}, %S_rf[%v_y, %v_rf] : memref<3x16xf32>
// TAIL:           loop.for %k_o = 0 to 1 {
// TAIL-NEXT:        loop.for %k_i = 0 to 16 {
// TAIL-NEXT:          loop.block "S_rf" (%v_y_1 < 3 = %y, %v_rf_1 < 16 = %k_i, reduce %v_k < 10 = %k_o * 16) where (-%k_o * 16 - %k_i + 9 >= 0) {

// Each term is a partial result: the order stays, so nothing is rounded differently.

// SINGLE-LABEL: func.func @row_sum
// SINGLE:          loop.block "S_rf" (%v_y < 3 = %y, %v_rf < 10 = %k) {
// SINGLE-NEXT:       %s = arith.constant 0.000000e+00 : f32
// SINGLE-NEXT:       %a = loop.load %A[%v_y, %v_rf] : memref<3x10xf32>
// SINGLE-NEXT:       %t = arith.addf %s, %a : f32
// SINGLE-NEXT:       loop.store %t, %S_rf[%v_y, %v_rf] : memref<3x10xf32>

// The remainder of a peeled loop goes on with what was begun before.

// GOES-ON-LABEL: func.func @row_sum
// GOES-ON:         loop.block "S_tail_rf_init"
// GOES-ON:         loop.block "S_tail_rf"
// GOES-ON:         loop.block "S_tail" (%{{.*}} < 3 = %y, reduce %{{.*}} < 4 = %S_tail_k_i_tail) {

// TILE-LABEL: func.func @row_sum
// TILE:          %S_local_rf = loop.alloc at [%y_o * 2, 0] : memref<2x10xf32, "local">
// TILE-NEXT:     %S_local = loop.alloc at [%y_o * 2] : memref<2xf32, "local">

// AROUND: error: rfactor: loop 'q' is not around block 'G'; those around it: j, g
// RESULT: error: rfactor: loop 'y' moves %v_y, a variable of the result of block 'S'; split it from the reduction first
// ORDER: error: rfactor: reassociate=false: block 'S' would sum up its floats in 4 parts, which rounds differently: the first two terms in loop 'k_i' would be in two of them, and those of loop 'k_o' come between
func.func @row_sum(%A: memref<3x10xf32>, %S: memref<3xf32>) {
  loop.for %y = 0 to 3 {
    loop.for %k = 0 to 10 {
      loop.block "S" (%v_y < 3 = %y, reduce %v_k < 10 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v_y] : memref<3xf32>
      } {
        %s = loop.load %S[%v_y] : memref<3xf32>
        %a = loop.load %A[%v_y, %v_k] : memref<3x10xf32>
        %t = arith.addf %s, %a : f32
        loop.store %t, %S[%v_y] : memref<3xf32>
      }
    }
  }
  func.return
}

// A pair: the better value and its place come together.

// CHOICE-LABEL: func.func @largest
// CHOICE-NEXT:    %V_rf = loop.alloc : memref<1x2xf32>
// CHOICE-NEXT:    %I_rf = loop.alloc : memref<1x2xi64>
// CHOICE:         loop.block "pick_rf" (%v_rf < 2 = %e_o, reduce %v_e < 8 = %e_i) init {
// CHOICE:           %x = loop.load %X[%v_e + %v_rf * 4] : memref<8xf32>
// CHOICE:           %here = arith.index_cast %{{.*}} : index to i64
// CHOICE:           loop.store %i, %I_rf[0, %v_rf] : memref<1x2xi64>
// CHOICE:         loop.block "pick" (reduce %v_rf_1 < 2 = %pick_e_o) init {
// CHOICE:           %old_1 = loop.load %V[0] : memref<1xf32>
// CHOICE-NEXT:      %part = loop.load %V_rf[0, %v_rf_1] : memref<1x2xf32>
// CHOICE-NEXT:      %at_1 = loop.load %I[0] : memref<1xi64>
// CHOICE-NEXT:      %part_1 = loop.load %I_rf[0, %v_rf_1] : memref<1x2xi64>
// CHOICE-NEXT:      %better_1 = arith.cmpf ogt, %part, %old_1 : f32
// CHOICE-NEXT:      %v_1 = arith.select %better_1, %part, %old_1 : f32
// CHOICE-NEXT:      %i_1 = arith.select %better_1, %part_1, %at_1 : i64
// BEGINS: error: rfactor: block 'pick' chooses between values, and no init region of it says with which constants partial results begin; factor the reduction before it is decomposed
func.func @largest(%X: memref<8xf32>, %V: memref<1xf32>, %I: memref<1xi64>) {
  loop.for %e = 0 to 8 {
    loop.block "pick" (reduce %v_e < 8 = %e) init {
      %low = arith.constant 0xff800000 : f32
      %none = arith.constant 0 : i64
      loop.store %low, %V[0] : memref<1xf32>
      loop.store %none, %I[0] : memref<1xi64>
    } {
      %old = loop.load %V[0] : memref<1xf32>
      %at = loop.load %I[0] : memref<1xi64>
      %x = loop.load %X[%v_e] : memref<8xf32>
      %here = arith.index_cast %v_e : index to i64
      %better = arith.cmpf ogt, %x, %old : f32
      %v = arith.select %better, %x, %old : f32
      %i = arith.select %better, %here, %at : i64
      loop.store %v, %V[0] : memref<1xf32>
      loop.store %i, %I[0] : memref<1xi64>
    }
  }
  func.return
}

// What is subtracted is a term of a sum, too; what was there before is added once.

// CHAIN-LABEL: func.func @differences
// CHAIN:         loop.block "P_rf" (%v_rf < 3 = %b, reduce %v_a < 2 = %a) init {
// CHAIN-NEXT:      %{{.*}} = arith.constant 0 : i32
// CHAIN:           arith.subi
// CHAIN:         loop.block "P" (reduce %v_rf_1 < 3 = %P_b) {
// CHAIN:           arith.addi %p_1, %part : i32

// FUSED-LABEL: func.func @differences
// FUSED:         loop.block "P_rf" (%v_rf < 2 = %a_b_f_i, reduce %v_a_b_f_o < 3 = %a_b_f_o)
// FUSED:           loop.load %X[(%v_a_b_f_o * 2 + %v_rf) floordiv 3, (%v_a_b_f_o * 2 + %v_rf) mod 3] : memref<2x3xi32>

// MOVES: error: rfactor: loop 'free' does not move the reduction of block 'P'; those that do: a, b
func.func @differences(%X: memref<2x3xi32>, %P: memref<1xi32>) {
  loop.for %free = 0 to 1 {
    loop.for %a = 0 to 2 {
      loop.for %b = 0 to 3 {
        loop.block "P" (reduce %v_a < 2 = %a, reduce %v_b < 3 = %b) {
          %p = loop.load %P[0] : memref<1xi32>
          %x = loop.load %X[%v_a, %v_b] : memref<2x3xi32>
          %d = arith.subi %p, %x : i32
          loop.store %d, %P[0] : memref<1xi32>
        }
      }
    }
  }
  func.return
}

// SYMBOLIC: error: rfactor: loop 'n' has bounds that are only known at run time, and there is one partial result for each iteration; split it, and factor the inner loop
// PLACE: error: rfactor: where block 'H' stores to %S depends on its reduction, so that its partial results are no elements of one result
// OTHER: error: rfactor: block 'O' has no partial results that could be combined: what it stores to %S is no chain of one associative operation and no choice between the old value and a new one
// DEPENDS: error: rfactor: block 'K' has no partial results that could be combined: its choice also depends on %w, which is no part of a partial result
// LAST: error: rfactor: block 'L' has no partial results that could be combined: it stores to %S what it has not accumulated there
func.func @bodies(%X: memref<?xi32, #loop.layout<["size"]>>, %S: memref<8xi32>) {
  %size = loop.dim "size"
  loop.for %n = 0 to %size {
    loop.block "N" (reduce %v < %size = %n) {
      %s = loop.load %S[0] : memref<8xi32>
      %x = loop.load %X[%v] : memref<?xi32, #loop.layout<["size"]>>
      %t = arith.addi %s, %x : i32
      loop.store %t, %S[0] : memref<8xi32>
    }
  }
  loop.for %h = 0 to 8 {
    loop.block "H" (reduce %v < 8 = %h) {
      %s = loop.load %S[%v] : memref<8xi32>
      %x = loop.load %X[%v] : memref<?xi32, #loop.layout<["size"]>>
      %t = arith.addi %s, %x : i32
      loop.store %t, %S[%v] : memref<8xi32>
    }
  }
  loop.for %o = 0 to 8 {
    loop.block "O" (reduce %v < 8 = %o) {
      %s = loop.load %S[0] : memref<8xi32>
      %x = loop.load %X[%v] : memref<?xi32, #loop.layout<["size"]>>
      %t = arith.addi %s, %x : i32
      %u = arith.muli %t, %x : i32
      loop.store %u, %S[0] : memref<8xi32>
    }
  }
  loop.for %c = 0 to 8 {
    loop.block "K" (reduce %v < 8 = %c) {
      %s = loop.load %S[0] : memref<8xi32>
      %x = loop.load %X[%v] : memref<?xi32, #loop.layout<["size"]>>
      %w = loop.load %X[%v + 1] : memref<?xi32, #loop.layout<["size"]>>
      %b = arith.cmpi sgt, %w, %s : i32
      %t = arith.select %b, %x, %s : i32
      loop.store %t, %S[0] : memref<8xi32>
    }
  }
  loop.for %l = 0 to 8 {
    loop.block "L" (reduce %v < 8 = %l) {
      %x = loop.load %X[%v] : memref<?xi32, #loop.layout<["size"]>>
      loop.store %x, %S[0] : memref<8xi32>
    }
  }
  func.return
}

// GUARD: error: rfactor: a guard of block 'G' depends on its reduction and its result at once, so that some results may have no term; factor the reduction before the loops are split
// TRIANGLE: error: rfactor: where the reduction of block 'T' begins depends on other loops than those of the reduction
// INSIDE: error: rfactor: block 'reader' also uses %S inside loop 'i' of the reduction, where there are partial results only
// LIVES: error: rfactor: %V only lives inside loop 'u2' of the reduction
// BOTH: error: rfactor: loop 'd' moves %v_d, a variable of the result of block 'D'; split it from the reduction first
// MIXED: error: rfactor: loop 'both' moves the reduction and the result of block 'M', or is in the bounds of a loop of the result
func.func @nests(%X: memref<8x8xi32>, %S: memref<8xi32>, %R: memref<8xi32>) {
  loop.for %j = 0 to 8 {
    loop.for %g = 0 to 8 {
      loop.block "G" (%v_j < 8 = %j, reduce %v_g < 8 = %g) where (%g - %j >= 1) {
        %s = loop.load %S[%v_j] : memref<8xi32>
        %x = loop.load %X[%v_j, %v_g] : memref<8x8xi32>
        %t = arith.addi %s, %x : i32
        loop.store %t, %S[%v_j] : memref<8xi32>
      }
    }
  }
  loop.for %q = 0 to 8 {
    loop.for %t2 = %q to 8 {
      loop.for %t = 0 to 2 {
        loop.block "T" (%v_j < 8 = %q, reduce %v_g < 16 = %t2 * 2 + %t) init {
          %zero = arith.constant 0 : i32
          loop.store %zero, %S[%v_j] : memref<8xi32>
        } {
          %s = loop.load %S[%v_j] : memref<8xi32>
          %x = loop.load %X[%v_j, 0] : memref<8x8xi32>
          %n = arith.addi %s, %x : i32
          loop.store %n, %S[%v_j] : memref<8xi32>
        }
      }
    }
  }
  loop.for %i = 0 to 8 {
    loop.block "I" (reduce %v < 8 = %i) {
      %s = loop.load %S[0] : memref<8xi32>
      %x = loop.load %X[%v, %v] : memref<8x8xi32>
      %t = arith.addi %s, %x : i32
      loop.store %t, %S[0] : memref<8xi32>
    }
    loop.block "reader" (%v < 8 = %i) {
      %s = loop.load %S[0] : memref<8xi32>
      loop.store %s, %R[%v] : memref<8xi32>
    }
  }
  loop.for %u2 = 0 to 4 {
    %V = loop.alloc : memref<1xi32>
    loop.for %u = 0 to 2 {
      loop.block "U" (reduce %v < 8 = %u2 * 2 + %u) {
        %s = loop.load %V[0] : memref<1xi32>
        %x = loop.load %X[%v, %v] : memref<8x8xi32>
        %t = arith.addi %s, %x : i32
        loop.store %t, %V[0] : memref<1xi32>
      }
    }
  }
  loop.for %d = 0 to 8 {
    loop.block "D" (%v_d < 8 = %d, reduce %v < 8 = %d) {
      %s = loop.load %S[%v_d] : memref<8xi32>
      %x = loop.load %X[%v, %v] : memref<8x8xi32>
      %t = arith.addi %s, %x : i32
      loop.store %t, %S[%v_d] : memref<8xi32>
    }
  }
  loop.for %both = 0 to 4 {
    loop.for %m = 0 to 2 {
      loop.block "M" (%v_d < 4 = %both, reduce %v < 8 = %both * 2 + %m) {
        %s = loop.load %S[%v_d] : memref<8xi32>
        %x = loop.load %X[%v, %v] : memref<8x8xi32>
        %t = arith.addi %s, %x : i32
        loop.store %t, %S[%v_d] : memref<8xi32>
      }
    }
  }
  func.return
}
