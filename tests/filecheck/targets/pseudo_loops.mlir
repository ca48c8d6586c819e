// RUN: dovetail-opt %s --split-input-file -t pseudo | filecheck %s --strict-whitespace --match-full-lines

// Kinds, layouts, a symbolic bound, a thread axis of its own, names that Python keeps for itself.
// CHECK:def kinds(in_: f32[m, 64], W: f16[64, 20]):
// CHECK-NEXT:    # W[i, j] is at [j//16, i + 1, j%16] of [2, 66, 16], pad 0
// CHECK-NEXT:    for y_o in parallel((m + 3)//4):
// CHECK-NEXT:        for y_i in unrolled(4):
// CHECK-NEXT:            for x in vectorized(64):
// CHECK-NEXT:                if y_o*4 + y_i < m:
// CHECK-NEXT:                    in_[y_o*4 + y_i, x] = -in_[y_o*4 + y_i, x]
// CHECK-NEXT:    for thread_item t in range(2, 18):  # threadIdx.y
// CHECK-NEXT:        prefetch(W[t, 0] + (t*3 + 1), locality=2)
// CHECK-NEXT:        local T[4]  # i64
// CHECK-NEXT:        memory_barrier_among_threads()
func.func @kinds(%in: memref<?x64xf32, #loop.layout<["m", 64]>>, %W: memref<64x20xf16, #loop.layout<affine_map<(d0, d1) -> (d1 floordiv 16, d0 + 1, d1 mod 16)>, [2, 66, 16], pad 0.0 : f16>>) {
  %m = loop.dim "m"
  loop.for %y_o = 0 to %m ceildiv 4 parallel {
    loop.for %y_i = 0 to 4 unrolled {
      loop.for %x = 0 to 64 vectorized {
        loop.block "B" (%v_y < %m = %y_o * 4 + %y_i, %v_x < 64 = %x) {
          %a = loop.load %in[%v_y, %v_x] : memref<?x64xf32, #loop.layout<["m", 64]>>
          %b = arith.negf %a : f32
          loop.store %b, %in[%v_y, %v_x] : memref<?x64xf32, #loop.layout<["m", 64]>>
        }
      }
    }
  }
  loop.for %t = 2 to 18 bind "threadIdx.y" {
    loop.prefetch %W[%t, 0] + (%t * 3 + 1) locality 2 : memref<64x20xf16, #loop.layout<affine_map<(d0, d1) -> (d1 floordiv 16, d0 + 1, d1 mod 16)>, [2, 66, 16], pad 0.0 : f16>>
    %T = loop.alloc : memref<4xi64, "local">
    loop.barrier
  }
  func.return
}

// -----

// Guards: only those that the loops let fail, both ends of a range at once, first and last
// iterations by name. What always holds inside a guard is not said again.
// CHECK:def guards(X: f32[30, 64], Y: f32[30, 64]):
// CHECK-NEXT:    for y_o in range(4):
// CHECK-NEXT:        for y_i in range(8):
// CHECK-NEXT:            for x in range(66):
// CHECK-NEXT:                if y_o*8 + y_i < 30 and 0 <= x - 1 < 64:
// CHECK-NEXT:                    Y[y_o*8 + y_i, x - 1] = X[y_o*8 + y_i - 1, x - 1] if y_o*8 + y_i >= 1 else 0
// CHECK-NEXT:            for z in range(64):
// CHECK-NEXT:                if y_o == 0 and z == 63 and y_i >= 4:
// CHECK-NEXT:                    Y[y_o*8 + y_i, z] = 1
func.func @guards(%X: memref<30x64xf32>, %Y: memref<30x64xf32>) {
  loop.for %y_o = 0 to 4 {
    loop.for %y_i = 0 to 8 {
      loop.for %x = 0 to 66 {
        loop.block "Y" (%v_y < 30 = %y_o * 8 + %y_i, %v_x < 64 = %x - 1) {
          %zero = arith.constant 0.0 : f32
          %a = loop.load %X[%v_y - 1, %v_x] where (%v_y - 1 >= 0, 31 - %v_y >= 0) else %zero : memref<30x64xf32>
          loop.store %a, %Y[%v_y, %v_x] : memref<30x64xf32>
        }
      }
      loop.for %z = 0 to 64 {
        loop.block "Z" (%v_y < 32 = %y_o * 8 + %y_i, %v_z < 64 = %z) where (0 - %y_o >= 0, %z - 63 >= 0, %y_i - 4 >= 0) {
          %one = arith.constant 1.0 : f32
          loop.store %one, %Y[%v_y, %v_z] : memref<30x64xf32>
        }
      }
    }
  }
  func.return
}

