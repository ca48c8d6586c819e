// dovetail-opt -p lower-virtual-threads
builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @accumulate (%x: tensor<1x8xi8>) {
    %s = te.compute "s" (%n = 0 to 1, %c = 0 to 8) sum (%r = 0 to 1) {
      %v = te.read %x[%n, %c] : tensor<1x8xi8>
      %w = arith.extsi %v : i8 to i32
      te.yield %w : i32
    } : tensor<1x8xi32>
    te.yield %s : tensor<1x8xi32>
  } lower compute "copy" reset "fill_zero" update "accumulate" on "ex"
  func.func @sum(%A: memref<128x16xi8>) {
    loop.for %tx = 0 to 2 vthread {
      %CL = loop.alloc at [0, %tx * 8] : memref<1x8xi32, "acc">
      loop.push_dep "ex" to "ld"
      loop.for %k = 0 to 128 {
        %AL = loop.alloc at [%k, %tx * 8] : memref<1x8xi8, "inp">
        loop.pop_dep "ex" to "ld"
        loop.copy %A to %AL : memref<128x16xi8> to memref<1x8xi8, "inp">
        loop.push_dep "ld" to "ex"
        loop.pop_dep "ld" to "ex"
        loop.block "C" (%v_tx < 2 = %tx, %v_k < 128 = %k) {
          loop.intrinsic @accumulate "update"(%CL[i0, %v_tx * 8 + i1], %AL[%v_k + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
        }
        loop.push_dep "ex" to "ld"
      }
      loop.pop_dep "ex" to "ld"
    }
    func.return
  }
}
// -----
builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @accumulate (%x: tensor<1x8xi8>) {
    %s = te.compute "s" (%n = 0 to 1, %c = 0 to 8) sum (%r = 0 to 1) {
      %v = te.read %x[%n, %c] : tensor<1x8xi8>
      %w = arith.extsi %v : i8 to i32
      te.yield %w : i32
    } : tensor<1x8xi32>
    te.yield %s : tensor<1x8xi32>
  } lower compute "copy" reset "fill_zero" update "accumulate" on "ex"
  func.func @sum(%A: memref<128x16xi8>) {
    %CL0 = loop.alloc : memref<1x8xi32, "acc">
    %CL1 = loop.alloc at [0, 8] : memref<1x8xi32, "acc">
    loop.push_dep "ex" to "ld"
    loop.push_dep "ex" to "ld"
    loop.for %k = 0 to 128 {
      %AL0 = loop.alloc at [%k, 0] : memref<1x8xi8, "inp">
      %AL1 = loop.alloc at [%k, 8] : memref<1x8xi8, "inp">
      loop.pop_dep "ex" to "ld"
      loop.copy %A to %AL0 : memref<128x16xi8> to memref<1x8xi8, "inp">
      loop.push_dep "ld" to "ex"
      loop.pop_dep "ex" to "ld"
      loop.copy %A to %AL1 : memref<128x16xi8> to memref<1x8xi8, "inp">
      loop.push_dep "ld" to "ex"
      loop.pop_dep "ld" to "ex"
      loop.block "C" (%v_tx < 2 = 0, %v_k < 128 = %k) {
        loop.intrinsic @accumulate "update"(%CL0[i0, %v_tx * 8 + i1], %AL0[%v_k + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
      }
      loop.push_dep "ex" to "ld"
      loop.pop_dep "ld" to "ex"
      loop.block "C_1" (%v_tx_1 < 2 = 1, %v_k_1 < 128 = %k) {
        loop.intrinsic @accumulate "update"(%CL1[i0, %v_tx_1 * 8 + i1], %AL1[%v_k_1 + i0, %v_tx_1 * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
      }
      loop.push_dep "ex" to "ld"
    }
    loop.pop_dep "ex" to "ld"
    loop.pop_dep "ex" to "ld"
    func.return
  }
}
