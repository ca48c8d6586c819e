// RUN: dovetail-opt %s -p 'insert-dependence-tokens{function=talk}' | filecheck %s --check-prefix=TALK
// RUN: dovetail-opt %s -p 'insert-dependence-tokens{function=conv}' | filecheck %s --check-prefix=CONV
// RUN: dovetail-opt %s -p 'insert-dependence-tokens{function=through}' | filecheck %s --check-prefix=THROUGH
// RUN: dovetail-opt %s -p 'insert-dependence-tokens{function=twice}' | filecheck %s --check-prefix=TWICE
// RUN: dovetail-opt %s -p 'insert-dependence-tokens{function=last}' | filecheck %s --check-prefix=LAST
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=plain}' 2>&1 | filecheck %s --check-prefix=PLAIN
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=between}' 2>&1 | filecheck %s --check-prefix=BETWEEN
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=unnamed}' 2>&1 | filecheck %s --check-prefix=UNNAMED
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=unknown}' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=undeclared}' 2>&1 | filecheck %s --check-prefix=UNDECLARED
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=mixed}' 2>&1 | filecheck %s --check-prefix=MIXED
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=barrier}' 2>&1 | filecheck %s --check-prefix=BARRIER
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=threads}' 2>&1 | filecheck %s --check-prefix=THREADS
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=nope}' 2>&1 | filecheck %s --check-prefix=NOPE
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=talk},insert-dependence-tokens{function=talk}' 2>&1 | filecheck %s --check-prefix=AGAIN
// RUN: not dovetail-opt %s -p 'insert-dependence-tokens{function=talk}' --set-target 'llvm -mcpu=x86-64' 2>&1 | filecheck %s --check-prefix=CPU

// Each virtual thread has tokens of its own. A load waits until the tile it overwrites was read,
// a computation until its tile is loaded; the first load takes the token pushed before the loop.

// TALK-LABEL: func.func @talk(%A: memref<128x16xi8>) {
// TALK-NEXT:    loop.for %tx = 0 to 2 vthread {
// TALK-NEXT:      %CL = loop.alloc at [0, %tx * 8] : memref<1x8xi32, "acc">
// TALK-NEXT:      loop.push_dep "ex" to "ld"
// TALK-NEXT:      loop.for %k = 0 to 128 {
// TALK-NEXT:        %AL = loop.alloc at [%k, %tx * 8] : memref<1x8xi8, "inp">
// TALK-NEXT:        loop.pop_dep "ex" to "ld"
// TALK-NEXT:        loop.copy %A to %AL : memref<128x16xi8> to memref<1x8xi8, "inp">
// TALK-NEXT:        loop.push_dep "ld" to "ex"
// TALK-NEXT:        loop.pop_dep "ld" to "ex"
// TALK-NEXT:        loop.block "CL" (%v_tx < 2 = %tx, %v_k < 128 = %k) {
// TALK-NEXT:          loop.intrinsic @accumulate "update"(%CL[i0, %v_tx * 8 + i1], %AL[%v_k + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
// TALK-NEXT:        }
// TALK-NEXT:        loop.push_dep "ex" to "ld"
// TALK-NEXT:      }
// TALK-NEXT:      loop.pop_dep "ex" to "ld"
// TALK-NEXT:    }
// TALK-NEXT:    func.return

// Three units and an outer loop. The token that lets the loads of a row begin goes around the whole
// nest, so that they do not wait for the store of the row before. CO is a view of the accumulator, so
// the next row begins when its store is done. The loop over i is one operation of ex.

