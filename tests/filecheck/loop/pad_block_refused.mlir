// RUN: not dovetail-opt %s -p 'pad-block{block=C loops=y,k multiples=4}' 2>&1 | filecheck %s --check-prefix=COUNT
// RUN: not dovetail-opt %s -p 'pad-block{block=C loops=y multiples=0}' 2>&1 | filecheck %s --check-prefix=LEAST
// RUN: not dovetail-opt %s -p 'pad-block{block=C loops=e multiples=4 function=product}' 2>&1 | filecheck %s --check-prefix=LOOP
// RUN: not dovetail-opt %s -p 'pad-block{block=C loops=m multiples=4 function=product}' 2>&1 | filecheck %s --check-prefix=AROUND
// RUN: not dovetail-opt %s -p 'split-loop{loop=y factor=4},pad-block{block=C loops=y_o,y_i multiples=4,4}' 2>&1 | filecheck %s --check-prefix=TWICE
// RUN: not dovetail-opt %s -p 'fuse-loops{loops=e,d},pad-block{block=E loops=e_d_f multiples=4}' 2>&1 | filecheck %s --check-prefix=BOTH
// RUN: not dovetail-opt %s -p 'pad-block{block=P loops=none multiples=4}' 2>&1 | filecheck %s --check-prefix=NONE
// RUN: not dovetail-opt %s -p 'pad-block{block=N loops=n multiples=4}' 2>&1 | filecheck %s --check-prefix=SYMBOLIC
// RUN: not dovetail-opt %s -p 'split-loop{loop=y factor=4},pad-block{block=C loops=y_i multiples=32}' 2>&1 | filecheck %s --check-prefix=REACH
// RUN: not dovetail-opt %s -p 'pad-block{block=K loops=c multiples=8}' 2>&1 | filecheck %s --check-prefix=COPY
// RUN: not dovetail-opt %s -p 'pad-block{block=L loops=l multiples=8}' 2>&1 | filecheck %s --check-prefix=CALL
// RUN: not dovetail-opt %s -p 'pad-block{block=D loops=v multiples=8}' 2>&1 | filecheck %s --check-prefix=DIVIDES
// RUN: not dovetail-opt %s -p 'pad-block{block=G loops=g multiples=8}' 2>&1 | filecheck %s --check-prefix=GATHER
// RUN: not dovetail-opt %s -p 'pad-block{block=H loops=h multiples=8}' 2>&1 | filecheck %s --check-prefix=ELSEWHERE
// RUN: not dovetail-opt %s -p 'pad-block{block=V loops=r multiples=8}' 2>&1 | filecheck %s --check-prefix=NEUTRAL
// RUN: not dovetail-opt %s -p 'pad-block{block=W loops=t multiples=4}' 2>&1 | filecheck %s --check-prefix=INFINITE
// RUN: not dovetail-opt %s -p 'pad-block{block=M loops=i multiples=8}' 2>&1 | filecheck %s --check-prefix=MEETS
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=X scope=local at=w},pad-block{block=T loops=j multiples=4}' 2>&1 | filecheck %s --check-prefix=READ-TILE
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=Y scope=local at=w},pad-block{block=T loops=j multiples=4}' 2>&1 | filecheck %s --check-prefix=WRITE-TILE
// RUN: not dovetail-opt %s -p 'pad-block{block=O loops=o multiples=32}' 2>&1 | filecheck %s --check-prefix=OTHERWISE
// RUN: not dovetail-opt %s -p 'pad-block{block=S1 loops=s multiples=8}' 2>&1 | filecheck %s --check-prefix=USED
// RUN: not dovetail-opt %s -p 'pad-block{block=B1 loops=b multiples=4}' 2>&1 | filecheck %s --check-prefix=BETWEEN

// COUNT: error: pad-block: loops= names 2 loops and multiples= gives 1 numbers; give one for each loop
// LEAST: error: pad-block: a multiple of 0 for loop 'y': it is at least 1
// LOOP: error: pad-block: no loop is named 'e': there are: y, k, m
// AROUND: error: pad-block: loop 'm' is not around block 'C'; those around it: y, k
// TWICE: error: pad-block: loops 'y_o' and 'y_i' move one variable of block 'C'; name one of them
// REACH: error: pad-block: no iteration of the loops around block 'C' is %v_y = 16, and 32 are asked for; pad it before its loops are split, or to a multiple of the split
func.func @product(%A: memref<13x17xf32>, %B: memref<17xf32>, %C: memref<13xf32>, %M: memref<4xf32>) {
  loop.for %y = 0 to 13 {
    loop.for %k = 0 to 17 {
      loop.block "C" (%v_y < 13 = %y, reduce %v_k < 17 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %C[%v_y] : memref<13xf32>
      } {
        %s = loop.load %C[%v_y] : memref<13xf32>
        %a = loop.load %A[%v_y, %v_k] : memref<13x17xf32>
        %b = loop.load %B[%v_k] : memref<17xf32>
        %p = arith.mulf %a, %b : f32
        %t = arith.addf %s, %p : f32
        loop.store %t, %C[%v_y] : memref<13xf32>
      }
    }
  }
  loop.for %m = 0 to 4 {
    loop.block "after" (%v < 4 = %m) {
      %s = loop.load %C[%v] : memref<13xf32>
      loop.store %s, %M[%v] : memref<4xf32>
    }
  }
  func.return
}