// -----

// A loop that runs once is a number in the indices.
// CHECK:def once(X: f32[30]):
// CHECK-NEXT:    for y in range(3, 4):
// CHECK-NEXT:        for i in range(8):
// CHECK-NEXT:            if i < 6:
// CHECK-NEXT:                X[i + 24] = 1
func.func @once(%X: memref<30xf32>) {
  loop.for %y = 3 to 4 {
    loop.for %i = 0 to 8 {
      loop.block "X" (%v < 30 = %y * 8 + %i) {
        %one = arith.constant 1.0 : f32
        loop.store %one, %X[%v] : memref<30xf32>
      }
    }
  }
  func.return
}

// -----

// A reduction begins in a tile that only lives in its loop: what begins it is said where it is.
// CHECK:def chunks(A: f32[30, 64], S: f32[30]):
// CHECK-NEXT:    for y in range(30):
// CHECK-NEXT:        for k_o in range(8):
// CHECK-NEXT:            register T[1]
// CHECK-NEXT:            dma_copy1d(T, S[y])
// CHECK-NEXT:            for k_i in range(8):
// CHECK-NEXT:                if k_o*8 + k_i == 0:
// CHECK-NEXT:                    T[0] = -inf
// CHECK-NEXT:                T[0] = max(T[0], A[y, k_o*8 + k_i])
// CHECK-NEXT:            dma_copy1d(S[y], T)
func.func @chunks(%A: memref<30x64xf32>, %S: memref<30xf32>) {
  loop.for %y = 0 to 30 {
    loop.for %k_o = 0 to 8 {
      %T = loop.alloc at [%y] : memref<1xf32, "register">
      loop.copy %S to %T : memref<30xf32> to memref<1xf32, "register">
      loop.for %k_i = 0 to 8 {
        loop.block "S" (%v < 30 = %y, reduce %r < 64 = %k_o * 8 + %k_i) init {
          %low = arith.constant 0xFF800000 : f32
          loop.store %low, %T[%v] : memref<1xf32, "register">
        } {
          %c = loop.load %T[%v] : memref<1xf32, "register">
          %a = loop.load %A[%v, %r] : memref<30x64xf32>
          %s = arith.maximumf %c, %a : f32
          loop.store %s, %T[%v] : memref<1xf32, "register">
        }
      }
      loop.copy %T to %S : memref<1xf32, "register"> to memref<30xf32>
    }
  }
  func.return
}

// -----

// Copies: of the box of a tile, with a pad, between a tile and a part of it, of all there is.
// CHECK:def copies(X: f32[4, 56, 56], Y: f32[8, 8]):
// CHECK-NEXT:    for h in range(7):
// CHECK-NEXT:        inp T[4, 10, 56]
// CHECK-NEXT:        dma_copy3d(T, X[:, h*8-1:h*8+9, :], pad=0)
// CHECK-NEXT:        for c in range(4):
// CHECK-NEXT:            register U[1, 8, 56]
// CHECK-NEXT:            dma_copy3d(U, T[c, 1:9, :])
// CHECK-NEXT:    acc Z[8, 8]
// CHECK-NEXT:    dma_copy2d(Y, Z)
func.func @copies(%X: memref<4x56x56xf32>, %Y: memref<8x8xf32>) {
  loop.for %h = 0 to 7 {
    %T = loop.alloc at [0, %h * 8 - 1, 0] : memref<4x10x56xf32, "inp">
    loop.copy %X to %T pad 0.0 : f32 : memref<4x56x56xf32> to memref<4x10x56xf32, "inp">
    loop.for %c = 0 to 4 {
      %U = loop.alloc at [%c, %h * 8, 0] : memref<1x8x56xf32, "register">
      loop.copy %T to %U : memref<4x10x56xf32, "inp"> to memref<1x8x56xf32, "register">
    }
  }
  %Z = loop.alloc : memref<8x8xf32, "acc">
  loop.copy %Z to %Y : memref<8x8xf32, "acc"> to memref<8x8xf32>
  func.return
}

// -----

