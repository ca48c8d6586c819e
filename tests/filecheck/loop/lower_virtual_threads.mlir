// RUN: dovetail-opt %s -p 'lower-virtual-threads{function=talk}' | filecheck %s --check-prefix=TALK
// RUN: dovetail-opt %s -p 'lower-virtual-threads{function=conv}' | filecheck %s --check-prefix=CONV
// RUN: dovetail-opt %s -p 'lower-virtual-threads{function=fifo}' | filecheck %s --check-prefix=FIFO
// RUN: dovetail-opt %s -p 'lower-virtual-threads{function=alone}' | filecheck %s --check-prefix=ALONE
// RUN: dovetail-opt %s -p 'lower-virtual-threads{function=tail}' | filecheck %s --check-prefix=TAIL
// RUN: not dovetail-opt %s -p 'lower-virtual-threads{function=shared}' 2>&1 | filecheck %s --check-prefix=SHARED
// RUN: not dovetail-opt %s -p 'lower-virtual-threads{function=symbol}' 2>&1 | filecheck %s --check-prefix=SYMBOL
// RUN: not dovetail-opt %s -p 'lower-virtual-threads{function=plain}' 2>&1 | filecheck %s --check-prefix=PLAIN

// Each thread has its own tiles; each run of one unit is repeated thread by thread, and the loop in
// which two units work is shared.

// TALK-LABEL: func.func @talk(%A: memref<128x16xi8>) {
// TALK-NEXT:    %CL0 = loop.alloc : memref<1x8xi32, "acc">
// TALK-NEXT:    %CL1 = loop.alloc at [0, 8] : memref<1x8xi32, "acc">
// TALK-NEXT:    loop.push_dep "ex" to "ld"
// TALK-NEXT:    loop.push_dep "ex" to "ld"
// TALK-NEXT:    loop.for %k = 0 to 128 {
// TALK-NEXT:      %AL0 = loop.alloc at [%k, 0] : memref<1x8xi8, "inp">
// TALK-NEXT:      %AL1 = loop.alloc at [%k, 8] : memref<1x8xi8, "inp">
// TALK-NEXT:      loop.pop_dep "ex" to "ld"
// TALK-NEXT:      loop.copy %A to %AL0 : memref<128x16xi8> to memref<1x8xi8, "inp">
// TALK-NEXT:      loop.push_dep "ld" to "ex"
// TALK-NEXT:      loop.pop_dep "ex" to "ld"
// TALK-NEXT:      loop.copy %A to %AL1 : memref<128x16xi8> to memref<1x8xi8, "inp">
// TALK-NEXT:      loop.push_dep "ld" to "ex"
// TALK-NEXT:      loop.pop_dep "ld" to "ex"
// TALK-NEXT:      loop.block "CL" (%v_tx < 2 = 0, %v_k < 128 = %k) {
// TALK-NEXT:        loop.intrinsic @accumulate "update"(%CL0[i0, %v_tx * 8 + i1], %AL0[%v_k + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
// TALK-NEXT:      }
// TALK-NEXT:      loop.push_dep "ex" to "ld"
// TALK-NEXT:      loop.pop_dep "ld" to "ex"
// TALK-NEXT:      loop.block "CL_1" (%v_tx_1 < 2 = 1, %v_k_1 < 128 = %k) {
// TALK-NEXT:        loop.intrinsic @accumulate "update"(%CL1[i0, %v_tx_1 * 8 + i1], %AL1[%v_k_1 + i0, %v_tx_1 * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
// TALK-NEXT:      }
// TALK-NEXT:      loop.push_dep "ex" to "ld"
// TALK-NEXT:    }
// TALK-NEXT:    loop.pop_dep "ex" to "ld"
// TALK-NEXT:    loop.pop_dep "ex" to "ld"
// TALK-NEXT:    func.return

// Threads need not begin at 0. A loop of one unit is part of a run, so its bounds may depend on the
// thread.

