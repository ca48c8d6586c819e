// RUN: dovetail-opt %s -p 'reorder-loops{loops=x,y}' | filecheck %s --check-prefix=APART
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=b,a}' 2>&1 | filecheck %s --check-prefix=OVERLAP
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=q,p}' 2>&1 | filecheck %s --check-prefix=COPY

// Calls of tensor instructions write regions: apart in the first nest, overlapping in the second.

// APART: loop.for %x = 0 to 2 {
// APART-NEXT: loop.for %y = 0 to 3 {

// OVERLAP: error: reorder-loops: two points of block 'D' touch one element of %C; the order of its instances matters
// COPY: error: reorder-loops: a copy stands below loop 'p'; reorder before buffers are promoted to where they are copied as a whole

te.intrinsic @same (%x: tensor<8xi32>) {
  te.yield %x : tensor<8xi32>
} lower compute "same" on "ex"

func.func @apart(%A: memref<48xi32>, %C: memref<48xi32>) {
  loop.for %y = 0 to 3 {
    loop.for %x = 0 to 2 {
      loop.block "C" (%v_y < 3 = %y, %v_x < 2 = %x) {
        loop.intrinsic @same "compute"(%C[%v_y * 16 + %v_x * 8 + i0], %A[%v_y * 16 + %v_x * 8 + i0]) writes 1 : memref<48xi32>, memref<48xi32>
      }
    }
  }
  func.return
}

func.func @overlap(%A: memref<48xi32>, %C: memref<48xi32>) {
  loop.for %a = 0 to 3 {
    loop.for %b = 0 to 2 {
      loop.block "D" (%v_y < 3 = %a, %v_x < 2 = %b) {
        loop.intrinsic @same "compute"(%C[%v_y * 16 + %v_x * 7 + i0], %A[%v_y * 16 + %v_x * 8 + i0]) writes 1 : memref<48xi32>, memref<48xi32>
      }
    }
  }
  func.return
}

func.func @copy(%A: memref<48xi32>) {
  loop.for %p = 0 to 3 {
    loop.for %q = 0 to 2 {
      %T = loop.alloc at [%p * 16 + %q * 8] : memref<8xi32, "inp">
      loop.copy %A to %T : memref<48xi32> to memref<8xi32, "inp">
    }
  }
  func.return
}
