// RUN: dovetail-opt %s -p 'tile-loops{loops=y,k sizes=4,8 function=rows}' | filecheck %s --check-prefix=TWO
// RUN: dovetail-opt %s -p 'tile-loops{block="S" loops="k","y" sizes=8,4 names="ko","yo","ki","yi"}' | filecheck %s --check-prefix=NAMES
// RUN: dovetail-opt %s -p 'tile-loops{loops=z sizes=3}' | filecheck %s --check-prefix=ONE
// RUN: not dovetail-opt %s -p 'tile-loops{loops=y,k sizes=4 function=rows}' 2>&1 | filecheck %s --check-prefix=COUNT
// RUN: not dovetail-opt %s -p 'tile-loops{loops=y,y sizes=4,4 function=rows}' 2>&1 | filecheck %s --check-prefix=ONCE
// RUN: not dovetail-opt %s -p 'tile-loops{loops=y,k sizes=4,0 function=rows}' 2>&1 | filecheck %s --check-prefix=SIZE
// RUN: not dovetail-opt %s -p 'tile-loops{loops=y,k sizes=4,8 names="a","b" function=rows}' 2>&1 | filecheck %s --check-prefix=SHORT
// RUN: not dovetail-opt %s -p 'tile-loops{loops=y,k sizes=4,8 names="a","b","c","S" function=rows}' 2>&1 | filecheck %s --check-prefix=TAKEN
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=y function=rows},tile-loops{loops=y,k sizes=4,8 function=rows}' 2>&1 | filecheck %s --check-prefix=KIND
// RUN: dovetail-opt %s -p 'unroll-loop{loop=k function=rows},tile-loops{loops=y,k sizes=4,8 function=rows}' | filecheck %s --check-prefix=UNROLLED
// RUN: not dovetail-opt %s -p 'tile-loops{loops=w sizes=4 block=T}' 2>&1 | filecheck %s --check-prefix=AROUND
// RUN: not dovetail-opt %s -p 'tile-loops{loops=z,w sizes=4,8}' 2>&1 | filecheck %s --check-prefix=NEST
// RUN: not dovetail-opt %s -p 'tile-loops{loops=i,j sizes=4,4}' 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: not dovetail-opt %s -p 'tile-loops{loops=a,b sizes=4,8}' 2>&1 | filecheck %s --check-prefix=BOUNDS

// A loop that is not named stays where it is: the loops of the tiles take the places around it.

// TWO-LABEL: func.func @rows
// TWO-NEXT:  loop.for %y_o = 0 to 4 {
// TWO-NEXT:    loop.for %k_o = 0 to 3 {
// TWO-NEXT:      loop.for %x = 0 to 6 {
// TWO-NEXT:        loop.for %y_i = 0 to 4 {
// TWO-NEXT:          loop.for %k_i = 0 to 8 {
// TWO-NEXT:            loop.block "S" (%v_y < 13 = %y_o * 4 + %y_i, %v_x < 6 = %x, reduce %v_k < 20 = %k_o * 8 + %k_i) init {

// NAMES-LABEL: func.func @rows
// NAMES-NEXT:  loop.for %ko = 0 to 3 {
// NAMES-NEXT:    loop.for %yo = 0 to 4 {
// NAMES-NEXT:      loop.for %x = 0 to 6 {
// NAMES-NEXT:        loop.for %ki = 0 to 8 {
// NAMES-NEXT:          loop.for %yi = 0 to 4 {
// NAMES-NEXT:            loop.block "S" (%v_y < 13 = %yo * 4 + %yi, %v_x < 6 = %x, reduce %v_k < 20 = %ko * 8 + %ki) init {

// ONE:       loop.for %z_o = 0 to 3 {
// ONE-NEXT:    loop.for %z_i = 0 to 3 {
// ONE-NEXT:      loop.for %u = 0 to 6 {
// ONE-NEXT:        loop.block "T" (%v_z < 7 = %z_o * 3 + %z_i, %v_u < 6 = %u) {