// CONV-LABEL: func.func @conv(%A: memref<64x16xi8>, %C: memref<14x16xi8>) {
// CONV-NEXT:    loop.for %tx = 0 to 2 vthread {
// CONV-NEXT:      loop.push_dep "st" to "ex"
// CONV-NEXT:      loop.push_dep "ex" to "ld"
// CONV-NEXT:      loop.for %y = 0 to 14 {
// CONV-NEXT:        %CL = loop.alloc at [%y, %tx * 8] : memref<1x8xi32, "acc">
// CONV-NEXT:        %CO = loop.alloc at [%y, %tx * 8] : memref<1x8xi8, "out">
// CONV-NEXT:        loop.pop_dep "st" to "ex"
// CONV-NEXT:        loop.block "CL_init" (%v_y < 14 = %y, %v_tx < 2 = %tx) {
// CONV-NEXT:          loop.intrinsic @accumulate "reset"(%CL[%v_y + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">
// CONV-NEXT:        }
// CONV-NEXT:        loop.for %k = 0 to 3 {
// CONV-NEXT:          %AL = loop.alloc at [%y * 4 + %k, %tx * 8] : memref<8x8xi8, "inp">
// CONV-NEXT:          loop.pop_dep "ex" to "ld"
// CONV-NEXT:          loop.copy %A to %AL pad 0 : i8 : memref<64x16xi8> to memref<8x8xi8, "inp">
// CONV-NEXT:          loop.push_dep "ld" to "ex"
// CONV-NEXT:          loop.pop_dep "ld" to "ex"
// CONV-NEXT:          loop.for %i = 0 to 8 {
// CONV-NEXT:            loop.block "CL" (%v_y_1 < 14 = %y, %v_tx_1 < 2 = %tx, %v_r < 66 = %y * 4 + %k + %i) {
// CONV-NEXT:              loop.intrinsic @accumulate "update"(%CL[%v_y_1 + i0, %v_tx_1 * 8 + i1], %AL[%v_r + i0, %v_tx_1 * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<8x8xi8, "inp">
// CONV-NEXT:            }
// CONV-NEXT:          }
// CONV-NEXT:          loop.push_dep "ex" to "ld"
// CONV-NEXT:        }
// CONV-NEXT:        loop.block "CO" (%v_y_2 < 14 = %y, %v_tx_2 < 2 = %tx) {
// CONV-NEXT:          loop.intrinsic @narrow "compute"(%CO[%v_y_2 + i0, %v_tx_2 * 8 + i1], %CL[%v_y_2 + i0, %v_tx_2 * 8 + i1]) writes 1 : memref<1x8xi8, "out">, memref<1x8xi32, "acc">
// CONV-NEXT:        }
// CONV-NEXT:        loop.push_dep "ex" to "st"
// CONV-NEXT:        loop.pop_dep "ex" to "st"
// CONV-NEXT:        loop.copy %CO to %C : memref<1x8xi8, "out"> to memref<14x16xi8>
// CONV-NEXT:        loop.push_dep "st" to "ex"
// CONV-NEXT:      }
// CONV-NEXT:      loop.pop_dep "st" to "ex"
// CONV-NEXT:      loop.pop_dep "ex" to "ld"
// CONV-NEXT:    }
// CONV-NEXT:    func.return

// No queue leads from ld to st: what st waits for goes through ex, and the way back does too.

// THROUGH-LABEL: func.func @through(%C: memref<4x8xi8>) {
// THROUGH-NEXT:    loop.push_dep "st" to "ex"
// THROUGH-NEXT:    loop.for %y = 0 to 3 {
// THROUGH-NEXT:      %AL = loop.alloc at [%y, 0] : memref<1x8xi8, "inp">
// THROUGH-NEXT:      %CO = loop.alloc at [%y + 1, 0] : memref<1x8xi8, "out">
// THROUGH-NEXT:      loop.pop_dep "st" to "ex"
// THROUGH-NEXT:      loop.push_dep "ex" to "ld"
// THROUGH-NEXT:      loop.pop_dep "ex" to "ld"
// THROUGH-NEXT:      loop.copy %C to %AL : memref<4x8xi8> to memref<1x8xi8, "inp">
// THROUGH-NEXT:      loop.push_dep "ld" to "ex"
// THROUGH-NEXT:      loop.pop_dep "ld" to "ex"
// THROUGH-NEXT:      loop.push_dep "ex" to "st"
// THROUGH-NEXT:      loop.pop_dep "ex" to "st"
// THROUGH-NEXT:      loop.copy %CO to %C : memref<1x8xi8, "out"> to memref<4x8xi8>
// THROUGH-NEXT:      loop.push_dep "st" to "ex"
// THROUGH-NEXT:    }
// THROUGH-NEXT:    loop.pop_dep "st" to "ex"
// THROUGH-NEXT:    func.return

// Here the outer loop needs the queue itself, for CM, so the inner token is pushed and popped in it.

// TWICE-LABEL: func.func @twice(%A: memref<64x8xi8>) {
// TWICE-NEXT:    %CL = loop.alloc : memref<1x8xi32, "acc">
// TWICE-NEXT:    %AL = loop.alloc : memref<1x8xi8, "inp">
// TWICE-NEXT:    loop.push_dep "ex" to "ld"
// TWICE-NEXT:    loop.for %y = 0 to 4 {
// TWICE-NEXT:      loop.pop_dep "ex" to "ld"
// TWICE-NEXT:      loop.push_dep "ex" to "ld"
// TWICE-NEXT:      loop.for %k = 0 to 3 {
// TWICE-NEXT:        loop.pop_dep "ex" to "ld"
// TWICE-NEXT:        loop.copy %A to %AL : memref<64x8xi8> to memref<1x8xi8, "inp">
// TWICE-NEXT:        loop.push_dep "ld" to "ex"
// TWICE-NEXT:        loop.pop_dep "ld" to "ex"
// TWICE-NEXT:        loop.block "CL" () {
// TWICE-NEXT:          loop.intrinsic @accumulate "update"(%CL[i0, i1], %AL[i0, i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
// TWICE-NEXT:        }
// TWICE-NEXT:        loop.push_dep "ex" to "ld"
// TWICE-NEXT:      }
// TWICE-NEXT:      loop.pop_dep "ex" to "ld"
// TWICE-NEXT:      loop.block "CM" () {
// TWICE-NEXT:        loop.intrinsic @accumulate "update"(%CL[i0, i1], %AL[i0, i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
// TWICE-NEXT:      }
// TWICE-NEXT:      loop.push_dep "ex" to "ld"
// TWICE-NEXT:    }
// TWICE-NEXT:    loop.pop_dep "ex" to "ld"
// TWICE-NEXT:    func.return

