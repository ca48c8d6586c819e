// RUN: dovetail-opt %s -p 'fuse-loops{loops=y,x}' | filecheck %s --check-prefix=TWO
// RUN: dovetail-opt %s -p 'fuse-loops{loops=c,h,w into=all}' | filecheck %s --check-prefix=THREE
// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=4},fuse-loops{loops=y_o,y_i into=y}' | filecheck %s --check-prefix=INVERSE
// RUN: dovetail-opt %s -p 'fuse-loops{loops=y,x},split-loop{loop=y_x_f factor=6 names="y","x"}' | filecheck %s --check-prefix=BACK
// RUN: dovetail-opt %s -p 'fuse-loops{loops=i,j}' | filecheck %s --check-prefix=SYMBOLIC
// RUN: dovetail-opt %s -p 'fuse-loops{loops=b,d}' | filecheck %s --check-prefix=BOUNDS
// RUN: dovetail-opt %s -p 'fuse-loops{loops=one,e}' | filecheck %s --check-prefix=UNIT
// RUN: dovetail-opt %s -p 'fuse-loops{loops=none,z}' | filecheck %s --check-prefix=EMPTY
// RUN: dovetail-opt %s -p 'decompose-reduction{block=S loop=r},fuse-loops{loops=r,k}' | filecheck %s --check-prefix=DECOMPOSED
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=y}' 2>&1 | filecheck %s --check-prefix=ONE
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=y,y}' 2>&1 | filecheck %s --check-prefix=TWICE
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=y,xx}' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: dovetail-opt %s -p 'unroll-loop{loop=y},unroll-loop{loop=x},fuse-loops{loops=y,x}' | filecheck %s --check-prefix=UNROLLED
// RUN: dovetail-opt %s -p 'parallelize-loop{loop=y},fuse-loops{loops=y,x}' | filecheck %s --check-prefix=PARALLEL
// RUN: not dovetail-opt %s -p 'parallelize-loop{loop=r},fuse-loops{loops=r,k}' 2>&1 | filecheck %s --check-prefix=CARRIED
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=x},fuse-loops{loops=y,x}' 2>&1 | filecheck %s --check-prefix=KIND
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=w,h,c}' 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=p,s}' 2>&1 | filecheck %s --check-prefix=APART
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=p,q}' 2>&1 | filecheck %s --check-prefix=STATEMENTS
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=c,w}' 2>&1 | filecheck %s --check-prefix=BETWEEN
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=j,l}' 2>&1 | filecheck %s --check-prefix=SIZE
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=m,n}' 2>&1 | filecheck %s --check-prefix=TRIANGLE
// RUN: dovetail-opt %s -p 'fuse-loops{loops=r,k}' | filecheck %s --check-prefix=MIXED
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=y,x into=x}' 2>&1 | filecheck %s --check-prefix=TAKEN

// The quotient of the outermost loop needs no remainder.

// TWO-LABEL: func.func @scale(
// TWO-NEXT:  loop.for %y_x_f = 0 to 78 {
// TWO-NEXT:    loop.block "B" (%v_y < 13 = %y_x_f floordiv 6, %v_x < 6 = %y_x_f mod 6) {
// TWO-NEXT:      %a = loop.load %A[%v_y, %v_x] : memref<13x6xf32>

// THREE-LABEL: func.func @cube(
// THREE-NEXT:  loop.for %all = 0 to 105 {
// THREE-NEXT:    loop.block "cube" (%v_c < 3 = %all floordiv 35, %v_h < 5 = (%all floordiv 7) mod 5, %v_w < 7 = %all mod 7) {

// What a split has made is one variable again, guarded as before.

// INVERSE-LABEL: func.func @scale(
// INVERSE-NEXT:  loop.for %y = 0 to 16 {
// INVERSE-NEXT:    loop.for %x = 0 to 6 {
// INVERSE-NEXT:      loop.block "B" (%v_y < 13 = %y, %v_x < 6 = %x) {

// BACK-LABEL: func.func @scale(
// BACK-NEXT:  loop.for %y = 0 to 13 {
// BACK-NEXT:    loop.for %x = 0 to 6 {
// BACK-NEXT:      loop.block "B" (%v_y < 13 = %y, %v_x < 6 = %x) {

// The outermost extent may be known at run time only.

// SYMBOLIC-LABEL: func.func @symbolic(
// SYMBOLIC:       loop.for %i_j_f = 0 to %m * 4 {
// SYMBOLIC-NEXT:    loop.for %l = 0 to %m {
// SYMBOLIC-NEXT:      loop.block "M" (%v_i < %m = %i_j_f floordiv 4, %v_j < 4 = %i_j_f mod 4, %v_l < %m = %l) {

// Loops may begin anywhere, the inner one at a place that moves; loops inside get what they use.

// BOUNDS-LABEL: func.func @bands(
// BOUNDS-NEXT:  loop.for %b_d_f = 0 to 15 {
// BOUNDS-NEXT:    loop.for %g = 0 to -(%b_d_f floordiv 3) * 2 + %b_d_f + 2 {
// BOUNDS-NEXT:      loop.block "band" (%v_b < 7 = %b_d_f floordiv 3 + 2, %v_d < 9 = -(%b_d_f floordiv 3) * 2 + %b_d_f + 2, %v_g < 9 = %g) {

