// RUN: dovetail-opt %s -p 'lower-threads-to-loops{function=sums}' | filecheck %s --check-prefix=SUMS
// RUN: dovetail-opt %s -p 'lower-threads-to-loops{function=items}' | filecheck %s --check-prefix=ITEMS
// RUN: dovetail-opt %s -p 'lower-threads-to-loops{function=ahead}' | filecheck %s --check-prefix=AHEAD
// RUN: not dovetail-opt %s -p 'lower-threads-to-loops{function=races}' 2>&1 | filecheck %s --check-prefix=RACES
// RUN: not dovetail-opt %s -p 'lower-threads-to-loops{function=same}' 2>&1 | filecheck %s --check-prefix=SAME
// RUN: not dovetail-opt %s -p 'lower-threads-to-loops{function=leaves}' 2>&1 | filecheck %s --check-prefix=LEAVES
// RUN: not dovetail-opt %s -p 'lower-threads-to-loops{function=copies}' 2>&1 | filecheck %s --check-prefix=COPIES
// RUN: not dovetail-opt %s -p 'lower-threads-to-loops{function=mixed}' 2>&1 | filecheck %s --check-prefix=MIXED

// The loop over groups is parallel, k stays around both parts, the sum of each thread has a place
// of its own, and the loop over f is the iteration of the thread.
// SUMS-LABEL: func.func @sums
// SUMS-NEXT:  loop.for %g = 0 to 2 parallel {
// SUMS-NEXT:    %S = loop.alloc at [0, %g * 4] : memref<4x4xi32, #loop.layout<affine_map<(d0, d1) -> (d0, 0)>, [4, 1]>, "local">
// SUMS-NEXT:    loop.for %k = 0 to 8 {
// SUMS-NEXT:      %T = loop.alloc at [%k, 0] : memref<1x4xi32, "shared">
// SUMS-NEXT:      loop.for %t = 0 to 4 {
// SUMS-NEXT:        loop.block "fill" (%v_k < 8 = %k, %v < 4 = %t) {
// SUMS:           loop.for %t_1 = 0 to 4 {
// SUMS-NEXT:        loop.for %i = 0 to 4 {
// SUMS-NEXT:          loop.block "sum" (%v_t < 8 = %g * 4 + %t_1, reduce %v_k_1 < 8 = %k, reduce %v_i < 4 = %i, %v_t_1 < 4 = %t_1) init {
// SUMS-NEXT:            %zero = arith.constant 0 : i32
// SUMS-NEXT:            loop.store %zero, %S[%v_t_1, %v_t] :
// SUMS:           loop.for %t_2 = 0 to 4 {
// SUMS-NEXT:        loop.block "out" (%v_t_2 < 8 = %g * 4 + %t_2, %v_t_3 < 4 = %t_2) {

// ITEMS-LABEL: func.func @items
// ITEMS-NEXT:  loop.for %t = 0 to 4 {
// ITEMS-NEXT:    loop.block "early" (%v < 4 = %t) {
// ITEMS:       loop.for %t_1 = 0 to 4 {
// ITEMS-NEXT:    loop.block "late" (%v_1 < 4 = %t_1) {

// RACES: error: lower-threads-to-loops: two threads of a group touch the same element of %T with no barrier in between; insert-thread-barriers puts them
// RACES-NEXT: threadIdx.x = {{[0-3]}}: block 'early' writes %T[[[T:[0-3]]]]
// RACES-NEXT: threadIdx.x = {{[0-3]}}: block 'late' reads %T[[[T]]]
// SAME: error: lower-threads-to-loops: two threads of a group touch the same element of %A in block 'same', one of them writing, and no barrier orders one statement; share it out by binding its loops to the axes of the threads
// LEAVES: error: lower-threads-to-loops: a barrier stands in loop 's', whose bounds depend on the thread 't'; threads that leave it cannot wait
// COPIES: error: lower-threads-to-loops: %L, of which each thread has its own between barriers, is used by loop.copy; make loops of it with expand-copies or expand-intrinsics first
// MIXED: error: lower-threads-to-loops: the origin of %M divides a sum of threads and other loops, so the parts of the threads cannot be told apart; promote it where it begins at multiples of its size

builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {
  func.func @sums(%A: memref<8x4xi32>, %C: memref<8xi32>) {
    loop.for %g = 0 to 2 bind "blockIdx.x" {
      loop.for %t = 0 to 4 bind "threadIdx.x" {
        %S = loop.alloc at [%g * 4 + %t] : memref<1xi32, "local">
        loop.for %k = 0 to 8 {
          %T = loop.alloc at [%k, 0] shared_by ["threadIdx.x"] : memref<1x4xi32, "shared">
          loop.for %f = 0 to 4 bind "threadIdx.x" {
            loop.block "fill" (%v_k < 8 = %k, %v < 4 = %f) {
              %a = loop.load %A[%v_k, %v] : memref<8x4xi32>
              loop.store %a, %T[%v_k, %v] : memref<1x4xi32, "shared">
            }
          }
          loop.barrier
          loop.for %i = 0 to 4 {
            loop.block "sum" (%v_t < 8 = %g * 4 + %t, reduce %v_k < 8 = %k, reduce %v_i < 4 = %i) init {
              %zero = arith.constant 0 : i32
              loop.store %zero, %S[%v_t] : memref<1xi32, "local">
            } {
              %c = loop.load %S[%v_t] : memref<1xi32, "local">
              %a = loop.load %T[%v_k, %v_i] : memref<1x4xi32, "shared">
              %s = arith.addi %c, %a : i32
              loop.store %s, %S[%v_t] : memref<1xi32, "local">
            }
          }
          loop.barrier
        }
        loop.block "out" (%v_t < 8 = %g * 4 + %t) {
          %c = loop.load %S[%v_t] : memref<1xi32, "local">
          loop.store %c, %C[%v_t] : memref<8xi32>
        }
      }
    }
    func.return
  }

  func.func @items(%A: memref<4xi32>, %C: memref<4xi32>) {
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      loop.block "early" (%v < 4 = %t) {
        %a = loop.load %A[%v] : memref<4xi32>
        loop.store %a, %C[%v] : memref<4xi32>
      }
      loop.barrier
      loop.block "late" (%v < 4 = %t) {
        %a = loop.load %A[%v] : memref<4xi32>
        loop.store %a, %C[-%v + 3] : memref<4xi32>
      }
    }
    func.return
  }

  func.func @races(%A: memref<4xi32>, %C: memref<4xi32>) {
    %T = loop.alloc : memref<4xi32>
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      loop.block "early" (%v < 4 = %t) {
        %a = loop.load %A[%v] : memref<4xi32>
        loop.store %a, %T[%v] : memref<4xi32>
      }
      loop.block "late" (%v < 4 = %t) {
        %a = loop.load %T[-%v + 3] : memref<4xi32>
        loop.store %a, %C[%v] : memref<4xi32>
      }
    }
    func.return
  }

  func.func @same(%A: memref<4xi32>) {
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      loop.block "same" (%v < 4 = %t) {
        %zero = arith.constant 0 : i32
        loop.store %zero, %A[%v floordiv 2] : memref<4xi32>
      }
    }
    func.return
  }

  func.func @leaves(%A: memref<4xi32>) {
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      loop.for %s = 0 to %t {
        loop.barrier
        loop.block "own" (%v < 4 = %t) {
          %zero = arith.constant 0 : i32
          loop.store %zero, %A[%v] : memref<4xi32>
        }
      }
    }
    func.return
  }

  func.func @copies(%A: memref<8xi32>, %C: memref<8xi32>) {
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      %L = loop.alloc at [%t * 2] : memref<2xi32, "local">
      loop.copy %A to %L : memref<8xi32> to memref<2xi32, "local">
      loop.barrier
      loop.copy %L to %C : memref<2xi32, "local"> to memref<8xi32>
    }
    func.return
  }

  func.func @mixed(%A: memref<8xi32>, %C: memref<8xi32>) {
    loop.for %g = 0 to 2 bind "blockIdx.x" {
      loop.for %t = 0 to 4 bind "threadIdx.x" {
        %M = loop.alloc at [(%g * 3 + %t) floordiv 2] : memref<1xi32, "local">
        loop.block "in" (%v < 8 = (%g * 3 + %t) floordiv 2) {
          %a = loop.load %A[%v] : memref<8xi32>
          loop.store %a, %M[%v] : memref<1xi32, "local">
        }
        loop.barrier
        loop.block "out" (%v < 8 = (%g * 3 + %t) floordiv 2, %w < 8 = %g * 4 + %t) {
          %a = loop.load %M[%v] : memref<1xi32, "local">
          loop.store %a, %C[%w] : memref<8xi32>
        }
      }
    }
    func.return
  }

// What each thread fills ahead for itself has parts for each of them, and lies there in all parts of
// the body.

// AHEAD-LABEL: func.func @ahead
// AHEAD-NEXT:    %R = loop.alloc : memref<8x2xf32, "local">
// AHEAD-NEXT:    %X = loop.alloc : memref<4xf32, "shared">
// AHEAD-NEXT:    loop.for %k = 0 to 3 {
// AHEAD-NEXT:      loop.for %t = 0 to 4 {
// AHEAD-NEXT:        %T = loop.alloc at [%k * 2] in %R[%t + (%k mod 2) * 4] of memref<8x2xf32, "local"> : memref<2xf32, "local">
// AHEAD-NEXT:        loop.block "in"
// AHEAD:           loop.for %t_1 = 0 to 4 {
// AHEAD-NEXT:        %T_1 = loop.alloc at [%k * 2] in %R[%t_1 + (%k mod 2) * 4] of
// AHEAD-NEXT:        loop.block "out"
func.func @ahead(%A: memref<3x4xf32>, %O: memref<3x4xf32>) {
  loop.for %t = 0 to 4 bind "threadIdx.x" {
    %R = loop.alloc : memref<2x2xf32, "local">
    %X = loop.alloc shared_by ["threadIdx.x"] : memref<4xf32, "shared">
    loop.for %k = 0 to 3 {
      %T = loop.alloc at [%k * 2] in %R[%k mod 2] of memref<2x2xf32, "local"> : memref<2xf32, "local">
      loop.block "in" (%v < 3 = %k, %w < 4 = %t) {
        %a = loop.load %A[%v, %w] : memref<3x4xf32>
        loop.store %a, %T[%v * 2] : memref<2xf32, "local">
        loop.store %a, %X[%w] : memref<4xf32, "shared">
      }
      loop.barrier
      loop.block "out" (%v < 3 = %k, %w < 4 = %t) {
        %a = loop.load %T[%v * 2] : memref<2xf32, "local">
        %b = loop.load %X[3 - %w] : memref<4xf32, "shared">
        %c = arith.addf %a, %b : f32
        loop.store %c, %O[%v, %w] : memref<3x4xf32>
      }
      loop.barrier
    }
  }
  func.return
}
}