// Nests around tiles are one line where they are a box; a part at the end is shorter. A nest on
// global memory stays what it is, and so does one with steps.
// CHECK:def moves(C: f32[30, 20]):
// CHECK-NEXT:    for y_o in range(4):
// CHECK-NEXT:        register T[8, 20]
// CHECK-NEXT:        T[0:min(8, 30-y_o*8), :] = 1  # fill: unrolled 8, serial 5, vectorized 4
// CHECK-NEXT:        if y_o >= 1:
// CHECK-NEXT:            C[y_o*8:min(y_o*8+8, 30), :] = T[0:min(8, 30-y_o*8), :]
// CHECK-NEXT:        for d in range(4):
// CHECK-NEXT:            T[d*2, :] = 1
// CHECK-NEXT:    for f in range(30):
// CHECK-NEXT:        for g in range(20):
// CHECK-NEXT:            C[f, g] = 1
func.func @moves(%C: memref<30x20xf32>) {
  loop.for %y_o = 0 to 4 {
    %T = loop.alloc at [%y_o * 8, 0] : memref<8x20xf32, "register">
    loop.for %y = 0 to 8 unrolled {
      loop.for %x_o = 0 to 5 {
        loop.for %x_i = 0 to 4 vectorized {
          loop.block "fill" (%v_y < 30 = %y_o * 8 + %y, %v_x < 20 = %x_o * 4 + %x_i) {
            %one = arith.constant 1.0 : f32
            loop.store %one, %T[%v_y, %v_x] : memref<8x20xf32, "register">
          }
        }
      }
    }
    loop.for %a = 0 to 8 {
      loop.for %b = 0 to 20 {
        loop.block "out" (%v_y < 30 = %y_o * 8 + %a, %v_x < 20 = %b) where (%y_o - 1 >= 0) {
          %c = loop.load %T[%v_y, %v_x] : memref<8x20xf32, "register">
          loop.store %c, %C[%v_y, %v_x] : memref<30x20xf32>
        }
      }
    }
    loop.for %d = 0 to 4 {
      loop.for %e = 0 to 20 {
        loop.block "steps" (%v_y < 32 = %y_o * 8 + %d * 2, %v_x < 20 = %e) {
          %one = arith.constant 1.0 : f32
          loop.store %one, %T[%v_y, %v_x] : memref<8x20xf32, "register">
        }
      }
    }
  }
  loop.for %f = 0 to 30 {
    loop.for %g = 0 to 20 {
      loop.block "global" (%v_y < 30 = %f, %v_x < 20 = %g) {
        %one = arith.constant 1.0 : f32
        loop.store %one, %C[%v_y, %v_x] : memref<30x20xf32>
      }
    }
  }
  func.return
}

// -----

// Thread axes in another order; an intrinsic that is not declared; what has no form here.
// CHECK:def others(t: f32[8, 8]):
// CHECK-NEXT:    for thread_group (bx, by) in cross(64, 32):  # blockIdx.x, blockIdx.y
// CHECK-NEXT:        gemm8x8.update(t)
// CHECK-NEXT:    # v = test.op(t)
// CHECK-NEXT:    callee(t)
// CHECK-EMPTY:
// CHECK-NEXT:def callee(f32[8, 8]): ...
func.func @others(%t: memref<8x8xf32, "acc">) {
  loop.for %bx = 0 to 64 bind "blockIdx.x" {
    loop.for %by = 0 to 32 bind "blockIdx.y" {
      loop.block "gemm" () {
        loop.intrinsic @gemm8x8 "update"(%t) writes 1 : memref<8x8xf32, "acc">
      }
    }
  }
  %v = "test.op"(%t) : (memref<8x8xf32, "acc">) -> f32
  func.call @callee(%t) : (memref<8x8xf32, "acc">) -> ()
  func.return
}
func.func private @callee(memref<8x8xf32, "acc">) -> ()

// -----

// Scalars outside of blocks; what has no form is a comment, and its results have names.
// CHECK:def foreign(a: f32[4], n: index, x: f32) -> f32:
// CHECK-NEXT:    c0 = 0
// CHECK-NEXT:    c1 = 1
// CHECK-NEXT:    # r = scf.for(c0, n, c1, x) { ... }
// CHECK-NEXT:    z = r * x
// CHECK-NEXT:    return z
func.func @foreign(%a: memref<4xf32>, %n: index, %x: f32) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> (f32) {
    %v = memref.load %a[%i] : memref<4xf32>
    %t = arith.addf %s, %v : f32
    scf.yield %t : f32
  }
  %z = arith.mulf %r, %x : f32
  func.return %z : f32
}
