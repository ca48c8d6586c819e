// RUN: dovetail-opt %s -p 'insert-thread-barriers' | filecheck %s
// RUN: dovetail-opt %s -p 'insert-thread-barriers,insert-thread-barriers{function=fetch}' | filecheck %s

builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {
  func.func @fetch(%A: memref<8x4xi32>, %C: memref<4xi32>) {
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      loop.for %k = 0 to 8 {
        %T = loop.alloc at [%k, 0] shared_by ["threadIdx.x"] : memref<1x4xi32, "shared">
        loop.for %f = 0 to 4 bind "threadIdx.x" {
          loop.block "fill" (%v_k < 8 = %k, %v < 4 = %f) {
            %a = loop.load %A[%v_k, %v] : memref<8x4xi32>
            loop.store %a, %T[%v_k, %v] : memref<1x4xi32, "shared">
          }
        }
        loop.for %i = 0 to 4 {
          loop.block "sum" (%v_t < 4 = %t, reduce %v_k < 8 = %k, reduce %v_i < 4 = %i) init {
            %zero = arith.constant 0 : i32
            loop.store %zero, %C[%v_t] : memref<4xi32>
          } {
            %c = loop.load %C[%v_t] : memref<4xi32>
            %a = loop.load %T[%v_k, %v_i] : memref<1x4xi32, "shared">
            %s = arith.addi %c, %a : i32
            loop.store %s, %C[%v_t] : memref<4xi32>
          }
        }
      }
    }
    func.return
  }

  func.func @own(%A: memref<4xi32>, %C: memref<4xi32>) {
    %T = loop.alloc : memref<4xi32>
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      loop.block "early" (%v < 4 = %t) {
        %a = loop.load %A[%v] : memref<4xi32>
        loop.store %a, %T[%v] : memref<4xi32>
      }
      loop.block "late" (%v < 4 = %t) {
        %a = loop.load %T[%v] : memref<4xi32>
        loop.store %a, %C[%v] : memref<4xi32>
      }
    }
    func.return
  }

  func.func @siblings(%A: memref<2x4xi32>, %C: memref<2x4xi32>) {
    loop.for %g = 0 to 2 bind "blockIdx.x" {
      %T = loop.alloc at [%g, 0] shared_by ["threadIdx.x"] : memref<1x4xi32, "shared">
      loop.for %w = 0 to 4 bind "threadIdx.x" {
        loop.block "early" (%v_g < 2 = %g, %v < 4 = %w) {
          %a = loop.load %A[%v_g, %v] : memref<2x4xi32>
          loop.store %a, %T[%v_g, %v] : memref<1x4xi32, "shared">
        }
      }
      loop.block "alone" (%v_g < 2 = %g) {
        %a = loop.load %T[%v_g, 3] : memref<1x4xi32, "shared">
        loop.store %a, %C[%v_g, 0] : memref<2x4xi32>
      }
      loop.for %r = 0 to 4 bind "threadIdx.x" {
        loop.block "late" (%v_g < 2 = %g, %v < 4 = %r) where (%r - 1 >= 0) {
          %a = loop.load %T[%v_g, %v - 1] : memref<1x4xi32, "shared">
          loop.store %a, %C[%v_g, %v] : memref<2x4xi32>
        }
      }
    }
    func.return
  }

  func.func @waves(%A: memref<9x4xi32>) {
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      loop.for %s = 0 to 8 {
        loop.block "step" (%v_s < 8 = %s, %v < 4 = %t) {
          %zero = arith.constant 0 : i32
          %a = loop.load %A[%v_s, %v - 1] where (%v - 1 >= 0) else %zero : memref<9x4xi32>
          loop.store %a, %A[%v_s + 1, %v] : memref<9x4xi32>
        }
      }
    }
    func.return
  }

  func.func @twice(%A: memref<9x9x4xi32>) {
    loop.for %t = 0 to 4 bind "threadIdx.x" {
      loop.for %p = 0 to 8 {
        loop.for %q = 0 to 8 {
          loop.block "cell" (%v_p < 8 = %p, %v_q < 8 = %q, %v < 4 = %t) {
            %zero = arith.constant 0 : i32
            %a = loop.load %A[%v_p, %v_q, %v - 1] where (%v - 1 >= 0) else %zero : memref<9x9x4xi32>
            loop.store %a, %A[%v_p + 1, %v_q, %v] : memref<9x9x4xi32>
          }
        }
      }
    }
    func.return
  }
}

// Before the sum, as it reads what other threads have fetched, and before the next iteration
// overwrites what it reads.
// CHECK-LABEL: @fetch
// CHECK:           loop.block "fill"
// CHECK:         }
// CHECK:         loop.barrier
// CHECK-NEXT:    loop.for %i = 0 to 4 {
// CHECK:           loop.block "sum"
// CHECK:         }
// CHECK:         loop.barrier
// CHECK-NEXT:  }

// What a thread reads it has written itself.
// CHECK-LABEL: @own
// CHECK-NOT: loop.barrier
// CHECK:     func.return

// One for both readers. What stands outside of the loops over threads is done by thread 0.
// CHECK-LABEL: @siblings
// CHECK:         loop.block "early"
// CHECK:         loop.barrier
// CHECK-NEXT:    loop.block "alone"
// CHECK-NOT:     loop.barrier
// CHECK:         loop.block "late"

// CHECK-LABEL: @waves
// CHECK:         loop.for %s = 0 to 8 {
// CHECK-NEXT:      loop.block "step"
// CHECK:           loop.barrier
// CHECK-NEXT:    }

// Iterations of the inner loop are apart, so the threads only wait in the outer one.
// CHECK-LABEL: @twice
// CHECK:         loop.for %p = 0 to 8 {
// CHECK-NEXT:      loop.for %q = 0 to 8 {
// CHECK:             loop.store
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.barrier
// CHECK-NEXT:    }