// CONV-LABEL: func.func @conv(%A: memref<14x24xi8>, %C: memref<14x24xi8>) {
// CONV-NEXT:    loop.push_dep "st" to "ex"
// CONV-NEXT:    loop.push_dep "st" to "ex"
// CONV-NEXT:    loop.for %y = 0 to 14 {
// CONV-NEXT:      %CL0 = loop.alloc at [%y, 8] : memref<1x8xi32, "acc">
// CONV-NEXT:      %CL1 = loop.alloc at [%y, 16] : memref<1x8xi32, "acc">
// CONV-NEXT:      %CO0 = loop.alloc at [%y, 8] : memref<1x8xi8, "out">
// CONV-NEXT:      %CO1 = loop.alloc at [%y, 16] : memref<1x8xi8, "out">
// CONV-NEXT:      %AL0 = loop.alloc at [%y, 8] : memref<1x8xi8, "inp">
// CONV-NEXT:      %AL1 = loop.alloc at [%y, 16] : memref<1x8xi8, "inp">
// CONV-NEXT:      loop.copy %A to %AL0 : memref<14x24xi8> to memref<1x8xi8, "inp">
// CONV-NEXT:      loop.push_dep "ld" to "ex"
// CONV-NEXT:      loop.copy %A to %AL1 : memref<14x24xi8> to memref<1x8xi8, "inp">
// CONV-NEXT:      loop.push_dep "ld" to "ex"
// CONV-NEXT:      loop.pop_dep "st" to "ex"
// CONV-NEXT:      loop.pop_dep "ld" to "ex"
// CONV-NEXT:      loop.for %i = 0 to 1 {
// CONV-NEXT:        loop.block "CL" (%v_y < 14 = %y, %v_tx < 3 = 1) {
// CONV-NEXT:          loop.intrinsic @accumulate "compute"(%CL0[%v_y + i0, %v_tx * 8 + i1], %AL0[%v_y + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
// CONV-NEXT:        }
// CONV-NEXT:      }
// CONV-NEXT:      loop.block "CO" (%v_y_1 < 14 = %y, %v_tx_1 < 3 = 1) {
// CONV-NEXT:        loop.intrinsic @narrow "compute"(%CO0[%v_y_1 + i0, %v_tx_1 * 8 + i1], %CL0[%v_y_1 + i0, %v_tx_1 * 8 + i1]) writes 1 : memref<1x8xi8, "out">, memref<1x8xi32, "acc">
// CONV-NEXT:      }
// CONV-NEXT:      loop.push_dep "ex" to "st"
// CONV-NEXT:      loop.pop_dep "st" to "ex"
// CONV-NEXT:      loop.pop_dep "ld" to "ex"
// CONV-NEXT:      loop.for %i_1 = 0 to 2 {
// CONV-NEXT:        loop.block "CL_1" (%v_y_2 < 14 = %y, %v_tx_2 < 3 = 2) {
// CONV-NEXT:          loop.intrinsic @accumulate "compute"(%CL1[%v_y_2 + i0, %v_tx_2 * 8 + i1], %AL1[%v_y_2 + i0, %v_tx_2 * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
// CONV-NEXT:        }
// CONV-NEXT:      }
// CONV-NEXT:      loop.block "CO_1" (%v_y_3 < 14 = %y, %v_tx_3 < 3 = 2) {
// CONV-NEXT:        loop.intrinsic @narrow "compute"(%CO1[%v_y_3 + i0, %v_tx_3 * 8 + i1], %CL1[%v_y_3 + i0, %v_tx_3 * 8 + i1]) writes 1 : memref<1x8xi8, "out">, memref<1x8xi32, "acc">
// CONV-NEXT:      }
// CONV-NEXT:      loop.push_dep "ex" to "st"
// CONV-NEXT:      loop.pop_dep "ex" to "st"
// CONV-NEXT:      loop.copy %CO0 to %C : memref<1x8xi8, "out"> to memref<14x24xi8>
// CONV-NEXT:      loop.push_dep "st" to "ex"
// CONV-NEXT:      loop.pop_dep "ex" to "st"
// CONV-NEXT:      loop.copy %CO1 to %C : memref<1x8xi8, "out"> to memref<14x24xi8>
// CONV-NEXT:      loop.push_dep "st" to "ex"
// CONV-NEXT:    }
// CONV-NEXT:    loop.pop_dep "st" to "ex"
// CONV-NEXT:    loop.pop_dep "st" to "ex"
// CONV-NEXT:    func.return