// BOTH: error: pad-block: loop 'e_d_f' moves %v_e and %v_d of block 'E'; name a loop that moves one, before loops are fused
// NONE: error: pad-block: loop 'none' moves no variable of block 'P'; name a loop that moves one, before loops are fused
// SYMBOLIC: error: pad-block: %Y has no room for the results at new points, and its extent 'size' is only known at run time; promote-memory-scope makes a tile of it first, which has room
func.func @forms(%X: memref<3x5xf32>, %Y: memref<?xf32, #loop.layout<["size"]>>) {
  loop.for %e = 0 to 3 {
    loop.for %d = 0 to 5 {
      loop.block "E" (%v_e < 3 = %e, %v_d < 5 = %d) {
        %one = arith.constant 1.0 : f32
        loop.store %one, %X[%v_e, %v_d] : memref<3x5xf32>
      }
    }
  }
  loop.for %none = 0 to 2 {
    loop.block "P" (%v < 1 = 0) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %X[%v, 0] : memref<3x5xf32>
    }
  }
  %size = loop.dim "size"
  loop.for %n = 0 to %size {
    loop.block "N" (%v < %size = %n) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %Y[%v] : memref<?xf32, #loop.layout<["size"]>>
    }
  }
  func.return
}

te.intrinsic @one (%x: tensor<1xf32>) {
  %r = te.compute "r" (%i = 0 to 1) {
    %a = te.read %x[%i] : tensor<1xf32>
    te.yield %a : f32
  } : tensor<1xf32>
  te.yield %r : tensor<1xf32>
} lower compute "one"

// COPY: error: pad-block: loop 'c' would get longer, and loop.copy in it cannot leave its new iterations out; pad blocks before tiles are moved and tokens inserted
// CALL: error: pad-block: block 'L' is a call of @one; pad it before it is tensorized
// USED: error: pad-block: %Z has no room for the results at new points, and loop.copy uses it in the same loops; pad block 'S1' before that
func.func @operations(%X: memref<6xf32>, %Y: memref<6xf32>, %Z: memref<6xf32>) {
  loop.for %c = 0 to 6 {
    %T = loop.alloc at [%c] : memref<1xf32>
    loop.copy %X to %T : memref<6xf32> to memref<1xf32>
    loop.block "K" (%v < 6 = %c) {
      %x = loop.load %T[%v] : memref<1xf32>
      loop.store %x, %Y[%v] : memref<6xf32>
    }
  }
  loop.for %l = 0 to 6 {
    loop.block "L" (%v < 6 = %l) {
      loop.intrinsic @one "compute"(%Y[%v + i0], %X[%v + i0]) writes 1 : memref<6xf32>, memref<6xf32>
    }
  }
  loop.for %once = 0 to 1 {
    loop.for %s = 0 to 6 {
      loop.block "S1" (%v < 6 = %s) {
        %x = loop.load %X[%v] : memref<6xf32>
        loop.store %x, %Z[%v] : memref<6xf32>
      }
    }
    loop.copy %Z to %Y : memref<6xf32> to memref<6xf32>
  }
  func.return
}

// DIVIDES: error: pad-block: block 'D' divides (arith.divsi) by what may be a pad, and a division by zero stops the program
// GATHER: error: pad-block: block 'G' writes %Y at an index that is only known at run time, so that it may be anywhere at new points
// ELSEWHERE: error: pad-block: block 'H' reads %Y elsewhere than where it writes it
func.func @bodies(%X: memref<6xi32>, %Y: memref<6xi32>) {
  loop.for %v = 0 to 6 {
    loop.block "D" (%i < 6 = %v) {
      %x = loop.load %X[%i] : memref<6xi32>
      %one = arith.constant 1 : i32
      %y = arith.divsi %one, %x : i32
      loop.store %y, %Y[%i] : memref<6xi32>
    }
  }
  loop.for %g = 0 to 6 {
    loop.block "G" (%i < 6 = %g) {
      %zero = arith.constant 0 : index
      %at = arith.muli %i, %zero : index
      %x = loop.load %X[%i] : memref<6xi32>
      loop.store %x, %Y[%at] : memref<6xi32>
    }
  }
  loop.for %h = 0 to 6 {
    loop.block "H" (%i < 6 = %h) {
      %y = loop.load %Y[-%i + 5] : memref<6xi32>
      loop.store %y, %Y[%i] : memref<6xi32>
    }
  }
  func.return
}

