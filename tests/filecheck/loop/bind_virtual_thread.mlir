// RUN: dovetail-opt %s -p 'bind-virtual-thread{loop=t}' | filecheck %s --check-prefix=CALLS
// RUN: dovetail-opt %s -p 'bind-virtual-thread{loop=p}' | filecheck %s --check-prefix=COPIES
// RUN: dovetail-opt %s -p 'bind-virtual-thread{loop=y}' | filecheck %s --check-prefix=PLAIN
// RUN: not dovetail-opt %s -p 'bind-virtual-thread{loop=k}' 2>&1 | filecheck %s --check-prefix=REDUCE
// RUN: not dovetail-opt %s -p 'bind-virtual-thread{loop=o}' 2>&1 | filecheck %s --check-prefix=OVERLAP
// RUN: not dovetail-opt %s -p 'bind-virtual-thread{loop=s}' 2>&1 | filecheck %s --check-prefix=SHARED
// RUN: not dovetail-opt %s -p 'bind-virtual-thread{loop=q}' 2>&1 | filecheck %s --check-prefix=PADDED
// RUN: not dovetail-opt %s -p 'bind-virtual-thread{loop=m}' 2>&1 | filecheck %s --check-prefix=SYMBOL
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=x},bind-virtual-thread{loop=y}' 2>&1 | filecheck %s --check-prefix=LANES
// RUN: not dovetail-opt %s -p 'parallelize-loop{loop=y},bind-virtual-thread{loop=x}' 2>&1 | filecheck %s --check-prefix=THREADS
// RUN: not dovetail-opt %s -p 'bind-virtual-thread{loop=t},bind-virtual-thread{loop=t}' 2>&1 | filecheck %s --check-prefix=TWICE

// Each thread sums columns of its own.
// CALLS: loop.for %t = 0 to 2 vthread {

// A tile that is allocated inside belongs to the thread, and the boxes that it is copied to and
// from are apart.
// COPIES: loop.for %p = 0 to 4 vthread {

// PLAIN: loop.for %y = 0 to 4 vthread {

// REDUCE: error: bind-virtual-thread: loop 'k' runs over the reduction of block 'S'; only a spatial loop can be vthread
// REDUCE-NEXT: %C[0, 0] is written by block 'S' (t=0, k=0) and then written by block 'S' (t=0, k=1), which would run at the same time

// The columns of two calls overlap.
// OVERLAP: error: bind-virtual-thread: loop 'o' cannot be vthread: block 'O' writes an element of %C that block 'O' writes in another iteration
// OVERLAP-NEXT: %C[0, 4] is written by block 'O' (v=0) and then written by block 'O' (v=1), which would run at the same time

// A tile that is allocated outside of the loop is the same one for all threads.
// SHARED: error: bind-virtual-thread: loop 's' cannot be vthread: the copy of %A to %T writes an element of %T that the copy of %A to %T writes in another iteration
// SHARED-NEXT: %T[0, 0] is written by the copy of %A to %T (s=0) and then written by the copy of %A to %T (s=1), which would run at the same time

// A padded copy writes all of its target: both boxes hold what only one of them gets elements of.
// PADDED: error: bind-virtual-thread: loop 'q' cannot be vthread: the copy of %P to %C writes an element of %C that the copy of %P to %C writes in another iteration
// PADDED-NEXT: %C[0, 0] is written by the copy of %P to %C (q=0) and then written by the copy of %P to %C (q=1), which would run at the same time

// SYMBOL: error: bind-virtual-thread: the extent of loop 'm' is only known at run time; split it by a constant and make the inner loop vthread
// LANES: error: bind-virtual-thread: loop 'y' is nested with 'x', which is vectorized; virtual threads are interleaved into one stream
// THREADS: error: bind-virtual-thread: loop 'x' is nested with 'y', which is parallel; virtual threads are interleaved into one stream
// TWICE: error: bind-virtual-thread: loop 't' is already vthread

builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @accumulate (%x: tensor<1x8xi32>) {
    %s = te.compute "s" (%n = 0 to 1, %c = 0 to 8) sum (%r = 0 to 1) {
      %v = te.read %x[%n, %c] : tensor<1x8xi32>
      te.yield %v : i32
    } : tensor<1x8xi32>
    te.yield %s : tensor<1x8xi32>
  } lower compute "copy" reset "fill_zero" update "accumulate" on "ex"

  func.func @sum(%A: memref<128x16xi32>, %C: memref<1x16xi32>) {
    loop.for %t = 0 to 2 {
      loop.for %k = 0 to 128 {
        loop.block "S" (%v_t < 2 = %t, reduce %v_k < 128 = %k) init {
          loop.intrinsic @accumulate "reset"(%C[i0, %v_t * 8 + i1]) writes 1 : memref<1x16xi32>
        } {
          loop.intrinsic @accumulate "update"(%C[i0, %v_t * 8 + i1], %A[%v_k + i0, %v_t * 8 + i1]) writes 1 : memref<1x16xi32>, memref<128x16xi32>
        }
      }
    }
    func.return
  }

  func.func @overlap(%A: memref<128x16xi32>, %C: memref<1x16xi32>) {
    loop.for %o = 0 to 2 {
      loop.block "O" (%v < 2 = %o) {
        loop.intrinsic @accumulate "compute"(%C[i0, %v * 4 + i1], %A[i0, %v * 8 + i1]) writes 1 : memref<1x16xi32>, memref<128x16xi32>
      }
    }
    func.return
  }

  func.func @move(%A: memref<128x32xi32>, %C: memref<128x32xi32>) {
    loop.for %p = 0 to 4 {
      %T = loop.alloc at [0, %p * 8] : memref<128x8xi32, "acc">
      loop.copy %A to %T : memref<128x32xi32> to memref<128x8xi32, "acc">
      loop.copy %T to %C : memref<128x8xi32, "acc"> to memref<128x32xi32>
    }
    func.return
  }

  func.func @shared(%A: memref<128x32xi32>, %C: memref<128x32xi32>) {
    %T = loop.alloc : memref<1x8xi32, "acc">
    loop.for %s = 0 to 4 {
      loop.copy %A to %T : memref<128x32xi32> to memref<1x8xi32, "acc">
    }
    func.return
  }

  func.func @padded(%A: memref<128x32xi32>, %C: memref<128x32xi32>) {
    loop.for %q = 0 to 4 {
      %P = loop.alloc at [0, %q * 8] : memref<128x8xi32, "acc">
      loop.copy %A to %P : memref<128x32xi32> to memref<128x8xi32, "acc">
      loop.copy %P to %C pad 0 : i32 : memref<128x8xi32, "acc"> to memref<128x32xi32>
    }
    func.return
  }

  func.func @double(%A: memref<4x8xi32>, %B: memref<4x8xi32>) {
    loop.for %y = 0 to 4 {
      loop.for %x = 0 to 8 {
        loop.block "B" (%v_y < 4 = %y, %v_x < 8 = %x) {
          %a = loop.load %A[%v_y, %v_x] : memref<4x8xi32>
          %b = arith.addi %a, %a : i32
          loop.store %b, %B[%v_y, %v_x] : memref<4x8xi32>
        }
      }
    }
    func.return
  }

  func.func @symbol(%A: memref<?xi32, #loop.layout<["n"]>>) {
    %n = loop.dim "n"
    loop.for %m = 0 to %n {
      loop.block "Z" (%v < %n = %m) {
        %zero = arith.constant 0 : i32
        loop.store %zero, %A[%v] : memref<?xi32, #loop.layout<["n"]>>
      }
    }
    func.return
  }
}