// At the end ex knows that the others are done; nothing else tells it here.

// LAST-LABEL: func.func @last(%C: memref<1x8xi8>) {
// LAST-NEXT:    %CO = loop.alloc : memref<1x8xi8, "out">
// LAST-NEXT:    loop.copy %CO to %C : memref<1x8xi8, "out"> to memref<1x8xi8>
// LAST-NEXT:    loop.push_dep "st" to "ex"
// LAST-NEXT:    loop.pop_dep "st" to "ex"
// LAST-NEXT:    func.return

// PLAIN: error: insert-dependence-tokens: block 'B' has no unit, because it is not a call of an intrinsic; tensorize it first
// PLAIN-NEXT:  the units of a vta target are ld, ex, st
// BETWEEN: error: insert-dependence-tokens: no unit of a vta target copies %AL in inp memory to %A in global memory
// BETWEEN-NEXT:  ex copies from global to uop
// BETWEEN-NEXT:  ld copies from global to inp
// BETWEEN-NEXT:  ld copies from global to wgt
// BETWEEN-NEXT:  ex copies from global to acc
// BETWEEN-NEXT:  st copies from out to global
// UNNAMED: error: insert-dependence-tokens: te.intrinsic @nowhere, which block 'N' calls, names no unit; the units of a vta target are ld, ex, st
// UNKNOWN: error: insert-dependence-tokens: te.intrinsic @elsewhere, which block 'E' calls, names the unit 'alu'; the units of a vta target are ld, ex, st
// UNDECLARED: error: loop.intrinsic: the module declares no te.intrinsic @nothing; import-intrinsics brings in a library of them
// MIXED: error: insert-dependence-tokens: block 'M' has two units: @accumulate runs on ex, @zero runs on st
// BARRIER: error: insert-dependence-tokens: no unit runs loop.barrier; the units of a vta target are ld, ex, st
// THREADS: error: insert-dependence-tokens: loop 't' cannot be vthread: the copy of %A to %T writes an element of %T that the copy of %A to %T writes in another iteration
// THREADS-NEXT: %T[0, 0] is written by the copy of %A to %T (t=0) and then written by the copy of %A to %T (t=1), which would run at the same time
// NOPE: error: insert-dependence-tokens: no function of loops is named 'nope'
// AGAIN: error: insert-dependence-tokens: function @talk has tokens already; tokens are put once, into a schedule without any
// CPU: error: insert-dependence-tokens: a llvm target has no execution units that send each other tokens

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

  te.intrinsic @nowhere (%x: tensor<1x8xi8>) {
    te.yield %x : tensor<1x8xi8>
  } lower compute "nowhere"

  te.intrinsic @elsewhere (%x: tensor<1x8xi8>) {
    te.yield %x : tensor<1x8xi8>
  } lower compute "elsewhere" on "alu"

  te.intrinsic @zero () {
    %c = te.compute "c" (%n = 0 to 1, %m = 0 to 8) {
      %zero = arith.constant 0 : i32
      te.yield %zero : i32
    } : tensor<1x8xi32>
    te.yield %c : tensor<1x8xi32>
  } lower compute "zero" on "st"

  func.func @talk(%A: memref<128x16xi8>) {
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

  func.func @conv(%A: memref<64x16xi8>, %C: memref<14x16xi8>) {
    loop.for %tx = 0 to 2 vthread {
      loop.for %y = 0 to 14 {
        %CL = loop.alloc at [%y, %tx * 8] : memref<1x8xi32, "acc">
        %CO = loop.alloc at [%y, %tx * 8] : memref<1x8xi8, "out">
        loop.block "CL_init" (%v_y < 14 = %y, %v_tx < 2 = %tx) {
          loop.intrinsic @accumulate "reset"(%CL[%v_y + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">
        }
        loop.for %k = 0 to 3 {
          %AL = loop.alloc at [%y * 4 + %k, %tx * 8] : memref<8x8xi8, "inp">
          loop.copy %A to %AL pad 0 : i8 : memref<64x16xi8> to memref<8x8xi8, "inp">
          loop.for %i = 0 to 8 {
            loop.block "CL" (%v_y < 14 = %y, %v_tx < 2 = %tx, %v_r < 66 = %y * 4 + %k + %i) {
              loop.intrinsic @accumulate "update"(%CL[%v_y + i0, %v_tx * 8 + i1], %AL[%v_r + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi32, "acc">, memref<8x8xi8, "inp">
            }
          }
        }
        loop.block "CO" (%v_y < 14 = %y, %v_tx < 2 = %tx) {
          loop.intrinsic @narrow "compute"(%CO[%v_y + i0, %v_tx * 8 + i1], %CL[%v_y + i0, %v_tx * 8 + i1]) writes 1 : memref<1x8xi8, "out">, memref<1x8xi32, "acc">
        }
        loop.copy %CO to %C : memref<1x8xi8, "out"> to memref<14x16xi8>
      }
    }
    func.return
  }

  func.func @through(%C: memref<4x8xi8>) {
    loop.for %y = 0 to 3 {
      %AL = loop.alloc at [%y, 0] : memref<1x8xi8, "inp">
      %CO = loop.alloc at [%y + 1, 0] : memref<1x8xi8, "out">
      loop.copy %C to %AL : memref<4x8xi8> to memref<1x8xi8, "inp">
      loop.copy %CO to %C : memref<1x8xi8, "out"> to memref<4x8xi8>
    }
    func.return
  }

  func.func @twice(%A: memref<64x8xi8>) {
    %CL = loop.alloc : memref<1x8xi32, "acc">
    %AL = loop.alloc : memref<1x8xi8, "inp">
    loop.for %y = 0 to 4 {
      loop.for %k = 0 to 3 {
        loop.copy %A to %AL : memref<64x8xi8> to memref<1x8xi8, "inp">
        loop.block "CL" () {
          loop.intrinsic @accumulate "update"(%CL[i0, i1], %AL[i0, i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
        }
      }
      loop.block "CM" () {
        loop.intrinsic @accumulate "update"(%CL[i0, i1], %AL[i0, i1]) writes 1 : memref<1x8xi32, "acc">, memref<1x8xi8, "inp">
      }
    }
    func.return
  }

  func.func @last(%C: memref<1x8xi8>) {
    %CO = loop.alloc : memref<1x8xi8, "out">
    loop.copy %CO to %C : memref<1x8xi8, "out"> to memref<1x8xi8>
    func.return
  }

  func.func @plain(%A: memref<13xi8>) {
    loop.for %z = 0 to 13 {
      loop.block "B" (%v < 13 = %z) {
        %a = loop.load %A[%v] : memref<13xi8>
        loop.store %a, %A[%v] : memref<13xi8>
      }
    }
    func.return
  }

  func.func @between(%A: memref<1x8xi8>) {
    %AL = loop.alloc : memref<1x8xi8, "inp">
    loop.copy %AL to %A : memref<1x8xi8, "inp"> to memref<1x8xi8>
    func.return
  }

  func.func @unnamed(%A: memref<1x8xi8>, %C: memref<1x8xi8>) {
    loop.block "N" () {
      loop.intrinsic @nowhere "compute"(%C[i0, i1], %A[i0, i1]) writes 1 : memref<1x8xi8>, memref<1x8xi8>
    }
    func.return
  }

  func.func @unknown(%A: memref<1x8xi8>, %C: memref<1x8xi8>) {
    loop.block "E" () {
      loop.intrinsic @elsewhere "compute"(%C[i0, i1], %A[i0, i1]) writes 1 : memref<1x8xi8>, memref<1x8xi8>
    }
    func.return
  }

  func.func @undeclared(%C: memref<1x8xi8>) {
    loop.block "U" () {
      loop.intrinsic @nothing "compute"(%C[i0, i1]) writes 1 : memref<1x8xi8>
    }
    func.return
  }

  func.func @mixed(%A: memref<1x8xi8>, %C: memref<1x8xi32>) {
    loop.for %k = 0 to 4 {
      loop.block "M" (reduce %v < 4 = %k) init {
        loop.intrinsic @zero "compute"(%C[i0, i1]) writes 1 : memref<1x8xi32>
      } {
        loop.intrinsic @accumulate "update"(%C[i0, i1], %A[i0, i1]) writes 1 : memref<1x8xi32>, memref<1x8xi8>
      }
    }
    func.return
  }

  func.func @barrier(%A: memref<1x8xi8>) {
    %AL = loop.alloc : memref<1x8xi8, "inp">
    loop.copy %A to %AL : memref<1x8xi8> to memref<1x8xi8, "inp">
    loop.barrier
    func.return
  }

  func.func @threads(%A: memref<64x8xi8>) {
    %T = loop.alloc : memref<1x8xi8, "inp">
    loop.for %t = 0 to 2 vthread {
      loop.copy %A to %T : memref<64x8xi8> to memref<1x8xi8, "inp">
    }
    func.return
  }
}
