// RUN: dovetail-opt %s --split-input-file -t pseudo | filecheck %s --strict-whitespace --match-full-lines

// The listings of the talks on TVM, in the order in which a schedule makes them.
// CHECK:def naive(A: f32[1024, 1024], B: f32[1024, 1024], C: f32[1024, 1024]):
// CHECK-NEXT:    for y in range(1024):
// CHECK-NEXT:        for x in range(1024):
// CHECK-NEXT:            C[y, x] = 0
// CHECK-NEXT:            for k in range(1024):
// CHECK-NEXT:                C[y, x] += A[k, y] * B[k, x]
func.func @naive(%A: memref<1024x1024xf32>, %B: memref<1024x1024xf32>, %C: memref<1024x1024xf32>) {
  loop.for %y = 0 to 1024 {
    loop.for %x = 0 to 1024 {
      loop.for %k = 0 to 1024 {
        loop.block "C" (%v_y < 1024 = %y, %v_x < 1024 = %x, reduce %v_k < 1024 = %k) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %C[%v_y, %v_x] : memref<1024x1024xf32>
        } {
          %c = loop.load %C[%v_y, %v_x] : memref<1024x1024xf32>
          %a = loop.load %A[%v_k, %v_y] : memref<1024x1024xf32>
          %b = loop.load %B[%v_k, %v_x] : memref<1024x1024xf32>
          %p = arith.mulf %a, %b : f32
          %s = arith.addf %c, %p : f32
          loop.store %s, %C[%v_y, %v_x] : memref<1024x1024xf32>
        }
      }
    }
  }
  func.return
}

// -----

// Tiled: the init region stands before the outermost loop of the reduction, as a slice.
// CHECK:def tiled(A: f32[1024, 1024], B: f32[1024, 1024], C: f32[1024, 1024]):
// CHECK-NEXT:    for y_o in range(128):
// CHECK-NEXT:        for x_o in range(128):
// CHECK-NEXT:            C[y_o*8:y_o*8+8, x_o*8:x_o*8+8] = 0
// CHECK-NEXT:            for k_o in range(128):
// CHECK-NEXT:                for y_i in range(8):
// CHECK-NEXT:                    for x_i in range(8):
// CHECK-NEXT:                        for k_i in range(8):
// CHECK-NEXT:                            C[y_o*8 + y_i, x_o*8 + x_i] += A[k_o*8 + k_i, y_o*8 + y_i] * B[k_o*8 + k_i, x_o*8 + x_i]
func.func @tiled(%A: memref<1024x1024xf32>, %B: memref<1024x1024xf32>, %C: memref<1024x1024xf32>) {
  loop.for %y_o = 0 to 128 {
    loop.for %x_o = 0 to 128 {
      loop.for %k_o = 0 to 128 {
        loop.for %y_i = 0 to 8 {
          loop.for %x_i = 0 to 8 {
            loop.for %k_i = 0 to 8 {
              loop.block "C" (%v_y < 1024 = %y_o * 8 + %y_i, %v_x < 1024 = %x_o * 8 + %x_i, reduce %v_k < 1024 = %k_o * 8 + %k_i) init {
                %zero = arith.constant 0.0 : f32
                loop.store %zero, %C[%v_y, %v_x] : memref<1024x1024xf32>
              } {
                %c = loop.load %C[%v_y, %v_x] : memref<1024x1024xf32>
                %a = loop.load %A[%v_k, %v_y] : memref<1024x1024xf32>
                %b = loop.load %B[%v_k, %v_x] : memref<1024x1024xf32>
                %p = arith.mulf %a, %b : f32
                %s = arith.addf %c, %p : f32
                loop.store %s, %C[%v_y, %v_x] : memref<1024x1024xf32>
              }
            }
          }
        }
      }
    }
  }
  func.return
}

// -----

