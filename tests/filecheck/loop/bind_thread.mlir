// RUN: dovetail-opt %s -p 'bind-thread{loop=y axis="blockIdx.x"},bind-thread{loop=x axis="threadIdx.x"}' | filecheck %s --check-prefix=GRID
// RUN: dovetail-opt %s -p 'bind-thread{loop=t axis="threadIdx.x"}' | filecheck %s --check-prefix=ORDERED
// RUN: dovetail-opt %s -p 'bind-thread{loop=f axis="threadIdx.x"}' | filecheck %s --check-prefix=SHARE
// RUN: dovetail-opt %s -p 'bind-thread{loop=inner axis="threadIdx.x"},bind-thread{loop=outer axis="threadIdx.x"}' | filecheck %s --check-prefix=INNER
// RUN: dovetail-opt %s -p 'bind-thread{loop=m axis="blockIdx.x"}' | filecheck %s --check-prefix=SYMBOL
// RUN: not dovetail-opt %s -p 'bind-thread{loop=y axis="threadIdx.w"}' 2>&1 | filecheck %s --check-prefix=AXIS
// RUN: not dovetail-opt %s --set-target vdla -p 'bind-thread{loop=y axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=TARGET
// RUN: not dovetail-opt %s -p 'bind-thread{loop=y axis="threadIdx.x"},bind-thread{loop=y axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=TWICE
// RUN: dovetail-opt %s -p 'bind-thread{loop=two axis="threadIdx.x"}' | filecheck %s --check-prefix=LOWER
// RUN: not dovetail-opt %s -p 'bind-thread{loop=g axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=EXTENT
// RUN: not dovetail-opt %s -p 'bind-thread{loop=m axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not dovetail-opt %s -p 'bind-thread{loop=many axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=THREADS
// RUN: not dovetail-opt %s -p 'bind-thread{loop=y axis="threadIdx.x"},bind-thread{loop=x axis="blockIdx.x"}' 2>&1 | filecheck %s --check-prefix=INSIDE
// RUN: not dovetail-opt %s -p 'bind-thread{loop=inner axis="blockIdx.x"},bind-thread{loop=after axis="threadIdx.x"},bind-thread{loop=outer axis="blockIdx.y"}' 2>&1 | filecheck %s --check-prefix=OUTSIDE
// RUN: not dovetail-opt %s -p 'bind-thread{loop=inner axis="blockIdx.x"},bind-thread{loop=outer axis="threadIdx.y"}' 2>&1 | filecheck %s --check-prefix=OUTSIDE
// RUN: not dovetail-opt %s -p 'bind-thread{loop=y axis="blockIdx.x"},bind-thread{loop=x axis="blockIdx.x"}' 2>&1 | filecheck %s --check-prefix=GROUPS
// RUN: not dovetail-opt %s -p 'bind-thread{loop=k axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=REDUCE
// RUN: not dovetail-opt %s -p 'bind-thread{loop=t axis="blockIdx.x"}' 2>&1 | filecheck %s --check-prefix=APART
// RUN: not dovetail-opt %s -p 'bind-thread{loop=s axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=SAME
// RUN: not dovetail-opt %s -p 'bind-thread{loop=b axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: not dovetail-opt %s -p 'bind-thread{loop=p axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=PRIVATE
// RUN: not dovetail-opt %s -p 'bind-thread{loop=q axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=LATE
// RUN: not dovetail-opt %s -p 'bind-thread{loop=d axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=DEPENDS
// RUN: not dovetail-opt %s -p 'bind-thread{loop=e axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=OWN
// RUN: not dovetail-opt %s -p 'bind-thread{loop=h axis="threadIdx.x"}' 2>&1 | filecheck %s --check-prefix=AGAIN

// GRID:      loop.for %y = 0 to 4 bind "blockIdx.x" {
// GRID-NEXT:   loop.for %x = 0 to 8 bind "threadIdx.x" {
// GRID-NEXT:     loop.block "B"

// What one thread writes and another one reads later on is for barriers to order.
// ORDERED: loop.for %t = 0 to 8 bind "threadIdx.x" {

// All threads would fill the tile; each of them runs its own iteration instead.
// SHARE:      loop.for %o = 0 to 4 bind "threadIdx.x" {
// SHARE:        loop.for %f = 0 to 4 bind "threadIdx.x" {
// INNER:      loop.for %outer = 0 to 4 bind "threadIdx.x" {
// INNER-NEXT:   loop.for %inner = 0 to 4 bind "threadIdx.x" {

// Groups may be as many as a size that is only known at run time.
// SYMBOL: loop.for %m = 0 to %n bind "blockIdx.x" {

