// RUN: not dovetail-opt %s -p 'insert-thread-barriers{function=same}' 2>&1 | filecheck %s --check-prefix=SAME
// RUN: not dovetail-opt %s -p 'insert-thread-barriers{function=diverges}' 2>&1 | filecheck %s --check-prefix=DIVERGES
// RUN: not dovetail-opt %s -p 'insert-thread-barriers{function=differ}' 2>&1 | filecheck %s --check-prefix=DIFFER
// RUN: not dovetail-opt %s -p 'insert-thread-barriers{function=places}' 2>&1 | filecheck %s --check-prefix=PLACES
// RUN: not dovetail-opt %s -p 'insert-thread-barriers{function=none}' 2>&1 | filecheck %s --check-prefix=NONE

// SAME: error: insert-thread-barriers: two threads of a group touch the same element of %T in block 'fill', one of them writing, and no barrier orders one statement; share it out by binding its loops to the axes of the threads
// SAME-NEXT: threadIdx.x = 0: block 'fill' writes %T[0] (f = 0)
// SAME-NEXT: threadIdx.x = 1: block 'fill' writes %T[0] (f = 0)

// DIVERGES: error: insert-thread-barriers: the bounds of loop 's' depend on the thread 't', so the threads of a group leave it at different times and cannot wait for each other in it, which %A needs; give it bounds that all threads have in common, and guard its blocks
// DIVERGES-NEXT: threadIdx.x = {{[0-3]}}: block 'step' {{reads|writes}} %A[{{.*}}] (s = {{[0-2]}})
// DIVERGES-NEXT: threadIdx.x = {{[0-3]}}: block 'step' {{reads|writes}} %A[{{.*}}] (s = {{[0-3]}})

// DIFFER: error: insert-thread-barriers: loop 'b' has 3 iterations, but threadIdx.x counts 4 in loop 'a' of the same kernel; split it by that, and the rest has a guard
// PLACES: error: insert-thread-barriers: loop 'g' over blockIdx.x is inside the kernel of loop 't', and loops over blockIdx stand directly in each other, around all of a kernel
// NONE: error: insert-thread-barriers: no function of loops is named 'none': there are: same, diverges, differ, places

builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {
  func.func @same(%A: memref<4xi32>) {
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      %T = loop.alloc shared_by ["threadIdx.x"] : memref<4xi32, "shared">
      loop.for %f = 0 to 4 {
        loop.block "fill" (%v < 4 = %f) {
          %a = loop.load %A[%v] : memref<4xi32>
          loop.store %a, %T[%v] : memref<4xi32, "shared">
        }
      }
    }
    func.return
  }

  func.func @diverges(%A: memref<9x4xi32>) {
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      loop.for %s = 0 to %t + 1 {
        loop.block "step" (%v_s < 8 = %s, %v < 4 = %t) {
          %zero = arith.constant 0 : i32
          %a = loop.load %A[%v_s, %v - 1] where (%v - 1 >= 0) else %zero : memref<9x4xi32>
          loop.store %a, %A[%v_s + 1, %v] : memref<9x4xi32>
        }
      }
    }
    func.return
  }

  func.func @differ(%A: memref<4xi32>, %B: memref<4xi32>) {
    loop.for %g = 0 to 2 bind "blockIdx.x" {
      loop.for %a = 0 to 4 bind "threadIdx.x" {
        loop.block "a" (%v < 4 = %a) {
          %x = loop.load %A[%v] : memref<4xi32>
          loop.store %x, %B[%v] : memref<4xi32>
        }
      }
      loop.for %b = 0 to 3 bind "threadIdx.x" {
        loop.block "b" (%v < 4 = %b) {
          %x = loop.load %A[%v] : memref<4xi32>
          loop.store %x, %B[%v] : memref<4xi32>
        }
      }
    }
    func.return
  }

  func.func @places(%A: memref<4x2xi32>) {
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      loop.for %g = 0 to 2 bind "blockIdx.x" {
        loop.block "own" (%v_t < 4 = %t, %v_g < 2 = %g) {
          %zero = arith.constant 0 : i32
          loop.store %zero, %A[%v_t, %v_g] : memref<4x2xi32>
        }
      }
    }
    func.return
  }
}