// Special buffers.
// CHECK:def buffers(A: f32[1024, 1024], B: f32[1024, 1024], C: f32[1024, 1024]):
// CHECK-NEXT:    for y_o in range(128):
// CHECK-NEXT:        for x_o in range(128):
// CHECK-NEXT:            acc_buffer CL[8, 8]
// CHECK-NEXT:            CL[:, :] = 0
// CHECK-NEXT:            for k_o in range(128):
// CHECK-NEXT:                inp_buffer AL[8, 8], BL[8, 8]
// CHECK-NEXT:                dma_copy2d(AL, A[k_o*8:k_o*8+8, y_o*8:y_o*8+8])
// CHECK-NEXT:                dma_copy2d(BL, B[k_o*8:k_o*8+8, x_o*8:x_o*8+8])
// CHECK-NEXT:                for y_i in range(8):
// CHECK-NEXT:                    for x_i in range(8):
// CHECK-NEXT:                        for k_i in range(8):
// CHECK-NEXT:                            CL[y_i, x_i] += AL[k_i, y_i] * BL[k_i, x_i]
// CHECK-NEXT:            dma_copy2d(C[y_o*8:y_o*8+8, x_o*8:x_o*8+8], CL)
func.func @buffers(%A: memref<1024x1024xf32>, %B: memref<1024x1024xf32>, %C: memref<1024x1024xf32>) {
  loop.for %y_o = 0 to 128 {
    loop.for %x_o = 0 to 128 {
      %CL = loop.alloc at [%y_o * 8, %x_o * 8] : memref<8x8xf32, "acc_buffer">
      loop.for %k_o = 0 to 128 {
        %AL = loop.alloc at [%k_o * 8, %y_o * 8] : memref<8x8xf32, "inp_buffer">
        %BL = loop.alloc at [%k_o * 8, %x_o * 8] : memref<8x8xf32, "inp_buffer">
        loop.copy %A to %AL : memref<1024x1024xf32> to memref<8x8xf32, "inp_buffer">
        loop.copy %B to %BL : memref<1024x1024xf32> to memref<8x8xf32, "inp_buffer">
        loop.for %y_i = 0 to 8 {
          loop.for %x_i = 0 to 8 {
            loop.for %k_i = 0 to 8 {
              loop.block "C" (%v_y < 1024 = %y_o * 8 + %y_i, %v_x < 1024 = %x_o * 8 + %x_i, reduce %v_k < 1024 = %k_o * 8 + %k_i) init {
                %zero = arith.constant 0.0 : f32
                loop.store %zero, %CL[%v_y, %v_x] : memref<8x8xf32, "acc_buffer">
              } {
                %c = loop.load %CL[%v_y, %v_x] : memref<8x8xf32, "acc_buffer">
                %a = loop.load %AL[%v_k, %v_y] : memref<8x8xf32, "inp_buffer">
                %b = loop.load %BL[%v_k, %v_x] : memref<8x8xf32, "inp_buffer">
                %p = arith.mulf %a, %b : f32
                %s = arith.addf %c, %p : f32
                loop.store %s, %CL[%v_y, %v_x] : memref<8x8xf32, "acc_buffer">
              }
            }
          }
        }
      }
      loop.copy %CL to %C : memref<8x8xf32, "acc_buffer"> to memref<1024x1024xf32>
    }
  }
  func.return
}

// -----