// A run ends before its second push to a queue, or its second pop from one: the first tokens of both
// threads come before the second ones.

// FIFO-LABEL: func.func @fifo(%A: memref<2x16xi8>) {
// FIFO-NEXT:    %AL0 = loop.alloc : memref<1x8xi8, "inp">
// FIFO-NEXT:    %AL1 = loop.alloc at [0, 8] : memref<1x8xi8, "inp">
// FIFO-NEXT:    %BL0 = loop.alloc at [1, 0] : memref<1x8xi8, "inp">
// FIFO-NEXT:    %BL1 = loop.alloc at [1, 8] : memref<1x8xi8, "inp">
// FIFO-NEXT:    loop.copy %A to %AL0 : memref<2x16xi8> to memref<1x8xi8, "inp">
// FIFO-NEXT:    loop.push_dep "ld" to "ex"
// FIFO-NEXT:    loop.copy %A to %BL0 : memref<2x16xi8> to memref<1x8xi8, "inp">
// FIFO-NEXT:    loop.copy %A to %AL1 : memref<2x16xi8> to memref<1x8xi8, "inp">
// FIFO-NEXT:    loop.push_dep "ld" to "ex"
// FIFO-NEXT:    loop.copy %A to %BL1 : memref<2x16xi8> to memref<1x8xi8, "inp">
// FIFO-NEXT:    loop.push_dep "ld" to "ex"
// FIFO-NEXT:    loop.push_dep "ld" to "ex"
// FIFO-NEXT:    loop.pop_dep "ld" to "ex"
// FIFO-NEXT:    loop.pop_dep "ld" to "ex"
// FIFO-NEXT:    loop.pop_dep "ld" to "ex"
// FIFO-NEXT:    loop.push_dep "ex" to "st"
// FIFO-NEXT:    loop.pop_dep "ld" to "ex"
// FIFO-NEXT:    loop.push_dep "ex" to "st"
// FIFO-NEXT:    loop.pop_dep "ex" to "st"
// FIFO-NEXT:    loop.pop_dep "ex" to "st"
// FIFO-NEXT:    func.return

// What one unit does alone is not interleaved, unless there are tokens in the loop.

// ALONE-LABEL: func.func @alone(%A: memref<16x8xi8>) {
// ALONE-NEXT:    loop.for %k = 0 to 4 {
// ALONE-NEXT:      %T = loop.alloc at [%k, 0] : memref<1x8xi8, "inp">
// ALONE-NEXT:      loop.copy %A to %T : memref<16x8xi8> to memref<1x8xi8, "inp">
// ALONE-NEXT:    }
// ALONE-NEXT:    loop.for %k_1 = 0 to 4 {
// ALONE-NEXT:      %T_1 = loop.alloc at [%k_1, 0] : memref<1x8xi8, "inp">
// ALONE-NEXT:      loop.copy %A to %T_1 : memref<16x8xi8> to memref<1x8xi8, "inp">
// ALONE-NEXT:    }
// ALONE-NEXT:    loop.for %j = 0 to 4 {
// ALONE-NEXT:      loop.push_dep "ld" to "ex"
// ALONE-NEXT:      loop.push_dep "ld" to "ex"
// ALONE-NEXT:    }
// ALONE-NEXT:    loop.for %m = 0 to 4 {
// ALONE-NEXT:      loop.pop_dep "ld" to "ex"
// ALONE-NEXT:      loop.pop_dep "ld" to "ex"
// ALONE-NEXT:    }
// ALONE-NEXT:    func.return

// Threads of threads; the instance that the domain excludes is left out.

