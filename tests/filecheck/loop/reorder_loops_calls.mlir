// RUN: dovetail-opt %s -p 'reorder-loops{loops=x,y}' | filecheck %s --check-prefix=APART
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=b,a}' 2>&1 | filecheck %s --check-prefix=OVERLAP
// RUN: dovetail-opt %s -p 'reorder-loops{loops=q,p}' | filecheck %s --check-prefix=COPY
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=j,i}' 2>&1 | filecheck %s --check-prefix=BACK

// Calls of tensor instructions write regions: apart in the first nest, overlapping in the second.

// APART: loop.for %x = 0 to 2 {
// APART-NEXT: loop.for %y = 0 to 3 {

// OVERLAP: error: reorder-loops: in the order b, a block 'D' would write an element of %C before block 'D' writes it
// OVERLAP-NEXT: %C[12] is written by block 'D' (y=0, x=1) and then written by block 'D' (y=1, x=0), which would run before it

// A copy into a tile that is new in each iteration is in nobody's way; one back into a buffer is,
// where boxes overlap.

// COPY-LABEL: func.func @copy
// COPY-NEXT: loop.for %q = 0 to 2 {
// COPY-NEXT: loop.for %p = 0 to 3 {

// BACK: error: reorder-loops: in the order j, i the copy of %U to %T would write an element of %T before the copy of %U to %T writes it
// BACK-NEXT: %T[8] is written by the copy of %U to %T (i=0, j=1) and then written by the copy of %U to %T (i=1, j=0), which would run before it

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
        loop.intrinsic @same "compute"(%C[%v_y * 12 + %v_x * 7 + i0], %A[%v_y * 16 + %v_x * 8 + i0]) writes 1 : memref<48xi32>, memref<48xi32>
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

func.func @back(%A: memref<48xi32>, %T: memref<48xi32>) {
  loop.for %i = 0 to 3 {
    loop.for %j = 0 to 2 {
      %U = loop.alloc at [%i * 8 + %j * 8] : memref<8xi32, "inp">
      loop.copy %A to %U : memref<48xi32> to memref<8xi32, "inp">
      loop.copy %U to %T : memref<8xi32, "inp"> to memref<48xi32>
    }
  }
  func.return
}
