// RUN: dovetail-opt %s -t pseudo | filecheck %s --check-prefix=THREADS
// RUN: dovetail-opt %s -t pseudo -p 'insert-dependence-tokens' | filecheck %s --check-prefix=TOKENS
// RUN: dovetail-opt %s -t pseudo -p 'insert-dependence-tokens,lower-virtual-threads' | filecheck %s --check-prefix=STREAM

// Latency hiding as in the talks on TVM, in its three stages. A tile says which rows it holds, so it
// is allocated in the loop over the rows; it is one and the same memory.

// THREADS-LABEL: def latency(A: i8[128, 16]):
// THREADS-NEXT:    for vthread tx in range(2):
// THREADS-NEXT:        acc CL[1, 8]  # i32
// THREADS-NEXT:        for k in range(128):
// THREADS-NEXT:            inp AL[1, 8]  # i8
// THREADS-NEXT:            ld.dma_copy2d(AL, A[k, tx*8:tx*8+8])
// THREADS-NEXT:            ex.accumulate(CL, AL)

// TOKENS-LABEL: def latency(A: i8[128, 16]):
// TOKENS-NEXT:    for vthread tx in range(2):
// TOKENS-NEXT:        acc CL[1, 8]  # i32
// TOKENS-NEXT:        ex.push_dep_to(ld)
// TOKENS-NEXT:        for k in range(128):
// TOKENS-NEXT:            inp AL[1, 8]  # i8
// TOKENS-NEXT:            ld.pop_dep_from(ex)
// TOKENS-NEXT:            ld.dma_copy2d(AL, A[k, tx*8:tx*8+8])
// TOKENS-NEXT:            ld.push_dep_to(ex)
// TOKENS-NEXT:            ex.pop_dep_from(ld)
// TOKENS-NEXT:            ex.accumulate(CL, AL)
// TOKENS-NEXT:            ex.push_dep_to(ld)
// TOKENS-NEXT:        ld.pop_dep_from(ex)

// STREAM-LABEL: def latency(A: i8[128, 16]):
// STREAM-NEXT:    acc CL0[1, 8]  # i32
// STREAM-NEXT:    acc CL1[1, 8]  # i32
// STREAM-NEXT:    ex.push_dep_to(ld)
// STREAM-NEXT:    ex.push_dep_to(ld)
// STREAM-NEXT:    for k in range(128):
// STREAM-NEXT:        inp AL0[1, 8]  # i8
// STREAM-NEXT:        inp AL1[1, 8]  # i8
// STREAM-NEXT:        ld.pop_dep_from(ex)
// STREAM-NEXT:        ld.dma_copy2d(AL0, A[k, 0:8])
// STREAM-NEXT:        ld.push_dep_to(ex)
// STREAM-NEXT:        ld.pop_dep_from(ex)
// STREAM-NEXT:        ld.dma_copy2d(AL1, A[k, 8:16])
// STREAM-NEXT:        ld.push_dep_to(ex)
// STREAM-NEXT:        ex.pop_dep_from(ld)
// STREAM-NEXT:        ex.accumulate(CL0, AL0)
// STREAM-NEXT:        ex.push_dep_to(ld)
// STREAM-NEXT:        ex.pop_dep_from(ld)
// STREAM-NEXT:        ex.accumulate(CL1, AL1)
// STREAM-NEXT:        ex.push_dep_to(ld)
// STREAM-NEXT:    ld.pop_dep_from(ex)
// STREAM-NEXT:    ld.pop_dep_from(ex)

builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @accumulate (%x: tensor<1x8xi8>) {
    %s = te.compute "s" (%n = 0 to 1, %c = 0 to 8) sum (%r = 0 to 1) {
      %v = te.read %x[%n, %c] : tensor<1x8xi8>
      %w = arith.extsi %v : i8 to i32
      te.yield %w : i32
    } : tensor<1x8xi32>
    te.yield %s : tensor<1x8xi32>
  } lower compute "copy" reset "fill_zero" update "accumulate" on "ex"
  func.func @latency(%A: memref<128x16xi8>) {
    loop.for %tx = 0 to 2 vthread {
      %CL = loop.alloc at [0, %tx * 8] : memref<1x8xi32, "acc">
      loop.for %k = 0 to 128 {
        %AL = loop.alloc at [%k, %tx * 8] : memref<1x8xi8, "inp">
        loop.copy %A to %AL : memref<128x16xi8> to memref<1x8xi8, "inp">
        loop.block "CL" (%v_tx < 2 = %tx, %v_k < 128 = %k) {
          loop.intrinsic @accumulate "update"(%CL[i0, %v_tx * 8 + i1], %AL[%v_k + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
        }
      }
    }
    func.return
  }
}