// TAIL-LABEL: func.func @tail(%C: memref<1x20xi32>) {
// TAIL-NEXT:    loop.block "Z" (%v < 3 = 0) {
// TAIL-NEXT:      loop.intrinsic @accumulate "reset"(%C[i0, %v * 4 + i1]) writes 1 : memref<1x20xi32>
// TAIL-NEXT:    }
// TAIL-NEXT:    loop.block "Z_1" (%v_1 < 3 = 1) {
// TAIL-NEXT:      loop.intrinsic @accumulate "reset"(%C[i0, %v_1 * 4 + i1]) writes 1 : memref<1x20xi32>
// TAIL-NEXT:    }
// TAIL-NEXT:    loop.block "Z_2" (%v_2 < 3 = 2) {
// TAIL-NEXT:      loop.intrinsic @accumulate "reset"(%C[i0, %v_2 * 4 + i1]) writes 1 : memref<1x20xi32>
// TAIL-NEXT:    }
// TAIL-NEXT:    func.return

// SHARED: error: lower-virtual-threads: the bounds of loop 's', in which units wait for each other, depend on the virtual thread 't'; threads go through such a loop together
// SYMBOL: error: lower-virtual-threads: the extent of loop 'm' is only known at run time; there is a constant number of virtual threads
// PLAIN: error: lower-virtual-threads: block 'B' has no unit, because it is not a call of an intrinsic; tensorize it first
// PLAIN-NEXT:  the units of a vta target are ld, ex, st

builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @accumulate (%x: tensor<1x8xi8>) {
    %s = te.compute "s" (%n = 0 to 1, %c = 0 to 8) sum (%r = 0 to 1) {
      %v = te.read %x[%n, %c] : tensor<1x8xi8>
      %w = arith.extsi %v : i8 to i32
      te.yield %w : i32
    } : tensor<1x8xi32>
    te.yield %s : tensor<1x8xi32>
  } lower compute "widen" reset "fill_zero" update "accumulate" on "ex"

  te.intrinsic @narrow (%x: tensor<1x8xi32>) {
    %r = te.compute "r" (%n = 0 to 1, %c = 0 to 8) {
      %a = te.read %x[%n, %c] : tensor<1x8xi32>
      %b = arith.trunci %a : i32 to i8
      te.yield %b : i8
    } : tensor<1x8xi8>
    te.yield %r : tensor<1x8xi8>
  } lower compute "out" on "ex"

  func.func @talk(%A: memref<128x16xi8>) {
    loop.for %tx = 0 to 2 vthread {
      %CL = loop.alloc at [0, %tx * 8] : memref<1x8xi32, "acc">
      loop.push_dep "ex" to "ld"
      loop.for %k = 0 to 128 {
        %AL = loop.alloc at [%k, %tx * 8] : memref<1x8xi8, "inp">
        loop.pop_dep "ex" to "ld"
        loop.copy %A to %AL : memref<128x16xi8> to memref<1x8xi8, "inp">
        loop.push_dep "ld" to "ex"
        loop.pop_dep "ld" to "ex"
        loop.block "CL" (%v_tx < 2 = %tx, %v_k < 128 = %k) {
          loop.intrinsic @accumulate "update"(%CL[i0, %v_tx * 8 + i1], %AL[%v_k + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
        }
        loop.push_dep "ex" to "ld"
      }
      loop.pop_dep "ex" to "ld"
    }
    func.return
  }

  func.func @conv(%A: memref<14x24xi8>, %C: memref<14x24xi8>) {
    loop.for %tx = 1 to 3 vthread {
      loop.push_dep "st" to "ex"
      loop.for %y = 0 to 14 {
        %CL = loop.alloc at [%y, %tx * 8] : memref<1x8xi32, "acc">
        %CO = loop.alloc at [%y, %tx * 8] : memref<1x8xi8, "out">
        %AL = loop.alloc at [%y, %tx * 8] : memref<1x8xi8, "inp">
        loop.copy %A to %AL : memref<14x24xi8> to memref<1x8xi8, "inp">
        loop.push_dep "ld" to "ex"
        loop.pop_dep "st" to "ex"
        loop.pop_dep "ld" to "ex"
        loop.for %i = 0 to %tx {
          loop.block "CL" (%v_y < 14 = %y, %v_tx < 3 = %tx) {
            loop.intrinsic @accumulate "compute"(%CL[%v_y + i0, %v_tx * 8 + i1], %AL[%v_y + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
          }
        }
        loop.block "CO" (%v_y < 14 = %y, %v_tx < 3 = %tx) {
          loop.intrinsic @narrow "compute"(%CO[%v_y + i0, %v_tx * 8 + i1], %CL[%v_y + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi8, "out">, memref<1x8xi32, "acc">
        }
        loop.push_dep "ex" to "st"
        loop.pop_dep "ex" to "st"
        loop.copy %CO to %C : memref<1x8xi8, "out"> to memref<14x24xi8>
        loop.push_dep "st" to "ex"
      }
      loop.pop_dep "st" to "ex"
    }
    func.return
  }

  func.func @fifo(%A: memref<2x16xi8>) {
    loop.for %t = 0 to 2 vthread {
      %AL = loop.alloc at [0, %t * 8] : memref<1x8xi8, "inp">
      %BL = loop.alloc at [1, %t * 8] : memref<1x8xi8, "inp">
      loop.copy %A to %AL : memref<2x16xi8> to memref<1x8xi8, "inp">
      loop.push_dep "ld" to "ex"
      loop.copy %A to %BL : memref<2x16xi8> to memref<1x8xi8, "inp">
      loop.push_dep "ld" to "ex"
      loop.pop_dep "ld" to "ex"
      loop.pop_dep "ld" to "ex"
      loop.push_dep "ex" to "st"
      loop.pop_dep "ex" to "st"
    }
    func.return
  }

  func.func @alone(%A: memref<16x8xi8>) {
    loop.for %t = 0 to 2 vthread {
      loop.for %k = 0 to 4 {
        %T = loop.alloc at [%k, 0] : memref<1x8xi8, "inp">
        loop.copy %A to %T : memref<16x8xi8> to memref<1x8xi8, "inp">
      }
      loop.for %j = 0 to 4 {
        loop.push_dep "ld" to "ex"
      }
      loop.for %m = 0 to 4 {
        loop.pop_dep "ld" to "ex"
      }
    }
    func.return
  }

  func.func @tail(%C: memref<1x20xi32>) {
    loop.for %t_o = 0 to 2 vthread {
      loop.for %t_i = 0 to 2 vthread {
        loop.block "Z" (%v < 3 = %t_o * 2 + %t_i) {
          loop.intrinsic @accumulate "reset"(%C[i0, %v * 4 + i1]) writes 1 : memref<1x20xi32>
        }
      }
    }
    func.return
  }

  func.func @shared(%A: memref<14x24xi8>) {
    loop.for %t = 1 to 3 vthread {
      loop.for %s = 0 to %t {
        loop.push_dep "ld" to "ex"
        loop.pop_dep "ld" to "ex"
      }
      loop.block "S" () {
        loop.intrinsic @accumulate "reset"(%A[i0, i1]) writes 1 : memref<14x24xi8>
      }
    }
    func.return
  }

  func.func @symbol(%A: memref<?x8xi8, #loop.layout<["n", 8]>>) {
    %n = loop.dim "n"
    loop.for %m = 0 to %n vthread {
      %T = loop.alloc at [%m, 0] : memref<1x8xi8, "inp">
      loop.copy %A to %T : memref<?x8xi8, #loop.layout<["n", 8]>> to memref<1x8xi8, "inp">
    }
    func.return
  }

  func.func @plain(%A: memref<13xi8>) {
    loop.for %z = 0 to 13 vthread {
      loop.block "B" (%v < 13 = %z) {
        %a = loop.load %A[%v] : memref<13xi8>
        loop.store %a, %A[%v] : memref<13xi8>
      }
    }
    func.return
  }
}