// A loop of one iteration is its value, so the extent of the other is free.

// UNIT-LABEL: func.func @unit(
// UNIT:       loop.for %one_e_f = 0 to %m - 3 {
// UNIT-NEXT:    loop.block "unit" (%v_e < %m = %one_e_f + 3) {

// EMPTY-LABEL: func.func @empty(
// EMPTY-NEXT:  loop.for %none_z_f = 0 to 0 {

// DECOMPOSED-LABEL: func.func @rowsum(
// DECOMPOSED-NEXT:  loop.for %S_init_r = 0 to 8 {
// DECOMPOSED:       loop.for %r_k_f = 0 to 160 {
// DECOMPOSED-NEXT:    loop.block "S" (%v_r_1 < 8 = %r_k_f floordiv 20, reduce %v_k < 20 = %r_k_f mod 20) {

// ONE: error: fuse-loops: loops=y: name two or more loops, each once
// TWICE: error: fuse-loops: loops=y,y: name two or more loops, each once
// UNKNOWN: error: fuse-loops: nothing in the functions scale, cube, rowsum, two, symbolic, triangle, bands, unit, empty is named 'xx': did you mean x?
// UNROLLED: loop.for %y_x_f = 0 to 78 unrolled {
// PARALLEL: loop.for %y_x_f = 0 to 78 parallel {
// CARRIED: error: fuse-loops: loop 'k' runs over the reduction of block 'S'; only a spatial loop can be parallel, as a part of loop 'r_k_f'
// CARRIED-NEXT: %S[0] is read by block 'S' (r=0, k=0) and then written by block 'S' (r=0, k=1), which would run at the same time
// KIND: error: fuse-loops: loop 'x' is vectorized, and its iterations belong together; fuse it before it is given that kind
// ORDER: error: fuse-loops: loop 'w' is inside loop 'h'; name the outermost first: loops=c,h,w
// APART: error: fuse-loops: loop 's' is not inside loop 'p'; only nested loops can be fused
// STATEMENTS: error: fuse-loops: loop 'p' has more than one statement, which one loop would all repeat; fuse before statements are added
// BETWEEN: error: fuse-loops: loop 'h' is between 'c' and 'w'; name it too, or reorder first
// SIZE: error: fuse-loops: the extent of loop 'l' is not a constant, and an index is only divided by constants; of fused loops the outermost one alone may have such an extent
// TRIANGLE: error: fuse-loops: the extent of loop 'n' is another one in each iteration of loop 'm', so no index can be divided by it
// A reduction begins where its variables are zero, wherever that is.
// MIXED: loop.for %r_k_f = 0 to 160 {
// MIXED-NEXT: loop.block "S" (%v_r < 8 = %r_k_f floordiv 20, reduce %v_k < 20 = %r_k_f mod 20) init {

// TAKEN: error: fuse-loops: the name 'x' is already taken; choose another one

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

func.func @cube(%A: memref<3x5x7xf32>) {
  loop.for %c = 0 to 3 {
    loop.for %h = 0 to 5 {
      loop.for %w = 0 to 7 {
        loop.block "cube" (%v_c < 3 = %c, %v_h < 5 = %h, %v_w < 7 = %w) {
          %one = arith.constant 1.0 : f32
          loop.store %one, %A[%v_c, %v_h, %v_w] : memref<3x5x7xf32>
        }
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
    loop.block "third" (%v < 8 = %s) {
      %zero = arith.constant 0.0 : f32
      loop.store %zero, %A[%v, 1] : memref<8x8xf32>
    }
  }
  func.return
}

func.func @symbolic(%M: memref<?x4x?xf32, #loop.layout<["m", 4, "m"]>>) {
  %m = loop.dim "m"
  loop.for %i = 0 to %m {
    loop.for %j = 0 to 4 {
      loop.for %l = 0 to %m {
        loop.block "M" (%v_i < %m = %i, %v_j < 4 = %j, %v_l < %m = %l) {
          %one = arith.constant 1.0 : f32
          loop.store %one, %M[%v_i, %v_j, %v_l] : memref<?x4x?xf32, #loop.layout<["m", 4, "m"]>>
        }
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

func.func @bands(%A: memref<7x9x9xf32>) {
  loop.for %b = 2 to 7 {
    loop.for %d = %b to %b + 3 {
      loop.for %g = 0 to %d {
        loop.block "band" (%v_b < 7 = %b, %v_d < 9 = %d, %v_g < 9 = %g) {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %A[%v_b, %v_d, %v_g] : memref<7x9x9xf32>
        }
      }
    }
  }
  func.return
}

func.func @unit(%M: memref<?xf32, #loop.layout<["m"]>>) {
  %m = loop.dim "m"
  loop.for %one = 3 to 4 {
    loop.for %e = %one to %m {
      loop.block "unit" (%v_e < %m = %e) {
        %one_f = arith.constant 1.0 : f32
        loop.store %one_f, %M[%v_e] : memref<?xf32, #loop.layout<["m"]>>
      }
    }
  }
  func.return
}

func.func @empty(%A: memref<8x8xf32>) {
  loop.for %none = 8 to 8 {
    loop.for %z = 5 to 2 {
      loop.block "empty" (%v < 8 = %none, %w < 8 = %z) {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %A[%v, %w] : memref<8x8xf32>
      }
    }
  }
  func.return
}