// Tensor instructions, called by the names that their declaration has for the three forms.
// CHECK:def gemm8x8(a: f32[8, 8], b: f32[8, 8]):  # intrinsic: compute vdla.gemm8x8, reset vdla.fill_zero, update vdla.fused_gemm8x8_add
// CHECK-NEXT:    c[i, j] = sum(a[k, i] * b[k, j] for k in range(8))  # f32[8, 8]
// CHECK-NEXT:    return c
// CHECK-EMPTY:
// CHECK-NEXT:def tensorized(A: f32[1024, 1024], B: f32[1024, 1024], C: f32[1024, 1024]):
// CHECK-NEXT:    for y_o in range(128):
// CHECK-NEXT:        for x_o in range(128):
// CHECK-NEXT:            acc_buffer CL[8, 8]
// CHECK-NEXT:            vdla.fill_zero(CL)
// CHECK-NEXT:            for k_o in range(128):
// CHECK-NEXT:                inp_buffer AL[8, 8], BL[8, 8]
// CHECK-NEXT:                dma_copy2d(AL, A[k_o*8:k_o*8+8, y_o*8:y_o*8+8])
// CHECK-NEXT:                dma_copy2d(BL, B[k_o*8:k_o*8+8, x_o*8:x_o*8+8])
// CHECK-NEXT:                vdla.fused_gemm8x8_add(CL, AL, BL)
// CHECK-NEXT:            dma_copy2d(C[y_o*8:y_o*8+8, x_o*8:x_o*8+8], CL)
te.intrinsic @gemm8x8 (%a: tensor<8x8xf32>, %b: tensor<8x8xf32>) {
  %c = te.compute "c" (%i = 0 to 8, %j = 0 to 8) sum (%k = 0 to 8) {
    %x = te.read %a[%k, %i] : tensor<8x8xf32>
    %y = te.read %b[%k, %j] : tensor<8x8xf32>
    %p = arith.mulf %x, %y : f32
    te.yield %p : f32
  } : tensor<8x8xf32>
  te.yield %c : tensor<8x8xf32>
} lower compute "vdla.gemm8x8" reset "vdla.fill_zero" update "vdla.fused_gemm8x8_add"

func.func @tensorized(%A: memref<1024x1024xf32>, %B: memref<1024x1024xf32>, %C: memref<1024x1024xf32>) {
  loop.for %y_o = 0 to 128 {
    loop.for %x_o = 0 to 128 {
      %CL = loop.alloc at [%y_o * 8, %x_o * 8] : memref<8x8xf32, "acc_buffer">
      loop.for %k_o = 0 to 128 {
        %AL = loop.alloc at [%k_o * 8, %y_o * 8] : memref<8x8xf32, "inp_buffer">
        %BL = loop.alloc at [%k_o * 8, %x_o * 8] : memref<8x8xf32, "inp_buffer">
        loop.copy %A to %AL : memref<1024x1024xf32> to memref<8x8xf32, "inp_buffer">
        loop.copy %B to %BL : memref<1024x1024xf32> to memref<8x8xf32, "inp_buffer">
        loop.block "C" (%v_y < 128 = %y_o, %v_x < 128 = %x_o, reduce %v_k < 128 = %k_o) init {
          loop.intrinsic @gemm8x8 "reset"(%CL) writes 1 : memref<8x8xf32, "acc_buffer">
        } {
          loop.intrinsic @gemm8x8 "update"(%CL, %AL, %BL) writes 1 : memref<8x8xf32, "acc_buffer">, memref<8x8xf32, "inp_buffer">, memref<8x8xf32, "inp_buffer">
        }
      }
      loop.copy %CL to %C : memref<8x8xf32, "acc_buffer"> to memref<1024x1024xf32>
    }
  }
  func.return
}

// -----

