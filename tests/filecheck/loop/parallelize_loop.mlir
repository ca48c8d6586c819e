// RUN: dovetail-opt %s -p 'parallelize-loop{loop=y}' | filecheck %s --check-prefix=CHECK
// RUN: dovetail-opt %s -p 'parallelize-loop{loop=l}' | filecheck %s --check-prefix=PRIVATE
// RUN: not dovetail-opt %s -p 'parallelize-loop{loop=x}' 2>&1 | filecheck %s --check-prefix=INSIDE
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=k,r},parallelize-loop{loop=k}' 2>&1 | filecheck %s --check-prefix=REDUCE
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=k,r},split-loop{loop=r factor=8},promote-memory-scope{buffer=S scope=register at=r_o},parallelize-loop{loop=k}' 2>&1 | filecheck %s --check-prefix=TILE
// RUN: not dovetail-opt %s -p 'parallelize-loop{loop=i}' 2>&1 | filecheck %s --check-prefix=READS
// RUN: not dovetail-opt %s -p 'parallelize-loop{loop=y},parallelize-loop{loop=y}' 2>&1 | filecheck %s --check-prefix=TWICE

// A buffer that is allocated inside the loop belongs to the thread.

// CHECK-LABEL: func.func @scale(%A: memref<13x6xf32>, %B: memref<13x6xf32>) {
// CHECK-NEXT:  loop.for %y = 0 to 13 parallel {
// CHECK-NEXT:    loop.for %x = 0 to 6 {
// CHECK-NEXT:      loop.block "B" (%v_y < 13 = %y, %v_x < 6 = %x) {
// CHECK-NEXT:        %a = loop.load %A[%v_y, %v_x] : memref<13x6xf32>
// CHECK-NEXT:        %b = arith.addf %a, %a : f32
// CHECK-NEXT:        loop.store %b, %B[%v_y, %v_x] : memref<13x6xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

// PRIVATE-LABEL: func.func @shift(%A: memref<9xf32>) {
// PRIVATE-NEXT:  loop.for %i = 0 to 8 {
// PRIVATE-NEXT:    loop.block "A" (%v < 8 = %i) {
// PRIVATE-NEXT:      %a = loop.load %A[%v] : memref<9xf32>
// PRIVATE-NEXT:      loop.store %a, %A[%v + 1] : memref<9xf32>
// PRIVATE-NEXT:    }
// PRIVATE-NEXT:  }
// PRIVATE-NEXT:  loop.for %j = 2 to 8 {
// PRIVATE-NEXT:    loop.block "late" (%v_1 < 8 = %j) {
// PRIVATE-NEXT:      %zero = arith.constant 0.000000e+00 : f32
// PRIVATE-NEXT:      loop.store %zero, %A[%v_1] : memref<9xf32>
// PRIVATE-NEXT:    }
// PRIVATE-NEXT:  }
// PRIVATE-NEXT:  loop.for %l = 0 to 2 parallel {
// PRIVATE-NEXT:    %T = loop.alloc : memref<1xf32>
// PRIVATE-NEXT:    loop.for %n = 0 to 4 {
// PRIVATE-NEXT:      loop.block "T" (%v_2 < 8 = %l * 4 + %n) {
// PRIVATE-NEXT:        %a_1 = loop.load %A[%v_2] : memref<9xf32>
// PRIVATE-NEXT:        loop.store %a_1, %T[0] : memref<1xf32>
// PRIVATE-NEXT:      }
// PRIVATE-NEXT:    }
// PRIVATE-NEXT:  }

// INSIDE: error: parallelize-loop: loop 'x' is inside loop 'y'; only an outermost loop can be parallel (reorder or fuse first)
// REDUCE: error: parallelize-loop: loop 'k' runs over the reduction of block 'S'; only a spatial loop can be parallel
// REDUCE-NEXT: %S[0] is read by block 'S' (r=0, k=0) and then written by block 'S' (r=0, k=1), which would run at the same time

// Each iteration has a tile of its own; what it is filled with, another iteration has written.

// TILE: error: parallelize-loop: loop 'k' cannot be parallel: block 'S_register_out' writes an element of %S that block 'S_register_in' reads in another iteration
// TILE-NEXT: %S[0] is read by block 'S_register_in' (r=0) and then written by block 'S_register_out' (r=0), which would run at the same time

// READS: error: parallelize-loop: loop 'i' cannot be parallel: block 'A' reads an element of %A that block 'A' writes in another iteration
// READS-NEXT: %A[1] is written by block 'A' (v=0) and then read by block 'A' (v=1), which would run at the same time
// TWICE: error: parallelize-loop: loop 'y' is already parallel

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

func.func @shift(%A: memref<9xf32>) {
  loop.for %i = 0 to 8 {
    loop.block "A" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<9xf32>
      loop.store %a, %A[%v + 1] : memref<9xf32>
    }
  }
  loop.for %j = 2 to 8 {
    loop.block "late" (%v < 8 = %j) {
      %zero = arith.constant 0.0 : f32
      loop.store %zero, %A[%v] : memref<9xf32>
    }
  }
  loop.for %l = 0 to 2 {
    %T = loop.alloc : memref<1xf32>
    loop.for %n = 0 to 4 {
      loop.block "T" (%v < 8 = %l * 4 + %n) {
        %a = loop.load %A[%v] : memref<9xf32>
        loop.store %a, %T[0] : memref<1xf32>
      }
    }
  }
  func.return
}
