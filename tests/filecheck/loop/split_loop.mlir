// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=4}' | filecheck %s --check-prefix=SPLIT
// RUN: dovetail-opt %s -p 'split-loop{loop=k factor=10},split-loop{loop=k_i factor=4 names="k_m","k_u"}' | filecheck %s --check-prefix=AGAIN
// RUN: dovetail-opt %s -p 'split-loop{loop=i factor=8}' | filecheck %s --check-prefix=SYMBOLIC
// RUN: dovetail-opt %s -p 'parallelize-loop{loop=y},unroll-loop{loop=x},split-loop{loop=y factor=4},split-loop{loop=x factor=2}' | filecheck %s --check-prefix=KINDS
// RUN: not dovetail-opt %s -p 'split-loop{loop=y factor=0}' 2>&1 | filecheck %s --check-prefix=FACTOR
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=x},split-loop{loop=x factor=2}' 2>&1 | filecheck %s --check-prefix=KIND
// RUN: not dovetail-opt %s -p 'split-loop{loop=y factor=2 names="a","b","c"}' 2>&1 | filecheck %s --check-prefix=NAMES
// RUN: not dovetail-opt %s -p 'split-loop{loop=y factor=2 names="a","x"}' 2>&1 | filecheck %s --check-prefix=TAKEN
// RUN: not dovetail-opt %s -p 'split-loop{loop=yy factor=2}' 2>&1 | filecheck %s --check-prefix=LOOP
// RUN: not dovetail-opt %s -p 'split-loop{loop=y factor=2 function=scales}' 2>&1 | filecheck %s --check-prefix=FUNCTION
// RUN: not dovetail-opt %s -p 'split-loop{loop=same factor=2}' 2>&1 | filecheck %s --check-prefix=WHICH
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=x,r}' 2>&1 | filecheck %s --check-prefix=BOTH

// The domain of a variable that equals the loop is its guard; a loop that was already split needs a
// `where`, or the points at its end would be computed twice.

// SPLIT-LABEL: func.func @scale(%A: memref<13x6xf32>, %B: memref<13x6xf32>) {
// SPLIT-NEXT:  loop.for %y_o = 0 to 4 {
// SPLIT-NEXT:    loop.for %y_i = 0 to 4 {
// SPLIT-NEXT:      loop.for %x = 0 to 6 {
// SPLIT-NEXT:        loop.block "B" (%v_y < 13 = %y_o * 4 + %y_i, %v_x < 6 = %x) {
// SPLIT-NEXT:          %a = loop.load %A[%v_y, %v_x] : memref<13x6xf32>
// SPLIT-NEXT:          %b = arith.addf %a, %a : f32
// SPLIT-NEXT:          loop.store %b, %B[%v_y, %v_x] : memref<13x6xf32>
// SPLIT-NEXT:        }
// SPLIT-NEXT:      }
// SPLIT-NEXT:    }
// SPLIT-NEXT:  }

// AGAIN-LABEL: func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
// AGAIN-NEXT:  loop.for %r = 0 to 8 {
// AGAIN-NEXT:    loop.for %k_o = 0 to 2 {
// AGAIN-NEXT:      loop.for %k_m = 0 to 3 {
// AGAIN-NEXT:        loop.for %k_u = 0 to 4 {
// AGAIN-NEXT:          loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k_o * 10 + %k_m * 4 + %k_u) where (-%k_m * 4 - %k_u + 9 >= 0) init {
// AGAIN-NEXT:            %zero = arith.constant 0.000000e+00 : f32
// AGAIN-NEXT:            loop.store %zero, %S[%v_r] : memref<8xf32>
// AGAIN-NEXT:          } {
// AGAIN-NEXT:            %s = loop.load %S[%v_r] : memref<8xf32>
// AGAIN-NEXT:            %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32>
// AGAIN-NEXT:            %t = arith.addf %s, %a : f32
// AGAIN-NEXT:            loop.store %t, %S[%v_r] : memref<8xf32>
// AGAIN-NEXT:          }
// AGAIN-NEXT:        }
// AGAIN-NEXT:      }
// AGAIN-NEXT:    }
// AGAIN-NEXT:  }

// SYMBOLIC-LABEL: func.func @symbolic(%M: memref<?xf32, #loop.layout<["m"]>>) {
// SYMBOLIC-NEXT:  %m = loop.dim "m"
// SYMBOLIC-NEXT:  loop.for %i_o = 0 to (%m + 7) floordiv 8 {
// SYMBOLIC-NEXT:    loop.for %i_i = 0 to 8 {
// SYMBOLIC-NEXT:      loop.block "M" (%v_i < %m = %i_o * 8 + %i_i) {
// SYMBOLIC-NEXT:        %one = arith.constant 1.000000e+00 : f32
// SYMBOLIC-NEXT:        loop.store %one, %M[%v_i] : memref<?xf32, #loop.layout<["m"]>>
// SYMBOLIC-NEXT:      }
// SYMBOLIC-NEXT:    }
// SYMBOLIC-NEXT:  }

// FACTOR: error: split-loop: factor=0 for loop 'y': it is at least 1
// KINDS:         loop.for %y_o = 0 to 4 parallel {
// KINDS-NEXT:      loop.for %y_i = 0 to 4 {
// KINDS-NEXT:        loop.for %x_o = 0 to 3 unrolled {
// KINDS-NEXT:          loop.for %x_i = 0 to 2 unrolled {
// KIND: error: split-loop: loop 'x' is vectorized, and its iterations belong together; split it before it is given that kind
// NAMES: error: split-loop: names= gives 3 names; a split makes two loops
// TAKEN: error: split-loop: the name 'x' is already taken; choose another one
// LOOP: error: split-loop: nothing in the functions scale, rowsum, symbolic, one, other is named 'yy': did you mean y? there are: y, x, B, A, B, r, k, S, A, S, i, M and 7 more
// FUNCTION: error: split-loop: no function of loops is named 'scales': did you mean scale? there are: scale, rowsum, symbolic, one, other
// WHICH: error: split-loop: several functions have same; name one with function=: one, other
// BOTH: error: reorder-loops: no function has all of r, x; the functions are scale, rowsum, symbolic, one, other

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

func.func @one(%A: memref<4xf32>) {
  loop.for %same = 0 to 4 {
    loop.block "fill" (%v < 4 = %same) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %A[%v] : memref<4xf32>
    }
  }
  func.return
}
func.func @other(%A: memref<4xf32>) {
  loop.for %same = 0 to 4 {
    loop.block "fill" (%v < 4 = %same) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %A[%v] : memref<4xf32>
    }
  }
  func.return
}
