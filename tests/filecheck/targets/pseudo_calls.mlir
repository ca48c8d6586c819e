// RUN: dovetail-opt %s --split-input-file -t pseudo | filecheck %s --strict-whitespace --match-full-lines

// The accelerator stands before the dot; operands are slices of their buffers, then immediates.
//      CHECK:    for t in range(4):
// CHECK-NEXT:        acc_buffer T[4, 8]  # i32
// CHECK-NEXT:        acc_buffer U[8, 16]  # i32
// CHECK-NEXT:        vdla.dma_copy2d(T, A[t*4:t*4+4, 0:8], pad=0)
// CHECK-NEXT:        vdla.shift(T[0:2, 0:4], T[2:4, 4:8], 3)
// CHECK-NEXT:        vdla.shift(A[t*4:t*4+2, 4:8], T[i1, i0*2], 3)
// CHECK-NEXT:        vdla.shift(U[t*2, 0:8], U[t*2 + 1, 0:8], 1)
// CHECK-NEXT:        vdla.shift(T[0:2, 0:4], T[0:2, 0:4], 0)
// CHECK-NEXT:        vdla.dma_copy2d(A[t*4:t*4+4, 0:8], T)
builtin.module attributes {target = #target.target<"vdla">} {
te.intrinsic @shift (%x: tensor<2x4xi32>, %imm: i32) {
  %c = te.compute "c" (%i = 0 to 2, %j = 0 to 4) {
    %a = te.read %x[%i, %j] : tensor<2x4xi32>
    %b = arith.shrsi %a, %imm : i32
    te.yield %b : i32
  } : tensor<2x4xi32>
  te.yield %c : tensor<2x4xi32>
} lower compute "shift" on "ex"
func.func @parts(%A: memref<16x16xi32>) {
  loop.for %t = 0 to 4 {
    %T = loop.alloc at [%t * 4, 0] : memref<4x8xi32, "acc_buffer">
    %U = loop.alloc : memref<8x16xi32, "acc_buffer">
    loop.copy %A to %T pad 0 : i32 : memref<16x16xi32> to memref<4x8xi32, "acc_buffer">
    loop.block "a" (%v < 4 = %t) {
      loop.intrinsic @shift "compute"(%T[%v * 4 + i0, i1], %T[%v * 4 + i0 + 2, i1 + 4]) writes 1 imm [3] : memref<4x8xi32, "acc_buffer">, memref<4x8xi32, "acc_buffer">
    }
    loop.block "b" (%v < 4 = %t) {
      loop.intrinsic @shift "compute"(%A[%v * 4 + i0, i1 + 4], %T[%v * 4 + i1, i0 * 2]) writes 1 imm [3] : memref<16x16xi32>, memref<4x8xi32, "acc_buffer">
    }
    loop.block "c" (%v < 8 = %t * 2) {
      loop.intrinsic @shift "compute"(%U[%v, i0 * 4 + i1], %U[%v + 1, i0 * 4 + i1]) writes 1 imm [1] : memref<8x16xi32, "acc_buffer">, memref<8x16xi32, "acc_buffer">
    }
    loop.block "d" (%v < 4 = %t) {
      loop.intrinsic @shift "compute"(%T[%v * 4 + i0, i1], %T[%v * 4 + i0, i1]) writes 1 imm [0] : memref<4x8xi32, "acc_buffer">, memref<4x8xi32, "acc_buffer">
    }
    loop.copy %T to %A : memref<4x8xi32, "acc_buffer"> to memref<16x16xi32>
  }
  func.return
}
}

// -----

// Where units wait for each other, they stand before the dot.
//      CHECK:    inp_buffer T[8, 8]
// CHECK-NEXT:    acc_buffer U[8, 8]
// CHECK-NEXT:    ld.dma_copy2d(T, A[0:8, 0:8])
// CHECK-NEXT:    ld.push_dep_to(ex)
// CHECK-NEXT:    ex.pop_dep_from(ld)
// CHECK-NEXT:    ex.square(U, T)
// CHECK-NEXT:    st.dma_copy2d(A[0:8, 0:8], U)
builtin.module attributes {target = #target.target<"vdla">} {
te.intrinsic @square (%x: tensor<8x8xf32>) {
  %c = te.compute "c" (%i = 0 to 8, %j = 0 to 8) {
    %a = te.read %x[%i, %j] : tensor<8x8xf32>
    %b = arith.mulf %a, %a : f32
    te.yield %b : f32
  } : tensor<8x8xf32>
  te.yield %c : tensor<8x8xf32>
} lower compute "square" on "ex"
func.func @tokens(%A: memref<16x16xf32>) {
  %T = loop.alloc : memref<8x8xf32, "inp_buffer">
  %U = loop.alloc : memref<8x8xf32, "acc_buffer">
  loop.copy %A to %T : memref<16x16xf32> to memref<8x8xf32, "inp_buffer">
  loop.push_dep "ld" to "ex"
  loop.pop_dep "ld" to "ex"
  loop.block "s" () {
    loop.intrinsic @square "compute"(%U[i0, i1], %T[i0, i1]) writes 1 : memref<8x8xf32, "acc_buffer">, memref<8x8xf32, "inp_buffer">
  }
  loop.copy %U to %A : memref<8x8xf32, "acc_buffer"> to memref<16x16xf32>
  func.return
}
}
