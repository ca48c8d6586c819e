// RUN: dovetail-opt %s -p 'vectorize-loop{loop=x}' | filecheck %s --check-prefix=CHECK
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=i function=symbolic}' 2>&1 | filecheck %s --check-prefix=RUNTIME
// RUN: dovetail-opt %s -p 'vectorize-loop{loop=j}' | filecheck %s --check-prefix=BEGIN
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=x},vectorize-loop{loop=y}' 2>&1 | filecheck %s --check-prefix=OUTER
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=y},vectorize-loop{loop=x}' 2>&1 | filecheck %s --check-prefix=INNER
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=l}' 2>&1 | filecheck %s --check-prefix=ALLOC
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=k}' 2>&1 | filecheck %s --check-prefix=REDUCE
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=i function=shift}' 2>&1 | filecheck %s --check-prefix=READS
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=n}' 2>&1 | filecheck %s --check-prefix=WRITES
// RUN: not dovetail-opt %s -p 'unroll-loop{loop=x},vectorize-loop{loop=x}' 2>&1 | filecheck %s --check-prefix=TWICE

// CHECK-LABEL: func.func @scale(%A: memref<13x6xf32>, %B: memref<13x6xf32>) {
// CHECK-NEXT:  loop.for %y = 0 to 13 {
// CHECK-NEXT:    loop.for %x = 0 to 6 vectorized {
// CHECK-NEXT:      loop.block "B" (%v_y < 13 = %y, %v_x < 6 = %x) {
// CHECK-NEXT:        %a = loop.load %A[%v_y, %v_x] : memref<13x6xf32>
// CHECK-NEXT:        %b = arith.addf %a, %a : f32
// CHECK-NEXT:        loop.store %b, %B[%v_y, %v_x] : memref<13x6xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

// RUNTIME: error: vectorize-loop: the extent of loop 'i' is only known at run time; split it by a constant and make the inner loop vectorized
// OUTER: error: vectorize-loop: loop 'y' is nested with 'x', which is vectorized; lanes have one dimension
// INNER: error: vectorize-loop: loop 'x' is nested with 'y', which is vectorized; lanes have one dimension
// ALLOC: error: vectorize-loop: %T is allocated inside loop 'l', and lanes share their buffers; vectorize a loop further in
// REDUCE: error: vectorize-loop: loop 'k' runs over the reduction of block 'S'; only a spatial loop can be vectorized
// REDUCE-NEXT: %S[0] is read by block 'S' (r=0, k=0) and then written by block 'S' (r=0, k=1), which would run at the same time
// READS: error: vectorize-loop: loop 'i' cannot be vectorized: block 'A' reads an element of %A that block 'A' writes in another iteration
// READS-NEXT: %A[1] is written by block 'A' (v=0) and then read by block 'A' (v=1), which would run at the same time
// WRITES: error: vectorize-loop: loop 'n' cannot be vectorized: block 'T' writes an element of %T that block 'T' writes in another iteration
// WRITES-NEXT: %T[0] is written by block 'T' (v=0) and then written by block 'T' (v=1), which would run at the same time
// TWICE: error: vectorize-loop: loop 'x' is already unrolled

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

// Lanes count from 0.
// BEGIN:       loop.for %j = 0 to 6 vectorized {
// BEGIN-NEXT:    loop.block "late" (%v_1 < 8 = %j + 2) {

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