// What is subtracted does not depend on the reduction, so that no pad is known to equal it.

// NEUTRAL: error: pad-block: block 'V' would change its result where %v_r is 5 and more: no pads of what it reads let its body leave the result as it is
// NEUTRAL-NEXT: it would run at (v_i = 0, v_r = 5)
// NEUTRAL-NEXT: it would read a pad at %X[0, 5]
// NEUTRAL-NEXT: it would read what may be an element at %mean[0]

// Zero times a float may be no zero.

// INFINITE: error: pad-block: block 'W' would change its result where %v_t is 3 and more: no pads of what it reads let its body leave the result as it is
// INFINITE-NEXT: it would run at (v_o = 0, v_t = 3)
// INFINITE-NEXT: it would read what may be an element at %mean[3]
// INFINITE-NEXT: it would read a pad at %K[3]
func.func @reductions(%X: memref<4x5xf32>, %mean: memref<10xf32>, %K: memref<3xf32>, %S: memref<8xf32>) {
  loop.for %i = 0 to 4 {
    loop.for %r = 0 to 5 {
      loop.block "V" (%v_i < 4 = %i, reduce %v_r < 5 = %r) {
        %s = loop.load %S[%v_i] : memref<8xf32>
        %x = loop.load %X[%v_i, %v_r] : memref<4x5xf32>
        %m = loop.load %mean[%v_i] : memref<10xf32>
        %d = arith.subf %x, %m : f32
        %q = arith.mulf %d, %d : f32
        %t = arith.addf %s, %q : f32
        loop.store %t, %S[%v_i] : memref<8xf32>
      }
    }
  }
  loop.for %o = 0 to 8 {
    loop.for %t = 0 to 3 {
      loop.block "W" (%v_o < 8 = %o, reduce %v_t < 3 = %t) {
        %s = loop.load %S[%v_o] : memref<8xf32>
        %x = loop.load %mean[%v_o + %v_t] : memref<10xf32>
        %k = loop.load %K[%v_t] : memref<3xf32>
        %p = arith.mulf %k, %x : f32
        %n = arith.addf %s, %p : f32
        loop.store %n, %S[%v_o] : memref<8xf32>
      }
    }
  }
  func.return
}

// MEETS: error: pad-block: block 'M' would write %Y[6] at the new point (v_i = 6, v_j = 0), and it uses that element at a point that was there before
// READ-TILE: error: pad-block: at new points block 'T' reads outside of the tile %X_local; pad the block before the tile is made
// WRITE-TILE: error: pad-block: at new points block 'T' writes outside of the tile %Y_local; pad the block before the tile is made
// OTHERWISE: error: pad-block: block 'O' reads %X under a guard whose other value is no constant, so that no pad can be given to it
// BETWEEN: error: pad-block: block 'B1' writes %Y at new points between those that were there before, which cannot be told apart when it is copied
func.func @places(%X: memref<16xi32>, %Y: memref<16xi32>) {
  loop.for %i = 0 to 6 {
    loop.for %e = 0 to 3 {
      loop.block "M" (%v_i < 6 = %i, reduce %v_j < 3 = %e) {
        %y = loop.load %Y[%v_i + %v_j] : memref<16xi32>
        %x = loop.load %X[%v_i] : memref<16xi32>
        %n = arith.addi %x, %y : i32
        loop.store %n, %Y[%v_i + %v_j] : memref<16xi32>
      }
    }
  }
  loop.for %w = 0 to 2 {
    loop.for %j = 0 to 7 {
      loop.block "T" (%v_w < 2 = %w, %v_j < 7 = %j) {
        %x = loop.load %X[%v_w * 8 + %v_j] : memref<16xi32>
        loop.store %x, %Y[%v_w * 8 + %v_j] : memref<16xi32>
      }
    }
  }
  loop.for %o = 0 to 14 {
    loop.block "O" (%v < 14 = %o) {
      %other = loop.load %X[0] : memref<16xi32>
      %x = loop.load %X[%v] where (%v >= 1) else %other : memref<16xi32>
      loop.store %x, %Y[%v] : memref<16xi32>
    }
  }
  loop.for %outer = 0 to 1 {
    loop.for %b = 0 to 3 {
      loop.block "B1" (%v < 3 = %b) {
        %x = loop.load %X[%v] : memref<16xi32>
        loop.store %x, %Y[%v * 2] : memref<16xi32>
      }
    }
    loop.for %b2 = 0 to 6 {
      loop.block "B2" (%v < 6 = %b2) {
        %x = loop.load %X[%v] : memref<16xi32>
        loop.store %x, %Y[%v + 5] : memref<16xi32>
      }
    }
  }
  func.return
}