// COUNT: error: tile-loops: 1 sizes for 2 loops; each loop has one
// ONCE: error: tile-loops: loops=y,y: name one or more loops, each once
// SIZE: error: tile-loops: size 0 for loop 'k': it is at least 1
// SHORT: error: tile-loops: names= gives 2 names; 2 loops become 4
// TAKEN: error: tile-loops: the name 'S' is already taken; choose another one
// KIND: error: tile-loops: loop 'y' is vectorized, and its iterations belong together; tile it before it is given that kind
// UNROLLED:     loop.for %y_o = 0 to 4 {
// UNROLLED-NEXT:  loop.for %k_o = 0 to 3 unrolled {
// UNROLLED:        loop.for %y_i = 0 to 4 {
// UNROLLED:          loop.for %k_i = 0 to 8 unrolled {
// AROUND: error: tile-loops: loop 'w' is not around block 'T'; those around it: z, u
// NEST: error: tile-loops: loop 'w' is not inside loop 'z'; only nested loops can change places
// ORDER: error: tile-loops: in the order i_o, j_o, i_i, j_i block 'D' would read an element of %D before block 'D' writes it
// ORDER-NEXT: %D[1, 4] is written by block 'D' (i=0, j=4) and then read by block 'D' (i=1, j=3), which would run before it
// BOUNDS: error: tile-loops: the bounds of loop 'b_o' use loop 'a_i', which must stay outside of it

func.func @rows(%A: memref<13x20xf32>, %S: memref<13x6xf32>) {
  loop.for %y = 0 to 13 {
    loop.for %x = 0 to 6 {
      loop.for %k = 0 to 20 {
        loop.block "S" (%v_y < 13 = %y, %v_x < 6 = %x, reduce %v_k < 20 = %k) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %S[%v_y, %v_x] : memref<13x6xf32>
        } {
          %s = loop.load %S[%v_y, %v_x] : memref<13x6xf32>
          %a = loop.load %A[%v_y, %v_k] : memref<13x20xf32>
          %t = arith.addf %s, %a : f32
          loop.store %t, %S[%v_y, %v_x] : memref<13x6xf32>
        }
      }
    }
  }
  func.return
}

func.func @scales(%A: memref<7x6xf32>, %T: memref<7x6xf32>) {
  loop.for %z = 0 to 7 {
    loop.for %u = 0 to 6 {
      loop.block "T" (%v_z < 7 = %z, %v_u < 6 = %u) {
        %a = loop.load %A[%v_z, %v_u] : memref<7x6xf32>
        loop.store %a, %T[%v_z, %v_u] : memref<7x6xf32>
      }
    }
  }
  loop.for %w = 0 to 7 {
    loop.block "W" (%v_w < 7 = %w) {
      %a = loop.load %A[%v_w, 0] : memref<7x6xf32>
      loop.store %a, %T[%v_w, 0] : memref<7x6xf32>
    }
  }
  func.return
}

func.func @diagonals(%D: memref<8x8xf32>) {
  loop.for %i = 0 to 7 {
    loop.for %j = 0 to 7 {
      loop.block "D" (%v_i < 7 = %i, %v_j < 7 = %j) {
        %d = loop.load %D[%v_i, %v_j + 1] : memref<8x8xf32>
        loop.store %d, %D[%v_i + 1, %v_j] : memref<8x8xf32>
      }
    }
  }
  func.return
}

func.func @triangle(%E: memref<8x8xf32>) {
  loop.for %a = 0 to 8 {
    loop.for %b = 0 to %a {
      loop.block "E" (%v_a < 8 = %a, %v_b < 8 = %b) {
        %one = arith.constant 1.0 : f32
        loop.store %one, %E[%v_a, %v_b] : memref<8x8xf32>
      }
    }
  }
  func.return
}