// Symbolic shapes.
// CHECK:def symbolic(A: f32[m, h], B: f32[n, h]) -> f32[m, n]:
// CHECK-NEXT:    C[y, x] = sum(A[y, k] * B[x, k] for k in range(h))
// CHECK-NEXT:    return C
func.func @symbolic(%A: tensor<?x?xf32, #loop.layout<["m", "h"]>>, %B: tensor<?x?xf32, #loop.layout<["n", "h"]>>) -> tensor<?x?xf32, #loop.layout<["m", "n"]>> {
  %m = te.dim "m"
  %n = te.dim "n"
  %h = te.dim "h"
  %C = te.compute "C" (%y = 0 to %m, %x = 0 to %n) sum (%k = 0 to %h) {
    %a = te.read %A[%y, %k] : tensor<?x?xf32, #loop.layout<["m", "h"]>>
    %b = te.read %B[%x, %k] : tensor<?x?xf32, #loop.layout<["n", "h"]>>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<?x?xf32, #loop.layout<["m", "n"]>>
  func.return %C : tensor<?x?xf32, #loop.layout<["m", "n"]>>
}

// -----

// Cooperating threads: what is shared is fetched together, between two barriers.
// CHECK:def cooperation(A: f32[1024, 1024], B: f32[1024, 1024], C: f32[1024, 1024]):
// CHECK-NEXT:    for thread_group (by, bx) in cross(64, 64):
// CHECK-NEXT:        shared AS[2, 8], BS[2, 8]
// CHECK-NEXT:        for thread_item (ty, tx) in cross(2, 2):
// CHECK-NEXT:            local CL[8, 8]
// CHECK-NEXT:            CL[:, :] = 0  # CL_init: unrolled 8, unrolled 8
// CHECK-NEXT:            for k in range(1024):
// CHECK-NEXT:                for i in range(4):
// CHECK-NEXT:                    AS[ty, i*2 + tx] = A[k, by*16 + ty*8 + i*2 + tx]
// CHECK-NEXT:                for j in range(4):
// CHECK-NEXT:                    BS[ty, j*2 + tx] = B[k, bx*16 + ty*8 + j*2 + tx]
// CHECK-NEXT:                memory_barrier_among_threads()
// CHECK-NEXT:                for y_i in range(8):
// CHECK-NEXT:                    for x_i in range(8):
// CHECK-NEXT:                        CL[y_i, x_i] += AS[ty, y_i] * BS[tx, x_i]
// CHECK-NEXT:                memory_barrier_among_threads()
// CHECK-NEXT:            C[by*16+ty*8:by*16+ty*8+8, bx*16+tx*8:bx*16+tx*8+8] = CL[:, :]
func.func @cooperation(%A: memref<1024x1024xf32>, %B: memref<1024x1024xf32>, %C: memref<1024x1024xf32>) {
  loop.for %by = 0 to 64 bind "blockIdx.y" {
    loop.for %bx = 0 to 64 bind "blockIdx.x" {
      %AS = loop.alloc : memref<2x8xf32, "shared">
      %BS = loop.alloc : memref<2x8xf32, "shared">
      loop.for %ty = 0 to 2 bind "threadIdx.y" {
        loop.for %tx = 0 to 2 bind "threadIdx.x" {
          %CL = loop.alloc : memref<8x8xf32, "local">
          loop.for %y_z = 0 to 8 unrolled {
            loop.for %x_z = 0 to 8 unrolled {
              loop.block "CL_init" (%v_y < 8 = %y_z, %v_x < 8 = %x_z) {
                %zero = arith.constant 0.0 : f32
                loop.store %zero, %CL[%v_y, %v_x] : memref<8x8xf32, "local">
              }
            }
          }
          loop.for %k = 0 to 1024 {
            loop.for %i = 0 to 4 {
              loop.block "AS" (%v_t < 2 = %ty, %v_i < 8 = %i * 2 + %tx, %v_y < 1024 = %by * 16 + %ty * 8 + %i * 2 + %tx, %v_k < 1024 = %k) {
                %a = loop.load %A[%v_k, %v_y] : memref<1024x1024xf32>
                loop.store %a, %AS[%v_t, %v_i] : memref<2x8xf32, "shared">
              }
            }
            loop.for %j = 0 to 4 {
              loop.block "BS" (%v_t < 2 = %ty, %v_i < 8 = %j * 2 + %tx, %v_x < 1024 = %bx * 16 + %ty * 8 + %j * 2 + %tx, %v_k < 1024 = %k) {
                %b = loop.load %B[%v_k, %v_x] : memref<1024x1024xf32>
                loop.store %b, %BS[%v_t, %v_i] : memref<2x8xf32, "shared">
              }
            }
            loop.barrier
            loop.for %y_i = 0 to 8 {
              loop.for %x_i = 0 to 8 {
                loop.block "CL" (%v_y < 8 = %y_i, %v_x < 8 = %x_i, %v_ty < 2 = %ty, %v_tx < 2 = %tx, reduce %v_k < 1024 = %k) {
                  %c = loop.load %CL[%v_y, %v_x] : memref<8x8xf32, "local">
                  %a = loop.load %AS[%v_ty, %v_y] : memref<2x8xf32, "shared">
                  %b = loop.load %BS[%v_tx, %v_x] : memref<2x8xf32, "shared">
                  %p = arith.mulf %a, %b : f32
                  %s = arith.addf %c, %p : f32
                  loop.store %s, %CL[%v_y, %v_x] : memref<8x8xf32, "local">
                }
              }
            }
            loop.barrier
          }
          loop.for %y_c = 0 to 8 {
            loop.for %x_c = 0 to 8 {
              loop.block "C" (%v_y < 8 = %y_c, %v_x < 8 = %x_c, %v_h < 1024 = %by * 16 + %ty * 8 + %y_c, %v_w < 1024 = %bx * 16 + %tx * 8 + %x_c) {
                %c = loop.load %CL[%v_y, %v_x] : memref<8x8xf32, "local">
                loop.store %c, %C[%v_h, %v_w] : memref<1024x1024xf32>
              }
            }
          }
        }
      }
    }
  }
  func.return
}

// -----

// Latency hiding: two virtual threads, then with tokens, then as one stream.
// CHECK:def accumulate(a: f32[1, 8]):  # intrinsic: compute copy, reset fill_zero, update accumulate
// CHECK-NEXT:    c[i] = sum(a[k, i] for k in range(1))  # f32[8]
// CHECK-NEXT:    return c
// CHECK-EMPTY:
// CHECK-NEXT:def threads(A: f32[128, 16]):
// CHECK-NEXT:    for vthread tx in range(2):
// CHECK-NEXT:        acc_buffer CL[8]
// CHECK-NEXT:        for k in range(128):
// CHECK-NEXT:            inp_buffer AL[1, 8]
// CHECK-NEXT:            ld.dma_copy2d(AL, A[k, tx*8:tx*8+8])
// CHECK-NEXT:            ex.accumulate(CL, AL)
// CHECK-EMPTY:
// CHECK-NEXT:def tokens(A: f32[128, 16]):
// CHECK-NEXT:    for vthread tx in range(2):
// CHECK-NEXT:        acc_buffer CL[8]
// CHECK-NEXT:        ex.push_dep_to(ld)
// CHECK-NEXT:        for k in range(128):
// CHECK-NEXT:            inp_buffer AL[1, 8]
// CHECK-NEXT:            ld.pop_dep_from(ex)
// CHECK-NEXT:            ld.dma_copy2d(AL, A[k, tx*8:tx*8+8])
// CHECK-NEXT:            ld.push_dep_to(ex)
// CHECK-NEXT:            ex.pop_dep_from(ld)
// CHECK-NEXT:            ex.accumulate(CL, AL)
// CHECK-NEXT:            ex.push_dep_to(ld)
// CHECK-NEXT:        ld.pop_dep_from(ex)
// CHECK-EMPTY:
// CHECK-NEXT:def interleaved(A: f32[128, 16]):
// CHECK-NEXT:    acc_buffer CL[8], CM[8]
// CHECK-NEXT:    ex.push_dep_to(ld)
// CHECK-NEXT:    ex.push_dep_to(ld)
// CHECK-NEXT:    for k in range(128):
// CHECK-NEXT:        inp_buffer AL[1, 8], AM[1, 8]
// CHECK-NEXT:        ld.pop_dep_from(ex)
// CHECK-NEXT:        ld.dma_copy2d(AL, A[k, 0:8])
// CHECK-NEXT:        ld.push_dep_to(ex)
// CHECK-NEXT:        ld.pop_dep_from(ex)
// CHECK-NEXT:        ld.dma_copy2d(AM, A[k, 8:16])
// CHECK-NEXT:        ld.push_dep_to(ex)
// CHECK-NEXT:        ex.pop_dep_from(ld)
// CHECK-NEXT:        ex.accumulate(CL, AL)
// CHECK-NEXT:        ex.push_dep_to(ld)
// CHECK-NEXT:        ex.pop_dep_from(ld)
// CHECK-NEXT:        ex.accumulate(CM, AM)
// CHECK-NEXT:        ex.push_dep_to(ld)
// CHECK-NEXT:    ld.pop_dep_from(ex)
// CHECK-NEXT:    ld.pop_dep_from(ex)
builtin.module attributes {target = #target.target<"vdla">} {
te.intrinsic @accumulate (%a: tensor<1x8xf32>) {
  %c = te.compute "c" (%i = 0 to 8) sum (%k = 0 to 1) {
    %x = te.read %a[%k, %i] : tensor<1x8xf32>
    te.yield %x : f32
  } : tensor<8xf32>
  te.yield %c : tensor<8xf32>
} lower compute "copy" reset "fill_zero" update "accumulate" on "ex"

func.func @threads(%A: memref<128x16xf32>) {
  loop.for %tx = 0 to 2 vthread {
    %CL = loop.alloc at [%tx * 8] : memref<8xf32, "acc_buffer">
    loop.for %k = 0 to 128 {
      %AL = loop.alloc at [%k, %tx * 8] : memref<1x8xf32, "inp_buffer">
      loop.copy %A to %AL : memref<128x16xf32> to memref<1x8xf32, "inp_buffer">
      loop.block "CL" (reduce %v_k < 128 = %k) {
        loop.intrinsic @accumulate "update"(%CL, %AL) writes 1 : memref<8xf32, "acc_buffer">, memref<1x8xf32, "inp_buffer">
      }
    }
  }
  func.return
}

func.func @tokens(%A: memref<128x16xf32>) {
  loop.for %tx = 0 to 2 vthread {
    %CL = loop.alloc at [%tx * 8] : memref<8xf32, "acc_buffer">
    loop.push_dep "ex" to "ld"
    loop.for %k = 0 to 128 {
      %AL = loop.alloc at [%k, %tx * 8] : memref<1x8xf32, "inp_buffer">
      loop.pop_dep "ex" to "ld"
      loop.copy %A to %AL : memref<128x16xf32> to memref<1x8xf32, "inp_buffer">
      loop.push_dep "ld" to "ex"
      loop.pop_dep "ld" to "ex"
      loop.block "CL" (reduce %v_k < 128 = %k) {
        loop.intrinsic @accumulate "update"(%CL, %AL) writes 1 : memref<8xf32, "acc_buffer">, memref<1x8xf32, "inp_buffer">
      }
      loop.push_dep "ex" to "ld"
    }
    loop.pop_dep "ex" to "ld"
  }
  func.return
}

func.func @interleaved(%A: memref<128x16xf32>) {
  %CL = loop.alloc : memref<8xf32, "acc_buffer">
  %CM = loop.alloc at [8] : memref<8xf32, "acc_buffer">
  loop.push_dep "ex" to "ld"
  loop.push_dep "ex" to "ld"
  loop.for %k = 0 to 128 {
    %AL = loop.alloc at [%k, 0] : memref<1x8xf32, "inp_buffer">
    %AM = loop.alloc at [%k, 8] : memref<1x8xf32, "inp_buffer">
    loop.pop_dep "ex" to "ld"
    loop.copy %A to %AL : memref<128x16xf32> to memref<1x8xf32, "inp_buffer">
    loop.push_dep "ld" to "ex"
    loop.pop_dep "ex" to "ld"
    loop.copy %A to %AM : memref<128x16xf32> to memref<1x8xf32, "inp_buffer">
    loop.push_dep "ld" to "ex"
    loop.pop_dep "ld" to "ex"
    loop.block "CL" (reduce %v_k < 128 = %k) {
      loop.intrinsic @accumulate "update"(%CL, %AL) writes 1 : memref<8xf32, "acc_buffer">, memref<1x8xf32, "inp_buffer">
    }
    loop.push_dep "ex" to "ld"
    loop.pop_dep "ld" to "ex"
    loop.block "CM" (reduce %v_k < 128 = %k) {
      loop.intrinsic @accumulate "update"(%CM, %AM) writes 1 : memref<8xf32, "acc_buffer">, memref<1x8xf32, "inp_buffer">
    }
    loop.push_dep "ex" to "ld"
  }
  loop.pop_dep "ex" to "ld"
  loop.pop_dep "ex" to "ld"
  func.return
}
}
