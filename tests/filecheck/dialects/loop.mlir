// RUN: dovetail-opt %s | dovetail-opt | filecheck %s
// RUN: dovetail-opt %s --print-op-generic | dovetail-opt | filecheck %s

!packed = memref<64x20xf32, #loop.layout<affine_map<(d0, d1) -> (d1 floordiv 16, d0, d1 mod 16)>, [2, 64, 16], pad 0.0 : f32>>

// CHECK-LABEL: func.func @matmul
// CHECK:         loop.for %y_o = 0 to 4 parallel {
// CHECK-NEXT:      %T = loop.alloc at [%y_o * 8, 0] : memref<8x64xf32, "register">
// CHECK-NEXT:      loop.copy %A to %T pad 0.000000e+00 : f32 : memref<30x64xf32> to memref<8x64xf32, "register">
// CHECK-NEXT:      loop.for %y_i = 0 to 8 unrolled {
// CHECK-NEXT:        loop.for %x = 0 to 20 vectorized {
// CHECK-NEXT:          loop.for %k = 0 to 64 {
// CHECK-NEXT:            loop.block "C" (%vy < 30 = %y_o * 8 + %y_i, %vx < 20 = %x, reduce %vk < 64 = %k) where (%y_i - 1 >= 0) init {
// CHECK-NEXT:              %z = arith.constant
// CHECK-NEXT:              loop.store %z, %C[%vy, %vx] : memref<30x20xf32>
// CHECK-NEXT:            } {
// CHECK-NEXT:              %c = loop.load %C[%vy, %vx] : memref<30x20xf32>
// CHECK:                   loop.store %s, %C[%vy, %vx] : memref<30x20xf32>
// CHECK:         loop.prefetch %A[%y_o, 0] + (%y_o * 3) locality 2 : memref<30x64xf32>
func.func @matmul(%A: memref<30x64xf32>, %B: !packed, %C: memref<30x20xf32>) {
  loop.for %y_o = 0 to 4 parallel {
    %T = loop.alloc at [%y_o * 8, 0] : memref<8x64xf32, "register">
    loop.copy %A to %T pad 0.0 : f32 : memref<30x64xf32> to memref<8x64xf32, "register">
    loop.for %y_i = 0 to 8 unrolled {
      loop.for %x = 0 to 20 vectorized {
        loop.for %k = 0 to 64 {
          loop.block "C" (%vy < 30 = %y_o * 8 + %y_i, %vx < 20 = %x, reduce %vk < 64 = %k) where (%y_i >= 1) init {
            %z = arith.constant 0.0 : f32
            loop.store %z, %C[%vy, %vx] : memref<30x20xf32>
          } {
            %c = loop.load %C[%vy, %vx] : memref<30x20xf32>
            %a = loop.load %A[%vy, %vk] : memref<30x64xf32>
            %b = loop.load %B[%vk, %vx] : !packed
            %p = arith.mulf %a, %b : f32
            %s = arith.addf %c, %p : f32
            loop.store %s, %C[%vy, %vx] : memref<30x20xf32>
          }
        }
      }
    }
    loop.prefetch %A[%y_o, 0] + (%y_o * 3) locality 2 : memref<30x64xf32>
  }
  func.return
}

// Two values with one name, a symbolic bound, a thread axis, tokens, a hardware call.
// CHECK-LABEL: func.func @others
// CHECK:         %m = loop.dim "m"
// CHECK-NEXT:    loop.for %i = 0 to %m ceildiv 4 bind "blockIdx.x" {
// CHECK:         loop.for %i_1 "i" = 2 to 7 {
// CHECK-NEXT:      loop.push_dep "ld" to "ex"
// CHECK-NEXT:      loop.pop_dep "ex" to "ld"
// CHECK-NEXT:      loop.barrier
// CHECK-NEXT:      loop.block "gemm" () {
// CHECK-NEXT:        loop.intrinsic @gemm8x8 "update"(%t) writes 1 : memref<8x8xf32, "acc">
// CHECK-NEXT:      }
// CHECK-NEXT:      loop.block "shift" (%q < 2 = 1) {
// CHECK-NEXT:        loop.intrinsic @shift "compute"(%t[%q * 4 + i1, i0], %t) writes 1 imm [-3, 8] : memref<8x8xf32, "acc">, memref<8x8xf32, "acc">
func.func @others(%A: memref<?xf32, #loop.layout<["m"]>>) {
  %m = loop.dim "m"
  loop.for %i = 0 to %m ceildiv 4 bind "blockIdx.x" {
    loop.block "a" (%v < %m = %i) {
      %x = loop.load %A[%v] : memref<?xf32, #loop.layout<["m"]>>
      loop.store %x, %A[%v] : memref<?xf32, #loop.layout<["m"]>>
    }
  }
  %t = loop.alloc : memref<8x8xf32, "acc">
  %p = loop.alloc at [3] shared_by ["threadIdx.x", "threadIdx.y"] share "q" : memref<5xf32, "shared">
  loop.for %j "i" = 2 to 7 {
    loop.push_dep "ld" to "ex"
    loop.pop_dep "ex" to "ld"
    loop.barrier
    loop.block "gemm" () {
      loop.intrinsic @gemm8x8 "update"(%t) writes 1 : memref<8x8xf32, "acc">
    }
    loop.block "shift" (%q < 2 = 1) {
      loop.intrinsic @shift "compute"(%t[%q * 4 + i1, i0], %t) writes 1 imm [-3, 8] : memref<8x8xf32, "acc">, memref<8x8xf32, "acc">
    }
  }
  func.return
}

// A sign binds more tightly than a division.

// CHECK-LABEL: func.func @signs(%A: memref<9x9x9xf32>) {
// CHECK-NEXT:  loop.for %i = 0 to 9 {
// CHECK-NEXT:    loop.block "signs" (%u < 9 = -(%i floordiv 4) + 8, %v < 9 = (-%i) floordiv 4 + 8, %w < 9 = -(%i mod 3) + 8) where (-((%i + 1) floordiv 2) + 3 >= 0) {
func.func @signs(%A: memref<9x9x9xf32>) {
  loop.for %i = 0 to 9 {
    loop.block "signs" (%u < 9 = -(%i floordiv 4) + 8, %v < 9 = -%i floordiv 4 + 8, %w < 9 = 8 - %i mod 3) where (3 >= (%i + 1) floordiv 2) {
      %zero = arith.constant 0.0 : f32
      loop.store %zero, %A[%u, %v, %w] : memref<9x9x9xf32>
    }
  }
  func.return
}

// A tile in a part of a buffer that lives longer.

// CHECK-LABEL: func.func @parts() {
// CHECK-NEXT:  %R = loop.alloc : memref<2x8xf32, "local">
// CHECK-NEXT:  loop.for %k = 0 to 5 {
// CHECK-NEXT:    %T = loop.alloc at [%k * 8] in %R[%k mod 2] of memref<2x8xf32, "local"> : memref<8xf32, "local">
// CHECK-NEXT:    %U = loop.alloc in %R[1] of memref<2x8xf32, "local"> : memref<8xf32, "local">
func.func @parts() {
  %R = loop.alloc : memref<2x8xf32, "local">
  loop.for %k = 0 to 5 {
    %T = loop.alloc at [%k * 8] in %R[%k mod 2] of memref<2x8xf32, "local"> : memref<8xf32, "local">
    %U = loop.alloc in %R[1] of memref<2x8xf32, "local"> : memref<8xf32, "local">
  }
  func.return
}