// AXIS: error: bind-thread: no thread axis is called 'threadIdx.w': did you mean threadIdx.z? there are: threadIdx.z, threadIdx.y, threadIdx.x, blockIdx.x, blockIdx.y, blockIdx.z
// TARGET: error: bind-thread: the target vdla has no threads to bind loops to; give dovetail-opt --set-target 'nvptx -mcpu=sm_90'
// TWICE: error: bind-thread: loop 'y' is already threadIdx.x
// A thread axis counts from 0.
// LOWER: loop.for %two = 0 to 2 bind "threadIdx.x" {
// LOWER-NEXT: loop.block "two" (%v_1 < 4 = %two + 2) {
// EXTENT: error: bind-thread: loop 'g' has 2 iterations, but threadIdx.x counts 4 in loop 'o' of the same kernel; split it by that, and the rest has a guard
// UNKNOWN: error: bind-thread: the extent of loop 'm' is only known at run time; split it by a constant and make the inner loop bound to threadIdx.x
// THREADS: error: bind-thread: with loop 'many' a group has 2048 threads (2048 of threadIdx.x), and on sm_90 it has at most 1024
// INSIDE: error: bind-thread: loop 'x' is inside the kernel of loop 'y', and loops over blockIdx stand directly in each other, around all of a kernel
// OUTSIDE: error: bind-thread: loop 'inner' inside loop 'outer' is bound to blockIdx.x, and loops over blockIdx stand directly in each other, around all of a kernel
// GROUPS: error: bind-thread: blockIdx.x is bound to loop 'y' already, and there is one loop for each axis of blockIdx in a kernel
// REDUCE: error: bind-thread: loop 'k' runs over the reduction of block 'S'; only a spatial loop can be bound to threadIdx.x

// Groups cannot wait for each other.
// APART: error: bind-thread: loop 't' cannot be bound to blockIdx.x: block 'late' reads an element of %T that block 'early' writes in another iteration

// SAME: error: bind-thread: loop 's' cannot be bound to threadIdx.x: two of its iterations would touch an element of %A in the same statement, so that no barrier can order them
// SAME-NEXT: threadIdx.x = [[S:[0-7]]]: block 'A' writes %A[[[S1:[0-8]]]]
// SAME-NEXT: threadIdx.x = {{[0-7]}}: block 'A' reads %A[[[S1]]]

// An element that is read before another iteration overwrites it would be overwritten before.
// BEFORE: error: bind-thread: loop 'b' cannot be bound to threadIdx.x: two of its iterations would touch an element of %T in another order, as the threads run side by side
// BEFORE-NEXT: threadIdx.x = 0: block 'reads' reads %T[1]
// BEFORE-NEXT: threadIdx.x = 1: block 'writes' writes %T[1]

// PRIVATE: error: bind-thread: %P is allocated outside of loop 'p' in local, which the threads of threadIdx.x do not share; promote it inside of the loop
// LATE: error: bind-thread: %Q is allocated inside loop 'q' in shared, which the threads of threadIdx.x share; bind the loop first, then promote
// DEPENDS: error: bind-thread: loop 'd' inside loop 'o' of threadIdx.x: what it does depends on 'o', so the threads cannot share its iterations out
// OWN: error: bind-thread: loop 'e' inside loop 'o' of threadIdx.x: block 'E' uses %L, of which each thread has its own, so each has to run all iterations
// AGAIN: error: bind-thread: loop 'h' inside loop 'o' of threadIdx.x: it reads what it has written to %H before, so running it once is not the same as running it in each thread

builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {
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

  func.func @ordered(%A: memref<8xi32>, %B: memref<8xi32>, %T: memref<8xi32>) {
    loop.for %t = 0 to 8 {
      loop.block "early" (%v < 8 = %t) {
        %a = loop.load %A[%v] : memref<8xi32>
        loop.store %a, %T[%v] : memref<8xi32>
      }
      loop.block "late" (%v < 8 = %t) where (%t - 1 >= 0) {
        %a = loop.load %T[%v - 1] : memref<8xi32>
        loop.store %a, %B[%v] : memref<8xi32>
      }
    }
    func.return
  }

  func.func @share(%A: memref<4xi32>, %B: memref<4x4xi32>, %H: memref<4xi32>) {
    loop.for %o = 0 to 4 bind "threadIdx.x" {
      %T = loop.alloc shared_by ["threadIdx.x"] : memref<4xi32, "shared">
      %L = loop.alloc : memref<4xi32, "local">
      loop.for %f = 0 to 4 {
        loop.block "F" (%v < 4 = %f) {
          %a = loop.load %A[%v] : memref<4xi32>
          loop.store %a, %T[%v] : memref<4xi32, "shared">
        }
      }
      loop.for %g = 0 to 2 {
        loop.block "G" (%v < 4 = %g) {
          %a = loop.load %A[%v] : memref<4xi32>
          loop.store %a, %T[%v] : memref<4xi32, "shared">
        }
      }
      loop.for %d = 0 to 4 {
        loop.block "D" (%v < 4 = %d, %w < 4 = %o) {
          %a = loop.load %T[%v] : memref<4xi32, "shared">
          loop.store %a, %B[%w, %v] : memref<4x4xi32>
        }
      }
      loop.for %e = 0 to 4 {
        loop.block "E" (%v < 4 = %e) {
          %a = loop.load %A[%v] : memref<4xi32>
          loop.store %a, %L[%v] : memref<4xi32, "local">
        }
      }
      loop.for %h = 0 to 4 {
        loop.block "H" (%v < 4 = %h) {
          %a = loop.load %H[%v] : memref<4xi32>
          %b = arith.addi %a, %a : i32
          loop.store %b, %H[%v] : memref<4xi32>
        }
      }
    }
    func.return
  }

  func.func @repeated(%A: memref<4xi32>, %B: memref<4xi32>, %C: memref<4xi32>) {
    loop.for %outer = 0 to 4 {
      loop.for %inner = 0 to 4 {
        loop.block "I" (%v < 4 = %inner) {
          %a = loop.load %A[%v] : memref<4xi32>
          loop.store %a, %B[%v] : memref<4xi32>
        }
      }
      loop.for %after = 0 to 1 {
        loop.block "J" (%v < 4 = %outer) {
          %a = loop.load %A[%v] : memref<4xi32>
          loop.store %a, %C[%v] : memref<4xi32>
        }
      }
    }
    func.return
  }

  func.func @sizes(%A: memref<?xi32, #loop.layout<["n"]>>, %B: memref<4096xi32>) {
    %n = loop.dim "n"
    loop.for %m = 0 to %n {
      loop.block "Z" (%v < %n = %m) {
        %zero = arith.constant 0 : i32
        loop.store %zero, %A[%v] : memref<?xi32, #loop.layout<["n"]>>
      }
    }
    loop.for %two = 2 to 4 {
      loop.block "two" (%v < 4 = %two) {
        %zero = arith.constant 0 : i32
        loop.store %zero, %B[%v] : memref<4096xi32>
      }
    }
    loop.for %many = 0 to 2048 {
      loop.block "many" (%v < 4096 = %many) {
        %zero = arith.constant 0 : i32
        loop.store %zero, %B[%v] : memref<4096xi32>
      }
    }
    func.return
  }

  func.func @sum(%A: memref<8xi32>, %S: memref<1xi32>) {
    loop.for %k = 0 to 8 {
      loop.block "S" (reduce %v < 8 = %k) init {
        %zero = arith.constant 0 : i32
        loop.store %zero, %S[0] : memref<1xi32>
      } {
        %s = loop.load %S[0] : memref<1xi32>
        %a = loop.load %A[%v] : memref<8xi32>
        %t = arith.addi %s, %a : i32
        loop.store %t, %S[0] : memref<1xi32>
      }
    }
    func.return
  }

  func.func @orders(%A: memref<9xi32>, %B: memref<8xi32>, %T: memref<9xi32>) {
    loop.for %s = 0 to 8 {
      loop.block "A" (%v < 8 = %s) {
        %a = loop.load %A[%v] : memref<9xi32>
        loop.store %a, %A[%v + 1] : memref<9xi32>
      }
    }
    loop.for %b = 0 to 8 {
      loop.block "writes" (%v < 8 = %b) {
        %a = loop.load %A[%v] : memref<9xi32>
        loop.store %a, %T[%v] : memref<9xi32>
      }
      loop.block "reads" (%v < 8 = %b) {
        %a = loop.load %T[%v + 1] : memref<9xi32>
        loop.store %a, %B[%v] : memref<8xi32>
      }
    }
    func.return
  }

  func.func @memories(%A: memref<8xi32>, %B: memref<8xi32>) {
    %P = loop.alloc : memref<8xi32, "local">
    loop.for %p = 0 to 8 {
      loop.block "P" (%v < 8 = %p) {
        %a = loop.load %A[%v] : memref<8xi32>
        loop.store %a, %P[%v] : memref<8xi32, "local">
      }
    }
    loop.for %q = 0 to 8 {
      %Q = loop.alloc at [%q] : memref<1xi32, "shared">
      loop.block "Q" (%v < 8 = %q) {
        %a = loop.load %A[%v] : memref<8xi32>
        loop.store %a, %Q[%v] : memref<1xi32, "shared">
      }
    }
    func.return
  }
}
