// dovetail-opt -p insert-dependence-tokens
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
      loop.for %k = 0 to 128 {
        %AL = loop.alloc at [%k, %tx * 8] : memref<1x8xi8, "inp">
        loop.copy %A to %AL : memref<128x16xi8> to memref<1x8xi8, "inp">
        loop.block "C" (%v_tx < 2 = %tx, %v_k < 128 = %k) {
          loop.intrinsic @accumulate "update"(%CL[i0, %v_tx * 8 + i1], %AL[%v_k + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
        }
      }
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
